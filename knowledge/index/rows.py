"""The join: what the phrasings that were found stand for in the database now, and whether it may be said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Dialect, Integer, String, bindparam, func, or_, select
from sqlalchemy.orm import Session

from knowledge.database import UTCDateTime
from knowledge.index.engine import Allowed
from knowledge.tables import Article, PhrasingRow, Variant, Version

SQLITE_MOMENT: Final = "%Y-%m-%d %H:%M:%S.%f"
"""How SQLAlchemy writes a moment there."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A phrasing near to what was asked, with the approved text of its article as it is at this moment."""

    phrasing: int
    article: str
    language: str
    """The phrasing's, and the answer's."""
    score: float
    """Inner product of query and phrasing."""
    audience: str
    version: int
    answer: str


def current_rows(session: Session, ids: Sequence[int], allowed: Allowed, at: datetime) -> dict[int, Any]:
    """The row of each phrasing that may be said now; phrasings that are gone, or may not be said, have none.

    A text for this very kind of channel goes before one for any, a private one before a public one.
    """
    connection = session.connection()
    sqlite = connection.dialect.name == "sqlite"
    given = {
        "ids": json.dumps(ids) if sqlite else list(ids),
        "kind": allowed.channel_kind,
        "at": at.astimezone(UTC).strftime(SQLITE_MOMENT) if sqlite else at,
    }
    statement = _join(connection.dialect, allowed.audience)
    found: dict[int, Any] = {}
    for row in connection.exec_driver_sql(statement.sql, statement.filled(given)):
        if allowed.languages is not None and row[2] not in allowed.languages:
            continue
        held = found.get(row[0])
        if held is None or (row[4] != "", row[3] == "private") > (held[4] != "", held[3] == "private"):
            found[row[0]] = row
    return found


@dataclass(frozen=True)
class _Ready:
    """A statement as the driver takes it: putting it together anew would cost more than running it."""

    sql: str
    names: tuple[str, ...] | None
    """In what order the driver wants the values; None: by name."""
    fixed: dict[str, Any]

    def filled(self, given: dict[str, Any]) -> Any:
        values = {name: given.get(name, value) for name, value in self.fixed.items()}
        return values if self.names is None else tuple(values[name] for name in self.names)


@cache
def _join(dialect: Dialect, audience: str | None) -> _Ready:
    conditions: list[ColumnElement[bool]] = [
        _among(dialect.name), Article.state == "active", Version.state == "approved",
        or_(Variant.channel_kind == "", Variant.channel_kind == bindparam("kind", type_=String)),
    ]  # fmt: skip
    if audience == "public":
        conditions.append(Variant.audience == "public")
    for name, passes in (("valid_from", "__le__"), ("valid_to", "__gt__")):
        if hasattr(Article, name):
            column = getattr(Article, name)
            conditions.append(or_(column.is_(None), getattr(column, passes)(bindparam("at", type_=UTCDateTime))))
    statement = (
        select(
            PhrasingRow.id, PhrasingRow.article_id, PhrasingRow.language, Variant.audience, Variant.channel_kind,
            Version.id, Version.text,
        )
        .join(Article, Article.id == PhrasingRow.article_id)
        .join(Variant, (Variant.article_id == Article.id) & (Variant.language == PhrasingRow.language))
        .join(Version, Version.variant_id == Variant.id)
        .where(*conditions)
    )  # fmt: skip
    made: Any = statement.compile(dialect=dialect)
    return _Ready(str(made), tuple(made.positiontup) if made.positiontup else None, dict(made.params))


def _among(dialect: str) -> ColumnElement[bool]:
    """The ids as one parameter, so that the statement is the same for any number of them."""
    if dialect == "sqlite":
        each = func.json_each(bindparam("ids", type_=String)).table_valued("value")
        return PhrasingRow.id.in_(select(each.c.value))
    return PhrasingRow.id == func.any(bindparam("ids", type_=ARRAY(Integer)))
