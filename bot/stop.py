"""The stop rule: after so many public answers to one person a scenario goes on in private, or leaves it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bot.records import Triage
from bot.scenarios import Scenario
from bot.triage import Facts

ANSWERS: Final = ("answer", "answer_for_all")
REASON: Final = "scenario_stop"
COURTESIES: Final = ("courtesy", "intent_thanks", "intent_praise")


def hold_to(verdict: Triage, scenario: Scenario, facts: Facts) -> Triage:
    """The verdict, or what the scenario's stop rule puts in place of one more public answer to the same author.

    Thanks and praise are answered all the same: a courtesy prolongs no quarrel.
    """
    given, stop = facts.place.answers_to_author, scenario.stop
    courteous = any(reason["code"] in COURTESIES for reason in verdict.reasons)
    if facts.request.audience != "public" or verdict.outcome not in ANSWERS or courteous:
        return verdict
    if given < stop.after_public_answers:
        return verdict
    why = {"code": REASON, "detail": f"{scenario.id} {given}"}
    return replace(verdict, outcome=stop.then, reasons=(*verdict.reasons, why))
