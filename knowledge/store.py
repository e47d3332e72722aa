"""Articles as their keepers write them: made, edited, retired, restored, always inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from knowledge import life
from knowledge.article_text import ArticleProblem, ArticleText
from knowledge.languages import Language
from knowledge.life import State, text_hash
from knowledge.saving import Plan, asks_four_eyes, change, take_away, texts_to_write
from knowledge.tables import Article, KnowledgeState, PhrasingRow, Variant, Version

Outcome = Literal["new", "changed", "unchanged"]


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
    channel_kind: str
    why: str
    approved_by: str | None
    approved_at: datetime | None
    translated_from: int | None
    four_eyes: bool


def current_revision(session: Session) -> int:
    """The number every change of the base raises; 0 for a base that has never held anything."""
    return session.scalar(select(KnowledgeState.revision).where(KnowledgeState.id == 1)) or 0


def article_text(session: Session, article_id: str) -> ArticleText | None:
    """What an article says now; None when there is no such article."""
    return article_texts(session, [article_id]).get(article_id)


def article_texts(session: Session, ids: Collection[str]) -> dict[str, ArticleText]:
    """What each of these articles says now, those that are there; a few hundred at once at most."""
    asked: dict[str, dict[str, list[str]]] = {}
    for key, language, text in session.execute(
        select(PhrasingRow.article_id, PhrasingRow.language, PhrasingRow.text)
        .where(PhrasingRow.article_id.in_(ids))
        .order_by(PhrasingRow.article_id, PhrasingRow.position, PhrasingRow.id)
    ):
        asked.setdefault(key, {}).setdefault(language, []).append(text)
    said = _approved(session, ids)
    rows = session.execute(select(Article.id, Article.category).where(Article.id.in_(ids)))
    return {key: _text(key, category, asked.get(key, {}), said.get(key, {})) for key, category in rows}


def _text(key: str, category: str, asked: dict[str, list[str]], said: dict[tuple[str, str], str]) -> ArticleText:
    languages = {
        language: {
            "question": phrasings[0],
            "variants": phrasings[1:],
            "answer": said.get((language, "private"), said.get((language, "public"), "")),
            "public": said.get((language, "public")),
        }
        for language, phrasings in asked.items()
    }
    return ArticleText.model_validate({"id": key, "category": category, "languages": languages})


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


def save_article(
    session: Session, wanted: ArticleText, *, by: str, keep_other_languages: bool = False, state: State = "approved",
    why: str = "", sources: Mapping[str, str] | None = None, four_eyes: bool | None = None,
) -> Saved:  # fmt: skip
    """Store an article as it is to be from now on. Saving the same again changes nothing.

    Phrasings are replaced at once. A changed answer becomes a new version in `state`; under four eyes (None: as policy
    asks) one that would be approved goes into review, and what is said stays as it is until then. A language that
    `wanted` does not have is taken away, unless `keep_other_languages`.

    `sources` says which language each changed translation was made from. A language that is not named there keeps the
    source it had, so that a corrected comma does not pass for a renewed translation.

    Raises:
        WrongMove: `draft_takes_away` for a draft that would take a text away.
    """
    held = article_text(session, wanted.id)
    if keep_other_languages:
        wanted = merged(held, wanted)
    if held == wanted:
        return Saved(wanted.id, "unchanged", session.get_one(Article, wanted.id).revision)
    article, asks = _opened(session, held, wanted, sources)
    plan = Plan(article, by, why, state, asks if four_eyes is None else four_eyes, dict(sources or {}))
    differs = change(held, wanted)
    asked = differs.asked
    _ask(session, wanted, differs.replaced, asked)
    wrote = _answer(session, wanted, differs.languages, plan)
    if held is None:
        life.raise_revision(session)
        return Saved(article.id, "new", article.revision)
    if asked:
        life.note_phrasings(session, article, asked, by=by, why=why)
    if not (asked or wrote or article.category != wanted.category):
        return Saved(article.id, "unchanged", article.revision)
    article.category = wanted.category
    life.changed(session, article, said=bool(asked) or state == "approved")
    return Saved(article.id, "changed", article.revision)


def _opened(
    session: Session, held: ArticleText | None, wanted: ArticleText, sources: Mapping[str, str] | None
) -> tuple[Article, bool]:
    """The article's row, and whether policy asks for four eyes before the change or after it."""
    if held is None:
        leads = next(iter(sources.values()), "") if sources else ""
        article = Article(id=wanted.id, category=wanted.category, tags=[], source_language=leads, revision=1)
        session.add(article)
        return article, life.asks_four_eyes(article)
    article = session.get_one(Article, wanted.id)
    return article, asks_four_eyes(article, wanted)


def retire(session: Session, article_id: str, *, by: str = "system", why: str = "") -> Article:
    """Take an article out of every search at once. Its texts and history stay. Raises NoSuchArticle."""
    return _set_state(session, article_id, "retired", by, why)


def restore(session: Session, article_id: str, *, by: str = "system", why: str = "") -> Article:
    """Bring a retired article back as it was. Raises NoSuchArticle."""
    return _set_state(session, article_id, "active", by, why)


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
            version.written_by, version.created_at, variant.channel_kind, version.why, version.approved_by,
            version.approved_at, version.translated_from, version.four_eyes,
        )
        for variant, version in rows
    ]  # fmt: skip


def _approved(session: Session, ids: Collection[str]) -> dict[str, dict[tuple[str, str], str]]:
    rows = session.execute(
        select(Variant.article_id, Variant.language, Variant.audience, Version.text)
        .join(Version, Version.variant_id == Variant.id)
        .where(Variant.article_id.in_(ids), Variant.channel_kind == "", Version.state == "approved")
    )
    said: dict[str, dict[tuple[str, str], str]] = {}
    for key, language, audience, text in rows:
        said.setdefault(key, {})[language, audience] = text
    return said


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


def _answer(session: Session, wanted: ArticleText, changed: list[Language], plan: Plan) -> bool:
    """Write the answers that differ; whether any did."""
    rows = session.scalars(
        select(Variant)
        .where(Variant.article_id == wanted.id, Variant.channel_kind == "")
        .options(selectinload(Variant.versions))
    )
    variants = {(row.language, row.audience): row for row in rows}
    wrote = take_away(session, wanted, changed, variants, plan)
    # A language that others are translated from goes first, so that they can name its new version.
    leading = set(plan.sources.values())
    for group in ([each for each in changed if each in leading], [each for each in changed if each not in leading]):
        texts, advanced = texts_to_write(session, wanted, group, variants, plan)
        life.write(session, plan.article, texts, by=plan.by, why=plan.why, state=plan.state, four_eyes=plan.four_eyes)
        wrote = bool(texts) or advanced or wrote
    return wrote


def _held(session: Session, article_id: str) -> Article:
    article = session.get(Article, article_id)
    if article is None:
        raise NoSuchArticle(article_id)
    return article


def _set_state(session: Session, article_id: str, state: str, by: str, why: str) -> Article:
    article = _held(session, article_id)
    life.set_article(session, article, state, by=by, why=why)
    return article


__all__ = [
    "ArticleProblem", "ArticleText", "NoSuchArticle", "Past", "Saved", "article_text", "article_texts",
    "current_revision", "history", "merged", "outcome_of", "restore", "retire", "save_article", "text_hash",
]  # fmt: skip
