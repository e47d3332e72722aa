"""What the boards are computed from, read from the database: unanswered messages, what agents wrote, uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.boards.gaps import Asked
from api.tables import Decision, Draft, Message, Participant, Preparation, Publication
from knowledge.current import may_be_said
from knowledge.database import now
from knowledge.languages import is_language
from knowledge.tables import Article, PhrasingRow, Variant, Version

WEEKS: Final = 4
MOST_MESSAGES: Final = 5_000
NO_ARTICLE: Final = ("below_threshold", "knowledge_empty")
"""Reasons for no draft that mean: the base has no good article for this."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A draft of one version's text that an agent changed before it went out."""

    version: int
    decision: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Phrased:
    """An article in one language: its phrasings and its answer as they are now."""

    article: str
    language: str
    phrasings: tuple[str, ...]
    answer: str


def unanswered(session: Session) -> list[Asked]:
    """Messages of the last weeks for which no article was good enough, oldest first."""
    newest = (
        select(func.max(Preparation.id))
        .join(Message, (Message.id == Preparation.message_id) & (Message.revision == Preparation.revision))
        .where(Preparation.created_at >= now() - timedelta(weeks=WEEKS), Message.role == "customer")
        .where(Message.remote_state.not_in(("deleted", "hidden")), Message.text != "[erased]")
        .group_by(Preparation.message_id)
    )
    rows = session.execute(
        select(Message, Preparation.language, Participant.identity_id)
        .join(Preparation, Preparation.message_id == Message.id)
        .join(Participant, Participant.id == Message.participant_id)
        .where(Preparation.id.in_(newest), Preparation.abstained, Preparation.abstain_reason.in_(NO_ARTICLE))
        .order_by(Message.id.desc())
        .limit(MOST_MESSAGES)
    ).all()
    answers = _written(session, [message.id for message, _, _ in rows])
    return [
        Asked(message.id, language, identity, message.text, *answers.get(message.id, ("", None)))
        for message, language, identity in reversed(rows)
        if is_language(language)
    ]


def phrased(session: Session) -> list[Phrased]:
    """Every article in use, in each language it can be said in."""
    asked: dict[tuple[str, str], list[str]] = {}
    for row in session.scalars(select(PhrasingRow).order_by(PhrasingRow.position)):
        asked.setdefault((row.article_id, row.language), []).append(row.text)
    rows = session.execute(
        select(Article.id, Variant.language, Version.text)
        .join(Variant, Variant.article_id == Article.id)
        .join(Version, Version.variant_id == Variant.id)
        .where(*may_be_said(now()), Variant.channel_kind == "")
        .order_by(Article.id, Variant.language, Variant.audience)  # the private text, the fuller one, comes first
    )
    found: dict[tuple[str, str], Phrased] = {}
    for article, language, text in rows:
        if (article, language) in asked:
            found.setdefault((article, language), Phrased(article, language, tuple(asked[article, language]), text))
    return list(found.values())


def rewrites(session: Session) -> list[Rewrite]:
    """Edited drafts of the last weeks whose text came from one version that is still said."""
    rows = session.execute(
        select(Decision, Draft)
        .join(Draft, Draft.id == Decision.draft_id)
        .where(Decision.kind == "edited", Decision.revoked_at.is_(None), Decision.final_text != "[erased]")
        .where(Decision.at >= now() - timedelta(weeks=WEEKS))
    )
    found = []
    for decision, draft in rows:
        versions = {item["version"] for item in draft.evidence if item["version"]}
        if len(versions) == 1:
            kept = [item["sentence"] for item in draft.evidence if item["version"]]
            courtesies = [item["sentence"] for item in draft.evidence if not item["version"]]
            found.append(
                Rewrite(versions.pop(), decision.id, " ".join(kept), _without(decision.final_text, courtesies))
            )
    return found


def uses(session: Session) -> dict[str, int]:
    """How often each article's text went out in the last weeks."""
    rows = session.execute(
        select(Draft.evidence)
        .join(Decision, Decision.draft_id == Draft.id)
        .join(Publication, Publication.decision_id == Decision.id)
        .where(Publication.created_at >= now() - timedelta(weeks=WEEKS), Publication.state != "retracted")
    )
    counted: dict[str, int] = {}
    for (evidence,) in rows:
        for article in {item["article"] for item in evidence if item["article"]}:
            counted[article] = counted.get(article, 0) + 1
    return counted


def _written(session: Session, messages: list[int]) -> dict[int, tuple[str, int | None]]:
    rows = session.execute(
        select(Decision.message_id, Decision.final_text, Decision.id)
        .where(Decision.message_id.in_(messages), Decision.kind == "written", Decision.revoked_at.is_(None))
        .order_by(Decision.id)
    )
    return {message: (text, decision) for message, text, decision in rows}


def _without(text: str, courtesies: list[str]) -> str:
    for sentence in courtesies:
        text = text.replace(sentence, "", 1)
    return text.strip()
