"""Scenarios are checked when read; the outlook is a small tree of likely turns whose probabilities add up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from bot.assistant import Assistant
from bot.records import Request, ThreadMessage, Turn
from bot.scenarios import SHIPPED, SituationName, WrongScenario, load_scenarios
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
    book = load_scenarios()
    assert book.choose("complaint", "internet-outage").id == "outage-thread"
    assert book.choose("outage_report", None).id == "outage-thread"
    assert book.choose("press_enquiry", "internet-outage").id == "press-enquiry"
    assert book.choose("question", "double-charge").id == "billing-dispute"
    assert book.choose(None, None).id == "general"


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
