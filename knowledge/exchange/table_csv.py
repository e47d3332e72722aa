"""CSV in and out. Comma, semicolon or tab; UTF-8, or what older spreadsheets write."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

from knowledge.article_text import ArticleText
from knowledge.exchange.cells import guarded, header_of, row_of
from knowledge.exchange.encoding import encoding_of
from knowledge.exchange.gather import rows_of
from knowledge.exchange.records import FIELDS, Place, Reading, Row, Rows
from knowledge.exchange.source import Member, Source
from knowledge.files import FileProblem

MAX_CELL: Final = 16 * 1024 * 1024
csv.field_size_limit(MAX_CELL)  # the library's own limit stops the reading; ours refuses the row and goes on


def read_csv(source: Source, reading: Reading) -> Rows:
    """Rows of every CSV file of a source. Raises FileProblem where one has no header of ours."""
    for member in source.having(".csv", ".tsv", ".txt") or source.members:
        with member.open() as file:
            encoding = encoding_of(member.path, file, reading)
        with member.open() as file:
            try:
                yield from _rows(
                    member,
                    io.TextIOWrapper(file, encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline=""),
                )
            except UnicodeError as problem:
                where = getattr(problem, "start", None)
                near = f" near byte {where}" if where is not None else ""
                raise FileProblem(member.path, None, f"not {encoding}{near}; name its encoding") from problem


def write_csv(file: TextIO, articles: Iterable[ArticleText]) -> int:
    """Write articles, one row per article and language, no cell a formula; returns how many articles."""
    writer = csv.writer(file)
    writer.writerow(FIELDS)
    count = 0
    for count, article in enumerate(articles, start=1):  # noqa: B007 - the count is the result
        for row in rows_of(article):
            cells = {**row, "variants": "\n".join(row["variants"])}
            writer.writerow([guarded(cells.get(name) or "") for name in FIELDS])
    return count


def _rows(member: Member, file: TextIO) -> Rows:
    header, delimiter = _header(member, file)
    reader = csv.reader(_lines(member, file), delimiter=delimiter, strict=True)
    while True:
        place = Place(member.shown, reader.line_num + 2)  # counted from 1, after the header, where this row begins
        try:
            cells = next(reader, None)
        except csv.Error as problem:
            yield Row(place, None, f"not CSV: {problem}; nothing after it was read")
            return
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            yield Row(place, None, f"{len(cells)} cells, but the header has {len(header)}")
            continue
        yield Row(place, row_of(header, cells))


def _header(member: Member, file: TextIO) -> tuple[list[str], str]:
    line = file.readline(10_000)
    for delimiter in (",", ";", "\t"):  # spreadsheets write a semicolon where the comma is the decimal mark
        try:
            header = header_of(next(csv.reader([line], delimiter=delimiter), []))
        except ValueError as problem:
            raise FileProblem(member.path, 1, str(problem)) from problem
        if header is not None:
            return header, delimiter
    raise FileProblem(member.path, 1, f"the header must name the columns {', '.join(FIELDS)}; question is needed")


def _lines(member: Member, file: TextIO) -> Iterator[str]:
    while line := file.readline(MAX_CELL):
        if len(line) >= MAX_CELL and not line.endswith("\n"):
            raise FileProblem(member.path, None, f"a line is longer than {MAX_CELL // 1024 // 1024} MB")
        yield line
