"""The home folder of a workspace: where things lie in it, and that one supervisor holds it at a time."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


class CannotStart(RuntimeError):
    """Odzew cannot start here; the message is one line for a person."""


def log_file(home: Path, name: str) -> Path:
    """The log of one process."""
    return home / "logs" / f"{name}.log"


def rasa_address_file(home: Path) -> Path:
    """Where the Rasa in service answers: `{"url", "token", "model"}`, readable by its owner alone."""
    return home / "rasa.json"


@contextmanager
def hold_home(home: Path) -> Iterator[None]:
    """Hold the home folder; the kernel lets go of it when this process ends, however that comes.

    Raises:
        CannotStart: another supervisor holds it, or it cannot be written to.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(home / "odzew.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise CannotStart(f"cannot write to the home folder {home}: {problem.strerror}") from problem
    with os.fdopen(lock, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "unknown"
            raise CannotStart(f"Odzew already runs in {home} (process {holder}); stop it, or set ODZEW_HOME") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_held(home: Path) -> bool:
    """Whether a supervisor holds the home folder now."""
    try:
        file = (home / "odzew.lock").open()
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def held_since(home: Path) -> float:
    """When the supervisor that holds the home folder, or the last one that did, began: seconds since 1970."""
    return (home / "odzew.lock").stat().st_mtime


def check_port(host: str, port: int) -> None:
    """See that the port can be taken.

    Raises:
        CannotStart: something else listens there, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise CannotStart(
                f"port {port} on {host} cannot be used ({problem.strerror}); choose another with --port or ODZEW_PORT"
            ) from problem


def note_address(home: Path, host: str, port: int) -> None:
    """Write down where the running product listens, for the doctor: `--port` is no setting he could read."""
    path = _address_file(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(json.dumps([host, port]), encoding="utf-8")


def noted_address(home: Path) -> tuple[str, int] | None:
    """Where the product that runs here listens; None when it has not said so."""
    try:
        host, port = json.loads(_address_file(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return host, port


def _address_file(home: Path) -> Path:
    return home / "run" / "web.json"


def reachable_host(host: str) -> str:
    """The host under which this machine reaches what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def answers(host: str, port: int, seconds: float = 0.5) -> bool:
    """Whether a web server answers there. That it accepts connections is not enough: gunicorn does while it loads."""
    connection = http.client.HTTPConnection(reachable_host(host), port, timeout=seconds)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
