"""Rows of an exchanged base: one article in one language each, gathered to articles, with every fault named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from knowledge.article_text import ArticleText, LanguageText, first_fault
from knowledge.languages import LANGUAGES

FIELDS: Final = ("id", "language", "category", "question", "variants", "answer", "public")
MAX_ROWS: Final = 500_000
MAX_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was read, and where. `given` is None for a row that could not be read; `fault` says why."""

    place: str
    given: Mapping[str, Any] | None
    fault: str = ""


@dataclass(slots=True)
class Gathered:
    """The articles of a file, what is wrong with it, and the fields that are not ours."""

    articles: list[ArticleText] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Article:
    place: str
    category: str = ""
    languages: dict[str, LanguageText] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


def gather(path: Path, rows: Iterable[Row]) -> Gathered:
    """Put rows together to articles. Nothing is dropped in silence: each row is in an article or in `problems`."""
    gathered = Gathered()
    articles: dict[str, _Article] = {}
    count = 0
    for count, row in enumerate(rows, start=1):
        if count > MAX_ROWS:
            gathered.problems.append(f"{path}: more than {MAX_ROWS} rows")
            break
        fault = row.fault if row.given is None else _take(articles, row, row.given, gathered.ignored)
        if fault:
            gathered.problems.append(f"{path}:{row.place}: {fault}")
        if len(gathered.problems) >= MAX_PROBLEMS:
            gathered.problems.append(f"{path}: too much is wrong; stopped reading here")
            break
    if not count:
        gathered.problems.append(f"{path}: no rows in it")
    gathered.articles = [
        ArticleText.model_construct(id=key, category=held.category, languages=held.languages)
        for key, held in articles.items()
    ]
    return gathered


def rows_of(article: ArticleText) -> Iterator[dict[str, Any]]:
    """An article as rows, one per language, in the product's order of languages."""
    for language in LANGUAGES:
        said = article.languages.get(language)
        if said is None:
            continue
        row: dict[str, Any] = {
            "id": article.id,
            "language": language,
            "question": said.question,
            "variants": list(said.variants),
            "answer": said.answer,
        }
        if said.public:
            row["public"] = said.public
        if article.category:
            row["category"] = article.category
        yield row


def _take(articles: dict[str, _Article], row: Row, given: Mapping[str, Any], ignored: set[str]) -> str:
    """Put one row into its article; what is wrong with it, or nothing."""
    ignored |= given.keys() - set(FIELDS)
    for name in ("id", "language", "question"):
        if name not in given:
            return f"{name}: is missing"
    said = {name: given[name] for name in ("question", "variants", "answer", "public") if name in given}
    try:
        languages = {given["language"]: said}
        one = ArticleText.model_validate(
            {"id": given["id"], "category": given.get("category") or "", "languages": languages}
        )
    except (ValidationError, TypeError) as problem:
        return _fault(problem, given["language"])
    held = articles.setdefault(one.id, _Article(row.place))
    ((language, text),) = one.languages.items()
    if language in held.languages:
        return f"article {one.id!r} in {language!r} is already in row {held.places[language]}"
    if one.category and held.category and one.category != held.category:
        return f"category: {one.category!r}, but {held.category!r} in row {held.place}"
    held.category = held.category or one.category
    held.languages[language], held.places[language] = text, row.place
    return ""


def _fault(problem: ValidationError | TypeError, language: object) -> str:
    if isinstance(problem, TypeError):  # a language that is a list or an object cannot be a key
        return "language: must be a text"
    said = first_fault(problem).removeprefix("languages.")
    if isinstance(language, str) and language not in LANGUAGES:
        return f"language: {language[:20]!r} is none of {', '.join(LANGUAGES)}"
    return said.removeprefix(f"{language}.")
