"""Excel workbooks in and out. Read as a stream; formulas, macros, entities and exploding archives do nothing."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import zip_longest
from typing import Any, BinaryIO, Final
from xml.etree.ElementTree import ParseError

import defusedxml
import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from knowledge.article_text import ArticleText
from knowledge.exchange.cells import guarded, header_of, row_of
from knowledge.exchange.gather import rows_of
from knowledge.exchange.records import FIELDS, Place, Reading, Row, Rows
from knowledge.exchange.source import Member, Source, check_archive
from knowledge.files import FileProblem

MAX_CELL: Final = 30_000
"""Excel takes 32,767 characters; longer lists of phrasings go on in the columns `variants_2` and so on."""
MAX_COLUMNS: Final = 200
_BOMB: Final = "its XML declares entities, as bombs do; it is refused"
_ESCAPE: Final = re.compile("_x(?=[0-9A-Fa-f]{4}_)|[\ufffe\uffff]")
_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")


def read_xlsx(source: Source, reading: Reading) -> Rows:
    """Rows of every sheet with a header of ours, in every workbook. Raises FileProblem for one that cannot be read."""
    for member in source.having(".xlsx", ".xlsm"):
        with member.open() as file:
            yield from _workbook(member, file, reading)


def write_xlsx(file: BinaryIO, articles: Iterable[ArticleText]) -> int:
    """Write articles to one sheet, one row per article and language, no cell a formula; returns how many articles."""
    held = list(articles)
    rows = [{**row, "variants": _parts(row["variants"])} for article in held for row in rows_of(article)]
    wide = max((len(row["variants"]) for row in rows), default=1)
    more = [f"variants_{number}" for number in range(2, wide + 1)]
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("knowledge")
    sheet.append([*FIELDS, *more])
    for row in rows:
        cells = {**row, **dict(zip(["variants", *more], row["variants"], strict=False))}
        sheet.append([_escaped(guarded(cells.get(name) or "")) for name in (*FIELDS, *more)])
    book.save(file)
    return len(held)


def _workbook(member: Member, file: BinaryIO, reading: Reading) -> Rows:
    try:
        with zipfile.ZipFile(file) as archive:
            check_archive(member.path, archive)
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except (
        zipfile.BadZipFile,
        InvalidFileException,
        ParseError,
        KeyError,
        ValueError,
        OSError,
        TypeError,
        zlib.error,
    ) as problem:
        if isinstance(problem, FileProblem):
            raise
        said = _BOMB if _is_bomb(problem) else f"no Excel workbook that can be read: {problem}"
        raise FileProblem(member.path, None, said) from problem
    try:
        found = False
        for sheet in book.worksheets:
            for row in _sheet(member, sheet):
                found = found or row.given is not None
                yield row
        if not found and not reading.remarks:
            reading.remark(f"{member.path.name}: no sheet has a header with the columns {', '.join(FIELDS)}")
    except (ParseError, KeyError, ValueError, TypeError, zipfile.BadZipFile, zlib.error, EOFError) as problem:
        if isinstance(problem, FileProblem):
            raise
        said = _BOMB if _is_bomb(problem) else f"the workbook is damaged: {problem}"
        raise FileProblem(member.path, None, said) from problem
    finally:
        book.close()


def _is_bomb(problem: BaseException | None) -> bool:
    """Whether an entity was met; openpyxl raises an error of its own over it, so the whole chain is looked at."""
    while problem is not None:
        if isinstance(problem, defusedxml.DefusedXmlException):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def _sheet(member: Member, sheet: Any) -> Rows:
    header: list[str] | None = None
    for number, values in enumerate(_values(sheet), start=1):
        cells = [_text(value) for value in values]
        place = Place(member.shown, number, sheet.title)
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            try:
                header = header_of(cells)
            except ValueError as problem:
                raise FileProblem(member.path, number, f"sheet {sheet.title}: {problem}") from problem
            if header is None:
                yield Row(place, None, skipped="above or without a header with a column 'question'")
            continue
        if len(cells) > len(header) and any(cells[len(header) :]):
            yield Row(place, None, f"{len(cells)} cells, but the header has {len(header)}")
            continue
        yield Row(place, row_of(header, [cell for cell, _ in zip_longest(cells[: len(header)], header, fillvalue="")]))


def _values(sheet: Any) -> Iterator[Sequence[Any]]:
    sheet.reset_dimensions()  # a workbook may claim a million columns
    yield from sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS)


def _text(value: Any) -> str:
    """A cell as text. A number such as 12.0 was typed as 12."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), str(value)) if isinstance(value, str) else str(value)


def _escaped(cell: str) -> str:
    """What XML cannot hold, and what looks like its escape, in the way workbooks write it."""
    return _ESCAPE.sub(lambda found: "_x005F_x" if found[0] == "_x" else f"_x{ord(found[0]):04X}_", cell)


def _parts(variants: Sequence[str]) -> list[str]:
    """Phrasings, one a line, in as few cells as they fit into."""
    parts, size = [[]], 0  # type: list[list[str]], int
    for phrasing in variants:
        if size + len(phrasing) + 1 > MAX_CELL and parts[-1]:
            parts.append([])
            size = 0
        parts[-1].append(phrasing)
        size += len(phrasing) + 1
    return ["\n".join(part) for part in parts]
