"""JSON Lines in and out: one article in one language a line. Our own format; what goes out comes back the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final, TextIO

from knowledge.article_text import ArticleText
from knowledge.exchange.gather import rows_of
from knowledge.exchange.records import Place, Reading, Row, Rows
from knowledge.exchange.source import Member, Source

MAX_LINE: Final = 4 * 1024 * 1024


def read_jsonl(source: Source, reading: Reading) -> Rows:
    """Rows of every JSON Lines file of a source."""
    for member in source.having(".jsonl", ".ndjson", ".json") or source.members:
        yield from _rows(member, reading)


def write_jsonl(file: TextIO, articles: Iterable[ArticleText]) -> int:
    """Write articles, one line per article and language; returns how many articles."""
    count = 0
    for count, article in enumerate(articles, start=1):  # noqa: B007 - the count is the result
        for row in rows_of(article):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _rows(member: Member, reading: Reading) -> Rows:
    with member.open() as file:
        number = 0
        encoding = reading.encoding or "utf-8"
        while raw := file.readline(MAX_LINE + 1):
            number += 1
            place = Place(member.shown, number)
            if len(raw) > MAX_LINE:
                yield Row(place, None, f"longer than {MAX_LINE // 1024 // 1024} MB")
                while raw and not raw.endswith(b"\n"):
                    raw = file.readline(MAX_LINE)
                continue
            if number == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                yield Row(place, None, "UTF-16; JSON Lines are UTF-8: save it so, nothing of it was read")
                return
            text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if text.strip():
                yield _row(place, text, encoding)


def _row(place: Place, raw: bytes, encoding: str) -> Row:
    try:
        given = json.loads(raw.decode(encoding))
    except UnicodeDecodeError as problem:
        return Row(place, None, f"not UTF-8 at byte {problem.start}")
    except RecursionError:
        return Row(place, None, "not JSON: nested too deeply")
    except ValueError as problem:
        return Row(place, None, f"not JSON: {problem}")
    if not isinstance(given, dict):
        return Row(place, None, "not a JSON object")
    if "id" not in given:
        return Row(place, None, "id: is missing", field="id")
    return Row(place, given)
