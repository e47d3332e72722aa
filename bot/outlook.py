"""How the discussion may go on: what a scenario is chosen by, where the thread stands in it, the likely next turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.records import Intent, Outlook, Turn
from bot.scenarios import Circumstances, Scenario, Situation
from bot.triage import Facts
from knowledge.languages import Language, is_language

OPENING: Final = "opening"
MOST_TURNS: Final = 3
_NEEDS_A_CROWD: Final = ("others_join", "third_party_right", "third_party_wrong", "troll", "press")
_FALLBACK_LANGUAGE: Final[Language] = "en"
_CROWD: Final = 3


@dataclass(frozen=True, slots=True)
class _Signs:
    """What of the message and its thread moves the weights."""

    upset: float
    public: bool
    authors: int
    reach: int
    brand_answers: int
    leaving: bool
    asked: bool
    long_wait: bool


def circumstances(facts: Facts, intent: Intent | None) -> Circumstances:
    """What a scenario is chosen by."""
    hit = facts.hit()
    return Circumstances(
        intent=intent.name if intent else None,
        article=hit.article if hit else None,
        upset=facts.mood.upset,
        reach=_reach(facts),
        returned=facts.place.returned,
        personal_data=bool(facts.findings),
        public=facts.request.audience == "public",
    )


def look_ahead(facts: Facts, scenario: Scenario, intent: Intent | None) -> Outlook:
    """The present situation in the scenario and the two or three likeliest next turns, each with a prepared reply.

    Replies are in the message's language; a message in another language gets English ones. The probabilities of
    siblings sum to at most 1; what is missing stands for turns the scenario does not know.
    """
    situation = present_situation(facts, scenario, intent)
    language = facts.language if is_language(facts.language) else _FALLBACK_LANGUAGE
    turns = _turns(_candidates(scenario, situation), _signs(facts, intent), language, deeper=True)
    return Outlook(scenario.id, situation, turns)


def present_situation(facts: Facts, scenario: Scenario, intent: Intent | None) -> str:
    """Which situation the target is: by events in the thread first, then by its intent."""
    where, name = facts.place, intent.name if intent else ""
    for situation, holds in _EVENTS:
        if holds(facts, name):
            return situation
    if where.starts:
        return OPENING
    named = next((s.id for s in scenario.situations if name in s.intents and _may_follow(s, facts)), None)
    if named:
        return named
    if where.authors >= 2 and not where.returned and facts.request.audience == "public":
        first = next((m.author for m in where.earlier if m.role == "customer"), None)
        author = where.target.author if where.target else facts.request.author
        return "others_join" if author != first else OPENING
    return OPENING


_EVENTS: Final[tuple[tuple[str, Callable[[Facts, str], bool]], ...]] = (
    ("press", lambda facts, name: name == "press_enquiry"),
    ("thanks", lambda facts, name: name in ("thanks", "praise") and not facts.place.starts),
    ("threatens_to_leave", lambda facts, name: name == "cancellation_threat" and not facts.place.starts),
    ("troll", lambda facts, name: name in ("abuse", "spam") and not facts.place.starts),
    ("gives_data", lambda facts, name: bool(facts.findings) and not facts.place.starts),
    ("third_party_right", lambda facts, name: name == "third_party_help" and facts.place.to_customer),
    ("language_switch", lambda facts, name: _switched(facts)),
    ("still_upset", lambda facts, name: facts.place.returned and (facts.mood.upset >= 0.25 or name == "complaint")),
    ("asks_when", lambda facts, name: facts.place.returned and (name == "follow_up" or facts.mood.question)),
    ("others_join", lambda facts, name: _joins(facts) and name in ("complaint", "outage_report", "")),
)


def _joins(facts: Facts) -> bool:
    """Another person than the one who opened the thread speaks up, publicly, for the first time."""
    where = facts.place
    if facts.request.audience != "public" or where.target is None:
        return False
    wrote = [message.author for message in where.earlier if message.role == "customer"]
    return bool(wrote) and where.target.author not in wrote and (facts.mood.upset > 0 or where.authors >= _CROWD)


def _switched(facts: Facts) -> bool:
    """The author wrote in another language before; only a clear change counts."""
    return facts.language_before is not None and facts.language_before != facts.language


def _may_follow(situation: Situation, facts: Facts) -> bool:
    return facts.request.audience == "public" or situation.id not in _NEEDS_A_CROWD


def _candidates(scenario: Scenario, situation: str) -> list[tuple[Situation, float]]:
    """Next turns with their prior weights: those below the present situation first, its siblings at half weight."""
    at = next((s for s in scenario.situations if s.id == situation), None)
    if at is None:
        return [(s, s.weight) for s in scenario.situations]
    below = {s.id: (s, s.weight) for s in at.next}
    for sibling in scenario.situations:
        if sibling.id not in below:
            below[sibling.id] = (sibling, sibling.weight * 0.5)
    return list(below.values())


def _signs(facts: Facts, intent: Intent | None) -> _Signs:
    where, name = facts.place, intent.name if intent else ""
    return _Signs(
        upset=facts.mood.upset,
        public=facts.request.audience == "public",
        authors=where.authors,
        reach=_reach(facts),
        brand_answers=len(where.brand_texts),
        leaving=name == "cancellation_threat",
        asked=name in ("question", "follow_up", "outage_report", "purchase_interest"),
        long_wait=where.waiting_minutes > 60,
    )


def _reach(facts: Facts) -> int:
    """Followers of the author."""
    target = facts.place.target
    return max(facts.request.followers, target.followers if target else 0)


def _turns(
    candidates: list[tuple[Situation, float]], signs: _Signs, language: Language, *, deeper: bool
) -> tuple[Turn, ...]:
    """The likeliest turns; weights are moved by the signs and scaled back to what they summed to before, at most 1."""
    prior = min(sum(weight for _, weight in candidates), 1.0)
    moved = [(situation, weight * _factor(situation.id, signs)) for situation, weight in candidates]
    total = sum(weight for _, weight in moved)
    if total <= 0:
        return ()
    ranked = sorted(moved, key=lambda pair: -pair[1])[:MOST_TURNS]
    return tuple(
        Turn(
            situation=situation.id,
            probability=round(weight / total * prior, 3),
            reply=situation.reply[language],
            stance=situation.stance,
            next=_turns([(s, s.weight) for s in situation.next], signs, language, deeper=False) if deeper else (),
        )
        for situation, weight in ranked
        if weight > 0
    )


def _factor(situation: str, signs: _Signs) -> float:
    """How much likelier than usual a turn is in this thread. Set by judgement; counted threads replace it later."""
    if situation in _NEEDS_A_CROWD and not signs.public:
        return 0.0
    return {
        "still_upset": 0.7 + 1.6 * signs.upset,
        "escalates": 0.6 + 1.8 * signs.upset + (0.5 if signs.long_wait else 0),
        "threatens_to_leave": 0.7 + signs.upset + (1.5 if signs.leaving else 0),
        "others_join": 0.6 + 0.25 * min(signs.authors, 6) + (0.5 if signs.reach > 5000 else 0),
        "press": 3.0 if signs.reach > 20_000 else 0.7,
        "thanks": 1.4 - 1.1 * signs.upset,
        "asks_when": 1.4 if signs.asked else 1.0,
        "silence": 1.0 + 0.3 * min(signs.brand_answers, 3),
    }.get(situation, 1.0)
