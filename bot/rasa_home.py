"""Where Rasa's own environment lies, and how a program of it is started."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import IO, Final

PROJECT: Final = Path(__file__).resolve().parent / "rasa"
ENVIRONMENT: Final = PROJECT / ".venv"
TERMINAL_CODES: Final = re.compile(r"\x1b\[[0-9;]*m")
SAID_BYTES: Final = 16_384


class RasaMissing(RuntimeError):
    """Rasa's environment is not installed; the message says how to get it."""


def command(program: str, *arguments: str) -> list[str]:
    """The command line that runs `bot/rasa/<program>` under Rasa's Python and ends when this process does.

    Raises:
        RasaMissing: the environment was never built, or not to its end.
    """
    if not installed():
        raise RasaMissing("Rasa is not installed: run bot/rasa/setup.sh (it needs Python 3.10)")
    # -E: variables meant for our own Python must not reach this one.
    start = [str(ENVIRONMENT / "bin" / "python"), "-E", "-s", "-W", "ignore", str(PROJECT / program)]
    return [*start, *arguments, "--parent", str(os.getpid())]


def installed() -> bool:
    """Whether `bot/rasa/setup.sh` has finished here."""
    return (ENVIRONMENT / "odzew-lock.sha256").is_file() and os.access(ENVIRONMENT / "bin" / "python", os.X_OK)


def last_words(output: IO[bytes], lines: int = 5) -> str:
    """The last lines a program wrote, on one line; "it said nothing" when there are none."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - SAID_BYTES))
    said = TERMINAL_CODES.sub("", output.read().decode(errors="replace")).splitlines()
    return " | ".join([line.strip() for line in said if line.strip()][-lines:]) or "it said nothing"
