"""Child processes: each tied to this one, in a group of its own, started again when it dies, stopped without a rest."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.child_log import ChildLog, Say, Shown
from api.home import log_file
from api.leash import leashed

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
SETTLED_AFTER: Final = 10.0
"""A child that lived this long, in seconds, is started again at once when it dies."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run."""

    name: str
    command: tuple[str, ...]
    restart: bool = True
    """False: it does its work once and ends."""
    disposable: bool = False
    """Killed when the others have ended: they use it until then, and an orderly end would save nothing."""
    shown: Shown = "problems"


class Child:
    """One child, over all its lives. Everything here is called from the main thread (see `leash.leashed`)."""

    def __init__(self, spec: ChildSpec, environment: Mapping[str, str], home: Path, say: Say) -> None:
        self.spec = spec
        self._environment = environment
        self._say = say
        self._log = ChildLog(spec.name, log_file(home, spec.name), say, spec.shown)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = FIRST_PAUSE
        self._start_at: float | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it."""
        self._start_at = None
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            leashed(self.spec.command),
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal reaches the supervisor alone, and what a child started can be killed with it.
            start_new_session=True,
        )
        if self._process.stdout is None:
            raise RuntimeError("a child without a pipe for its output")
        self._log.follow(self._process.stdout)

    def tick(self) -> None:
        """Notice its death, and start it again when its pause is over."""
        if self._process is not None and self._has_died():
            self._bury()
        if self._start_at is not None and time.monotonic() >= self._start_at:
            self.start()

    def ask_to_end(self) -> None:
        """Send SIGTERM, and never start it again."""
        self._start_at = None
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGTERM)  # Popen's own would reap it first if it is dead

    def ended(self) -> bool:
        """Whether it runs no more; what it left of its group is killed."""
        if self._process is not None and self._has_died():
            self._kill_group(self._process)
        return self._process is None

    def kill(self) -> None:
        """Kill it and everything in its group."""
        self._start_at = None
        if self._process is not None:
            self._kill_group(self._process)

    def _bury(self) -> None:
        process = self._process
        if process is None:
            return
        lived = time.monotonic() - self._started
        self._kill_group(process)
        status = process.returncode
        if not self.spec.restart:
            if status != 0:
                self._say(f"{self.spec.name}: failed ({_how(status)}); {self._log.last_line}")
            return
        if lived >= SETTLED_AFTER:
            self._pause = FIRST_PAUSE
        self._say(f"{self.spec.name}: ended ({_how(status)}), starting again; {self._log.last_line}".rstrip("; "))
        self._start_at = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _has_died(self) -> bool:
        # Looked at without reaping: as long as the dead leader is kept, its group's number cannot become another's.
        if self._process is None:
            return True
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    def _kill_group(self, process: subprocess.Popen[bytes]) -> None:
        # The group first, while its leader is not reaped; it does not exist yet in the moment before setsid.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        self._process = None


class Children:
    """All children of the supervisor."""

    def __init__(self, specs: Sequence[ChildSpec], environment: Mapping[str, str], home: Path, say: Say) -> None:
        self._children = [Child(spec, environment, home, say) for spec in specs]

    def start(self) -> None:
        """Start them in order."""
        for child in self._children:
            child.start()

    def tick(self) -> None:
        """Look after each once; call it about ten times a second."""
        for child in self._children:
            child.tick()

    def ask_to_end(self) -> None:
        """Ask all but the disposable ones to end, the last one started first."""
        for child in reversed(self._children):
            if not child.spec.disposable:
                child.ask_to_end()

    def all_ended(self) -> bool:
        """Whether none but the disposable ones runs any more."""
        still_there = [child for child in self._children if not child.spec.disposable and not child.ended()]
        return not still_there

    def kill(self) -> None:
        """Kill all of them, and what they started, at once."""
        for child in self._children:
            child.kill()


def _how(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
