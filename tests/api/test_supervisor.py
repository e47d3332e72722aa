"""The supervisor, as a real process with stand-in children: what it starts, restarts, and never leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

STARTING_SECONDS = 60.0

PROGRAM = """
import sys
from api.children import ChildSpec
from api.supervisor import up
from knowledge.settings import Settings

child = '''
import os, signal, subprocess, sys, time
if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
other = subprocess.Popen(["sleep", "600"]) if "parent" in sys.argv else None
print("started", os.getpid(), flush=True)
open(sys.argv[1], "a").write(f"{os.getpid()} {other.pid if other else 0}\\\\n")
time.sleep(600)
'''
home, port, redis, *kinds = sys.argv[1:]
children = [ChildSpec(k, (sys.executable, "-c", child, f"{home}/{k}.pids", k)) for k in kinds]
sys.exit(up(Settings.load(home=home, port=int(port), rasa="off", redis=redis, stop_seconds=1), demo=False,
            children=children))
"""


@dataclass
class Running:
    """A supervisor under test."""

    process: subprocess.Popen[str]
    home: Path
    seen: set[int] = field(default_factory=set)

    def lives(self, name: str) -> list[list[int]]:
        """The process ids of each life of a child (itself, what it started), and remember them."""
        path = self.home / f"{name}.pids"
        lines = path.read_text().splitlines() if path.exists() else []
        lives = [[int(pid) for pid in line.split()] for line in lines if len(line.split()) == 2]
        self.seen |= {pid for life in lives for pid in life if pid}
        return lives

    def left_over(self) -> set[int]:
        """Of all processes seen, those that still run."""
        return {pid for pid in self.seen if _runs(pid)}

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal and wait: the exit status and what it said."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


def test_ctrl_c_stops_everything_and_leaves_no_process(tmp_path: Path) -> None:
    with running(tmp_path, "calm", "parent") as supervisor:
        started = time.monotonic()
        status, said = supervisor.end(signal.SIGINT)
    assert status == 0, said
    assert time.monotonic() - started < 5
    assert len(supervisor.seen) == 3
    assert not supervisor.left_over()


def test_a_child_deaf_to_sigterm_is_killed_when_its_time_is_over(tmp_path: Path) -> None:
    with running(tmp_path, "deaf") as supervisor:
        status, said = supervisor.end(signal.SIGTERM)
    assert status == 0, said
    assert not supervisor.left_over()


def test_kill_9_of_the_supervisor_leaves_no_child(tmp_path: Path) -> None:
    with running(tmp_path, "calm", "deaf") as supervisor:
        supervisor.process.kill()
        supervisor.process.wait()
        assert within(3, lambda: not supervisor.left_over())


def test_a_killed_child_is_replaced_and_what_it_had_started_is_gone(tmp_path: Path) -> None:
    with running(tmp_path, "parent") as supervisor:
        first, grandchild = supervisor.lives("parent")[0]
        os.kill(first, signal.SIGKILL)
        assert within(20, lambda: len(supervisor.lives("parent")) == 2)
        assert not _runs(grandchild)
        _, said = supervisor.end(signal.SIGINT)
    assert "parent: ended (killed by SIGKILL), starting again" in said
    assert not supervisor.left_over()


def test_a_second_supervisor_on_the_same_home_is_refused_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path, "calm"):
        second = start(tmp_path, _free_port(), "calm")
        _, said = second.communicate(timeout=30)
    assert second.returncode == 2
    assert said.count("\n") == 1
    assert "already runs" in said


def test_a_taken_port_is_named_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(tmp_path, port, "calm")
        _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert said.count("\n") == 1
    assert f"port {port}" in said


def test_the_embedded_redis_is_private_and_ends_with_the_rest(tmp_path: Path) -> None:
    with running(tmp_path, "calm", redis="auto") as supervisor:
        path = tmp_path / "run" / "redis.sock"
        assert within(20, path.exists)
        assert path.stat().st_mode & 0o077 == 0
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            assert client.recv(16) == b"+PONG\r\n"
        status, said = supervisor.end(signal.SIGINT)
        assert status == 0, said
        with socket.socket(socket.AF_UNIX) as client, pytest.raises((ConnectionError, FileNotFoundError)):
            client.connect(str(path))


def test_it_starts_again_where_it_was_killed(tmp_path: Path) -> None:
    with running(tmp_path, "calm") as supervisor:
        supervisor.process.kill()
        supervisor.process.wait()
    with running(tmp_path, "calm") as again:
        assert again.end(signal.SIGINT)[0] == 0


@contextmanager
def running(home: Path, *kinds: str, redis: str = "off") -> Iterator[Running]:
    before = {kind: len(Running.lives(Running(None, home), kind)) for kind in kinds}  # type: ignore[arg-type]
    process = start(home, _free_port(), *kinds, redis=redis)
    supervisor = Running(process, home)
    try:
        for kind in kinds:
            assert within(STARTING_SECONDS, lambda kind=kind: len(supervisor.lives(kind)) > before[kind])
        yield supervisor
    finally:
        process.kill()
        process.communicate()
        for pid in supervisor.left_over():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def start(home: Path, port: int, *kinds: str, redis: str = "off") -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ODZEW_")}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home), str(port), redis, *kinds],
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold in that time."""
    ends = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
