"""The JSON Lines files of the command line: knowledge, queries, intents, language. Read whole, checked row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")]
DetectedCode = Annotated[str, StringConstraints(pattern=r"^([a-z]{2,3}|other)$")]


class FileProblem(ValueError):
    """A file that cannot be used; says which line and what is wrong with it."""

    def __init__(self, path: Path, line: int | None, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}" if line is not None else f"{path}: {problem}")
        self.path = path
        self.line = line
        self.problem = problem


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class KnowledgeRow(_Row):
    """One article in one language: its question, further ways of asking, its answer (may be empty)."""

    id: Text
    language: Code
    question: Text
    variants: tuple[Text, ...] = ()
    answer: str = ""

    def phrasings(self) -> tuple[str, ...]:
        """The question and its variants, each once."""
        return tuple(dict.fromkeys((self.question, *self.variants)))


class QueryRow(_Row):
    """A text and the article that answers it; article null means that nothing should be answered."""

    text: Text
    language: Code
    article: Text | None


class IntentRow(_Row):
    """A text with its intent."""

    text: Text
    label: Text
    language: Code


class LanguageRow(_Row):
    """A text with its language, or "other" for a language the product does not speak."""

    text: Text
    language: DetectedCode


RowT = TypeVar("RowT", bound=_Row)


def read_knowledge(path: Path) -> list[KnowledgeRow]:
    """Read a knowledge file. Raises FileProblem; an article may occur once per language."""
    rows: list[KnowledgeRow] = []
    first: dict[tuple[str, str], int] = {}
    for line, row in _rows(path, KnowledgeRow):
        key = (row.id, row.language)
        if key in first:
            raise FileProblem(path, line, f"article {row.id!r} in {row.language!r} is already on line {first[key]}")
        first[key] = line
        rows.append(row)
    return rows


def read_queries(path: Path) -> list[QueryRow]:
    """Read a queries file. Raises FileProblem."""
    return [row for _, row in _rows(path, QueryRow)]


def read_intents(path: Path) -> list[IntentRow]:
    """Read an intents file. Raises FileProblem."""
    return [row for _, row in _rows(path, IntentRow)]


def read_languages(path: Path) -> list[LanguageRow]:
    """Read a language file. Raises FileProblem."""
    return [row for _, row in _rows(path, LanguageRow)]


def _rows(path: Path, model: type[RowT]) -> Iterator[tuple[int, RowT]]:
    found = False
    for line, text in _lines(path):
        try:
            # Validated as JSON, not as Python objects, so that strict mode takes a list for a tuple.
            row = model.model_validate_json(text)
        except ValidationError as problem:
            raise FileProblem(path, line, _first_fault(problem)) from problem
        found = True
        yield line, row
    if not found:
        raise FileProblem(path, None, "no rows in it")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise FileProblem(path, None, problem.strerror or "cannot be read") from problem
    for line, encoded in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            text = encoded.decode("utf-8").strip()
        except UnicodeDecodeError as problem:
            raise FileProblem(path, line, f"not UTF-8 at byte {problem.start}") from problem
        if text:
            yield line, text


def _first_fault(problem: ValidationError) -> str:
    fault = problem.errors(include_url=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    given = "" if fault["type"] in {"missing", "json_invalid"} else f" (it is {_short(fault['input'])})"
    return f"{place}: {fault['msg']}{given}" if place else fault["msg"]


def _short(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else shown[:57] + "..."
