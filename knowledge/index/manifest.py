"""The manifest of a generation: what its files must be, to the last bit, and whether they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from knowledge.index.engine import Label

NAME: Final = "manifest.json"
FORMAT: Final = 1
CHUNK: Final = 8 << 20
"""Bytes under one sum. Files are hashed in pieces so that both processors can work on one file."""
HASHING_THREADS: Final = 2

Memory = NDArray[np.uint8]


class Damaged(Exception):
    """A generation is not what was written; the message says which file and how."""


@dataclass(frozen=True, slots=True)
class FileSums:
    """One file: its size in bytes, and the SHA-256 of each of its chunks."""

    size: int
    chunks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation holds. `space` names the encoder and its version; `seq` is the last change of the base."""

    space: str
    number: int
    seq: int
    kind: str
    dimension: int
    count: int
    parameters: Mapping[str, int]
    labels: tuple[Label, ...]
    awaiting: tuple[int, ...]
    """Phrasings that had no vector yet."""
    files: Mapping[str, FileSums]

    def to_bytes(self) -> bytes:
        """The manifest's file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False).encode()

    @classmethod
    def read(cls, folder: Path, sha256: str) -> Manifest:
        """Read a manifest and see that it is the one the database points to.

        Raises:
            Damaged: it is missing, or not the very bytes with this sum.
        """
        try:
            raw = (folder / NAME).read_bytes()
        except OSError as problem:
            raise Damaged(f"{folder.name}/{NAME}: {problem.strerror}") from problem
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise Damaged(f"{folder.name}/{NAME}: not the manifest the database points to")
        held: dict[str, Any] = json.loads(raw)
        if held.pop("format") != FORMAT:
            raise Damaged(f"{folder.name}/{NAME}: made by another release")
        held["labels"] = tuple(Label(language, tuple(reach)) for language, reach in held["labels"])
        held["awaiting"] = tuple(held["awaiting"])
        held["files"] = {name: FileSums(one["size"], tuple(one["chunks"])) for name, one in held["files"].items()}
        return cls(**held)


def sums_of(paths: Iterable[Path]) -> dict[str, FileSums]:
    """The sums of files as they are now, by name."""
    return {path.name: FileSums(path.stat().st_size, tuple(_hashed([_mapped(path)])[0])) for path in paths}


def verified(folder: Path, manifest: Manifest) -> dict[str, Memory]:
    """Map a generation's files into memory and see that every bit of them is as written.

    What is hashed is the very memory that is searched later. SHA-256 with the processor's own instructions takes
    about half a second a gigabyte on two processors, so nothing smaller or weaker is needed.

    Raises:
        Damaged: a file is missing, of another size, or has another sum.
    """
    mapped = {name: _checked_size(folder / name, sums.size) for name, sums in manifest.files.items()}
    found = _hashed(list(mapped.values()))
    for (name, sums), chunks in zip(manifest.files.items(), found, strict=True):
        for number, (wanted, held) in enumerate(zip(sums.chunks, chunks, strict=True)):
            if wanted != held:
                raise Damaged(f"{folder.name}/{name}: damaged at byte {number * CHUNK} or in the {CHUNK} after it")
    return mapped


def _checked_size(path: Path, size: int) -> Memory:
    try:
        held = path.stat().st_size
        if held != size:
            raise Damaged(f"{path.parent.name}/{path.name}: {held} bytes in place of {size}")
        return _mapped(path)
    except OSError as problem:
        raise Damaged(f"{path.parent.name}/{path.name}: {problem.strerror}") from problem


def _mapped(path: Path) -> Memory:
    if path.stat().st_size == 0:
        return np.zeros(0, dtype=np.uint8)
    return np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))


def _hashed(memories: list[Memory]) -> list[list[str]]:
    """The sums of every chunk of every memory."""
    pieces = [memory[start : start + CHUNK] for memory in memories for start in range(0, max(len(memory), 1), CHUNK)]
    with ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="index-verify") as pool:
        sums = list(pool.map(lambda piece: hashlib.sha256(piece).hexdigest(), pieces))
    found: list[list[str]] = []
    for memory in memories:
        chunks = max(1, -(-len(memory) // CHUNK))
        found.append(sums[:chunks])
        sums = sums[chunks:]
    return found
