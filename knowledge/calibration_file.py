"""The calibration of a base, kept between starts: learning it takes seconds, and the same base gives the same one.

It is a cache and no more: a file of another base, of other encoders or of other code counts as none, and so does a
damaged one.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from knowledge.calibration import SIGNS, Calibration
from knowledge.ranking import Phrasing
from knowledge.team import Team

log = structlog.get_logger()

NAME: Final = "calibration.json"
# What a calibration is made by, beside the base and the encoders. A change of one of these files makes it anew.
MADE_BY: Final = (
    "background.txt", "calibration.py", "folding.py", "language_means.npz", "language_means.py", "lexical.py",
    "ranking.py", "regression.py", "rehearsal.py", "similarity.py", "space.py", "team.py", "wording_memory.py",
)  # fmt: skip


def key_of(phrasings: Iterable[Phrasing], team: Team) -> str:
    """What a calibration depends on, as a hash."""
    made = hashlib.sha256(team.version.encode())
    for name in MADE_BY:
        made.update((Path(__file__).parent / name).read_bytes())
    for one in phrasings:
        made.update(json.dumps([one.article, one.language, one.text]).encode())
    return made.hexdigest()


def read(folder: Path, key: str) -> Calibration | None:
    """The calibration that is kept for this key, if it is."""
    try:
        kept = json.loads((folder / NAME).read_text(encoding="utf-8"))
        weights = np.array([float(kept["weights"][sign]) for sign in SIGNS])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as problem:
        log.warning("the kept calibration is damaged and is learned anew", file=str(folder / NAME), error=repr(problem))
        return None
    if kept.get("key") != key or not np.isfinite(weights).all():
        return None
    return Calibration(weights)


def write(folder: Path, key: str, calibration: Calibration) -> None:
    """Keep a calibration instead of the one before. A full disk costs the next start some seconds, nothing else."""
    kept = {"key": key, "weights": dict(zip(SIGNS, calibration.weights.tolist(), strict=True))}
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix=NAME, delete=False, encoding="utf-8") as file:
            json.dump(kept, file)
        Path(file.name).replace(folder / NAME)
    except OSError as problem:
        log.warning("the calibration could not be kept", folder=str(folder), error=str(problem))
