"""What a message calls for, how urgent it is and whose it is, each with reasons a person can read."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.mood import Mood
from bot.policy import Policy
from bot.privacy import Finding
from bot.records import Intent, Outcome, Request, Triage
from bot.thread import Place
from knowledge.hits import Hit

_MENTION: Final = re.compile(r"^\s*@[^\W\d_]")
_LINK: Final = re.compile(r"https?://(?!\S*lumo\.example)\S+|\bwww\.\S+", re.IGNORECASE)
COURTESY_INTENTS: Final = ("thanks", "praise")


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything triage looks at."""

    request: Request
    language: str
    intents: tuple[Intent, ...]
    intents_missing: str | None
    hits: Sequence[Hit]
    threshold: float
    mood: Mood
    findings: Sequence[Finding]
    place: Place
    language_before: str | None = None
    """Language of the same author's message before this one, where it is clear."""

    def hit(self) -> Hit | None:
        """The best hit, where it is sure enough to answer from."""
        return self.hits[0] if self.hits and self.hits[0].probability >= self.threshold else None


@dataclass(slots=True)
class _Verdict:
    outcome: Outcome
    team: str | None = None
    points: int = 0
    reasons: list[dict[str, str]] = field(default_factory=list)

    def because(self, code: str, detail: str = "") -> None:
        self.reasons.append({"code": code, "detail": detail})


def triage(facts: Facts, policy: Policy) -> Triage:
    """What the message calls for. Works without intents, from the hit and the message's look, and says so."""
    intent = counting_intent(facts, policy)
    verdict = _from_intent(facts, intent, policy) if intent else _without_intent(facts, policy)
    _private_matters(facts, verdict)
    _for_all(facts, intent, policy, verdict)
    if verdict.team is None and (hit := facts.hit()):
        verdict.team = policy.categories.get(hit.category)
    priority = _priority(facts, policy, verdict)
    return Triage(verdict.outcome, tuple(verdict.reasons), priority, verdict.team)


def counting_intent(facts: Facts, policy: Policy) -> Intent | None:
    """The likeliest intent, where it is likely enough to count and the policy knows it."""
    if not facts.intents:
        return None
    best = facts.intents[0]
    return best if best.probability >= policy.intent_counts and best.name in policy.intents else None


def _from_intent(facts: Facts, intent: Intent, policy: Policy) -> _Verdict:
    rule = policy.intents[intent.name]
    verdict = _Verdict(rule.public if facts.request.audience == "public" else rule.private, rule.team, rule.points)
    verdict.because(f"intent_{intent.name}", f"{intent.probability:.2f}")
    hit = facts.hit()
    if hit:
        verdict.because("hit", f"{hit.article} {hit.probability:.2f}")
        if intent.name in policy.hit_overrules and intent.probability < policy.intent_sure and not _courtesy(facts):
            verdict.because("hit_overrules", intent.name)
            verdict.outcome, verdict.points = "answer", max(rule.points, policy.intents["question"].points)
    return verdict


def _without_intent(facts: Facts, policy: Policy) -> _Verdict:
    """By the hit and the look of the text alone."""
    hit, mood = facts.hit(), facts.mood
    verdict = _Verdict("none")
    if facts.intents_missing:
        verdict.because("no_intents", facts.intents_missing)
    elif facts.intents:
        verdict.because("intent_unsure", f"{facts.intents[0].name} {facts.intents[0].probability:.2f}")
    if facts.place.to_customer and not hit and not mood.question and mood.upset < 0.3:
        verdict.outcome = "leave_to_community"
        verdict.because("speaks_to_another")
    elif hit:
        verdict.outcome, verdict.points = "answer", policy.intents["question"].points
        verdict.because("hit", f"{hit.article} {hit.probability:.2f}")
    elif mood.insult:
        verdict.outcome, verdict.team = "watch", "care"
        verdict.because("insult")
    elif _courtesy(facts):
        verdict.outcome = "answer"
        verdict.because("courtesy")
    elif mood.upset >= 0.3 or (mood.question and facts.language != "other"):
        verdict.outcome, verdict.team = "watch", "care"
        verdict.points = policy.intents["question"].points
        verdict.because("question_without_hit" if mood.question else "upset_without_hit")
    elif _LINK.search(facts.request.text) and facts.request.audience == "public":
        verdict.outcome = "watch"
        verdict.because("foreign_link")
    else:
        verdict.because("nothing_asked")
    return verdict


def _courtesy(facts: Facts) -> bool:
    """Thanks or praise and nothing else."""
    named = bool(facts.intents) and facts.intents[0].name in COURTESY_INTENTS
    told = facts.mood.thanks or facts.mood.praise
    return (named or told) and not facts.mood.question and facts.mood.upset < 0.3 and (named or not facts.hit())


def _private_matters(facts: Facts, verdict: _Verdict) -> None:
    if not facts.findings:
        return
    kinds = ", ".join(sorted({finding.kind for finding in facts.findings}))
    verdict.because("personal_data", kinds)
    if facts.request.audience == "public" and verdict.outcome != "hide":
        verdict.outcome = "go_private"
        verdict.points = max(verdict.points, 50)
        verdict.team = verdict.team or "care"


def _for_all(facts: Facts, intent: Intent | None, policy: Policy, verdict: _Verdict) -> None:
    hit = facts.hit()
    crowd = facts.request.audience == "public" and facts.place.authors >= policy.for_all_authors
    shared = (hit is not None and hit.article in policy.for_all_articles) or (
        intent is not None and intent.name == "outage_report"
    )
    if crowd and shared and verdict.outcome == "answer":
        verdict.outcome = "answer_for_all"
        verdict.because("many_affected", str(facts.place.authors))


def _priority(facts: Facts, policy: Policy, verdict: _Verdict) -> int:
    """A sum cut at 100: points of the intent, urgency of the article, upset, reach, waiting, return, crowd."""
    weights, where, hit = policy.weights, facts.place, facts.hit()
    score = float(verdict.points)
    if hit and hit.article in policy.urgent_articles:
        score += weights.urgent
        verdict.because("urgent_subject", hit.article)
    if facts.mood.upset >= 0.25:
        score += weights.upset * facts.mood.upset
        verdict.because("upset", ", ".join(facts.mood.signs))
    followers = max(facts.request.followers, where.target.followers if where.target else 0)
    score += weights.reach * min(math.log10(1 + followers) / 6, 1)
    if followers >= policy.wide_reach:
        verdict.because("wide_reach", str(followers))
        score += weights.reach
    waited = min(where.waiting_minutes / policy.promise_minutes, 1)
    score += weights.waiting * waited
    if waited >= 0.5:
        verdict.because("waiting", f"{where.waiting_minutes:.0f} min")
    if where.returned:
        score += weights.returned
        verdict.because("returned")
    if where.authors >= policy.for_all_authors and facts.request.audience == "public":
        score += weights.pile_on
        verdict.because("crowd", str(where.authors))
    if verdict.outcome in ("none", "leave_to_community"):
        score *= 0.2
    return round(min(max(score, 0), 100))
