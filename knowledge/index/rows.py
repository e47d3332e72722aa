"""The join: what the phrasings that were found stand for in the database now, and whether it may be said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Integer, String, bindparam, func, or_, select
from sqlalchemy.orm import Session

from knowledge.database import UTCDateTime
from knowledge.index.engine import Allowed
from knowledge.tables import Article, PhrasingRow, Variant, Version


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
    dialect = session.get_bind().dialect.name
    statement = _join(dialect, allowed.audience, allowed.languages is None)
    given: dict[str, Any] = {
        "ids": json.dumps(ids) if dialect == "sqlite" else ids,
        "kind": allowed.channel_kind,
        "at": at,
    }
    if allowed.languages is not None:
        given["languages"] = sorted(allowed.languages)
    rows = session.connection().execute(statement, given)
    found: dict[int, Any] = {}
    for row in rows:
        held = found.get(row[0])
        if held is None or (row[4] != "", row[3] == "private") > (held[4] != "", held[3] == "private"):
            found[row[0]] = row
    return found


@cache
def _join(dialect: str, audience: str | None, any_language: bool) -> Any:
    conditions: list[ColumnElement[bool]] = [
        _among(dialect), Article.state == "active", Version.state == "approved",
        Variant.channel_kind.in_(["", bindparam("kind", type_=String)]),
    ]  # fmt: skip
    if audience == "public":
        conditions.append(Variant.audience == "public")
    if not any_language:
        conditions.append(PhrasingRow.language.in_(bindparam("languages", expanding=True)))
    for name, passes in (("valid_from", "__le__"), ("valid_to", "__gt__")):
        if hasattr(Article, name):
            column = getattr(Article, name)
            conditions.append(or_(column.is_(None), getattr(column, passes)(bindparam("at", type_=UTCDateTime))))
    return (
        select(
            PhrasingRow.id, PhrasingRow.article_id, PhrasingRow.language, Variant.audience, Variant.channel_kind,
            Version.id, Version.text,
        )
        .join(Article, Article.id == PhrasingRow.article_id)
        .join(Variant, (Variant.article_id == Article.id) & (Variant.language == PhrasingRow.language))
        .join(Version, Version.variant_id == Variant.id)
        .where(*conditions)
    )  # fmt: skip


def _among(dialect: str) -> ColumnElement[bool]:
    """The ids as one parameter, so that the statement is the same for any number of them."""
    if dialect == "sqlite":
        each = func.json_each(bindparam("ids", type_=String)).table_valued("value")
        return PhrasingRow.id.in_(select(each.c.value))
    return PhrasingRow.id == func.any(bindparam("ids", type_=ARRAY(Integer)))
