"""The side-by-side run: every system in a process of its own, the same cores, turns of some queries each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from training.searching.base import make, nearest, save
from training.searching.worker import load

HERE: Final = Path(__file__).parent
SYSTEMS: Final = ("odzew", "faiss_sqlite", "chroma", "txtai", "haystack", "bm25s")
LARGEST: Final = {"haystack": 100_000, "txtai": 100_000, "chroma": 100_000, "bm25s": 100_000}
"""Beyond so many phrasings a peer takes hours or more memory than there is."""
K: Final = 10
SMALLEST: Final = 1_000
TURNS: Final = 10
PER_TURN: Final = 20
SLOW: Final = {"haystack": 2}
"""Queries a turn of systems that take a good part of a second for each."""
EDITS: Final = 5
COLUMNS: Final = (
    "phrasings", "system", "configuration", "build_s", "rss_mb", "p50_ms", "p99_ms", "cpu_p50_ms", "recall_at_10",
    "edit_ms", "edit_cpu_ms",
)  # fmt: skip

Progress = Callable[[int, int], None]


class BenchFailed(RuntimeError):
    """A system could not be run; the message says which and why."""


@dataclass
class Running:
    """One system in one configuration, and what was measured of it."""

    system: str
    configuration: str
    process: subprocess.Popen[str]
    row: dict[str, Any]
    ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    found: list[tuple[int, list[int]]] = field(default_factory=list)
    """The number of each query, and what was found for it."""

    def ask(self, **command: Any) -> dict[str, Any]:
        """Have the process do one thing.

        Raises:
            BenchFailed: it ended, or says that it could not.
        """
        if self.process.stdin is None or self.process.stdout is None:
            raise BenchFailed(f"{self.system} has no pipes")
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        told: dict[str, Any] = json.loads(line) if line else {"error": "it ended"}
        if "error" in told:
            raise BenchFailed(f"{self.system}, {self.configuration}: {told['error']}")
        return told


def compare_search(
    sizes: Sequence[int],
    peers: Path,
    folder: Path,
    progress: Progress,
    only: Sequence[str] = SYSTEMS,
    *,
    make_database: Callable[[Path], None],
    seed: int = 7,
) -> list[dict[str, Any]]:
    """Run the systems at every size; one row each, with COLUMNS.

    Args:
        peers: the interpreter that has the peers; ours runs in this one.
        folder: where bases and indexes are made, and removed again.
        make_database: makes the empty SQLite file that ours is to work on.
    """
    rows: list[dict[str, Any]] = []
    for size in sizes:
        systems = [system for system in only if size <= LARGEST.get(system, size)]
        with tempfile.TemporaryDirectory(dir=folder, prefix=f"search-{size}-") as name:
            empty = Path(name) / "odzew.db"
            if "odzew" in systems:
                make_database(empty)
            rows += _at(size, systems, peers, Path(name), progress, seed)
    return rows


def _at(
    size: int, systems: Sequence[str], peers: Path, folder: Path, progress: Progress, seed: int
) -> list[dict[str, Any]]:
    made = make(size, TURNS * PER_TURN, seed)
    save(made, folder / "base")
    truth = nearest(made, K)
    with ExitStack() as stack:
        running = [stack.enter_context(_started(*one, folder, peers, size)) for one in _configurations(systems, peers)]
        steps, done = len(running) * (TURNS + 2), 0
        for one in running:
            one.row["build_s"] = round(one.ask(do="build")["seconds"], 2)
            one.ask(do="search", k=K, **{"from": 0, "to": 5})  # warm, not counted
            progress(done := done + 1, steps)
        for turn in range(TURNS):
            for one in running:
                first = turn * PER_TURN
                asked = SLOW.get(one.system, PER_TURN)
                told = one.ask(do="search", k=K, **{"from": first, "to": first + asked})
                one.ms += told["ms"]
                one.cpu_ms += told["cpu_ms"]
                one.found += [(first + n, ids) for n, ids in enumerate(told["ids"])]
                progress(done := done + 1, steps)
        for one in running:
            one.row |= _measured(one, truth)
            progress(done := done + 1, steps)
    return [one.row for one in running]


def _configurations(systems: Sequence[str], peers: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for system in systems:
        listed = subprocess.run(
            [_interpreter(system, peers), "-c", _LIST, str(HERE / "worker.py"), str(_module(system))],
            capture_output=True, text=True, check=False, env=_environment(system),
        )  # fmt: skip
        if listed.returncode:
            raise BenchFailed(f"{system} does not start: {listed.stderr.strip().splitlines()[-1]}")
        for name, settings in json.loads(listed.stdout.splitlines()[-1]).items():
            yield system, name, settings


_LIST: Final = (
    "import importlib.util as u, json, pathlib, sys; s = u.spec_from_file_location('w', sys.argv[1]); "
    "w = u.module_from_spec(s); s.loader.exec_module(w); "
    "print(json.dumps(w.load(pathlib.Path(sys.argv[2])).CONFIGURATIONS))"
)


@contextmanager
def _started(
    system: str, configuration: str, settings: dict[str, Any], folder: Path, peers: Path, size: int
) -> Iterator[Running]:
    place = Path(tempfile.mkdtemp(dir=folder, prefix=f"{system}-"))
    if system == "odzew":
        shutil.copyfile(folder / "odzew.db", place / "odzew.db")
    with (place / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [_interpreter(system, peers), str(HERE / "worker.py"), str(_module(system)), str(place),
             str(folder / "base"), json.dumps(settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=_environment(system),
        )  # fmt: skip
    row: dict[str, Any] = {"phrasings": size, "system": system, "configuration": configuration}
    try:
        yield Running(system, configuration, process, row)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(place, ignore_errors=True)


def _measured(one: Running, truth: Any) -> dict[str, Any]:
    rss = one.ask(do="memory")["rss_mb"]
    edits = [one.ask(do="edit", key=key) for key in range(1, EDITS + 1)]
    if not all(edit["found"] for edit in edits):
        raise BenchFailed(f"{one.system}, {one.configuration}: an edit was not found by the next search")
    shared = [len(set(ids) & set(truth[query].tolist())) for query, ids in one.found]
    return {
        "rss_mb": round(rss),
        "p50_ms": round(float(np.percentile(one.ms, 50)), 3),
        "p99_ms": round(float(np.percentile(one.ms, 99)), 3),
        "cpu_p50_ms": round(float(np.percentile(one.cpu_ms, 50)), 3),
        "recall_at_10": None if one.system == "bm25s" else round(sum(shared) / (K * len(shared)), 4),
        "edit_ms": round(float(np.median([edit["ms"] for edit in edits])), 2),
        "edit_cpu_ms": round(float(np.median([edit["cpu_ms"] for edit in edits])), 2),
    }


def _module(system: str) -> Path:
    return HERE / "systems" / f"{system}_system.py"


def _interpreter(system: str, peers: Path) -> str:
    return sys.executable if system == "odzew" else str(peers)


def _environment(system: str) -> dict[str, str]:
    """One thread each, as ours has: on a busy machine threads that wait for each other only cost."""
    held = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ANONYMIZED_TELEMETRY": "False"}
    return held if system == "odzew" else {key: value for key, value in held.items() if key != "PYTHONPATH"}


__all__ = ["COLUMNS", "SMALLEST", "SYSTEMS", "BenchFailed", "compare_search", "load"]
