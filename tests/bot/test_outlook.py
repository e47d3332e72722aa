"""Scenarios are checked when read; the outlook is a small tree of likely turns whose probabilities add up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from bot.assistant import Assistant
from bot.records import Request, ThreadMessage, Turn
from bot.scenarios import SHIPPED, Circumstances, SituationName, When, WrongScenario, load_scenarios
from knowledge.languages import LANGUAGES
from tests.bot.test_triage import OUTAGE, thread

Make = Callable[..., Assistant]


def check_siblings(turns: tuple[Turn, ...]) -> None:
    assert sum(turn.probability for turn in turns) <= 1.001
    assert len(turns) <= 3
    for turn in turns:
        assert turn.situation in get_args(SituationName)
        assert turn.reply or turn.stance == "wait"
        check_siblings(turn.next)


INTENTS = ["outage_report", "complaint", "press_enquiry", "abuse", "praise", "cancellation_threat", None]


@pytest.mark.parametrize("intent", INTENTS)
@pytest.mark.parametrize("audience", ["public", "private"])
def test_probabilities_add_up_and_replies_are_there(assistant: Make, intent: str | None, audience: str) -> None:
    prepared = assistant(intent).prepare(Request(OUTAGE, audience=audience))  # type: ignore[arg-type]
    turns = prepared.outlook.next
    assert 2 <= len(turns) <= 3
    check_siblings(turns)
    assert any(turn.next for turn in turns)


def test_a_private_talk_has_no_crowd(assistant: Make) -> None:
    turns = assistant("outage_report").prepare(Request(OUTAGE, audience="private")).outlook.next
    assert not {"others_join", "third_party_right", "third_party_wrong", "troll"} & {turn.situation for turn in turns}


def test_the_situation_is_read_from_the_thread(assistant: Make) -> None:
    first = ("Anna", "customer", OUTAGE)
    brand = ("Lumo", "brand", "Sprawdzamy.")

    def situation(intent: str, *more: tuple[str, str, str]) -> str:
        return assistant(intent).prepare(thread(first, *more)).outlook.situation

    assert situation("outage_report") == "opening"
    assert situation("complaint", brand, ("Anna", "customer", "dalej nic, skandal!!!")) == "still_upset"
    assert situation("follow_up", brand, ("Anna", "customer", "kiedy to będzie gotowe?")) == "asks_when"
    assert situation("outage_report", ("Piotr", "customer", "U mnie też nie działa, skandal")) == "others_join"
    assert situation("thanks", brand, ("Anna", "customer", "dziękuję, już działa")) == "thanks"
    assert situation("press_enquiry", ("Jan", "customer", "Jestem z gazety, proszę o komentarz")) == "press"
    english = ("Anna", "customer", "It still does not work, when will you fix it?")
    assert situation("question", brand, english) == "language_switch"


def test_upset_makes_escalation_likelier(assistant: Make) -> None:
    def upset_share(text: str) -> float:
        turns = assistant("complaint").prepare(Request(text)).outlook.next
        return sum(turn.probability for turn in turns if turn.situation in ("still_upset", "escalates"))

    assert upset_share("SKANDAL!!! złodzieje, rachunek za wysoki") > upset_share("rachunek za wysoki")


def test_scenarios_are_chosen_by_article_and_by_intent() -> None:
    def chosen(intent: str | None, article: str | None) -> str:
        return load_scenarios().choose(Circumstances(intent, article)).id

    assert chosen("complaint", "internet-outage") == "outage-thread"
    assert chosen("outage_report", None) == "outage-thread"
    assert chosen("press_enquiry", "internet-outage") == "press-enquiry"
    assert chosen("question", "double-charge") == "billing-dispute"
    assert chosen("abuse", None) == "troll-or-abuse"
    assert chosen(None, None) == "general"


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (Circumstances("abuse", "double-charge"), "rude-but-right"),
        (Circumstances("complaint", "double-charge", reach=50_000), "influencer-complaint"),
        (Circumstances("complaint", "double-charge", reach=50_000, public=False), "billing-dispute"),
        (Circumstances("complaint", returned=True), "repeat-complaint"),
        (Circumstances("complaint", "double-charge", personal_data=True), "personal-data-posted"),
        (Circumstances("complaint", "double-charge", personal_data=True, public=False), "billing-dispute"),
        (Circumstances("third_party_help"), "third-party-advice"),
        (Circumstances("question", "device-delivery-status"), "delivery-delay"),
        (Circumstances("complaint", "price-increase"), "price-increase"),
    ],
)
def test_scenarios_are_chosen_by_what_happens_in_the_thread(seen: Circumstances, wanted: str) -> None:
    assert load_scenarios().choose(seen).id == wanted


@pytest.mark.parametrize(
    ("when", "seen", "holds"),
    [
        ({"upset_from": 0.5}, Circumstances(upset=0.5), True),
        ({"upset_from": 0.5}, Circumstances(upset=0.49), False),
        ({"reach_from": 100}, Circumstances(reach=99), False),
        ({"reach_from": 100}, Circumstances(reach=100), True),
        ({"returned": False}, Circumstances(), True),
        ({"returned": False}, Circumstances(returned=True), False),
        ({"answerable": False}, Circumstances(article="double-charge"), False),
        ({"public": True, "personal_data": True}, Circumstances(personal_data=True), True),
        ({"public": True, "personal_data": True}, Circumstances(personal_data=True, public=False), False),
    ],
)
def test_all_of_a_condition_has_to_hold(when: dict[str, Any], seen: Circumstances, *, holds: bool) -> None:
    assert When(**when).holds(seen) is holds


def test_an_empty_condition_is_refused() -> None:
    with pytest.raises(ValueError, match="says nothing"):
        When()


def test_every_scenario_has_its_own_name_in_every_language() -> None:
    book = load_scenarios()
    assert len(book.scenarios) >= 15
    for language in LANGUAGES:
        names = [scenario.names[language] for scenario in book.scenarios]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda s: s["situations"][0].update(weight=1.5), "situations.0.weight"),
        (lambda s: s["situations"][0].update(id="rain"), "situations.0.id"),
        (lambda s: s["situations"][0]["reply"].pop("sq"), "reply.sq is missing"),
        (lambda s: s["situations"][0].update(weight=0.99), "sum to more than 1"),
        (lambda s: s.update(mood="grey"), "mood"),
    ],
)
def test_a_wrong_scenario_is_named_by_file_and_field(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], named: str
) -> None:
    data = yaml.safe_load((SHIPPED / "general.yml").read_text(encoding="utf-8"))
    change(data)
    (tmp_path / "mine.yml").write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(WrongScenario, match=rf"mine\.yml: .*{named}"):
        load_scenarios(tmp_path)


def test_a_folder_without_the_fallback_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongScenario, match="general"):
        load_scenarios(tmp_path)


def test_replies_of_another_language_are_english(assistant: Make) -> None:
    turns = assistant("question").prepare(Request("Kein Internet seit heute Morgen, wann geht das?")).outlook.next
    assert all(turn.reply.isascii() for turn in turns if turn.reply)


def test_a_thread_message_needs_no_time() -> None:
    assert ThreadMessage("1", None, "a", "customer", "x").at is None
