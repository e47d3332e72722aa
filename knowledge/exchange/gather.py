"""Rows put together to articles, with the fate of each row. Nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from knowledge.article_text import MAX_ANSWER, ArticleText, LanguageText, first_fault
from knowledge.exchange.names import slug
from knowledge.exchange.records import FIELDS, Place, Reading, Row
from knowledge.languages import LANGUAGES

MAX_ROWS: Final = 500_000
MAX_TEXT: Final = 20 * MAX_ANSWER


@dataclass(slots=True)
class Taken:
    """A row after it was looked at: part of an article, or refused or left out for a reason."""

    place: Place
    article: str = ""
    language: str = ""
    fault: str = ""
    skipped: str = ""
    field: str = ""


@dataclass(slots=True)
class Gathered:
    """The articles of a file, its rows in their order, and the fields that are not ours."""

    articles: list[ArticleText] = field(default_factory=list)
    rows: list[Taken] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    absent: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """What the row of an article and language does not speak of, and what so stays as it is in the base."""

    @property
    def problems(self) -> list[str]:
        """`file:line: what is wrong`, one per refused row."""
        return [f"{row.place}: {row.fault}" for row in self.rows if row.fault]


@dataclass(slots=True)
class _Article:
    place: Place
    category: str = ""
    languages: dict[str, LanguageText] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)


class _Unsaid(ValueError):
    """Nobody says what language a row is in."""


def gather(name: str, rows: Iterable[Row], reading: Reading) -> Gathered:
    """Put rows together to articles. `name` is the source's, for what is wrong with it as a whole."""
    gathered = Gathered()
    articles: dict[str, _Article] = {}
    for count, row in enumerate(rows, start=1):
        if count > MAX_ROWS:
            gathered.rows.append(Taken(Place(name), fault=f"more than {MAX_ROWS} rows; nothing after them was read"))
            break
        gathered.rows.append(_taken(articles, row, reading, gathered))
    if not gathered.rows:
        gathered.rows.append(Taken(Place(name), fault="no rows in it"))
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
            "public": said.public,
        }
        if article.category:
            row["category"] = article.category
        yield row


def _taken(articles: dict[str, _Article], row: Row, reading: Reading, gathered: Gathered) -> Taken:
    if row.given is None:
        return Taken(row.place, fault=row.fault, skipped=row.skipped, field=row.field)
    given = dict(row.given)
    gathered.ignored |= given.keys() - set(FIELDS)
    taken = Taken(row.place, str(given.get("id") or "")[:100], str(given.get("language") or "")[:20])
    if row.fault or row.skipped:
        taken.fault, taken.skipped, taken.field = row.fault, row.skipped, row.field
        return taken
    try:
        _complete(given, reading)
    except ValueError as problem:
        taken.fault, taken.field = str(problem), str(problem).partition(":")[0]
        return taken
    joined = _joined(articles, taken, given)
    absent = tuple(name for name in ("variants", "answer", "public") if name not in given)
    if absent and not joined.fault and not joined.skipped:
        gathered.absent[joined.article, joined.language] = absent
    return joined


def _complete(given: dict[str, Any], reading: Reading) -> None:
    """Fill in the id and the language where the row has none. Raises ValueError."""
    for name, value in given.items():  # looked at letter by letter, ten megabytes would take half a minute
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise ValueError(f"{name}: has {len(value)} characters, at most {MAX_ANSWER} are taken")
    if "question" not in given:
        raise ValueError("question: is missing")
    if "id" not in given:
        made = slug(given["question"]) if isinstance(given["question"], str) else ""
        if not made:
            raise ValueError("question: has no letter or digit to make an id of")
        given["id"] = made
    if "language" in given:
        return
    if reading.language:
        given["language"] = reading.language
        return
    said = "\n".join(str(given.get(name) or "") for name in ("question", "answer"))[:2000]
    found = reading.detect(said) if reading.detect else None
    if found not in LANGUAGES:
        raise _Unsaid(f"language: the file does not say it and it cannot be told; name it ({', '.join(LANGUAGES)})")
    given["language"] = found
    reading.remark("languages were recognised from the texts, because the file does not say them")


def _joined(articles: dict[str, _Article], taken: Taken, given: Mapping[str, Any]) -> Taken:
    """Put one row into its article."""
    said = {name: given[name] for name in ("question", "variants", "answer", "public") if name in given}
    try:
        languages = {given["language"]: said}
        one = ArticleText.model_validate(
            {"id": given["id"], "category": given.get("category") or "", "languages": languages}
        )
    except (ValidationError, TypeError) as problem:
        taken.fault = _fault(problem, given["language"])
        taken.field = taken.fault.partition(":")[0]
        return taken
    ((language, text),) = one.languages.items()
    taken.article, taken.language = one.id, language
    held = articles.setdefault(one.id, _Article(taken.place))
    if language in held.languages:
        where = held.places[language]
        if held.languages[language] == text and one.category in ("", held.category):
            taken.skipped = f"says the same as row {_short(where)}"
        else:
            taken.fault = f"article {one.id!r} in {language!r} is already in row {_short(where)}"
        return taken
    if one.category and held.category and one.category != held.category:
        taken.fault, taken.field = (
            f"category: {one.category!r}, but {held.category!r} in row {_short(held.place)}",
            "category",
        )
        return taken
    held.category = held.category or one.category
    held.languages[language], held.places[language] = text, taken.place
    return taken


def _short(place: Place) -> str:
    return str(place.line) if place.line is not None and not place.sheet and not place.item else str(place)


def _fault(problem: ValidationError | TypeError, language: object) -> str:
    if isinstance(problem, TypeError):  # a language that is a list or an object cannot be a key
        return "language: must be a text"
    said = first_fault(problem).removeprefix("languages.")
    if isinstance(language, str) and language not in LANGUAGES:
        return f"language: {language[:20]!r} is none of {', '.join(LANGUAGES)}"
    return said.removeprefix(f"{language}.")
