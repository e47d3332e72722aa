"""The publisher: sends what was decided, exactly as decided. One process; per channel one owner at a time."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import select, text

from api.channels.outlets import Delivery, Outlet, outlet_of
from api.lifeline import Beat
from api.logs import set_up
from api.outbox import Job, Outbox
from api.tables import Channel, ChannelSecret
from api.workspace import Workspace
from knowledge.database import WRITER_LOCK, Database
from knowledge.settings import Settings, WrongSettings

log = structlog.get_logger()

POLL_SECONDS: Final = 0.5
NO_OUTLET: Final = Delivery("not_sent", detail="this channel has no way out: set its publish address", retry=False)


class Ownership:
    """The right to publish on a channel. The kernel frees it when the process dies, never when it is only paused."""

    def __init__(self, home: Path, database: Database) -> None:
        self._folder = home / "run"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._held: dict[str, int] = {}
        # On PostgreSQL other hosts may publish too: an idle session holds an advisory lock as long as it lives.
        self._connection = None if database.is_sqlite else database.engine.connect()

    def take(self, channel: Channel) -> bool:
        """Try to become the channel's owner; True when this process is."""
        if channel.key in self._held:
            return True
        handle = os.open(self._folder / f"publisher-{channel.id}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        if self._connection is not None:
            got = self._connection.execute(
                text("SELECT pg_try_advisory_lock(:space, :id)"), {"space": WRITER_LOCK, "id": channel.id}
            ).scalar()
            self._connection.commit()
            if not got:
                os.close(handle)
                return False
        self._held[channel.key] = handle
        return True


class Publisher:
    """Walks over the channels it owns and sends what is due."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._outbox = Outbox(workspace.database, workspace.trail)
        self._ownership = Ownership(workspace.settings.home, workspace.database)
        self._recovered: set[int] = set()
        self._outlets: dict[tuple[int, str, str, str], Outlet | None] = {}

    def step(self) -> int:
        """One round over all channels. Returns how many attempts were made."""
        with self._workspace.database.read() as session:
            channels = session.scalars(select(Channel).where(Channel.enabled)).all()
        return sum(self._serve(channel) for channel in channels)

    def run(self, stopped: Callable[[], bool]) -> None:
        """Go on until told to stop."""
        beat = Beat(self._workspace.settings.home, "publisher")
        while not stopped():
            beat.mark()
            if not self.step():
                self._workspace.nudge.wait("publish", POLL_SECONDS)

    def _serve(self, channel: Channel) -> int:
        if not self._ownership.take(channel):
            return 0
        if channel.id not in self._recovered:
            self._outbox.recover(channel.id)
            self._recovered.add(channel.id)
        job = self._outbox.next(channel.id)
        if job is None:
            return 0
        self._attempt(channel, job)
        self._workspace.nudge.send("events")
        return 1

    def _attempt(self, channel: Channel, job: Job) -> None:
        outlet = self._outlet(channel)
        idempotent = channel.idempotency == "key"
        if job.settling:
            self._outbox.settle(job, self._find(channel, outlet, job), idempotent=idempotent)
        else:
            self._outbox.finish(job, self._send(channel, outlet, job))

    def _send(self, channel: Channel, outlet: Outlet | None, job: Job) -> Delivery:
        if outlet is None:
            return NO_OUTLET
        try:
            return outlet.send(job.reply)
        except Exception as error:  # one channel's trouble must not stop the others, nor repeat for ever
            log.error("a way out broke", channel=channel.key, publication=job.publication_id, exc_info=error)
            return Delivery("ambiguous", detail=f"the way out broke: {type(error).__name__}")

    def _find(self, channel: Channel, outlet: Outlet | None, job: Job) -> str | None:
        try:
            return outlet.find(job.reply) if outlet else "unknown"
        except Exception as error:  # as above: what cannot be looked up is shown to a person
            log.error("a way out broke", channel=channel.key, publication=job.publication_id, exc_info=error)
            return "unknown"

    def _outlet(self, channel: Channel) -> Outlet | None:
        with self._workspace.database.read() as session:
            secret = session.scalar(
                select(ChannelSecret.secret)
                .where(ChannelSecret.channel_id == channel.id, ChannelSecret.revoked_at.is_(None))
                .order_by(ChannelSecret.id.desc())
            )
        key = (channel.id, channel.publish_url, channel.readback_url, secret or "")
        if key not in self._outlets:
            self._outlets[key] = outlet_of(
                channel,
                self._workspace.database,
                secret,
                private_networks=self._workspace.settings.private_networks,
            )
        return self._outlets[key]


def main() -> None:
    """`python -m api.publisher`: run until SIGTERM."""
    try:
        settings = Settings.load()
    except WrongSettings as wrong:
        sys.exit(str(wrong))
    set_up(settings, "publisher")
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    workspace = Workspace.open(settings)
    Publisher(workspace).run(lambda: bool(stopping))
    workspace.close()


if __name__ == "__main__":
    main()
