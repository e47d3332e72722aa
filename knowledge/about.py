"""What is known of an article beside its texts: owner, tags, dates; and its variants with how each stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from knowledge import life
from knowledge.article_text import ArticleProblem, Line, first_fault
from knowledge.database import now
from knowledge.languages import LANGUAGES, Language
from knowledge.tables import Article, Variant, Version

MAX_TAGS = 20
MAX_TAG = 40


def _tag(value: str) -> str:
    if not 0 < len(value) <= MAX_TAG or "," in value:
        raise ValueError(f"a tag has 1 to {MAX_TAG} characters and no comma")
    return value


class About(BaseModel):
    """Owner (a log-in, or empty), tags, the leading language, and the dates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Annotated[Line, Field(max_length=80)] = ""
    tags: Annotated[tuple[Annotated[Line, AfterValidator(_tag)], ...], Field(max_length=MAX_TAGS)] = ()
    source_language: Language | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    review_at: datetime | None = None

    @model_validator(mode="after")
    def _in_order(self) -> About:
        for name in ("valid_from", "valid_to", "review_at"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{name} needs a time zone")
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be later than valid_from")
        return self


@dataclass(frozen=True, slots=True)
class VariantState:
    """One variant: what it says, what waits to be said, and where it was translated from."""

    id: int
    language: str
    audience: str
    channel_kind: str
    current: Version | None
    open: Version | None
    source: Version | None
    """The version that the current text (else the open one) was translated from."""
    source_language: str
    stale: bool


def checked_about(given: dict[str, Any]) -> About:
    """Raises: ArticleProblem: one line naming the first field that is wrong."""
    try:
        about = About.model_validate(given)
    except ValidationError as problem:
        raise ArticleProblem(first_fault(problem)) from None
    return about.model_copy(update={"tags": tuple(dict.fromkeys(about.tags))})


def about_of(article: Article) -> About:
    """What is known of an article now."""
    return About(
        owner=article.owner, tags=tuple(article.tags), source_language=_language(article.source_language),
        valid_from=article.valid_from, valid_to=article.valid_to, review_at=article.review_at,
    )  # fmt: skip


def set_about(session: Session, article: Article, about: About, *, by: str, why: str = "") -> bool:
    """Change owner, tags and dates; whether anything was changed. Dates hold at once."""
    before = about_of(article)
    if before == about:
        return False
    article.owner, article.tags = about.owner, list(about.tags)
    article.source_language = about.source_language or ""
    article.valid_from, article.valid_to, article.review_at = about.valid_from, about.valid_to, about.review_at
    old, new = before.model_dump(mode="json"), about.model_dump(mode="json")
    changed = [name for name in old if old[name] != new[name]]
    life.note_about(session, article, _said(old, changed), _said(new, changed), by=by, why=why)
    return True


def variants_of(session: Session, article_id: str) -> list[VariantState]:
    """An article's variants that say something or are about to, in the order of the languages."""
    rows = session.scalars(
        select(Variant).where(Variant.article_id == article_id).options(selectinload(Variant.versions))
    ).all()
    versions = {version.id: (row.language, version) for row in rows for version in row.versions}
    order: dict[str, int] = {language: place for place, language in enumerate(LANGUAGES)}
    found = [_state(row, versions) for row in rows if row.current or row.open]
    return sorted(found, key=lambda one: (order.get(one.language, 99), one.audience, one.channel_kind))


def is_due(article: Article, at: datetime | None = None) -> bool:
    """Whether the article's review date has passed."""
    return article.review_at is not None and article.review_at <= (at or now())


def _state(row: Variant, versions: dict[int, tuple[str, Version]]) -> VariantState:
    said = row.current or row.open
    language, source = versions.get((said.translated_from if said else None) or 0, ("", None))
    return VariantState(
        id=row.id, language=row.language, audience=row.audience, channel_kind=row.channel_kind, current=row.current,
        open=row.open, source=source, source_language=language,
        stale=row.current is not None and source is not None and source.state == "retired",
    )  # fmt: skip


def _language(value: str) -> Language | None:
    return next((language for language in LANGUAGES if language == value), None)


def _said(values: dict[str, Any], names: list[str]) -> str:
    return json.dumps({name: values[name] for name in names}, ensure_ascii=False)
