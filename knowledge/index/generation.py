"""An immutable generation on disk: written aside, made durable, verified whenever it is opened."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from knowledge.dense import Codes
from knowledge.index.engine import NOWHERE, Ids, Label
from knowledge.index.manifest import NAME, Damaged, Manifest, sums_of, verified

CODES: Final = "codes.faiss"
IDS: Final = "ids.i64"
LABELS: Final = "labels.u16"
ASIDE: Final = ".aside"

LabelNumbers = NDArray[np.uint16]


@dataclass(frozen=True)
class Contents:
    """What a generation holds: row i of the codes is phrasing ids[i] (NOWHERE: a row nobody may find)."""

    codes: Codes
    ids: Ids
    label_numbers: LabelNumbers
    labels: Sequence[Label]
    seq: int
    awaiting: Sequence[int] = ()


@dataclass(frozen=True)
class Generation:
    """A verified generation, read where it lies on the disk."""

    manifest: Manifest
    codes: Codes
    ids: Ids
    label_numbers: LabelNumbers


def name_of(number: int) -> str:
    """The folder of a generation."""
    return f"gen-{number:06d}"


def write(folder: Path, space: str, number: int, contents: Contents) -> str:
    """Write a generation under its number; returns the SHA-256 of its manifest, which is what the database points to.

    Until the last step it lies aside, where nobody looks; a folder of the same number, which can only be left over
    from a writer that was killed before the database knew of it, is replaced.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = folder / f"{name_of(number)}{ASIDE}-{uuid4().hex[:8]}"
    aside.mkdir(mode=0o700)
    contents.codes.write(aside / CODES)
    np.ascontiguousarray(contents.ids, dtype="<i8").tofile(aside / IDS)
    np.ascontiguousarray(contents.label_numbers, dtype="<u2").tofile(aside / LABELS)
    files = [aside / name for name in (CODES, IDS, LABELS)]
    manifest = Manifest(
        space=space, number=number, seq=contents.seq, kind="cells" if contents.codes.cells else "exact",
        dimension=contents.codes.dimension, count=len(contents.codes),
        parameters={"cells": contents.codes.cells},
        labels=tuple(contents.labels), awaiting=tuple(contents.awaiting), files=sums_of(files),
    ).to_bytes()  # fmt: skip
    (aside / NAME).write_bytes(manifest)
    for path in (*files, aside / NAME):
        path.chmod(0o600)
        _sync(path)
    _sync(aside)
    final = folder / name_of(number)
    if final.exists():
        shutil.rmtree(final)
    aside.rename(final)
    _sync(folder)
    return hashlib.sha256(manifest).hexdigest()


def open_verified(folder: Path, number: int, manifest_sha256: str, space: str) -> Generation:
    """Open the generation that the database points to, after every bit of it was verified.

    Raises:
        Damaged: it is not what was written.
    """
    place = folder / name_of(number)
    try:
        manifest = Manifest.read(place, manifest_sha256)
    except (KeyError, TypeError, ValueError, json.JSONDecodeError) as problem:
        raise Damaged(f"{place.name}/{NAME}: {problem}") from problem
    if (manifest.space, manifest.number) != (space, number):
        raise Damaged(f"{place.name}/{NAME}: it is generation {manifest.number} of {manifest.space}")
    mapped = verified(place, manifest)
    codes = Codes.view(mapped[CODES])
    ids, labels = mapped[IDS].view("<i8"), mapped[LABELS].view("<u2")
    if not len(codes) == len(ids) == len(labels) == manifest.count:
        raise Damaged(f"{place.name}: {len(codes)} codes, {len(ids)} ids, {len(labels)} labels")
    return Generation(manifest, codes, ids, labels)


def tidy(folder: Path, keep: Iterable[int]) -> None:
    """Remove generations but these, and what killed writers left aside. A process that still reads one keeps it."""
    kept = {name_of(number) for number in keep}
    for path in folder.glob("gen-*"):
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


__all__ = ["NOWHERE", "Contents", "Generation", "LabelNumbers", "name_of", "open_verified", "tidy", "write"]
