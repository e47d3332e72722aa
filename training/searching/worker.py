"""One system in a process of its own: `python worker.py SYSTEM.py FOLDER BASE SETTINGS`, one JSON command a line.

It runs in the system's interpreter, so it imports nothing of ours.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

LANGUAGES = ("pl", "ru", "it", "cs", "sq", "en")
EDIT_SEED = 99


def main() -> None:
    module, folder, base, settings = sys.argv[1:5]
    # Libraries print what they like; the answers go where standard output was.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    system: Any = load(Path(module)).System(Path(folder), json.loads(settings))
    held = read(Path(base))
    for line in sys.stdin:
        command = json.loads(line)
        try:
            told = DO[command["do"]](system, held, command)
        except Exception as problem:  # told to whoever asked, who says it to the person
            told = {"error": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(told), file=answers, flush=True)


def load(path: Path) -> Any:
    """The system's module."""
    spec = importlib.util.spec_from_file_location("system_under_test", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(folder: Path) -> SimpleNamespace:
    """The base that `base.save` put there, with texts for the systems that search words."""
    held = SimpleNamespace(**{path.stem: np.load(path) for path in folder.glob("*.npy")})
    held.texts = [words(int(a), n) for n, a in enumerate(held.articles)]
    held.query_texts = [words(int(a), -n) for n, a in enumerate(held.query_articles)]
    held.codes = [LANGUAGES[n] for n in held.languages]
    return held


def words(article: int, number: int) -> str:
    """A text that shares some words with those of the same article."""
    chance = np.random.default_rng([article, number & 0xFFFFFF])
    own = chance.choice(12, 5, replace=False)
    return " ".join([f"topic{article % 400}", *(f"w{article}x{n}" for n in own), f"n{chance.integers(1000)}"])


def build(system: Any, held: Any, _command: Any) -> dict[str, Any]:
    started, busy = time.perf_counter(), time.process_time()
    system.build(held)
    return {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - busy}


def search(system: Any, held: Any, command: Any) -> dict[str, Any]:
    wall, cpu, ids = [], [], []
    for n in range(command["from"], command["to"]):
        language = LANGUAGES[held.query_languages[n]]
        started, busy = time.perf_counter(), time.process_time()
        found = system.search(held.queries[n], held.query_texts[n], language, command["k"])
        cpu.append((time.process_time() - busy) * 1e3)
        wall.append((time.perf_counter() - started) * 1e3)
        if any(not text for _, text in found):
            raise ValueError("a hit came without its text")
        ids.append([int(key) for key, _ in found])
    return {"ms": wall, "cpu_ms": cpu, "ids": ids}


def edit(system: Any, held: Any, command: Any) -> dict[str, Any]:
    """Give one phrasing another vector and text, and see that the next search finds it so."""
    key = command["key"]
    vector = np.random.default_rng([EDIT_SEED, key]).standard_normal(held.vectors.shape[1]).astype(np.float32)
    vector /= np.linalg.norm(vector)
    text = f"edited{key} words"
    started, busy = time.perf_counter(), time.process_time()
    system.edit(key, vector, text)
    took, cpu = time.perf_counter() - started, time.process_time() - busy
    found = [int(one) for one, _ in system.search(vector, text, held.codes[key], 10)]
    return {"ms": took * 1e3, "cpu_ms": cpu * 1e3, "found": key in found}


def memory(_system: Any, _held: Any, _command: Any) -> dict[str, Any]:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = {
        key: int(value.split()[0])
        for key, _, value in (line.partition(":") for line in status.splitlines())
        if key.startswith(("VmRSS", "RssAnon"))
    }
    return {"rss_mb": kilobytes["VmRSS"] / 1024, "anonymous_mb": kilobytes["RssAnon"] / 1024}


DO = {"build": build, "search": search, "edit": edit, "memory": memory}

if __name__ == "__main__":
    main()
