"""The list of articles as a knowledge manager reads it: filtered, searched by words, page by page."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from knowledge.current import is_stale
from knowledge.database import Database, now
from knowledge.folding import fold
from knowledge.languages import LANGUAGES, Language
from knowledge.tables import Article, PhrasingRow, Variant, Version

CHUNK: Final = 500
PER_PAGE: Final = 50
STANDINGS: Final = ("draft", "in_review", "stale", "due", "not_valid")
"""What may need a hand: a draft, a review, a renewed translation, a look after its date, or other dates."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One article in the list. `questions` has its languages; `answered` those in which it can be said."""

    id: str
    category: str
    state: str
    revision: int
    updated_at: datetime
    questions: dict[Language, str]
    answered: tuple[Language, ...]
    phrasings: int
    has_private: bool
    owner: str
    tags: tuple[str, ...]
    review_at: datetime | None
    valid_from: datetime | None
    valid_to: datetime | None
    waiting: tuple[str, ...]
    """The states of its open versions: `draft`, `in_review`."""
    written: tuple[Language, ...]
    """Languages with an open version."""
    stale: tuple[Language, ...]
    """Languages whose text is the translation of one that has been replaced since."""
    words: str = field(repr=False, compare=False)
    """Everything it says, folded, for the search by words."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What to list: all of these must hold. `q`: every word occurs somewhere in the article."""

    q: str = ""
    language: str = ""
    missing: str = ""
    category: str = ""
    state: str = "active"
    owner: str = ""
    tag: str = ""
    standing: str = ""
    """One of `STANDINGS`; empty: any."""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list, how many entries there are in all, and the categories to choose from."""

    entries: list[Entry]
    page: int
    total: int
    categories: list[str]
    owners: list[str]
    tags: list[str]

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PER_PAGE))


class Catalogue:
    """Lists the articles of a database. Keeps them in memory, and reads anew only those that have changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[str, Entry] = {}
        self._lock = threading.Lock()

    def page(self, filters: Filters) -> Page:
        """The entries that pass the filters, by category and id."""
        entries = self._current()
        wanted = fold(filters.q).split()
        passing = [entry for entry in entries if _passes(entry, filters) and all(w in entry.words for w in wanted)]
        passing.sort(key=lambda entry: (entry.category, entry.id))
        start = (filters.page - 1) * PER_PAGE
        categories = sorted({entry.category for entry in entries} - {""})
        owners = sorted({entry.owner for entry in entries} - {""})
        tags = sorted({tag for entry in entries for tag in entry.tags})
        return Page(passing[start : start + PER_PAGE], filters.page, len(passing), categories, owners, tags)

    def all(self) -> list[Entry]:
        """Every article, in no particular order."""
        return self._current()

    def entries(self, ids: Sequence[str]) -> list[Entry]:
        """These articles, in this order; unknown ids are left out."""
        held = {entry.id: entry for entry in self._current()}
        return [held[key] for key in ids if key in held]

    def _current(self) -> list[Entry]:
        with self._lock, self._database.read() as session:
            known = {row.id: row.revision for row in session.execute(select(Article.id, Article.revision))}
            kept = {key: entry for key, entry in self._held.items() if known.get(key) == entry.revision}
            stale = [key for key in known if key not in kept]
            for start in range(0, len(stale), CHUNK):
                kept |= {entry.id: entry for entry in _load(session, stale[start : start + CHUNK])}
            self._held = kept
            return list(kept.values())


def _passes(entry: Entry, filters: Filters) -> bool:
    return (
        filters.state in ("all", entry.state)
        and filters.category in ("", entry.category)
        and (not filters.language or filters.language in entry.questions)
        and (not filters.missing or filters.missing not in entry.answered)
        and filters.owner in ("", entry.owner)
        and (not filters.tag or filters.tag in entry.tags)
        and (not filters.standing or filters.standing in standings_of(entry))
    )


def standings_of(entry: Entry) -> tuple[str, ...]:
    """Which of `STANDINGS` an article has now."""
    moment = now()
    late = entry.valid_to is not None and entry.valid_to <= moment
    early = entry.valid_from is not None and entry.valid_from > moment
    held = (
        ("draft", "draft" in entry.waiting),
        ("in_review", "in_review" in entry.waiting),
        ("stale", bool(entry.stale)),
        ("due", entry.review_at is not None and entry.review_at <= moment),
        ("not_valid", early or late),
    )
    return tuple(name for name, holds in held if holds)


def _load(session: Session, ids: list[str]) -> Iterator[Entry]:
    asked: dict[str, list[PhrasingRow]] = {}
    for row in session.scalars(
        select(PhrasingRow).where(PhrasingRow.article_id.in_(ids)).order_by(PhrasingRow.position)
    ):
        asked.setdefault(row.article_id, []).append(row)
    said: dict[str, list[tuple[str, str, str]]] = {}
    for key, language, audience, text in session.execute(
        select(Variant.article_id, Variant.language, Variant.audience, Version.text)
        .join(Version, Version.variant_id == Variant.id)
        .where(Variant.article_id.in_(ids), Version.state == "approved")
    ):
        said.setdefault(key, []).append((language, audience, text))
    waiting = _pairs(session, Version.state, Version.state.in_(("draft", "in_review")), ids)
    written = _pairs(session, Variant.language, Version.state.in_(("draft", "in_review")), ids)
    stale = _pairs(session, Variant.language, (Version.state == "approved") & is_stale(), ids)
    for article in session.scalars(select(Article).where(Article.id.in_(ids))):
        key = article.id
        yield _entry(
            article, asked.get(key, []), said.get(key, []), waiting.get(key, set()), written.get(key, set()),
            stale.get(key, set()),
        )  # fmt: skip


def _pairs(session: Session, column: Any, condition: ColumnElement[bool], ids: list[str]) -> dict[str, set[str]]:
    """The column's values among the versions of each article that meet a condition."""
    found: dict[str, set[str]] = {}
    for article, value in session.execute(
        select(Variant.article_id, column)
        .join(Version, Version.variant_id == Variant.id)
        .where(Variant.article_id.in_(ids), condition)
        .distinct()
    ):
        found.setdefault(article, set()).add(value)
    return found


def _entry(
    article: Article, asked: Sequence[PhrasingRow], said: Sequence[tuple[str, str, str]], waiting: set[str],
    written: set[str], stale: set[str],
) -> Entry:  # fmt: skip
    questions = {row.language: row.text for row in asked if row.position == 0}
    answered = {language for language, _, _ in said}
    return Entry(
        id=article.id,
        category=article.category,
        state=article.state,
        revision=article.revision,
        updated_at=article.updated_at,
        questions={language: questions[language] for language in LANGUAGES if language in questions},
        answered=tuple(language for language in LANGUAGES if language in answered),
        phrasings=len(asked),
        has_private=any(audience == "private" for _, audience, _ in said),
        owner=article.owner,
        tags=tuple(article.tags),
        review_at=article.review_at,
        valid_from=article.valid_from,
        valid_to=article.valid_to,
        waiting=tuple(sorted(waiting)),
        written=tuple(language for language in LANGUAGES if language in written),
        stale=tuple(language for language in LANGUAGES if language in stale),
        words=fold(_joined([article.id, *article.tags], (row.text for row in asked), (text for *_, text in said))),
    )


def _joined(*parts: Iterable[str]) -> str:
    return "\n".join(text for part in parts for text in part)
