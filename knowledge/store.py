"""The life of an article: made, edited, retired, restored, always inside the caller's transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from knowledge.article_text import ArticleProblem, ArticleText
from knowledge.database import now
from knowledge.languages import LANGUAGES, Language
from knowledge.tables import Article, KnowledgeState, PhrasingRow, Variant, Version

Outcome = Literal["new", "changed", "unchanged"]
AUDIENCES: Final = ("private", "public")


class NoSuchArticle(LookupError):
    """There is no article with this id."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving did. `revision` is the article's, for the next If-Match."""

    id: str
    outcome: Outcome
    revision: int


@dataclass(frozen=True, slots=True)
class Past:
    """One version in an article's history."""

    id: int
    language: str
    audience: str
    number: int
    state: str
    text: str
    written_by: str
    created_at: datetime


def text_hash(text: str) -> str:
    """SHA-256 of a text, in hexadecimal: what phrasings, versions and vectors are known by."""
    return hashlib.sha256(text.encode()).hexdigest()


def current_revision(session: Session) -> int:
    """The number every change of the base raises; 0 for a base that has never held anything."""
    return session.scalar(select(KnowledgeState.revision).where(KnowledgeState.id == 1)) or 0


def article_text(session: Session, article_id: str) -> ArticleText | None:
    """What an article says now; None when there is no such article."""
    article = session.get(Article, article_id)
    if article is None:
        return None
    asked: dict[str, list[str]] = {}
    for row in session.scalars(
        select(PhrasingRow).where(PhrasingRow.article_id == article_id).order_by(PhrasingRow.position, PhrasingRow.id)
    ):
        asked.setdefault(row.language, []).append(row.text)
    said = _approved(session, article_id)
    languages = {
        language: {
            "question": phrasings[0],
            "variants": phrasings[1:],
            "answer": said.get((language, "private"), said.get((language, "public"), "")),
            "public": said.get((language, "public")),
        }
        for language, phrasings in asked.items()
    }
    return ArticleText.model_validate({"id": article.id, "category": article.category, "languages": languages})


def merged(held: ArticleText | None, given: ArticleText) -> ArticleText:
    """`given`, with the languages (and the category) that only `held` has."""
    if held is None:
        return given
    category = given.category or held.category
    return given.model_copy(update={"category": category, "languages": {**held.languages, **given.languages}})


def outcome_of(held: ArticleText | None, wanted: ArticleText) -> Outcome:
    """What saving `wanted` over `held` would do."""
    if held is None:
        return "new"
    return "unchanged" if held == wanted else "changed"


def save_article(session: Session, wanted: ArticleText, *, by: str, keep_other_languages: bool = False) -> Saved:
    """Store an article as it is to be from now on. Saving the same again changes nothing.

    A changed answer becomes a new approved version, and the one before is retired; phrasings are replaced. A
    language that `wanted` does not have is taken away, unless `keep_other_languages`.
    """
    held = article_text(session, wanted.id)
    if keep_other_languages:
        wanted = merged(held, wanted)
    outcome = outcome_of(held, wanted)
    if held is None:
        article = Article(id=wanted.id, category=wanted.category, revision=1)
        session.add(article)
    else:
        article = session.get_one(Article, wanted.id)
    if outcome != "unchanged":
        article.category, article.updated_at = wanted.category, now()
        before = held.languages if held else {}
        changed = [language for language in LANGUAGES if before.get(language) != wanted.languages.get(language)]
        _ask(session, wanted, [language for language in changed if language in before], changed)
        _answer(session, wanted, changed, by)
        _raise_revision(session)
    return Saved(article.id, outcome, article.revision)


def retire(session: Session, article_id: str) -> Article:
    """Take an article out of every search at once. Its texts and history stay. Raises NoSuchArticle."""
    return _set_state(session, article_id, "retired")


def restore(session: Session, article_id: str) -> Article:
    """Bring a retired article back as it was. Raises NoSuchArticle."""
    return _set_state(session, article_id, "active")


def history(session: Session, article_id: str) -> list[Past]:
    """Every version of every text of an article, the newest first. Raises NoSuchArticle."""
    _held(session, article_id)
    rows = session.execute(
        select(Variant, Version)
        .join(Version, Version.variant_id == Variant.id)
        .where(Variant.article_id == article_id)
        .order_by(Version.id.desc())
    )
    return [
        Past(
            version.id, variant.language, variant.audience, version.number, version.state, version.text,
            version.written_by, version.created_at,
        )
        for variant, version in rows
    ]  # fmt: skip


def _approved(session: Session, article_id: str) -> dict[tuple[str, str], str]:
    rows = session.execute(
        select(Variant.language, Variant.audience, Version.text)
        .join(Version, Version.variant_id == Variant.id)
        .where(Variant.article_id == article_id, Variant.channel_kind == "", Version.state == "approved")
    )
    return {(language, audience): text for language, audience, text in rows}


def _ask(session: Session, wanted: ArticleText, replaced: list[Language], changed: list[Language]) -> None:
    if replaced:
        session.execute(
            delete(PhrasingRow)
            .where(PhrasingRow.article_id == wanted.id, PhrasingRow.language.in_(replaced))
            .execution_options(synchronize_session=False)
        )
    session.add_all(
        PhrasingRow(article_id=wanted.id, language=language, position=position, text=text, text_sha256=text_hash(text))
        for language in changed
        if language in wanted.languages
        for position, text in enumerate(wanted.languages[language].phrasings)
    )


def _answer(session: Session, wanted: ArticleText, changed: list[Language], by: str) -> None:
    rows = session.scalars(
        select(Variant)
        .where(Variant.article_id == wanted.id, Variant.channel_kind == "")
        .options(selectinload(Variant.versions))
    )
    variants = {(row.language, row.audience): row for row in rows}
    fresh: list[tuple[Variant, str]] = []
    for language in changed:
        answers = wanted.languages[language].answers if language in wanted.languages else {}
        for audience in AUDIENCES:
            text, variant = answers.get(audience), variants.get((language, audience))
            current = variant.current if variant else None
            if (current.text if current else None) == text:
                continue
            if current is not None:
                current.state = "retired"
            if text is not None:
                fresh.append((variant or Variant(article_id=wanted.id, language=language, audience=audience), text))
    session.flush()  # before new ones are added: the database allows one approved version at a time
    session.add_all(variant for variant, _ in fresh)
    for variant, text in fresh:
        variant.versions.append(_version(variant, text, by))


def _version(variant: Variant, text: str, by: str) -> Version:
    moment = now()
    return Version(
        number=max((version.number for version in variant.versions), default=0) + 1, text=text,
        text_sha256=text_hash(text), state="approved", written_by=by, approved_by=by, created_at=moment,
        approved_at=moment,
    )  # fmt: skip


def _held(session: Session, article_id: str) -> Article:
    article = session.get(Article, article_id)
    if article is None:
        raise NoSuchArticle(article_id)
    return article


def _set_state(session: Session, article_id: str, state: str) -> Article:
    article = _held(session, article_id)
    if article.state != state:
        article.state, article.updated_at = state, now()
        _raise_revision(session)
    return article


def _raise_revision(session: Session) -> None:
    state = session.get(KnowledgeState, 1)
    if state is None:
        state = KnowledgeState(id=1, revision=0)
        session.add(state)
    state.revision += 1
    session.flush()


__all__ = [
    "ArticleProblem", "ArticleText", "NoSuchArticle", "Past", "Saved", "article_text", "current_revision", "history",
    "merged", "outcome_of", "restore", "retire", "save_article", "text_hash",
]  # fmt: skip
