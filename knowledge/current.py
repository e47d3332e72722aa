"""What may be said now: approved texts of active articles within their dates. Searches, drafts and guards ask here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from knowledge.database import now
from knowledge.tables import Article, Variant, Version


@dataclass(frozen=True, slots=True)
class Standing:
    """How a version stands now."""

    article: str
    variant: int
    number: int
    current: bool
    """Whether it may be said."""
    stale: bool
    """Whether it is a translation of a text that has been replaced since."""


def may_be_said(at: datetime) -> list[ColumnElement[bool]]:
    """The conditions on article and version under which a text may be said at a moment."""
    return [
        Article.state == "active",
        Version.state == "approved",
        or_(Article.valid_from.is_(None), Article.valid_from <= at),
        or_(Article.valid_to.is_(None), Article.valid_to > at),
    ]


def is_stale() -> ColumnElement[bool]:
    """Whether a version is the translation of one that has been retired since, as a column."""
    source = aliased(Version)
    return (
        select(source.id)
        .where(source.id == Version.translated_from, source.state == "retired")
        .correlate(Version)
        .exists()
    )


def next_change(session: Session, at: datetime) -> datetime | None:
    """When the next article begins or ceases to be valid by its dates; None: none will."""
    bounds = [
        session.scalar(select(func.min(column)).where(column > at)) for column in (Article.valid_from, Article.valid_to)
    ]
    return min((bound for bound in bounds if bound is not None), default=None)


def standings(session: Session, versions: Collection[int], at: datetime | None = None) -> dict[int, Standing]:
    """How each of these versions stands; unknown ids are left out."""
    if not versions:
        return {}
    rows: Any = session.execute(
        select(Version.id, Variant.article_id, Variant.id, Version.number, _said(at or now()), is_stale())
        .join(Variant, Variant.id == Version.variant_id)
        .join(Article, Article.id == Variant.article_id)
        .where(Version.id.in_(versions))
    )
    return {row[0]: Standing(row[1], row[2], row[3], bool(row[4]), bool(row[5])) for row in rows}


def _said(at: datetime) -> ColumnElement[bool]:
    first, *rest = may_be_said(at)
    for condition in rest:
        first = first & condition
    return first


def languages_of(session: Session, articles: Collection[str], at: datetime | None = None) -> dict[str, list[str]]:
    """In which languages each article can be said now, to anybody."""
    found: dict[str, list[str]] = {article: [] for article in articles}
    rows = session.execute(
        select(Article.id, Variant.language)
        .join(Variant, Variant.article_id == Article.id)
        .join(Version, Version.variant_id == Variant.id)
        .where(Article.id.in_(articles), *may_be_said(at or now()))
        .distinct()
        .order_by(Variant.language)
    )
    for article, language in rows:
        found[article].append(language)
    return found
