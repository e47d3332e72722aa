"""Waking others up. The database is the truth; Redis, where there is one, only says "look now" sooner.

The one module that speaks to Redis.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Final, Literal

import redis
import structlog

log = structlog.get_logger()

Topic = Literal["work", "publish", "events"]

STREAM: Final = "odzew:nudge:"
KEPT: Final = 100
TIMEOUT_SECONDS: Final = 0.25
BLOCK_SECONDS: Final = 0.5
WAIT_TIMEOUT_SECONDS: Final = BLOCK_SECONDS + 1.0
"""A sleeper's own: longer than it asks Redis to wait, by as much as a busy machine may stall."""
RETRY_SECONDS: Final = 2.0


class Nudge:
    """Wakes the sleepers of a topic. Without Redis, or when it does not answer, they wake by themselves."""

    def __init__(self, url: str) -> None:
        self._client = _client(url, TIMEOUT_SECONDS) if url else None
        self._sleeper = _client(url, WAIT_TIMEOUT_SECONDS) if url else None
        self._dead_until = 0.0
        self._silent = False
        self._last: dict[str, str] = {}
        self._lock = threading.Lock()

    def send(self, topic: Topic) -> None:
        """Wake whoever sleeps on a topic. Never raises: a lost nudge costs a poll, not a message."""
        client = self._usable()
        if client is None:
            return
        try:
            client.xadd(STREAM + topic, {"at": str(time.time())}, maxlen=KEPT, approximate=True)
            self._silent = False
        except redis.RedisError as error:
            self._fell_silent(error)

    def wait(self, topic: Topic, seconds: float) -> None:
        """Sleep until someone nudges, at most so long. With a dead Redis it is a plain sleep."""
        client = self._usable()
        ends = time.monotonic() + seconds
        while client is not None and self._sleeper is not None and (left := ends - time.monotonic()) > 0:
            block = max(1, int(min(left, BLOCK_SECONDS) * 1000))
            try:
                if self._silent:
                    client.ping()  # quicker than the sleep in finding out that it is still dead
                    self._silent = False
                answer: Any = self._sleeper.xread({STREAM + topic: self._last.get(topic, "$")}, count=KEPT, block=block)
            except redis.RedisError as error:
                self._fell_silent(error)
                client = None
                continue
            if answer:
                self._last[topic] = answer[0][1][-1][0]
                return
        time.sleep(max(0.0, ends - time.monotonic()))

    @property
    def alive(self) -> bool:
        """Whether Redis is set and answered when last asked."""
        return self._client is not None and not self._silent

    def close(self) -> None:
        for client in (self._client, self._sleeper):
            if client is not None:
                client.close()

    def _usable(self) -> redis.Redis | None:
        with self._lock:
            return self._client if time.monotonic() >= self._dead_until else None

    def _fell_silent(self, error: redis.RedisError) -> None:
        with self._lock:
            first = not self._silent
            self._silent = True
            self._dead_until = time.monotonic() + RETRY_SECONDS
        if first:
            log.warning("redis does not answer: going on without it", error=type(error).__name__)


def _client(url: str, seconds: float) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=seconds, socket_connect_timeout=TIMEOUT_SECONDS, decode_responses=True, retry=None
    )
