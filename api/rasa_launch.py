"""Starting one Rasa for the service: a token of its own, its log, the proof that it works."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import threading
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from api.home import log_file
from api.rasa_service import LaunchFailed, Model, Server
from bot.rasa_home import RasaMissing, installed
from bot.rasa_process import RasaFailed, RasaProcess

SILENCES_ALLOWED: Final = 15
"""Looks in a row (one a second) that may find it silent before it counts as dead; a burst of work makes it slow."""
LOG_LIMIT: Final = 2_000_000


def environment_missing() -> str:
    """Why Rasa cannot run here, in one line; empty when it can."""
    if installed():
        return ""
    return "no Rasa environment (`make setup` builds it where Python 3.10 is found): going on without intents"


class RunningRasa:
    """A Rasa in service."""

    def __init__(self, process: RasaProcess, token: str) -> None:
        self._process = process
        self._silences = 0
        self.url = process.url
        self.token = token

    def alive(self) -> bool:
        """Whether it runs, and has not been silent for long."""
        if self._process.pid is None:
            return False
        self._silences = 0 if self._process.ready() else self._silences + 1
        return self._silences < SILENCES_ALLOWED

    def stop(self) -> None:
        """End it."""
        self._process.stop()


class RasaLauncher:
    """Starts models one at a time; `abort` ends a start that is under way."""

    def __init__(self, home: Path) -> None:
        self._log = log_file(home, "rasa")
        self._lock = threading.Lock()
        self._aborted = False
        self._starting: RasaProcess | None = None

    def __call__(self, model: Model) -> Server:
        """Start a model and prove it with a few parses.

        Raises:
            LaunchFailed: it does not start, does not work, or `abort` was called.
        """
        token = secrets.token_urlsafe(32)
        process = RasaProcess(log=self._fresh_log())
        try:
            with self._lock:
                if self._aborted:
                    raise LaunchFailed("stopping")
                process.start(model.path, SecretStr(token), sha256=model.sha256)
                self._starting = process
            process.wait_ready()
        except (RasaFailed, RasaMissing, OSError) as problem:
            process.stop()
            raise LaunchFailed(str(problem)) from problem
        finally:
            with self._lock:
                self._starting = None
        return RunningRasa(process, token)

    def abort(self) -> None:
        """End the start that is under way, and allow no other. May be called from any thread."""
        with self._lock:
            self._aborted = True
            pid = self._starting.pid if self._starting is not None else None
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                    os.kill(pid, signal.SIGKILL)

    def _fresh_log(self) -> Path:
        self._log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            self._log.replace(self._log.with_name(f"{self._log.name}.1"))
        return self._log
