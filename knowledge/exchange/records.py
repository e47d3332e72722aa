"""What passes between the readers of formats and the import: rows, each with its place, and how to read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

FIELDS: Final = ("id", "language", "category", "question", "variants", "answer", "public")

Detector = Callable[[str], str | None]
"""Names the language of a text, or None where it cannot tell. Given by the caller: this room knows none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: the file, in it the sheet, and the line; `item` where the format has no lines."""

    file: str
    line: int | None = None
    sheet: str = ""
    item: str = ""

    def __str__(self) -> str:
        parts = [self.file, self.sheet, str(self.line) if self.line is not None else "", self.item]
        return ":".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was read. `fault` says why it cannot be taken, `skipped` why it is left out on purpose.

    A `given` without a language gets one from the caller's choice or detector; a `locale` such as `pl-PL` is a
    language in a foreign spelling, and one that the product does not speak leaves the row out.
    """

    place: Place
    given: Mapping[str, Any] | None
    fault: str = ""
    skipped: str = ""
    field: str = ""


@dataclass(slots=True)
class Reading:
    """How a file is to be read, and what is remarked on the way."""

    language: str | None = None
    detect: Detector | None = None
    encoding: str | None = None
    remarks: list[str] = field(default_factory=list)

    def remark(self, said: str) -> None:
        """Note something that a person should know about the file as a whole; each thing once."""
        if said not in self.remarks:
            self.remarks.append(said)


Rows = Iterator[Row]
