"""The two parts of the local engine: the rows of a generation, and those that came after it."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.dense import Codes
from knowledge.index.engine import NOWHERE, Allowed, Ids, Label, Scores, Vectors

EFFORT: Final = 32
"""Cells looked into when everything is allowed. The fewer rows are allowed, the further away the nearest are."""
WIDER: Final = 16
"""Whoever asks for many looks into the cells of so many times as many rows."""
MASKS_KEPT: Final = 64
"""Filters of the last searches whose answers are kept: a bit for each row, 125 kB at a million."""
FIRST_ROOM: Final = 256

Bits = NDArray[np.uint8]


class Labels:
    """The labels in use, each once, by number. Numbers are never given again."""

    def __init__(self, labels: Sequence[Label] = ()) -> None:
        self._lock = threading.Lock()
        self.held: tuple[Label, ...] = tuple(labels)
        self._numbers = {label: number for number, label in enumerate(labels)}

    def numbers(self, labels: Sequence[Label]) -> NDArray[np.uint16]:
        """The numbers of these labels; new ones get the next."""
        with self._lock:
            fresh = [label for label in dict.fromkeys(labels) if label not in self._numbers]
            if len(self.held) + len(fresh) > np.iinfo(np.uint16).max:
                raise ValueError(f"more than {np.iinfo(np.uint16).max} kinds of phrasings by language and reach")
            for label in fresh:
                self._numbers[label] = len(self.held)
                self.held += (label,)
            return np.array([self._numbers[label] for label in labels], dtype=np.uint16)

    def admitted(self, allowed: Allowed) -> NDArray[np.bool_]:
        """Which label numbers a filter admits."""
        return np.array([allowed.admits(label) for label in self.held], dtype=bool)


class Part:
    """A generation's rows, taken out of use and relabelled in place. The codes themselves never change.

    A bit that changes while another thread searches is seen by that search or by the next one.
    """

    def __init__(self, codes: Codes, ids: Ids, label_numbers: NDArray[np.uint16], labels: Labels) -> None:
        self.codes = codes
        self.labels = labels
        self.ids = ids
        self.label_numbers = np.array(label_numbers, dtype=np.uint16)  # a copy: labels change in place
        self.alive = np.asarray(ids) != NOWHERE
        ascending = bool(np.all(ids[1:] > ids[:-1]))
        self._order = None if ascending else np.argsort(ids, kind="stable")
        self._sorted = ids if self._order is None else np.asarray(ids)[self._order]
        self._masks: dict[Allowed, tuple[Bits, int]] = {}
        self._lock = threading.Lock()

    def positions(self, ids: Ids) -> Ids:
        """Where the living rows of these ids are; ids that are not here are left out."""
        first = np.searchsorted(self._sorted, ids, side="left")
        last = np.searchsorted(self._sorted, ids, side="right")
        # An id may have been here before, in a row that is out of use; it is in use once at most.
        spans = zip(first.tolist(), last.tolist(), strict=True)
        rows = [
            place if self._order is None else int(self._order[place])
            for low, high in spans
            for place in range(low, high)
        ]
        return np.array([row for row in rows if self.alive[row]], dtype=np.int64)

    def remove(self, ids: Ids) -> int:
        """Take the rows of these ids out of use; returns how many there were."""
        with self._lock:
            positions = self.positions(ids)
            self.alive[positions] = False
            for bits, _ in self._masks.values():
                _set(bits, positions, np.zeros(len(positions), dtype=bool))
        return len(positions)

    def relabel(self, ids: Ids, numbers: NDArray[np.uint16]) -> None:
        """Give the living rows of these ids other labels."""
        with self._lock:
            found = [
                (place, number) for key, number in zip(ids, numbers, strict=True) for place in self.positions(key[None])
            ]
            positions = np.array([place for place, _ in found], dtype=np.int64)
            self.label_numbers[positions] = [number for _, number in found]
            for allowed, (bits, _) in self._masks.items():
                _set(bits, positions, self.labels.admitted(allowed)[self.label_numbers[positions]])

    def search(self, vectors: Vectors, k: int, allowed: Allowed) -> tuple[Ids, Scores]:
        """The nearest rows in use that the filter admits: (m, k)."""
        bits, count = self._mask(allowed)
        if not count:
            return _nothing(len(vectors), k)
        effort = int(max(EFFORT * math.sqrt(len(self.alive) / count), self.codes.cells * min(1.0, WIDER * k / count)))
        scores, rows = self.codes.search(vectors, k, bits, effort=effort)
        return np.where(rows < 0, NOWHERE, self.ids[np.maximum(rows, 0)]), scores

    def _mask(self, allowed: Allowed) -> tuple[Bits, int]:
        """One bit for each row, and how many were set when it was made. Kept, and changed in place when rows change."""
        kept = self._masks.get(allowed)
        if kept is not None:
            return kept
        with self._lock:
            wanted = self.labels.admitted(allowed)[self.label_numbers] & self.alive
            kept = np.packbits(wanted, bitorder="little"), int(np.count_nonzero(wanted))
            if len(self._masks) >= MASKS_KEPT:
                self._masks.pop(next(iter(self._masks)))
            self._masks[allowed] = kept
            return kept


class Delta:
    """The rows that came after the generation: few, in memory, searched exactly."""

    def __init__(self, dimension: int, labels: Labels) -> None:
        self._labels = labels
        self._codes = Codes.exact(dimension)
        self._rows: dict[int, int] = {}
        self._ids = np.zeros(FIRST_ROOM, dtype=np.int64)
        self._numbers = np.zeros(FIRST_ROOM, dtype=np.uint16)
        self._alive = np.zeros(FIRST_ROOM, dtype=bool)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many rows are in use."""
        return len(self._rows)

    @property
    def spent(self) -> int:
        """How many rows are held in all, in use or not."""
        return len(self._codes)

    def put(self, ids: Ids, vectors: Vectors, numbers: NDArray[np.uint16]) -> None:
        """Add rows; what is held under the same ids is replaced."""
        if not len(ids):
            return
        with self._lock:
            start, end = len(self._codes), len(self._codes) + len(ids)
            self._make_room(end)
            self._alive[[self._rows[key] for key in ids.tolist() if key in self._rows]] = False
            self._ids[start:end], self._numbers[start:end], self._alive[start:end] = ids, numbers, True
            self._rows.update(zip(ids.tolist(), range(start, end), strict=True))
            self._codes.add(vectors)

    def remove(self, ids: Ids) -> int:
        """Take the rows of these ids out of use; returns how many there were."""
        with self._lock:
            gone = [self._rows.pop(key) for key in ids.tolist() if key in self._rows]
            self._alive[gone] = False
        return len(gone)

    def relabel(self, ids: Ids, numbers: NDArray[np.uint16]) -> None:
        """Give the rows of these ids other labels."""
        with self._lock:
            for key, number in zip(ids.tolist(), numbers, strict=True):
                if key in self._rows:
                    self._numbers[self._rows[key]] = number

    def search(self, vectors: Vectors, k: int, allowed: Allowed) -> tuple[Ids, Scores]:
        """The nearest rows in use that the filter admits: (m, k)."""
        with self._lock:  # adding moves the codes' memory
            end = len(self._codes)
            if not end:
                return _nothing(len(vectors), k)
            wanted = self._labels.admitted(allowed)[self._numbers[:end]] & self._alive[:end]
            scores, rows = self._codes.search(vectors, k, np.packbits(wanted, bitorder="little"))
            return np.where(rows < 0, NOWHERE, self._ids[np.maximum(rows, 0)]), scores

    def contents(self) -> tuple[Ids, Vectors, NDArray[np.uint16]]:
        """The rows in use, by id."""
        with self._lock:
            ids = np.array(sorted(self._rows), dtype=np.int64)
            rows = np.array([self._rows[key] for key in ids.tolist()], dtype=np.int64)
            return ids, self._codes.vectors(rows), self._numbers[rows].copy()

    def _make_room(self, end: int) -> None:
        if end > len(self._ids):
            room = max(end, 2 * len(self._ids))
            self._ids, self._numbers, self._alive = (
                np.concatenate([held, np.zeros(room - len(held), held.dtype)])
                for held in (self._ids, self._numbers, self._alive)
            )


def _nothing(queries: int, k: int) -> tuple[Ids, Scores]:
    return np.full((queries, k), NOWHERE, dtype=np.int64), np.full((queries, k), -np.inf, dtype=np.float32)


def _set(bits: Bits, positions: Ids, values: NDArray[np.bool_]) -> None:
    for position, value in zip(positions.tolist(), values.tolist(), strict=True):
        if value:
            bits[position >> 3] |= 1 << (position & 7)
        else:
            bits[position >> 3] &= ~(1 << (position & 7)) & 0xFF
