"""Thousands of articles at once, by the rules of `store` and with the same history, at a fraction of the time.

A single save asks the database a dozen times and raises the base's revision. Here a few hundred articles are read
together, what they replace makes way in one flush, what is new is added in one insert a table, and the revision is
raised once. Everything happens inside the caller's transaction; every object its session has read is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session, selectinload

from knowledge import life
from knowledge.article_text import ArticleText
from knowledge.database import Base, now
from knowledge.languages import Language
from knowledge.life import State, text_hash
from knowledge.saving import Plan, Variants, asks_four_eyes, change, take_away, texts_to_write
from knowledge.store import Outcome, article_texts
from knowledge.tables import Article, ArticleEvent, PhrasingRow, Variant, Version

CHUNK: Final = 250

T = TypeVar("T")

OnSaved = Callable[[int], None]
"""Called with how many articles are done."""


@dataclass(slots=True)
class _Batch:
    """What one chunk is going to add, by table, each in the order in which single saves would."""

    articles: list[dict[str, Any]] = field(default_factory=list)
    phrasings: list[dict[str, Any]] = field(default_factory=list)
    unasked: list[tuple[str, Language]] = field(default_factory=list)
    births: list[_Birth] = field(default_factory=list)
    touched: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[_Birth | None, dict[str, Any]]] = field(default_factory=list)


@dataclass(slots=True)
class _Birth:
    """A version to be added, to a variant that is there or is added with it."""

    variant: Variant
    columns: dict[str, Any]


def save_articles(
    session: Session, wanted: Sequence[ArticleText], *, by: str, why: str = "", on_saved: OnSaved | None = None
) -> dict[str, Outcome]:
    """Store articles as they are to be from now on, each id once; what became of each.

    As `store.save_article(session, article, by=by, why=why)` for each of them in turn.
    """
    outcomes: dict[str, Outcome] = {}
    session.flush()
    for chunk in _chunks(wanted):
        outcomes |= _save(session, chunk, by, why)
        if on_saved is not None:
            on_saved(len(outcomes))
    if len(outcomes) != len(wanted):
        raise ValueError("an article is to be saved twice at once")
    if any(outcome != "unchanged" for outcome in outcomes.values()):
        life.raise_revision(session)
    return outcomes


def set_articles(session: Session, ids: Sequence[str], to: str, *, by: str, why: str = "") -> int:
    """Retire articles (`retired`) or bring them back (`active`); how many were not so already."""
    moved = 0
    session.flush()
    for chunk in _chunks(ids):
        for article in session.scalars(select(Article).where(Article.id.in_(chunk)).order_by(Article.id)):
            if life.set_article_alone(session, article, to, by=by, why=why):
                article.updated_at = now()
                moved += 1
        session.flush()
        session.expunge_all()
    if moved:
        life.raise_revision(session)
    return moved


def _save(session: Session, chunk: Sequence[ArticleText], by: str, why: str) -> dict[str, Outcome]:
    ids = [article.id for article in chunk]
    held = article_texts(session, ids)
    rows = {row.id: row for row in session.scalars(select(Article).where(Article.id.in_(ids)))}
    variants = _variants(session, [key for key in ids if key in rows])
    batch = _Batch()
    outcomes: dict[str, Outcome] = {}
    for wanted in chunk:
        before = held.get(wanted.id)
        if before == wanted:
            outcomes[wanted.id] = "unchanged"
            continue
        article = rows.get(wanted.id) or _opened(batch, wanted)
        plan = Plan(article, by, why, "approved", asks_four_eyes(article, wanted))
        changed = _plan_one(session, batch, before, wanted, variants.setdefault(wanted.id, {}), plan)
        outcomes[wanted.id] = "new" if before is None else "changed" if changed else "unchanged"
    session.flush()  # what is replaced makes way: the database allows one approved and one open version at a time
    _add(session, batch)
    session.expunge_all()
    return outcomes


def _plan_one(
    session: Session, batch: _Batch, before: ArticleText | None, wanted: ArticleText, variants: Variants, plan: Plan
) -> bool:
    """Make way for what is new of one article, and put that into the batch; whether the article changes."""
    differs = change(before, wanted)
    batch.unasked += [(wanted.id, language) for language in differs.replaced]
    batch.phrasings += [
        {
            "article_id": wanted.id, "language": language, "position": position, "text": text,
            "text_sha256": text_hash(text),
        }
        for language in differs.asked
        if language in wanted.languages
        for position, text in enumerate(wanted.languages[language].phrasings)
    ]  # fmt: skip
    taken = take_away(session, wanted, differs.languages, variants, plan)
    texts, advanced = texts_to_write(session, wanted, differs.languages, variants, plan)
    born: State = life.birth(plan.state, plan.four_eyes)
    life.make_way(session, plan.article, texts, born, by=plan.by, why=plan.why)
    for text in texts:
        birth = _Birth(text.variant, life.new_version(text, born, plan.four_eyes, plan.by, plan.why))
        batch.births.append(birth)
        batch.events.append((birth, life.new_event(wanted.id, "version", "", born, plan.by, plan.why)))
    if before is None:
        return True
    if differs.asked:
        asked = " ".join(differs.asked)
        batch.events.append((None, life.new_event(wanted.id, "phrasings", "", asked, plan.by, plan.why)))
    if not (differs.asked or taken or texts or advanced or plan.article.category != wanted.category):
        return False
    batch.touched.append({"key": wanted.id, "category": wanted.category, "updated_at": now()})
    return True


def _opened(batch: _Batch, wanted: ArticleText) -> Article:
    """A new article's row, in the batch and not in the session."""
    columns: dict[str, Any] = {"id": wanted.id, "category": wanted.category, "tags": [], "source_language": ""}
    batch.articles.append({**columns, "revision": 1})
    return Article(**columns)


def _variants(session: Session, ids: Collection[str]) -> dict[str, Variants]:
    found: dict[str, Variants] = {}
    for row in session.scalars(
        select(Variant)
        .where(Variant.article_id.in_(ids), Variant.channel_kind == "")
        .options(selectinload(Variant.versions))
    ):
        found.setdefault(row.article_id, {})[row.language, row.audience] = row
    return found


def _add(session: Session, batch: _Batch) -> None:
    """Add the batch, parents before children, with as many statements as there are tables."""
    for language in {language for _, language in batch.unasked}:
        keys = [key for key, asked in batch.unasked if asked == language]
        session.execute(
            delete(PhrasingRow)
            .where(PhrasingRow.article_id.in_(keys), PhrasingRow.language == language)
            .execution_options(synchronize_session=False)
        )
    _rows(session, Article, batch.articles)
    _rows(session, PhrasingRow, batch.phrasings)
    fresh = [birth.variant for birth in batch.births if birth.variant.id is None]
    names = [{"article_id": each.article_id, "language": each.language, "audience": each.audience} for each in fresh]
    _rows(session, Variant, names)
    for variant, number in zip(fresh, _numbers_of_variants(session, fresh), strict=True):
        variant.id = number
    _rows(session, Version, [{**birth.columns, "variant_id": birth.variant.id} for birth in batch.births])
    numbers = _numbers_of_versions(session, batch.births)
    _rows(
        session,
        ArticleEvent,
        [
            {**event, "version_id": numbers[birth.variant.id, birth.columns["number"]] if birth else None}
            for birth, event in batch.events
        ],
    )
    if batch.touched:
        raised = update(Article).where(Article.id == bindparam("key")).values(revision=Article.revision + 1)
        session.connection().execute(raised, batch.touched)


def _rows(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    """Add rows in one go. Without their numbers: to hand those back in order, SQLite takes a statement a row."""
    if rows:
        session.connection().execute(insert(table), rows)


def _numbers_of_variants(session: Session, variants: Sequence[Variant]) -> list[int]:
    found = {
        (article, language, audience): number
        for number, article, language, audience in session.execute(
            select(Variant.id, Variant.article_id, Variant.language, Variant.audience).where(
                Variant.article_id.in_({each.article_id for each in variants}), Variant.channel_kind == ""
            )
        )
    }
    return [found[each.article_id, each.language, each.audience] for each in variants]


def _numbers_of_versions(session: Session, births: Sequence[_Birth]) -> dict[tuple[int, int], int]:
    rows = session.execute(
        select(Version.variant_id, Version.number, Version.id).where(
            Version.variant_id.in_({birth.variant.id for birth in births})
        )
    )
    return {(variant, number): key for variant, number, key in rows}


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
