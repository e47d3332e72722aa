"""JSON documents of other systems, each read whole within bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from knowledge.exchange.encoding import decoded
from knowledge.exchange.records import Reading
from knowledge.exchange.source import Member, Source
from knowledge.files import FileProblem

MAX_BYTES: Final = 128 * 1024 * 1024


def documents(source: Source, reading: Reading) -> Iterator[tuple[Member, str, Any]]:
    """Every JSON document of a source: its file, where in the file ("" or "page 2"), and what it holds.

    A file may hold several documents, one a line, as a script that pages through an API writes them.

    Raises:
        FileProblem: a file is no JSON, is nested too deeply or is larger than 128 MB.
    """
    for member in source.having(".json", ".jsonl", ".ndjson") or source.members:
        text = decoded(member.path, member.read(MAX_BYTES), reading)
        try:
            yield member, "", json.loads(text)
            continue
        except RecursionError as problem:
            raise FileProblem(member.path, None, "not JSON: nested too deeply") from problem
        except ValueError as problem:
            lines = text.strip().split("\n")
            if len(lines) < 2 or "Extra data" not in str(problem):
                raise FileProblem(member.path, getattr(problem, "lineno", None), f"not JSON: {problem}") from problem
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield member, f"line {number}", json.loads(line)
                except (ValueError, RecursionError) as problem:
                    raise FileProblem(member.path, number, f"not JSON: {problem}") from problem


def texts(value: object) -> str:
    """A value that should be a text; a number as it is written, anything else as nothing."""
    if isinstance(value, bool) or value is None:
        return ""
    return str(value) if isinstance(value, str | int | float) else ""
