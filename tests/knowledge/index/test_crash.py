"""Killed in the middle of a switch and of a merge: the next start always finds a whole generation, and every phrasing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from knowledge.database import Database
from knowledge.index.phrasing_index import PhrasingIndex
from tests.fixtures.database import sqlite_only
from tests.knowledge.index.bases import SOURCE, add_phrasing, fill, vector_of

ROOT = Path(__file__).parents[3]


def program(name: str, *given: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.knowledge.index.{name}", *map(str, given)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
    )  # fmt: skip


@sqlite_only
@pytest.mark.parametrize("act", ["switch", "merge"])
@pytest.mark.parametrize("rounds", [pytest.param(8, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_writer_leaves_a_whole_index(database: Database, home: Path, act: str, rounds: int) -> None:
    fill(database, 60)
    PhrasingIndex(database, SOURCE, home / "index")
    told, errors = program("victims", database.url, home, act, rounds).communicate(timeout=600)
    lines = [line.split()[1:] for line in told.splitlines() if line.startswith("found ")]
    assert len(lines) == rounds, f"{told}\n{errors[-2000:]}"
    assert "damaged" not in told + errors
    numbers = [int(line[0]) for line in lines]
    assert numbers == sorted(numbers) and numbers[-1] > rounds // 4
    for _, _, rows, held, found, lowest in lines:
        assert rows == held
        assert float(found) >= 0.995 and float(lowest) > 0.9
    left = {path.name.partition(".")[0] for path in (home / "index").glob("*/gen-*")}
    assert len(left) <= 3  # the last two, and perhaps what the last writer had not finished


def test_an_edit_reaches_another_process_within_a_tenth_of_a_second(database: Database, home: Path) -> None:
    fill(database, 60)
    index = PhrasingIndex(database, SOURCE, home / "index")
    other = program("watcher", database.url, home)
    assert other.stdin is not None and other.stdout is not None
    assert other.stdout.readline() == "ready\n", other.stderr.read() if other.stderr else ""
    other_took, own_took = [], []
    for n in range(20):
        text = f"edit{n} words"
        other.stdin.write(f"{text}\n")
        other.stdin.flush()
        assert other.stdout.readline() == "watching\n"
        time.sleep(0.02)
        add_phrasing(database, "a1", text)
        committed, busy = time.monotonic(), time.thread_time()
        with database.read() as session:
            assert index.search(session, vector_of(text)[None, :], 1)[1][0, 0] > 0.99
        own_took.append(time.thread_time() - busy)
        other_took.append(float(other.stdout.readline()) - committed)
    other.communicate()
    # Of this process its own work is counted, of the other the quicker ones: a busy machine stretches the rest.
    # The goal is 5 ms; 7 to 9 were measured on a busy machine, see docs/benchmarks.md.
    assert sorted(own_took)[10] < 0.02, own_took
    assert sorted(other_took)[4] < 0.1, other_took
