"""`odzew up`: everything in the foreground, in order, until it is told to stop.

The children are the web, the worker and the publisher, an embedded Redis where none was named, and Rasa. Each is
started again when it dies; none outlives this process.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from pydantic import SecretStr

from api.child_log import Say, Terminal
from api.children import Children, ChildSpec
from api.home import CannotStart, answers, check_port, hold_home, note_address
from api.preparation_step import prepare
from api.rasa_part import RasaPart, choose_rasa
from api.redis_server import RedisChoice, choose_redis
from knowledge.settings import Settings

TICK_SECONDS: Final = 0.1
RASA_STOP_SECONDS: Final = 3.0
CANNOT_START: Final = 2
STOPPING_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

MAIN_CHILDREN: Final = tuple(
    ChildSpec(name, (sys.executable, "-m", f"api.{name}")) for name in ("web", "worker", "publisher")
)


def up(settings: Settings, *, demo: bool, children: Sequence[ChildSpec] = MAIN_CHILDREN, say: Say | None = None) -> int:
    """Run everything until Ctrl-C or SIGTERM; a second one kills at once.

    Args:
        demo: load the demo workspace first, if it is not there.
        children: what to run beside Redis and Rasa.
        say: takes each line for the person at the terminal; standard error by default.

    Returns:
        The exit status: 0 stopped as asked, 1 the preparation failed, 2 it cannot start here.
    """
    say = say or Terminal().say
    try:
        with hold_home(settings.home):
            check_port(settings.host, settings.port)
            note_address(settings.home, settings.host, settings.port)
            signals = StopSignals()
            with signals.heard():
                status = prepare(settings, demo=demo, interrupted=lambda: signals.count > 0)
                if status != 0 or signals.count > 0:
                    return status
                return _run(settings, children, signals, say)
    except CannotStart as problem:
        say(f"odzew: {problem}")
        return CANNOT_START


class StopSignals:
    """How often the person (or the system) has asked to stop."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Count the stopping signals instead of dying of them."""
        before = {number: signal.signal(number, self._count) for number in STOPPING_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


def environment_of(settings: Settings, *, redis_url: str) -> dict[str, str]:
    """The environment of the children: this one's, with every setting as it holds here."""
    given = settings.model_dump() | {"home": settings.home.resolve(), "redis_url": redis_url}
    return dict(os.environ) | {f"ODZEW_{name.upper()}": _as_text(value) for name, value in given.items()}


def _as_text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _run(settings: Settings, specs: Sequence[ChildSpec], signals: StopSignals, say: Say) -> int:
    redis = choose_redis(settings)
    rasa = choose_rasa(settings, say)
    for missing in filter(None, (redis.missing, rasa.missing)):
        say(missing)
    children = _children(settings, specs, redis, rasa, say)
    try:
        children.start()
        rasa.start()
        _watch(settings, children, signals, say)
        say("stopping (once more to stop at once)")
        children.ask_to_end()
        _wait_for_end(children, settings.stop_seconds, signals)
    finally:
        children.kill()
        rasa.stop(RASA_STOP_SECONDS)
    return 0


def _children(settings: Settings, specs: Sequence[ChildSpec], redis: RedisChoice, rasa: RasaPart, say: Say) -> Children:
    first = (redis.server,) if redis.server else ()
    environment: Mapping[str, str] = environment_of(settings, redis_url=redis.url)
    return Children((*first, *specs, *rasa.training), environment, settings.home, say)


def _watch(settings: Settings, children: Children, signals: StopSignals, say: Say) -> None:
    announced = False
    look_at = 0.0
    while signals.count == 0:
        children.tick()
        if not announced and time.monotonic() >= look_at:
            announced = answers(settings.host, settings.port)
            look_at = time.monotonic() + 0.3
            if announced:
                say(f"Odzew is at http://{_shown_host(settings.host)}:{settings.port} (Ctrl-C stops it)")
        time.sleep(TICK_SECONDS)


def _wait_for_end(children: Children, seconds: float, signals: StopSignals) -> None:
    ends = time.monotonic() + seconds
    while not children.all_ended() and signals.count == 1 and time.monotonic() < ends:
        time.sleep(TICK_SECONDS / 2)


def _shown_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
