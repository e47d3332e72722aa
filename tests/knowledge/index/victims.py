"""Processes that write generations until they are killed: `python -m tests.knowledge.index.victims URL HOME ACT ROUNDS`.

It forks a writer, kills it after a random moment, forks a reader that opens the index and checks what it finds, and so
on. One line a round, `found ...`: the generation's number and kind, what is held, what is found.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import faiss
import numpy as np
from sqlalchemy import select

import api.tables  # noqa: F401 - registers every table
from knowledge.database import Database
from knowledge.index import builder
from knowledge.index.builder import Builder
from knowledge.index.local import LocalEngine
from knowledge.index.phrasing_index import PhrasingIndex
from knowledge.tables import PhrasingRow
from tests.knowledge.index.bases import SOURCE, add_phrasing, vectors_of

PASSES = 3
"""A writer lives for at most so many passes, as long as the first one took on this machine."""


def main() -> None:
    url, home, act, rounds = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    faiss.omp_set_num_threads(1)  # more threads would not survive the fork
    chance = random.Random(act)
    longest: float | None = None
    for _ in range(rounds):
        ready, tell = os.pipe()
        victim = os.fork()
        if not victim:
            write_for_ever(url, home, act, tell)
        os.read(ready, 1)
        started = time.monotonic()
        if longest is None:
            os.read(ready, 1)
            longest = PASSES * (time.monotonic() - started)
        time.sleep(chance.random() * longest)
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        os.close(ready)
        os.close(tell)
        reader = os.fork()
        if not reader:
            check(url, home)
        _, status = os.waitpid(reader, 0)
        if status:
            print("the reader failed", status, flush=True)


def write_for_ever(url: str, home: Path, act: str, tell: int) -> None:
    os.dup2(2, 1)  # a log line that the kill tears in two must not run into what the reader says
    builder.MERGE_ROWS = 1  # type: ignore[misc]
    database = Database(url)
    os.write(tell, b".")
    if act == "switch":
        while True:
            Builder(database, SOURCE, home / "index", exact_up_to=10**6).rebuild()
            os.write(tell, b".")
    index = PhrasingIndex(database, SOURCE, home / "index", exact_up_to=100)
    number = 0
    while True:
        number += 1
        for n in range(3):
            add_phrasing(database, "a1", f"of{os.getpid()} {number} {n}")
        with database.read() as session:
            index.catch_up(session)
        index.maintain()
        os.write(tell, b".")


def check(url: str, home: Path) -> None:
    database = Database(url)
    index = PhrasingIndex(database, SOURCE, home / "index", exact_up_to=100)
    with database.read() as session:
        rows = session.execute(select(PhrasingRow.id, PhrasingRow.text)).all()
        ids, scores = index.search(session, vectors_of([text for _, text in rows]), 1)
    found = float(np.mean(ids[:, 0] == [key for key, _ in rows]))
    if not isinstance(index.engine, LocalEngine) or index.engine.generation is None:
        raise TypeError("the local engine has a generation")
    number = index.engine.generation.manifest.number
    print(
        "found",
        number,
        index.engine.generation.manifest.kind,
        len(rows),
        len(index),
        found,
        float(scores.min()),
        flush=True,
    )
    os._exit(0)


if __name__ == "__main__":
    main()
