"""What comes before the children start: the newest database, and the demo workspace.

It runs in a process of its own, because loading the demo loads the encoder, and the supervisor should stay small.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from api.leash import tie
from knowledge.database import Database
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
    finally:
        database.close()


def _fill(database: Database, settings: Settings, demo: bool) -> None:
    from api.migrate import is_current, upgrade

    if not is_current(database):
        upgrade(database)
    if demo:
        from api.demo import load
        from api.progress import StageProgress

        with StageProgress() as progress:
            load(database, settings, progress)
