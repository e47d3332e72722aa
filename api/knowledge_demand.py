"""What people ask for, by article and language, and where the base has no answer for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.tables import Message, Preparation
from knowledge.catalogue import Entry
from knowledge.database import now
from knowledge.languages import LANGUAGES

WEEKS: Final = 4
LIKELY: Final = 0.3
"""A best article counts as asked for from this probability; below it nobody knows what was asked."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One article in one language: `ok`, `stale`, `open` (being written) or `missing`; messages per week."""

    state: str
    demand: float


@dataclass(frozen=True, slots=True)
class Row:
    """One article. `unmet`: messages per week in languages where it cannot be said as it is now."""

    article: str
    cells: dict[str, Cell]
    unmet: float


def demand(session: Session, weeks: int = WEEKS) -> dict[tuple[str, str], float]:
    """Messages per week, by their best article and their language, over the last weeks."""
    newest = (
        select(func.max(Preparation.id))
        .join(Message, Message.id == Preparation.message_id)
        .where(Preparation.created_at >= now() - timedelta(weeks=weeks), Message.role == "customer")
        .group_by(Preparation.message_id)
    )
    best, chance = Preparation.nearest[0]["article"].as_string(), Preparation.nearest[0]["probability"].as_float()
    rows = session.execute(
        select(best, Preparation.language, func.count())
        .where(Preparation.id.in_(newest), chance >= LIKELY)
        .group_by(best, Preparation.language)
    )
    return {(article, language): count / weeks for article, language, count in rows if article}


def matrix(session: Session, entries: Iterable[Entry]) -> list[Row]:
    """Articles in use by languages, those first where most people ask in vain."""
    asked = demand(session)
    rows = [_row(entry, asked) for entry in entries if entry.state == "active"]
    return sorted(rows, key=lambda row: (-row.unmet, -sum(c.demand for c in row.cells.values()), row.article))


def _row(entry: Entry, asked: dict[tuple[str, str], float]) -> Row:
    cells: dict[str, Cell] = {code: Cell(_state(entry, code), asked.get((entry.id, code), 0.0)) for code in LANGUAGES}
    return Row(entry.id, cells, sum(cell.demand for cell in cells.values() if cell.state != "ok"))


def _state(entry: Entry, code: Any) -> str:
    if code in entry.stale:
        return "stale"
    if code in entry.answered:
        return "ok"
    return "open" if code in entry.written else "missing"
