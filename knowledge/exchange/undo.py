"""Undo of a whole import: what it changed says again what it said before, what it made is taken away."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from knowledge.article_text import ArticleText, checked
from knowledge.bulk import save_articles, set_articles
from knowledge.database import now
from knowledge.exchange.tables import Import, ImportChange
from knowledge.store import article_texts, history
from knowledge.tables import Article

CHUNK = 200


class NoSuchImport(LookupError):
    """There is no import with this number."""


@dataclass(frozen=True, slots=True)
class Past:
    """One import in the list. `articles`: how many it made or changed; `undone`: how many of them were put back."""

    id: int
    at: datetime
    by: str
    source: str
    format: str
    state: str
    counts: dict[str, Any]
    articles: int
    undone: int
    undone_at: datetime | None
    undone_by: str | None


@dataclass(slots=True)
class Undone:
    """What an undo did. `blocked`: article -> why it stays as it is. Where any is blocked, `done` is False
    and nothing has changed, unless the rest was asked for."""

    import_id: int
    restored: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    blocked: dict[str, str] = field(default_factory=dict)
    done: bool = False


def undo_import(session: Session, number: int, *, by: str, rest: bool = False) -> Undone:
    """Undo an import inside the caller's transaction. An article that somebody has edited since is left alone.

    What the import made is retired: a reply that has used it still has its evidence, and importing it again
    brings it back. Undoing twice changes nothing.

    Raises:
        NoSuchImport: there is none with this number.
    """
    held = session.get(Import, number)
    if held is None:
        raise NoSuchImport(number)
    outcome = Undone(number)
    ready: list[int] = []
    for changes in _changes(session, number):
        reasons = _blocked(session, changes)
        outcome.blocked |= reasons
        ready += [change.id for change in changes if change.article_id not in reasons]
    if outcome.blocked and not rest:
        return outcome
    _put_back(session, ready, by, outcome)
    held = session.get_one(Import, number)
    if ready or not outcome.blocked:
        held.state = "partly_undone" if outcome.blocked else "undone"
        held.undone_at, held.undone_by = held.undone_at or now(), held.undone_by or by
    outcome.done = True
    return outcome


def imports(session: Session, most: int = 100) -> list[Past]:
    """The imports that were stored, the newest first."""
    rows = session.scalars(select(Import).order_by(Import.id.desc()).limit(most)).all()
    counted: dict[int, list[int]] = {}
    for number, undone, count in session.execute(
        select(ImportChange.import_id, ImportChange.undone, func.count())
        .where(ImportChange.import_id.in_([row.id for row in rows]))
        .group_by(ImportChange.import_id, ImportChange.undone)
    ):
        counted.setdefault(number, [0, 0])[int(undone)] = count
    return [_past(row, counted.get(row.id, [0, 0])) for row in rows]


def import_of(session: Session, number: int) -> tuple[Past, list[ImportChange]]:
    """One import, and what it did to each article. Raises NoSuchImport."""
    row = session.get(Import, number)
    if row is None:
        raise NoSuchImport(number)
    changes = list(
        session.scalars(select(ImportChange).where(ImportChange.import_id == number).order_by(ImportChange.article_id))
    )
    undone = sum(change.undone for change in changes)
    return _past(row, [len(changes) - undone, undone]), changes


def _past(row: Import, counts: list[int]) -> Past:
    return Past(
        row.id, row.at, row.by, row.source, row.format, row.state, row.counts, sum(counts), counts[1], row.undone_at,
        row.undone_by,
    )  # fmt: skip


class _Done(NamedTuple):
    """What an import did to one article."""

    id: int
    article_id: str
    before: str | None
    after: str


def _changes(session: Session, number: int) -> Iterator[list[_Done]]:
    """What the import did and is not undone, in chunks."""
    columns = select(ImportChange.id, ImportChange.article_id, ImportChange.before, ImportChange.after)
    last = 0
    while rows := session.execute(
        columns.where(ImportChange.import_id == number, ~ImportChange.undone, ImportChange.id > last)
        .order_by(ImportChange.id)
        .limit(CHUNK)
    ).all():
        yield [_Done(*row) for row in rows]
        last = rows[-1].id


def _blocked(session: Session, changes: Sequence[_Done]) -> dict[str, str]:
    """Which of these articles are not put back, and why."""
    ids = [change.article_id for change in changes]
    states = {
        row.id: row.state for row in session.execute(select(Article.id, Article.state).where(Article.id.in_(ids)))
    }
    said = article_texts(session, ids)
    reasons: dict[str, str] = {}
    for change in changes:
        key = change.article_id
        if key not in states:
            reasons[key] = "it is gone"
        elif states[key] == "retired":
            if change.before is not None:
                reasons[key] = "it has been retired since"
        elif said[key] != _unpacked(change.after):
            newest = next(iter(history(session, key)), None)
            by = f" (last by {newest.written_by}, {newest.created_at:%Y-%m-%d %H:%M} UTC)" if newest else ""
            reasons[key] = f"it has been edited since{by}"
    return reasons


def _put_back(session: Session, ready: Sequence[int], by: str, outcome: Undone) -> None:
    made: list[str] = []
    before: list[ArticleText] = []
    for start in range(0, len(ready), CHUNK):
        keys = ready[start : start + CHUNK]
        for key, text in session.execute(
            select(ImportChange.article_id, ImportChange.before)
            .where(ImportChange.id.in_(keys))
            .order_by(ImportChange.id)
        ):
            if text is None:
                made.append(key)
            else:
                before.append(_unpacked(text))
        session.execute(update(ImportChange).where(ImportChange.id.in_(keys)).values(undone=True))
    set_articles(session, made, "retired", by=by)
    save_articles(session, before, by=by)
    outcome.removed += made
    outcome.restored += [article.id for article in before]


def _unpacked(text: str) -> ArticleText:
    return checked(json.loads(text))
