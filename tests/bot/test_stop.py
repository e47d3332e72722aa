"""The stop rule: one person is not answered in public without end; thanks and private talks are."""

from __future__ import annotations

from collections.abc import Callable

from bot.assistant import Assistant
from bot.records import Prepared, Request
from tests.bot.test_triage import OUTAGE, thread

Make = Callable[..., Assistant]
ANNA = ("Anna", "customer", OUTAGE)
BRAND = ("Lumo", "brand", "Sprawdzamy.")
AGAIN = ("Anna", "customer", f"{OUTAGE} znowu")


def stopped(prepared: Prepared) -> bool:
    return any(reason["code"] == "scenario_stop" for reason in prepared.triage.reasons)


def test_after_two_public_answers_the_third_goes_private(assistant: Make) -> None:
    once = assistant("outage_report").prepare(thread(ANNA, BRAND, AGAIN))
    assert (once.triage.outcome, stopped(once)) == ("answer", False)
    twice = assistant("outage_report").prepare(thread(ANNA, BRAND, AGAIN, BRAND, AGAIN))
    assert (twice.triage.outcome, stopped(twice)) == ("go_private", True)
    assert twice.drafts[0].stance == "go_private"


def test_answers_to_others_do_not_count(assistant: Make) -> None:
    piotr = ("Piotr", "customer", OUTAGE)
    prepared = assistant("outage_report").prepare(thread(ANNA, BRAND, AGAIN, BRAND, piotr))
    assert not stopped(prepared)
    assert prepared.triage.outcome in ("answer", "answer_for_all")


def test_thanks_are_answered_all_the_same(assistant: Make) -> None:
    thanks = ("Anna", "customer", "dziękuję, już działa")
    prepared = assistant("thanks").prepare(thread(ANNA, BRAND, AGAIN, BRAND, thanks))
    assert not stopped(prepared)
    assert prepared.drafts[0].stance == "thank"


def test_a_private_talk_goes_on(assistant: Make) -> None:
    public = thread(ANNA, BRAND, AGAIN, BRAND, AGAIN)
    private = Request(public.text, audience="private", author=public.author, thread=public.thread, target=public.target)
    assert not stopped(assistant("outage_report").prepare(private))
