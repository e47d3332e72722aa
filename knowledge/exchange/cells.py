"""Cells of a spreadsheet: guarded against formulas on the way out, and headers found on the way in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n|%＝＋－＠]")
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r\n|%＝＋－＠]")
_HEADERS: Final[dict[str, str]] = {
    name: ours
    for ours, names in {
        "id": "id identifier key article_id",
        "language": "language lang locale język jezyk lingua jazyk язык gjuha",
        "category": "category section topic kategoria categoria kategorie категория kategoria",
        "question": "question questions title pytanie domanda otázka otazka вопрос pyetja q",
        "variants": "variants phrasings warianty varianti varianty варианты variante",
        "answer": "answer answers content body a odpowiedź odpowiedz risposta odpověď ответ përgjigja pergjigja",
        "public": "public",
    }.items()
    for name in names.split()
}


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `unguarded` gives the very text back."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """Undo `guarded`."""
    return cell[1:] if _GUARDED.match(cell) else cell


def header_of(cells: Sequence[str]) -> list[str] | None:
    """Our names of the columns, "" for an empty one, others as they stand; None where this row is no header.

    Raises:
        ValueError: a column is there twice.
    """
    given = [cell.strip().lower() for cell in cells]
    # Our own names first: beside a column `question`, a column `title` is just another column.
    named = [cell if cell in _HEADERS.values() else _HEADERS.get(cell, cell) for cell in given]
    header = [cell if given.count(name) and cell != name else name for cell, name in zip(given, named, strict=True)]
    if "question" not in header or not {"answer", "id"} & set(header):
        return None
    filled = [name for name in header if name]
    twice = next((name for name in filled if filled.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"a column is there twice: {twice!r}")
    return header


def row_of(header: Sequence[str], cells: Sequence[str]) -> Mapping[str, Any]:
    """A row by its columns' names. `variants`, `variants_2` and so on hold one phrasing a line."""
    given: dict[str, Any] = {name: unguarded(cell) for name, cell in zip(header, cells, strict=True) if name}
    if columns := [name for name in given if re.fullmatch(r"variants(_\d+)?", name)]:
        lines = "\n".join(given.pop(name) for name in columns).split("\n")
        given["variants"] = [line for line in lines if line.strip()]
    for name in ("id", "language"):
        if name in given and not given[name].strip():
            del given[name]
    return given
