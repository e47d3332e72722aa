"""Keeps the Rasa of the model in service running, and changes it for another without a gap (blue and green).

The table `model_in_service` says which model should answer. A new one is started beside the old one; only when it has
proved that it works is its address published, in one file that is exchanged in one step; the old one is stopped a
little later. A candidate that fails changes nothing but the event that tells of it.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy.exc import SQLAlchemyError

from api.child_log import Say
from api.history import record
from api.home import rasa_address_file
from knowledge.database import Database
from training.tables import ModelInService, ModelVersion

KIND: Final = "intents"
SERVING: Final = "model.serving"
REFUSED: Final = "model.refused"
"""Events that tell what became of the choice in `model_in_service`."""
POLL_SECONDS: Final = 1.0
DRAIN_SECONDS: Final = 2.0
"""How long the old one still answers those who read the address just before it changed."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0


class LaunchFailed(RuntimeError):
    """The model could not be brought into service; the message says why."""


@dataclass(frozen=True, slots=True)
class Model:
    """A version as the table names it."""

    id: int
    name: str
    path: Path
    sha256: str


class Server(Protocol):
    """A Rasa that has proved it works."""

    url: str
    token: str

    def alive(self) -> bool: ...
    def stop(self) -> None: ...


Launch = Callable[[Model], Server]
"""Starts a model and proves it with a few parses. Raises LaunchFailed."""


class RasaService:
    """Runs in a thread of its own; the product works from its first moment without it."""

    def __init__(self, database: Database, home: Path, launch: Launch, say: Say) -> None:
        self._database = database
        self._home = home
        self._launch = launch
        self._say = say
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rasa", daemon=True)
        self._serving: tuple[Model, Server] | None = None
        self._refused: int | None = None
        self._pause = FIRST_PAUSE
        self._not_before = 0.0

    def start(self) -> None:
        """Begin to watch. An address left by an earlier life is withdrawn first."""
        rasa_address_file(self._home).unlink(missing_ok=True)
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Withdraw the address and stop what runs."""
        self._stopping.set()
        self._thread.join(seconds)
        rasa_address_file(self._home).unlink(missing_ok=True)
        if self._serving is not None:
            self._serving[1].stop()
            self._serving = None

    def _run(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self.look()
            except SQLAlchemyError as problem:
                self._say(f"rasa: the database did not answer ({type(problem).__name__}); trying again")

    def look(self) -> None:
        """One look: bring what is in service in line with what should be."""
        wanted = self._wanted()
        if self._serving is not None and not self._serving[1].alive():
            self._say(f"rasa: {self._serving[0].name} ended, starting it again")
            rasa_address_file(self._home).unlink(missing_ok=True)
            self._serving[1].stop()
            self._serving = None
        if wanted is None or time.monotonic() < self._not_before:
            return
        if self._serving is None or self._serving[0].id != wanted[0].id:
            self._change(*wanted)

    def _wanted(self) -> tuple[Model, Model | None] | None:
        with self._database.read() as session:
            row = session.get(ModelInService, KIND)
            if row is None:
                return None
            wanted = session.get_one(ModelVersion, row.model_version_id)
            before = session.get(ModelVersion, row.previous_id) if row.previous_id is not None else None
            return self._model(wanted), self._model(before) if before is not None else None

    def _model(self, version: ModelVersion) -> Model:
        return Model(version.id, version.name, self._home / version.path, version.sha256)

    def _change(self, wanted: Model, before: Model | None) -> None:
        if wanted.id == self._refused:
            # It is tried again only where nothing else can answer, or when the table changes.
            if self._serving is not None:
                return
            if before is not None:
                wanted = before
        else:
            self._refused = None
        started = time.monotonic()
        try:
            server = self._launch(wanted)
        except LaunchFailed as problem:
            if not self._stopping.is_set():
                self._refuse(wanted, str(problem))
            return
        old = self._serving
        self._serving = (wanted, server)
        self._publish(wanted, server)
        self._pause, self._not_before = FIRST_PAUSE, 0.0
        self._say(f"rasa: model {wanted.name} is in service ({time.monotonic() - started:.0f} s to start)")
        self._tell(SERVING, wanted)
        if old is not None:
            self._stopping.wait(DRAIN_SECONDS)
            old[1].stop()

    def _refuse(self, model: Model, reason: str) -> None:
        first = self._refused != model.id
        self._refused = model.id
        self._not_before = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        stays = f"{self._serving[0].name} stays in service" if self._serving else "going on without intents"
        self._say(f"rasa: model {model.name} was refused ({reason}); {stays}")
        if first:
            self._tell(REFUSED, model, reason[:300])

    def _tell(self, kind: str, model: Model, reason: str = "") -> None:
        with self._database.write() as session:
            record(session, kind, "supervisor", model=model.id, name=model.name, reason=reason)

    def _publish(self, model: Model, server: Server) -> None:
        path = rasa_address_file(self._home)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        content = json.dumps({"url": server.url, "token": server.token, "model": model.name})
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        aside.replace(path)
