"""What a child process writes: kept in a log file of bounded size, its warnings and errors shown in the terminal."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import IO, Final, Literal

Say = Callable[[str], None]
Shown = Literal["nothing", "problems", "all"]

FILE_LIMIT: Final = 2_000_000
FILES_KEPT: Final = 3
LINE_LIMIT: Final = 32_768
PROBLEM: Final = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL)\b|^[\w.]*(Error|Exception)\b")
PROBLEM_LEVELS: Final = frozenset({"warning", "error", "critical"})


class Terminal:
    """The terminal of the supervisor. When it is gone (closed window, broken pipe) the product goes on without it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gone = False

    def say(self, line: str) -> None:
        """Print one line."""
        with self._lock:
            if self._gone:
                return
            try:
                print(line, file=sys.stderr, flush=True)
            except (OSError, ValueError):
                self._gone = True


class ChildLog:
    """The log of one child, over all its lives."""

    def __init__(self, name: str, path: Path, say: Say, shown: Shown = "problems") -> None:
        self._name = name
        self._path = path
        self._say = say
        self._shown = shown
        self._last: deque[str] = deque(maxlen=5)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def last_line(self) -> str:
        """The last line that was not empty, or ""."""
        return self._last[-1] if self._last else ""

    def follow(self, stream: IO[bytes]) -> threading.Thread:
        """Copy a child's output until it ends, in a thread of its own."""
        thread = threading.Thread(target=self._copy, args=(stream,), name=f"log-{self._name}", daemon=True)
        thread.start()
        return thread

    def _copy(self, stream: IO[bytes]) -> None:
        with stream:
            while raw := stream.readline(LINE_LIMIT):
                self._write(raw if raw.endswith(b"\n") else raw + b"\n")
                line = raw.decode("utf-8", "replace").rstrip()
                if not line:
                    continue
                self._last.append(line)
                if self._shown == "all" or (self._shown == "problems" and is_problem(line)):
                    self._say(f"{self._name}: {readable(line)}")

    def _write(self, raw: bytes) -> None:
        if self._path.exists() and self._path.stat().st_size + len(raw) > FILE_LIMIT:
            self._rotate()
        with self._path.open("ab") as file:
            file.write(raw)

    def _rotate(self) -> None:
        files = [self._path, *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, FILES_KEPT))]
        for newer, older in reversed(list(pairwise(files))):
            if newer.exists():
                newer.replace(older)


def is_problem(line: str) -> bool:
    """Whether a log line, JSON or plain, tells of a warning or an error."""
    record = _json(line)
    if record is not None:
        return str(record.get("level", "")).lower() in PROBLEM_LEVELS
    return PROBLEM.search(line) is not None


def readable(line: str) -> str:
    """A log line for a person: of a JSON record the event and what came with it."""
    record = _json(line)
    if record is None or "event" not in record:
        return line
    rest = " ".join(f"{key}={value}" for key, value in record.items() if key not in {"event", "level", "timestamp"})
    return f"{record['event']} {rest}".rstrip()


def _json(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
