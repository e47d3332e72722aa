"""What the commands share: the workspace they work on, how they answer, how they show progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.migrate import is_current, upgrade
from api.workspace import Workspace
from knowledge.database import Database
from knowledge.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="one JSON document on standard output")]
Counter = Callable[[int, int], None]

terminal = Console(stderr=True)


class BadInput(Exception):
    """What was given cannot be worked with; the message is one line. Exit status 2."""


class CheckFailed(Exception):
    """A check did not pass. Exit status 1."""


@contextmanager
def workspace(*, make: bool = False) -> Iterator[Workspace]:
    """The workspace of `ODZEW_HOME`. With `make` it is created and migrated; else it must be there.

    Raises:
        BadInput: there is none, or it is of an older version.
    """
    settings = Settings.load()
    if not make and settings.database.startswith("sqlite") and not Path(settings.database[10:]).exists():
        raise BadInput(f"there is no workspace in {settings.home}: run `odzew demo` or `odzew up`, or set ODZEW_HOME")
    database = Database(settings.database)
    if make:
        upgrade(database)
    elif not is_current(database):
        raise BadInput(f"the workspace in {settings.home} is of another version: run `odzew up` once")
    database.close()
    opened = Workspace.open(settings)
    try:
        yield opened
    finally:
        opened.close()


def answer(as_json: bool, data: Any, lines: Callable[[], None]) -> None:
    """Give the result: as one JSON document, or for a person."""
    if as_json:
        json.dump(data, sys.stdout, ensure_ascii=False, default=str)
        sys.stdout.write("\n")
    else:
        lines()


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table for a person, under its title if it has one. Columns without names have no header."""
    made = Table(show_header=any(columns), header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    screen = Console()
    if title:
        # Not the table's own title: that is folded to the table's width.
        screen.print(title, style="italic", highlight=False, markup=False)
    screen.print(made)


@contextmanager
def progress(label: str) -> Iterator[Counter]:
    """A progress bar on standard error, shown only in a terminal: call what it yields with (done, of)."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=terminal, transient=True, disable=not sys.stderr.isatty(),
    ) as bar:  # fmt: skip
        task = bar.add_task(label, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of or None)


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """Named steps, one line each on standard error."""
    yield lambda name: terminal.print(f"· {name}", highlight=False)
