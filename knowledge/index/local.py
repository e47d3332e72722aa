"""The engine of one machine: a generation on disk, and what has changed since in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.dense import Codes
from knowledge.index.engine import EVERYTHING, NOWHERE, Allowed, Change, Ids, Scores, Vectors
from knowledge.index.generation import Contents, Generation
from knowledge.index.part import Delta, Labels, Part

EXACT_UP_TO: Final = 50_000
"""Phrasings searched exactly. Among so many, cells find 0.99 of the ten nearest, ten times as fast; not of 20,000."""
RENEWED_SHARE: Final = 0.1
"""Cells are made anew, not added to, once so large a share of their rows is out of use or came after they were learned:
what they were not learned from lies less well in them. From 0.2 on recall falls 0.008 below that of fresh ones."""


@dataclass(frozen=True)
class State:
    """Everything an engine holds at one moment, for whoever writes the next generation."""

    position: int
    number: int
    alive: NDArray[np.bool_]
    numbers: NDArray[np.uint16]
    delta: tuple[Ids, Vectors, NDArray[np.uint16]]


class LocalEngine:
    """Searches one generation and a delta. Changed by one thread at a time, searched by any."""

    def __init__(self, dimension: int, generation: Generation | None = None) -> None:
        """Start from a verified generation, or from nothing."""
        self.dimension = dimension
        self.generation = generation
        if generation is None:
            self.labels = Labels()
            nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint16)
            self._part = Part(Codes.exact(dimension), *nothing, self.labels)
        else:
            self.labels = Labels(generation.manifest.labels)
            self._part = Part(generation.codes, generation.ids, generation.label_numbers, self.labels)
        self._delta = Delta(dimension, self.labels)
        self._position = generation.manifest.seq if generation else 0
        self._living = int(np.count_nonzero(self._part.alive))
        self._changing = threading.Lock()

    def __len__(self) -> int:
        return self._living + len(self._delta)

    @property
    def position(self) -> int:
        return self._position

    @property
    def delta_rows(self) -> int:
        """How many rows lie beside the generation: those in memory, and those out of use in it."""
        return self._delta.spent + len(self._part.alive) - self._living

    def apply(self, change: Change) -> None:
        with self._changing:
            if change.upto < self._position:
                return
            # New rows first: a search in between finds a phrasing twice and drops one, rather than not at all.
            self._delta.put(change.added, change.vectors, self.labels.numbers(change.labels))
            self._living -= self._part.remove(np.concatenate([change.added, change.removed]))
            self._delta.remove(np.setdiff1d(change.removed, change.added))
            numbers = self.labels.numbers(change.new_labels)
            self._part.relabel(change.relabelled, numbers)
            self._delta.relabel(change.relabelled, numbers)
            self._position = change.upto

    def search(self, vectors: Vectors, k: int, allowed: Allowed = EVERYTHING) -> tuple[Ids, Scores]:
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise ValueError(f"expected queries of shape (n, {self.dimension}), got {rows.shape}")
        found = [part.search(rows, k, allowed) for part in (self._part, self._delta)]  # in this order: see `apply`
        if not self._delta.spent:
            return found[0]
        return _best(found[1], found[0], k)

    def state(self) -> State:
        """What is held now, in copies that later changes do not touch."""
        with self._changing:
            return State(
                self._position,
                self.generation.manifest.number if self.generation else 0,
                self._part.alive.copy(),
                self._part.label_numbers.copy(),
                self._delta.contents(),
            )

    def merged(self, exact_up_to: int = EXACT_UP_TO) -> Contents | None:
        """Generation and delta as one, to be written as the next generation; None where it had better be made anew.

        Cells are copied and added to, which costs no more than reading them; rows out of use stay in them, unseen,
        until they are many.
        """
        state = self.state()
        ids, vectors, numbers = state.delta
        living = np.flatnonzero(state.alive)
        if self._part.codes.cells:
            few = len(living) + len(ids) <= exact_up_to
            spent, rows = len(state.alive) - len(living), len(state.alive) + len(ids)
            came_later = rows - self._part.codes.learned_from
            if few or max(spent, came_later) > RENEWED_SHARE * rows:
                return None
            codes = self._part.codes.copy()
            codes.add(vectors)
            kept = np.concatenate([np.where(state.alive, self._part.ids, NOWHERE), ids])
            return Contents(codes, kept, np.concatenate([state.numbers, numbers]), self.labels.held, state.position)
        everyone = np.concatenate([self._part.ids[living], ids])
        order = np.argsort(everyone)
        codes = Codes.exact(self.dimension)
        codes.add(np.concatenate([self._part.codes.vectors(living), vectors])[order])
        held = np.concatenate([state.numbers[living], numbers])[order]
        return Contents(codes, everyone[order], held, self.labels.held, state.position)


def coded(vectors: Vectors, exact_up_to: int = EXACT_UP_TO) -> Codes:
    """Vectors as a generation holds them: exactly, or in cells where they are many."""
    codes = Codes.exact(vectors.shape[1]) if len(vectors) <= exact_up_to else Codes.in_cells(vectors)
    codes.add(vectors)
    return codes


def _best(first: tuple[Ids, Scores], second: tuple[Ids, Scores], k: int) -> tuple[Ids, Scores]:
    """The k best of two lists for every query; of a phrasing that is in both, the first list's row."""
    ids = np.concatenate([first[0], second[0]], axis=1)
    scores = np.concatenate([first[1], second[1]], axis=1)
    for row in range(len(ids)):
        twice = np.isin(second[0][row], first[0][row])
        scores[row, k:][twice] = -np.inf
        ids[row, k:][twice] = NOWHERE
    scores[ids == NOWHERE] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)
