"""Runs as rows: one at a time per home folder, and none that stays "running" after its process is gone."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.database import Database, now
from training.records import Refusal
from training.tables import Run

GRACE: Final = timedelta(seconds=60)
"""How long the process of a new run may take to start; a busy machine needs its time."""

PATIENCE_SECONDS: Final = 1.0

MAX_ERROR: Final = 2000


class RunBusy(Refusal):
    """A run is under way in this home folder already."""

    def __init__(self) -> None:
        super().__init__("run_busy", "a training run is under way here; wait until it has ended")


def begin(database: Database, home: Path, kind: str, started_by: str) -> int:
    """Make the row of a new run; its id.

    Raises:
        RunBusy: another run is under way.
    """
    free = _is_free(home)
    with database.write() as session:
        for run in _running_here(session, home):
            if not free or not _is_dead(run):
                raise RunBusy
            _end_dead(run)
        made = Run(kind=kind, started_by=started_by, inputs={"place": _place(home)})
        session.add(made)
        session.flush()
        return made.id


def settle_dead(database: Database, home: Path) -> None:
    """Mark runs as failed whose process has ended without saying so."""
    with database.read() as session:
        if not _running_here(session, home):
            return
    if not _is_free(home):
        return
    with database.write() as session:
        for run in _running_here(session, home):
            if _is_dead(run):
                _end_dead(run)


def note_progress(database: Database, run_id: int, progress: str) -> None:
    """Say where a run stands."""
    with database.write() as session:
        session.get_one(Run, run_id).progress = progress[:120]


def fail(database: Database, run_id: int, error: str) -> None:
    """Mark a run as failed."""
    with database.write() as session:
        run = session.get_one(Run, run_id)
        run.state, run.ended_at, run.error = "failed", now(), error[:MAX_ERROR]


def recent(session: Session, limit: int = 20) -> list[Run]:
    """The newest runs, newest first."""
    return list(session.scalars(select(Run).order_by(Run.id.desc()).limit(limit)))


@contextmanager
def hold_turn(home: Path) -> Iterator[None]:
    """Hold the one place for training in a home folder; the kernel frees it however this process ends.

    Raises:
        RunBusy: another process holds it.
    """
    with _open_lock(home) as lock:
        # Whoever asks whether the place is free holds it for an instant.
        ends = time.monotonic() + PATIENCE_SECONDS
        while not _taken(lock, fcntl.LOCK_EX):
            if time.monotonic() >= ends:
                raise RunBusy
            time.sleep(0.05)
        yield


def _is_free(home: Path) -> bool:
    with _open_lock(home) as lock:
        return _taken(lock, fcntl.LOCK_SH)


def _taken(lock: int, how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _open_lock(home: Path) -> Iterator[int]:
    folder = home / "models"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / "training.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _running_here(session: Session, home: Path) -> list[Run]:
    place = _place(home)
    running = session.scalars(select(Run).where(Run.state == "running"))
    return [run for run in running if run.inputs.get("place") == place]


def _is_dead(run: Run) -> bool:
    """Whether a running run is dead, given that nobody holds the lock: its process has begun, or never will."""
    return run.progress != "" or run.started_at <= now() - GRACE


def _end_dead(run: Run) -> None:
    run.state, run.ended_at, run.error = "failed", now(), "its process ended before the run did"


def _place(home: Path) -> str:
    # Several machines may share one database; each can judge only its own processes.
    return f"{socket.gethostname()}:{home.resolve()}"
