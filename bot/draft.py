"""Composes drafts that differ in stance, each sentence with its evidence, or says why there is none.

A draft is a list of whole sentences: those of the best hit's version, and courtesies of the phrase book. Nothing is
rewritten, so every fact in it comes from a version an editor has published; `bot.facts.check` holds each draft to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bot import channels, privacy
from bot.facts import check
from bot.phrasebook import Occasion, choose
from bot.policy import Policy
from bot.records import Audience, Draft, Evidence, Intent, Stance, Triage
from bot.sentences import split
from bot.triage import Facts
from knowledge.hits import Hit
from knowledge.languages import Language, is_language

ABSTAIN_REASONS: Final = (
    "below_threshold",
    "other_language",
    "nothing_to_answer",
    "not_in_language",
    "empty_text",
    "knowledge_empty",
    "does_not_fit",
    "stale_translation",
)
MOST_DRAFTS: Final = 3
_SILENT: Final = ("none", "hide", "leave_to_community")
_UPSET: Final = 0.3


@dataclass(frozen=True, slots=True)
class Composed:
    """The drafts, best first, or the reason for none: a code of `ABSTAIN_REASONS`."""

    drafts: tuple[Draft, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    hit: Hit | None = None

    def evidence(self) -> Evidence:
        if self.hit is None:
            return Evidence(self.text, None, None)
        return Evidence(self.text, self.hit.article, self.hit.version, self.hit.stale)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Sentences before the answer, the answer's own, and after; the answer is shortened from its end."""

    stance: Stance
    opening: tuple[_Sentence, ...] = ()
    answer: tuple[_Sentence, ...] = ()
    closing: tuple[_Sentence, ...] = ()
    notes: tuple[dict[str, str], ...] = field(default=())

    def sentences(self) -> tuple[_Sentence, ...]:
        return (*self.opening, *self.answer, *self.closing)


def compose(facts: Facts, verdict: Triage, intent: Intent | None, policy: Policy) -> Composed:
    """Up to three drafts for one message, or the reason why none should be written."""
    if not facts.request.text.strip():
        return Composed((), "empty_text")
    language = facts.language
    if not is_language(language):
        return Composed((), "other_language")
    plans = _courtesy_plans(facts, verdict, intent, language, policy)
    if plans is None:
        reason = _reason_against(facts, verdict, policy)
        if reason:
            return Composed((), reason)
        plans = _answer_plans(facts, verdict, intent, language, policy)
    drafts: list[Draft] = []
    for plan in plans:
        draft = _write(plan, facts, language)
        if draft and all(draft.stance != other.stance for other in drafts):
            drafts.append(draft)
    return Composed(tuple(drafts[:MOST_DRAFTS]), None if drafts else "does_not_fit")


def _reason_against(facts: Facts, verdict: Triage, policy: Policy) -> str | None:
    """Why no answer should be drawn from the hits."""
    # Without an intent "nothing is asked" is a guess from the look of the text; that nothing fits is known.
    guessed = any(reason["code"] == "nothing_asked" for reason in verdict.reasons) and facts.hits
    if verdict.outcome in _SILENT and not guessed:
        return "nothing_to_answer"
    if not facts.hits:
        return "knowledge_empty"
    hit = facts.hit()
    if hit is None:
        return "below_threshold"
    if verdict.outcome == "watch":
        return "nothing_to_answer"
    if hit.language != facts.language:
        return "not_in_language"
    return "stale_translation" if hit.stale and policy.stale_translation == "withhold" else None


def _courtesy_plans(
    facts: Facts, verdict: Triage, intent: Intent | None, language: Language, policy: Policy
) -> list[_Plan] | None:
    """Plans without an article: thanks, praise, the press, data posted in public, a threat to leave; else None."""
    name = intent.name if intent else ""
    if name == "press_enquiry":
        return [_Plan("wait", (_say("press", facts, language),))]
    if verdict.outcome == "answer" and any(reason["code"] == "courtesy" for reason in verdict.reasons):
        name = "praise" if facts.mood.praise and not facts.mood.thanks else "thanks"
    elif verdict.outcome != "answer" or any(reason["code"] == "hit_overrules" for reason in verdict.reasons):
        name = ""
    if name in ("thanks", "praise"):
        return [_Plan("thank", (_say("praise" if name == "praise" else "thanks", facts, language),))]
    usable = (hit := facts.hit()) is not None and hit.language == language
    if verdict.outcome == "go_private" and not usable:
        occasions: tuple[Occasion, ...] = ("personal_data", "go_private") if facts.findings else ("go_private",)
        return [_Plan("go_private", tuple(_say(occasion, facts, language) for occasion in occasions))]
    if name == "cancellation_threat" and intent and intent.probability >= policy.intent_sure and not usable:
        stay = _say("stay", facts, language)
        if facts.request.audience == "private":
            return [_Plan("apologise", (stay,))]
        return [_Plan("go_private", (stay, _say("go_private", facts, language)))]
    return None


def _answer_plans(
    facts: Facts, verdict: Triage, intent: Intent | None, language: Language, policy: Policy
) -> list[_Plan]:
    """The answer first (after the way to private where that is called for), then other stances that fit."""
    hit = facts.hit()
    assert hit is not None  # noqa: S101  # `_reason_against` has seen to it
    sentences, notes = _guarded(hit, facts)
    fresh = tuple(s for s in sentences if not any(s.text in said for said in facts.place.brand_texts))
    public = facts.request.audience == "public"
    opening = _opening(facts, verdict, intent, language)
    invitation = (*_data_warning(facts, language), *opening[:1], _say("go_private", facts, language))
    private_plan = _Plan("go_private", invitation)
    if sentences and not fresh:
        main = _Plan("answer", (_say("repeat", facts, language),), notes=({"code": "said_before", "detail": ""},))
    else:
        main = _Plan("answer", opening, fresh, notes=notes)
    if verdict.outcome == "go_private" and facts.findings:
        main = replace(main, opening=(*_data_warning(facts, language), *main.opening))
    second = private_plan if public and _needs_private(facts, hit) else None
    question = (_say("ask", facts, language),) if hit.article in policy.fault_articles else ()
    ask = _Plan("ask", opening[:1], (), question) if question else None
    plans = [main, *(plan for plan in (second or ask,) if plan)]
    if facts.place.returned or (intent and intent.name == "follow_up"):
        plans.append(_Plan("wait", (_say("wait", facts, language),)))
    elif facts.mood.upset >= _UPSET and fresh:
        plans.append(_Plan("apologise", (_say("sorry", facts, language),), fresh[:1], question))
    elif second and ask:
        plans.append(ask)
    elif public:
        plans.append(private_plan)
    return [private_plan, main, *plans[2:]] if verdict.outcome == "go_private" else plans


def _opening(facts: Facts, verdict: Triage, intent: Intent | None, language: Language) -> tuple[_Sentence, ...]:
    """At most one courtesy before the answer; a plain question gets none."""
    name = intent.name if intent else ""
    if verdict.outcome == "answer_for_all":
        return (_say("for_all", facts, language),)
    if facts.mood.upset >= _UPSET:
        return (_say("sorry", facts, language),)
    if name == "cancellation_threat":
        return (_say("stay", facts, language),)
    if name == "complaint":
        return (_say("concern", facts, language),)
    return ()


def _data_warning(facts: Facts, language: Language) -> tuple[_Sentence, ...]:
    posted = facts.findings and facts.request.audience == "public"
    return (_say("personal_data", facts, language),) if posted else ()


def _needs_private(facts: Facts, hit: Hit) -> bool:
    return hit.private_steps or bool(facts.findings) or facts.mood.upset >= _UPSET


def _say(occasion: Occasion, facts: Facts, language: Language) -> _Sentence:
    seed = f"{facts.request.target or ''}\n{facts.request.author}\n{facts.request.text}"
    return _Sentence(choose(occasion, language, seed, facts.place.brand_texts))


def _guarded(hit: Hit, facts: Facts) -> tuple[tuple[_Sentence, ...], tuple[dict[str, str], ...]]:
    """The answer's sentences; for the public, those without personal data, and what was left out."""
    kept: list[_Sentence] = []
    notes: list[dict[str, str]] = []
    for sentence in split(hit.answer, hit.language):
        found = privacy.find(sentence, hit.language) if facts.request.audience == "public" else []
        if found:
            notes.append({"code": "removed_personal_data", "detail": ", ".join(sorted({f.kind for f in found}))})
        else:
            kept.append(_Sentence(sentence, hit))
    return tuple(kept), tuple(notes)


def _write(plan: _Plan, facts: Facts, language: Language) -> Draft | None:
    """The plan as a draft that fits the channel, or None when not even its shortest form does."""
    fitted = _fit(plan, facts)
    if fitted is None or not fitted.sentences():
        return None
    sentences = (*fitted.sentences(), *_signature(facts))
    text = " ".join(sentence.text for sentence in sentences)
    hit = next((sentence.hit for sentence in sentences if sentence.hit), None)
    stale: tuple[dict[str, str], ...] = ({"code": "stale_translation", "detail": ""},) if hit and hit.stale else ()
    courtesies = [sentence.text for sentence in sentences if sentence.hit is None]
    check(text, [*courtesies, *([hit.answer] if hit else [])])
    return Draft(
        text=text,
        stance=fitted.stance,
        audience=facts.request.audience,
        language=language,
        probability=hit.probability if hit else None,
        evidence=tuple(sentence.evidence() for sentence in sentences),
        notes=(*stale, *fitted.notes),
    )


def _fit(plan: _Plan, facts: Facts) -> _Plan | None:
    """Drop whole sentences of the answer from its end, then the opening, until the channel takes the text."""
    kind, audience = facts.request.channel_kind, facts.request.audience
    shorter, dropped = plan, 0
    while not _fits(shorter.sentences(), facts, kind, audience):
        if len(shorter.answer) > 1:
            shorter, dropped = replace(shorter, answer=shorter.answer[:-1]), dropped + 1
        elif shorter.opening and (shorter.answer or shorter.closing):
            shorter = replace(shorter, opening=shorter.opening[:-1])
        else:
            return None
    if dropped:
        note = {"code": "shortened", "detail": str(dropped)}
        return replace(shorter, notes=(*shorter.notes, note))
    return shorter


def _fits(sentences: Sequence[_Sentence], facts: Facts, kind: str, audience: Audience) -> bool:
    text = " ".join(sentence.text for sentence in (*sentences, *_signature(facts)))
    return channels.fits(text, kind, audience)


def _signature(facts: Facts) -> tuple[_Sentence, ...]:
    initials = facts.request.initials.strip()
    return (_Sentence(f"^{initials}"),) if initials else ()
