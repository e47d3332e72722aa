"""What an import would do: the fate of every row, with the difference for those that change an article."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.article_text import ArticleText, LanguageText
from knowledge.exchange.gather import Gathered, Taken
from knowledge.exchange.records import Place
from knowledge.exchange.tables import Import, ImportChange
from knowledge.languages import Language
from knowledge.store import article_texts, merged
from knowledge.tables import Article

Fate = Literal["create", "change", "unchanged", "skipped", "refused"]
FATES: Final[tuple[Fate, ...]] = ("create", "change", "unchanged", "skipped", "refused")
CHUNK: Final = 250
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the plan. `changes`: field -> (before, after), for `change` alone."""

    place: Place
    fate: Fate
    article: str = ""
    language: str = ""
    reason: str = ""
    named: str = ""
    """The field that is wrong."""
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        plain: dict[str, Any] = {
            "file": self.place.file, "sheet": self.place.sheet, "line": self.place.line, "item": self.place.item,
            "fate": self.fate, "article": self.article, "language": self.language, "reason": self.reason,
            "field": self.named,
        }  # fmt: skip
        if self.changes:
            plain["changes"] = {name: {"before": old, "after": new} for name, (old, new) in self.changes.items()}
        return plain


@dataclass(slots=True)
class Step:
    """One article to store: what it said, or None, and what it is to say. `again`: an undone import had made it."""

    before: ArticleText | None
    after: ArticleText
    again: bool = False


@dataclass(slots=True)
class Plan:
    """The rows in their order, and the articles to store."""

    lines: list[Line]
    steps: list[Step]
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows meet each fate; together all rows that were read."""
        counted = Counter(line.fate for line in self.lines)
        return {fate: counted[fate] for fate in FATES}

    @property
    def digest(self) -> str:
        """A name of exactly this plan. Another base or another file has another one."""
        held = hashlib.sha256()
        for line in self.lines:
            held.update(json.dumps(line.as_dict(), sort_keys=True).encode())
        return held.hexdigest()[:32]


def plan(session: Session, gathered: Gathered, progress: Progress | None = None) -> Plan:
    """Compare what was read with the base as this session sees it."""
    made = Plan([], [])
    states = {row.id: row.state for row in session.execute(select(Article.id, Article.state))}
    undone = _made_and_undone(session)
    before: dict[str, ArticleText | None] = {}
    wanted: dict[str, ArticleText] = {}
    articles = gathered.articles
    for start in range(0, len(articles), CHUNK):
        chunk = articles[start : start + CHUNK]
        said = article_texts(session, [article.id for article in chunk if article.id in states])
        for article in chunk:
            again = article.id in undone and states.get(article.id) == "retired"
            if states.get(article.id) == "retired" and not again:
                made.retired.append(article.id)
                continue
            held = None if again else said.get(article.id)
            before[article.id], wanted[article.id] = held, _filled(held, article, gathered)
            _step(made, held, wanted[article.id], again)
        if progress:
            progress(start + len(chunk), len(articles))
    made.lines = [_line(row, before, wanted) for row in gathered.rows]
    return made


def _step(made: Plan, held: ArticleText | None, given: ArticleText, again: bool) -> None:
    wanted = merged(held, given)
    if held == wanted:
        made.unchanged.append(given.id)
        return
    (made.new if held is None else made.changed).append(given.id)
    made.steps.append(Step(held, wanted, again))


def _filled(held: ArticleText | None, given: ArticleText, gathered: Gathered) -> ArticleText:
    """What is given, with what its rows do not speak of as it is in the base."""
    if held is None:
        return given
    languages = dict(given.languages)
    for language, said in given.languages.items():
        absent, old = gathered.absent.get((given.id, language), ()), held.languages.get(language)
        if absent and old is not None:
            kept = {name: getattr(old, name) for name in absent}
            languages[language] = LanguageText.model_validate({**said.model_dump(), **kept})
    return given.model_copy(update={"languages": languages})


def _made_and_undone(session: Session) -> set[str]:
    """Articles that only an undone import ever made: they are retired because of that, not because somebody said so."""
    return set(
        session.scalars(
            select(ImportChange.article_id)
            .join(Import, Import.id == ImportChange.import_id)
            .where(ImportChange.before.is_(None), ImportChange.undone)
        )
    )


def _line(row: Taken, before: dict[str, ArticleText | None], wanted: dict[str, ArticleText]) -> Line:
    if row.fault:
        return Line(row.place, "refused", row.article, row.language, row.fault, row.field)
    if row.skipped:
        return Line(row.place, "skipped", row.article, row.language, row.skipped, row.field)
    if row.article not in before:
        reason = "the article is retired in the base; restore it there first"
        return Line(row.place, "skipped", row.article, row.language, reason)
    held, given = before[row.article], wanted[row.article]
    language = cast(Language, row.language)  # `gather` has checked it
    old, new = (held.languages.get(language) if held else None), given.languages[language]
    if held is None or old is None:
        return Line(row.place, "create", row.article, language)
    changes = _changes(old, new)
    if given.category and given.category != held.category:
        changes["category"] = (held.category, given.category)
    return Line(row.place, "change" if changes else "unchanged", row.article, language, changes=changes)


def _changes(old: LanguageText, new: LanguageText) -> dict[str, tuple[Any, Any]]:
    pairs = {
        "question": (old.question, new.question),
        "variants": (list(old.variants), list(new.variants)),
        "answer": (old.answer, new.answer),
        "public": (old.public, new.public),
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
