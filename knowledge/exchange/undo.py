"""Undo of a whole import: what it changed says again what it said before, what it made is taken away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from knowledge.article_text import ArticleText, checked
from knowledge.database import now
from knowledge.exchange.tables import Import, ImportChange
from knowledge.store import article_text, history, retire, save_article
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
    for change in _changes(session, number):
        reason = _blocked(session, change)
        if reason:
            outcome.blocked[change.article_id] = reason
        else:
            ready.append(change.id)
    if outcome.blocked and not rest:
        return outcome
    for at, key in enumerate(ready, start=1):
        _put_back(session, session.get_one(ImportChange, key), by, outcome)
        if at % CHUNK == 0:
            session.flush()
            session.expunge_all()
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


def _changes(session: Session, number: int) -> Iterator[ImportChange]:
    keys = session.scalars(
        select(ImportChange.id).where(ImportChange.import_id == number, ~ImportChange.undone).order_by(ImportChange.id)
    ).all()
    for at, key in enumerate(keys, start=1):
        yield session.get_one(ImportChange, key)
        if at % CHUNK == 0:
            session.expunge_all()


def _blocked(session: Session, change: ImportChange) -> str:
    """Why this article is not put back; empty where it can be."""
    article = session.get(Article, change.article_id)
    if article is None:
        return "it is gone"
    if article.state == "retired":
        return "" if change.before is None else "it has been retired since"
    if article_text(session, change.article_id) == _unpacked(change.after):
        return ""
    newest = next(iter(history(session, change.article_id)), None)
    by = f" (last by {newest.written_by}, {newest.created_at:%Y-%m-%d %H:%M} UTC)" if newest else ""
    return f"it has been edited since{by}"


def _put_back(session: Session, change: ImportChange, by: str, outcome: Undone) -> None:
    if change.before is None:
        retire(session, change.article_id)
        outcome.removed.append(change.article_id)
    else:
        save_article(session, _unpacked(change.before), by=by)
        outcome.restored.append(change.article_id)
    change.undone = True
    session.flush()


def _unpacked(text: str) -> ArticleText:
    return checked(json.loads(text))
