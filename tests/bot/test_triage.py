"""What messages call for, with and without intents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from bot.assistant import Assistant
from bot.policy import SHIPPED, WrongPolicy, load_policy
from bot.records import Request, ThreadMessage, Triage

Make = Callable[..., Assistant]
OUTAGE = "Internet mi nie działa od rana, router mruga"
START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def codes(triage: Triage) -> list[str]:
    return [reason["code"] for reason in triage.reasons]


def thread(*said: tuple[str, str, str], target: int = -1) -> Request:
    """A thread of (author, role, text), each answering the first."""
    messages = tuple(
        ThreadMessage(str(i), "0" if i else None, author, role, text, START + timedelta(minutes=10 * i))  # type: ignore[arg-type]
        for i, (author, role, text) in enumerate(said)
    )
    chosen = messages[target]
    return Request(chosen.text, "facebook", "public", chosen.author, thread=messages, target=chosen.id)


@pytest.mark.parametrize(
    ("intent", "text", "outcome", "team"),
    [
        ("spam", "Zarabiaj 5000 dziennie https://oszust.example.net", "hide", None),
        ("off_topic", "jaka jutro pogoda", "none", None),
        ("third_party_help", "@Anna u mnie pomogło wyłączenie na chwilę", "leave_to_community", None),
        ("press_enquiry", "Jestem dziennikarką, proszę o komentarz", "watch", "press"),
        ("abuse", "jesteście bandą idiotów", "watch", "care"),
        ("thanks", "dzięki, działa", "answer", None),
        ("cancellation_threat", "odchodzę do konkurencji", "answer", "retention"),
    ],
)
def test_an_intent_decides(assistant: Make, intent: str, text: str, outcome: str, team: str | None) -> None:
    triage = assistant(intent, threshold=0.8).prepare(Request(text)).triage
    assert (triage.outcome, triage.team) == (outcome, team)
    assert codes(triage)[0] == f"intent_{intent}"


def test_without_intents_it_goes_by_the_hit_and_says_so(assistant: Make) -> None:
    prepared = assistant(None).prepare(Request("nie mam zasięgu w telefonie, co zrobić"))
    assert prepared.intents_missing == "Rasa is not reachable"
    assert prepared.triage.outcome == "answer"
    assert prepared.triage.team == "technical"
    assert codes(prepared.triage)[:2] == ["no_intents", "hit"]


def test_without_intents_thanks_and_chat_between_customers_are_still_seen(assistant: Make) -> None:
    thanks = assistant(None, threshold=0.9).prepare(Request("dziękuję, wszystko już działa"))
    assert thanks.triage.outcome == "answer"
    chat = thread(("Anna", "customer", OUTAGE), ("Piotr", "customer", "u mnie w bloku też był technik dzisiaj"))
    assert assistant(None, threshold=0.9).prepare(chat).triage.outcome == "leave_to_community"


def test_a_confident_hit_overrules_an_unsure_off_topic(assistant: Make) -> None:
    text = "nie mam zasięgu w telefonie, co zrobić"
    assert assistant("off_topic", 0.6).prepare(Request(text)).triage.outcome == "answer"
    assert assistant("off_topic", 0.95).prepare(Request(text)).triage.outcome == "none"


def test_personal_data_in_public_goes_private_and_not_in_private(assistant: Make) -> None:
    text = "gdzie jest mój zwrot, numer klienta 12345678"
    public = assistant("question").prepare(Request(text))
    assert public.triage.outcome == "go_private"
    assert {"code": "personal_data", "detail": "customer_number"} in public.triage.reasons
    assert assistant("question").prepare(Request(text, audience="private")).triage.outcome == "answer"


def test_many_affected_get_one_answer_for_all(assistant: Make) -> None:
    request = thread(
        ("Anna", "customer", OUTAGE), ("Piotr", "customer", "u mnie też"), ("Ewa", "customer", "Internet mi nie działa")
    )
    triage = assistant("outage_report").prepare(request).triage
    assert triage.outcome == "answer_for_all"
    assert "many_affected" in codes(triage)


def test_priority_rises_with_upset_reach_waiting_and_return(assistant: Make) -> None:
    calm = assistant("complaint").prepare(Request("rachunek jest za wysoki")).triage.priority
    upset = assistant("complaint").prepare(Request("SKANDAL!!! rachunek jest za wysoki, złodzieje")).triage.priority
    famous = assistant("complaint").prepare(Request("rachunek jest za wysoki", followers=40_000)).triage.priority
    asked = thread(("Anna", "customer", "rachunek jest za wysoki"), ("Lumo", "brand", "ok"), target=0)
    waited = assistant("complaint").prepare(asked, now=START + timedelta(hours=2)).triage.priority
    back = thread(
        ("Anna", "customer", "rachunek jest za wysoki"),
        ("Lumo", "brand", "ok"),
        ("Anna", "customer", "rachunek jest za wysoki"),
    )
    returned = assistant("complaint").prepare(back).triage.priority
    assert all(priority > calm for priority in (upset, famous, waited, returned))


def test_what_needs_nothing_ranks_below_what_does(assistant: Make) -> None:
    assert assistant("off_topic").prepare(Request("GOOOL!!!", followers=90_000)).triage.priority < 20


def test_a_wrong_policy_is_named_by_file_and_field(tmp_path: Path) -> None:
    data = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    data["intents"]["spam"]["public"] = "delete"
    wrong = tmp_path / "mine.yml"
    wrong.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(WrongPolicy, match=r"mine\.yml: intents\.spam\.public"):
        load_policy(wrong)
    data["intents"]["spam"]["public"] = "hide"
    data["categories"]["tv"] = "marketing"
    wrong.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(WrongPolicy, match="marketing"):
        load_policy(wrong)
    with pytest.raises(WrongPolicy, match="nowhere"):
        load_policy(tmp_path / "nowhere.yml")
