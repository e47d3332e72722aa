"""The files a base is exchanged in: JSON Lines, CSV, a folder of YAML."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TextIO

from knowledge.article_files import article_paths, read_article, write_folder
from knowledge.article_text import ArticleText
from knowledge.exchange_rows import FIELDS, Gathered, Row, gather, rows_of
from knowledge.files import FileProblem

Format = Literal["jsonl", "csv", "yaml"]
FORMATS: Final[tuple[Format, ...]] = ("jsonl", "csv", "yaml")
MAX_BYTES: Final = 512 * 1024 * 1024
MAX_LINE: Final = 4 * 1024 * 1024
_SUFFIXES: Final[dict[str, Format]] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv"}
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r\n]")


def format_of(path: Path, named: str | None = None) -> Format:
    """The format named, or else what the path looks like. Raises FileProblem when it cannot be told."""
    if named is not None:
        for known in FORMATS:
            if named == known:
                return known
        raise FileProblem(path, None, f"no format {named!r}; there are {', '.join(FORMATS)}")
    if path.is_dir() or path.suffix == "":
        return "yaml"
    if path.suffix.lower() not in _SUFFIXES:
        raise FileProblem(path, None, f"name its format: {', '.join(FORMATS)}")
    return _SUFFIXES[path.suffix.lower()]


def read_base(path: Path, kind: Format) -> Gathered:
    """Read all of it; what is wrong with single rows is in the result. Raises FileProblem for an unusable file."""
    if kind == "yaml":
        return _read_folder(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileProblem(path, None, f"larger than {MAX_BYTES // 1024 // 1024} MB")
        if kind == "jsonl":
            return gather(path, _json_rows(path))
        with path.open(encoding="utf-8-sig", newline="") as file:
            return gather(path, _csv_rows(path, file))
    except OSError as problem:
        raise FileProblem(path, None, problem.strerror or "cannot be read") from problem
    except UnicodeDecodeError as problem:
        raise FileProblem(path, None, f"not UTF-8 near byte {problem.start}") from problem


def write_base(path: Path, kind: Format, articles: Iterable[ArticleText]) -> int:
    """Write articles; a file is written aside and then put in place whole. Returns how many. Raises FileProblem."""
    try:
        if kind == "yaml":
            return write_folder(path, articles)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            # The mark at its start makes spreadsheets read a CSV as UTF-8.
            with aside.open("w", encoding="utf-8-sig" if kind == "csv" else "utf-8", newline="") as file:
                count = _write_csv(file, articles) if kind == "csv" else _write_json(file, articles)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as problem:
        raise FileProblem(path, None, problem.strerror or "cannot be written") from problem
    return count


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `unguarded` gives the very text back."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """Undo `guarded`."""
    return cell[1:] if _GUARDED.match(cell) else cell


def _read_folder(path: Path) -> Gathered:
    gathered = Gathered()
    if not path.is_dir():
        raise FileProblem(path, None, "is not a folder")
    places: dict[str, str] = {}
    for file in article_paths(path):
        try:
            article = read_article(file)
        except FileProblem as problem:
            gathered.problems.append(str(problem))
            continue
        if article.id in places:
            gathered.problems.append(f"{file}: article {article.id!r} is already in {places[article.id]}")
            continue
        places[article.id] = file.name
        gathered.articles.append(article)
    if not places and not gathered.problems:
        gathered.problems.append(f"{path}: there is no .yml file in it")
    return gathered


def _json_rows(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(MAX_LINE + 1):
            number += 1
            if len(raw) > MAX_LINE:
                yield Row(str(number), None, f"longer than {MAX_LINE // 1024 // 1024} MB")
                return
            text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if text.strip():
                yield _json_row(str(number), text)


def _json_row(place: str, raw: bytes) -> Row:
    try:
        given = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as problem:
        return Row(place, None, f"not UTF-8 at byte {problem.start}")
    except (ValueError, RecursionError) as problem:
        return Row(place, None, f"not JSON: {problem}")
    return Row(place, given) if isinstance(given, dict) else Row(place, None, "not a JSON object")


def _csv_rows(path: Path, file: TextIO) -> Iterator[Row]:
    header, delimiter = _csv_header(path, file)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    while True:
        place = str(reader.line_num + 2)  # counted from 1, after the header, where this row begins
        try:
            cells = next(reader, None)
        except csv.Error as problem:
            yield Row(place, None, f"not CSV: {problem}")
            return
        if cells is None:
            return
        if not any(cells):
            continue
        if len(cells) != len(header):
            yield Row(place, None, f"{len(cells)} cells, but the header has {len(header)}")
            continue
        yield Row(place, _from_cells(dict(zip(header, map(unguarded, cells), strict=True))))


def _csv_header(path: Path, file: TextIO) -> tuple[list[str], str]:
    line = file.readline(10_000)
    for delimiter in (",", ";", "\t"):  # spreadsheets write a semicolon where the comma is the decimal mark
        header = [cell.strip().lower() for cell in next(csv.reader([line], delimiter=delimiter), [])]
        if {"id", "language", "question"} <= set(header):
            named = [name for name in header if name]
            if len(set(named)) < len(named):
                raise FileProblem(path, 1, "a column is there twice")
            return header, delimiter
    raise FileProblem(path, 1, f"the header must name the columns {', '.join(FIELDS)}")


def _from_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = dict(cells)
    given["variants"] = [line for line in cells.get("variants", "").split("\n") if line.strip()]
    return given


def _write_json(file: TextIO, articles: Iterable[ArticleText]) -> int:
    count = 0
    for count, article in enumerate(articles, start=1):  # noqa: B007 - the count is the result
        for row in rows_of(article):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _write_csv(file: TextIO, articles: Iterable[ArticleText]) -> int:
    writer = csv.writer(file)
    writer.writerow(FIELDS)
    count = 0
    for count, article in enumerate(articles, start=1):  # noqa: B007 - the count is the result
        for row in rows_of(article):
            cells = {**row, "variants": "\n".join(row["variants"])}
            writer.writerow([guarded(cells.get(name, "")) for name in FIELDS])
    return count
