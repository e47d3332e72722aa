"""What comes before the children start: the newest database, the demo workspace, the vectors.

It runs in a process of its own, because the encoder takes half a gigabyte, and the supervisor should stay small.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api.leash import tie
from knowledge.database import Database
from knowledge.encoder import EncoderUnavailable
from knowledge.settings import Settings

WAIT_SECONDS: Final = 0.1
FAILED: Final = 1


def prepare(settings: Settings, *, demo: bool, interrupted: Callable[[], bool]) -> int:
    """Bring the database to its newest shape and load the demo where asked.

    Returns:
        0, or 1 when it failed (it has said why); 0 as well when it was interrupted.
    """
    # Forked, while there are no threads yet: nothing has to be imported a second time.
    process = multiprocessing.get_context("fork").Process(target=_prepare, args=(settings, demo, os.getpid()))
    process.start()
    while process.is_alive():
        process.join(WAIT_SECONDS)
        if interrupted() and process.is_alive():
            process.kill()
            process.join()
            return 0
    return 0 if process.exitcode == 0 or interrupted() else FAILED


def _prepare(settings: Settings, demo: bool, parent: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    tie(parent)
    database = Database(settings.database)
    try:
        _fill(database, settings, demo)
    except SQLAlchemyError as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines()[0]
        print(f"odzew: the database cannot be used: {reason}", file=sys.stderr)
        sys.exit(FAILED)
    except EncoderUnavailable as problem:
        print(f"odzew: {problem}", file=sys.stderr)
        sys.exit(FAILED)
    finally:
        database.close()


def _fill(database: Database, settings: Settings, demo: bool) -> None:
    from api.migrate import is_current, upgrade

    if not is_current(database):
        upgrade(database)
    if demo:
        _load_demo(database, settings)
    if _vectors_are_missing(database):
        _embed(database, settings)


def _load_demo(database: Database, settings: Settings) -> None:
    from api.cli.frame import steps
    from api.demo import load

    with steps() as step:
        loaded = load(database, settings, step)
    if loaded.passwords:
        print("Log-ins of the demo, shown this once:", file=sys.stderr)
        for login, password in loaded.passwords.items():
            print(f"  {login:<10} {password}", file=sys.stderr, flush=True)


def _vectors_are_missing(database: Database) -> bool:
    from knowledge.tables import Embedding, PhrasingRow

    held = select(Embedding.text_sha256)
    with database.read() as session:
        return session.scalar(select(PhrasingRow.id).where(PhrasingRow.text_sha256.not_in(held)).limit(1)) is not None


def _embed(database: Database, settings: Settings) -> None:
    from api.cli.frame import progress
    from knowledge.team import load_team
    from knowledge.vectors import embed_missing

    print("indexing the knowledge base (each text once)", file=sys.stderr, flush=True)
    with progress("phrasings") as bar:
        embed_missing(database, load_team(settings.embedding_model), bar if sys.stderr.isatty() else _Quarters())


class _Quarters:
    """Progress where there is no terminal to draw a bar in: one line for each quarter."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, done: int, of: int) -> None:
        quarter = 4 * done // max(of, 1)
        if quarter > self._said:
            self._said = quarter
            print(f"  {done} of {of} phrasings", file=sys.stderr, flush=True)
