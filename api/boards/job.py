"""The job that computes the boards: a row with a lease, in a process of its own. `python -m api.boards.job`."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import or_, select

from api.boards.compute import findings
from api.boards.keeping import keep
from api.history import record
from api.tables import BoardRun
from api.workspace import Workspace
from knowledge.database import Database, now
from knowledge.encoder import load_encoder
from knowledge.settings import Settings

log = structlog.get_logger()

LEASE: Final = timedelta(minutes=10)
MAX_ATTEMPTS: Final = 3
EVERY: Final = timedelta(hours=6)


def ask(database: Database, by: str) -> int:
    """Ask for a computation; the one that waits or runs already, where there is one. Returns its number."""
    with database.write() as session:
        held = session.scalar(select(BoardRun).where(BoardRun.state.in_(("queued", "running"))).order_by(BoardRun.id))
        if held is None:
            held = BoardRun(asked_by=by)
            session.add(held)
            session.flush()
        return held.id


def due(database: Database) -> bool:
    """Whether the last computation is long ago, or one waits that nobody holds."""
    moment = now()
    with database.read() as session:
        last = session.scalar(select(BoardRun).order_by(BoardRun.id.desc()).limit(1))
    if last is None:
        return True
    if last.state in ("queued", "running"):
        return last.lease_until is None or last.lease_until < moment
    return (last.ended_at or last.asked_at) < moment - EVERY


def run(workspace: Workspace) -> dict[str, int] | None:
    """Take the run that waits and do it; None when there is none to take. What fails is in its row, and is raised."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
    database = workspace.database
    taken = _take(database, owner)
    if taken is None:
        return None
    try:
        found = findings(database, load_encoder(workspace.settings.embedding_model))
    except Exception as error:
        _end(database, taken, owner, error=f"{type(error).__name__}: {error}"[:1000])
        raise
    with database.write() as session:
        held = session.get_one(BoardRun, taken)
        if held.lease_owner != owner:
            return None  # another process took over; its result stands
        counted = keep(session, found)
        held.state, held.ended_at, held.lease_until, held.found = "done", now(), None, dict(counted)
        record(session, "boards.computed", "boards", **counted)
    workspace.nudge.send("events")
    return counted


def launch(settings: Settings) -> None:
    """Start the job beside this process, so that nobody waits for it. It says what it does to `logs/boards.log`."""
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    environment = {
        **os.environ,
        "ODZEW_HOME": str(settings.home.resolve()),
        "ODZEW_DATABASE_URL": settings.database_url,
    }
    with (folder / "boards.log").open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.boards.job"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=environment,
        )
    threading.Thread(target=process.wait, name="boards", daemon=True).start()  # or it stays a zombie


def _take(database: Database, owner: str) -> int | None:
    moment = now()
    with database.write() as session:
        free = or_(BoardRun.state == "queued", (BoardRun.state == "running") & (BoardRun.lease_until < moment))
        row = session.scalar(select(BoardRun).where(free).order_by(BoardRun.id).limit(1))
        if row is None:
            return None
        if row.attempts >= MAX_ATTEMPTS:
            row.state, row.ended_at, row.last_error = "failed", moment, row.last_error or "its process died"
            return None
        row.state, row.lease_owner, row.lease_until = "running", owner, moment + LEASE
        row.attempts += 1
        return row.id


def _end(database: Database, run_id: int, owner: str, *, error: str) -> None:
    with database.write() as session:
        row = session.get_one(BoardRun, run_id)
        if row.lease_owner == owner:
            row.state, row.ended_at, row.lease_until, row.last_error = "failed", now(), None, error


def main() -> None:
    """Do the run that waits."""
    os.nice(10)  # drafts go first
    workspace = Workspace.open(Settings.load())
    try:
        counted = run(workspace)
    finally:
        workspace.close()
    print(f"boards: {counted}" if counted is not None else "boards: nothing to do", file=sys.stderr)


if __name__ == "__main__":
    main()
