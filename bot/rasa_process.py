"""One Rasa server process with one model: started, smoke-tested, stopped.

A model is never swapped inside a running process. Promotion starts a second process, waits until it is ready, moves
the traffic and stops the first.
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Final, NoReturn, Self

from pydantic import SecretStr

from bot.intents import IntentClient, IntentsUnavailable, RasaStatus
from bot.rasa_home import command, last_words

MEMORY_MB: Final = 1536
READY_SECONDS: Final = 120.0
STOP_SECONDS: Final = 5.0
LOOK_EVERY: Final = 0.2
# Smoke tests and examinations on a busy machine: slow is no sign of a bad model.
PATIENT_SECONDS: Final = 20.0
# Sentences that no working model takes all for the same thing.
SMOKE: Final = (
    "Dziękuję bardzo za pomoc!",
    "У меня с утра не работает интернет",
    "Quanto costa la vostra offerta fibra?",
    "Chci vypovědět smlouvu, přecházím ke konkurenci",
    "Dua të flas me një person",
    "you are a bunch of thieves",
)


class RasaFailed(RuntimeError):
    """A model could not be brought into service; the message says why, without any customer's text."""


class RasaProcess:
    """A Rasa server on loopback that this process owns.

    Args:
        memory_mb: limit on the server's data, None for no limit.
        log: file its warnings are appended to; without one they are kept for error messages only.
    """

    def __init__(self, *, memory_mb: int | None = MEMORY_MB, log: Path | None = None) -> None:
        self._memory_mb = memory_mb
        self._log = log
        self._output: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._client: IntentClient | None = None
        self._passed = False
        self.url = ""

    def start(self, model: Path, token: SecretStr, *, port: int = 0, sha256: str | None = None) -> None:
        """Start serving a model; returns at once, see `wait_ready`.

        Args:
            model: archive made by `bot.rasa_training.train_model`.
            token: shared with the server through its environment, at least 16 characters.
            port: loopback port; 0 takes a free one.
            sha256: the archive's known checksum; a file that differs is not started.

        Raises:
            RasaMissing: Rasa's environment is not installed.
            RasaFailed: the archive is missing or damaged, or this object already runs a server.
        """
        if self._process is not None:
            raise RasaFailed("this process object already runs a server")
        _check_archive(model, sha256)
        port = port or _free_port()
        line = command("serve.py", "--model", str(model.resolve()), "--port", str(port))
        environment = {**os.environ, "ODZEW_RASA_TOKEN": token.get_secret_value()}
        if self._memory_mb is not None:
            environment["ODZEW_RASA_MEMORY_MB"] = str(self._memory_mb)
        self._output = self._log.open("ab+") if self._log else tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        # Its own session: Ctrl-C reaches only us, and we stop the server in order.
        self._process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            env=environment,
            cwd=model.resolve().parent,
            start_new_session=True,
        )
        self.url = f"http://127.0.0.1:{port}"
        self._client = IntentClient(self.url, token, read_seconds=PATIENT_SECONDS)

    def wait_ready(self, timeout: float = READY_SECONDS) -> RasaStatus:
        """Wait for the model and smoke-test it; a server that fails is stopped.

        Raises:
            RasaFailed: the server ended, is not ready in `timeout` seconds, or loaded a model that does not work.
        """
        client = self._running()
        give_up = time.monotonic() + timeout
        while not (status := client.status()).ready:
            if (code := self._exit_code()) is not None:
                self._refuse(f"the server ended with status {code}: {self._said()}")
            if time.monotonic() >= give_up:
                self._refuse(f"the server was not ready after {timeout:g} s: {status.reason}")
            time.sleep(LOOK_EVERY)
        try:
            best = {client.parse(sentence).intents[0].name for sentence in SMOKE}
        except IntentsUnavailable as unavailable:
            self._refuse(f"the model loads but does not answer: {unavailable.reason}")
        if len(best) == 1:
            self._refuse("the model takes every sentence for the same intent")
        self._passed = True
        return status

    def ready(self) -> bool:
        """Whether the server runs, passed its smoke test and has its model loaded now."""
        if self._client is None or not self._passed or self._exit_code() is not None:
            return False
        return self._client.status().ready

    def stop(self) -> None:
        """End the server: asked first, killed after five seconds. Does nothing when none runs."""
        self._passed = False
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._output is not None:
            self._output.close()
            self._output = None

    @property
    def pid(self) -> int | None:
        """The server's process id, None when it is not running."""
        return None if self._process is None or self._exit_code() is not None else self._process.pid

    @property
    def client(self) -> IntentClient:
        """A patient client of this server, for examinations; closed by `stop`. The product makes its own from `url`.

        Raises:
            RasaFailed: no server was started.
        """
        return self._running()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> IntentClient:
        if self._client is None:
            raise RasaFailed("no server was started")
        return self._client

    def _exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def _said(self) -> str:
        return last_words(self._output) if self._output is not None else "it said nothing"

    def _refuse(self, reason: str) -> NoReturn:
        self.stop()
        raise RasaFailed(reason)


def checksum(archive: Path) -> str:
    """The SHA-256 of a model archive, in hexadecimal."""
    with archive.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _check_archive(model: Path, sha256: str | None) -> None:
    if not model.is_file():
        raise RasaFailed(f"there is no model at {model}")
    if sha256 is not None and (found := checksum(model)) != sha256:
        raise RasaFailed(f"{model.name} is damaged or another file: its checksum is {found[:12]}, not {sha256[:12]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
