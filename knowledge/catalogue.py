"""The list of articles as a knowledge manager reads it: filtered, searched by words, page by page."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.database import Database
from knowledge.languages import LANGUAGES, Language
from knowledge.tables import Article, PhrasingRow, Variant, Version

CHUNK: Final = 500
PER_PAGE: Final = 50


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
    page: int = 1


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list, how many entries there are in all, and the categories to choose from."""

    entries: list[Entry]
    page: int
    total: int
    categories: list[str]

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
        wanted = _folded(filters.q).split()
        passing = [entry for entry in entries if _passes(entry, filters) and all(w in entry.words for w in wanted)]
        passing.sort(key=lambda entry: (entry.category, entry.id))
        start = (filters.page - 1) * PER_PAGE
        categories = sorted({entry.category for entry in entries} - {""})
        return Page(passing[start : start + PER_PAGE], filters.page, len(passing), categories)

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
    )


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
    for article in session.scalars(select(Article).where(Article.id.in_(ids))):
        yield _entry(article, asked.get(article.id, []), said.get(article.id, []))


def _entry(article: Article, asked: Sequence[PhrasingRow], said: Sequence[tuple[str, str, str]]) -> Entry:
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
        words=_folded(_joined([article.id], (row.text for row in asked), (text for *_, text in said))),
    )


def _joined(*parts: Iterable[str]) -> str:
    return "\n".join(text for part in parts for text in part)


def _folded(text: str) -> str:
    from knowledge.lexical import fold  # it brings scikit-learn along, which takes a second to import

    return fold(text)
