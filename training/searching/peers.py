"""The peers' own environment: made once, under the home folder, from `requirements/bench-search.txt`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

REQUIREMENTS: Final = Path(__file__).parents[2] / "requirements" / "bench-search.txt"


class NoPeers(RuntimeError):
    """The peers could not be installed; the message says why."""


def peers_interpreter(folder: Path) -> Path:
    """The Python that has the peers; installs them the first time, which takes minutes and needs a package index.

    Raises:
        NoPeers: they could not be installed.
    """
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    place, mark = folder / "peers", folder / "peers" / "installed"
    python = place / "bin" / "python"
    if mark.exists() and mark.read_text(encoding="ascii") == wanted:
        return python
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    torch = next(line for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines() if line.startswith("torch=="))
    _run([sys.executable, "-m", "venv", str(place)])
    _run([str(python), "-m", "pip", "install", "--quiet", torch])
    _run([str(python), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)])
    mark.write_text(wanted, encoding="ascii")
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if not line.startswith("WARNING")] or ["no reason given"]
        raise NoPeers(f"the peers could not be installed: {said[-1]}")
