"""The dense leg: inner-product search over unit vectors, exact or in cells. The only module that imports FAISS."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


class DenseIndex:
    """Vectors under explicit 64-bit ids, searched exactly. Not for concurrent writing."""

    def __init__(self, dimension: int) -> None:
        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self.dimension = dimension

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors (n, dimension) under new ids (n,). Raises ValueError on a wrong shape or a repeated id."""
        rows = self._checked(vectors)
        keys = np.ascontiguousarray(ids, dtype=np.int64)
        if keys.shape != (len(rows),):
            raise ValueError(f"{keys.shape} ids do not fit {len(rows)} vectors")
        if len(np.unique(keys)) != len(keys) or np.isin(keys, self.ids()).any():
            raise ValueError("an id may be in the index only once")
        self._index.add_with_ids(rows, keys)

    def remove(self, ids: Ids) -> int:
        """Remove the vectors with these ids; returns how many were there."""
        return int(self._index.remove_ids(np.ascontiguousarray(ids, dtype=np.int64)))

    def ids(self) -> Ids:
        """All ids, in insertion order as far as nothing was removed."""
        return np.asarray(faiss.vector_to_array(self._index.id_map), dtype=np.int64)

    def vectors(self, ids: Ids) -> Vectors:
        """The stored vectors of these ids: (n, dimension). Raises KeyError for an unknown id."""
        unknown = set(map(int, ids)) - set(map(int, self.ids()))
        if unknown:
            raise KeyError(f"not in the index: {sorted(unknown)}")
        rows = [self._index.reconstruct(int(key)) for key in ids]
        return np.asarray(rows, dtype=np.float32).reshape(-1, self.dimension)

    def search(self, vectors: Vectors, k: int, only: Collection[int] | None = None) -> tuple[Vectors, Ids]:
        """Find the k nearest of every query (m, dimension), best first, among `only` these ids when given.

        Returns inner products and ids, both (m, n) with n = min(k, number of candidates).
        """
        rows = self._checked(vectors)
        candidates = len(self) if only is None else int(np.isin(self.ids(), list(only)).sum())
        n = min(k, candidates)
        if n <= 0 or not len(rows):
            return np.zeros((len(rows), 0), np.float32), np.zeros((len(rows), 0), np.int64)
        if only is None:
            scores, found = self._index.search(rows, n)
        else:
            # FAISS accepts keywords here that its own types do not know.
            parameters: Any = faiss.SearchParameters
            selector = faiss.IDSelectorBatch(np.fromiter(only, dtype=np.int64))
            scores, found = self._index.search(rows, n, params=parameters(sel=selector))
        return scores, found

    def _checked(self, vectors: Vectors) -> Vectors:
        return _finite(vectors, self.dimension)


LEARNED_FROM_EACH: Final = 54
LEARNING_ROUNDS: Final = 8
"""How many vectors a cell is learned from, and how often they are gone through: more finds no more."""


class Codes:
    """Unit vectors by position, 0 and up: exactly (16-bit floats), or in cells as 8-bit codes.

    The exact kind finds what full precision finds, at half the memory. Cells hold what lies close together; a search
    looks into the nearest ones only. Not for adding while another thread searches. A view cannot grow.
    """

    def __init__(self, index: Any, held: Any = None) -> None:
        self._index = index
        self._held = held  # the memory that a view reads from
        self.cells = int(getattr(index, "nlist", 0))
        """How many cells there are; 0 for the exact kind."""
        self.dimension = int(index.d)

    @classmethod
    def exact(cls, dimension: int) -> Codes:
        """Nothing yet, to be searched exactly."""
        kind = faiss.ScalarQuantizer.QT_fp16
        return cls(faiss.IndexScalarQuantizer(dimension, kind, faiss.METRIC_INNER_PRODUCT))

    @classmethod
    def in_cells(cls, vectors: Vectors) -> Codes:
        """Nothing yet, with cells and codes fitted to these vectors (n, dimension)."""
        dimension, cells = vectors.shape[1], max(1, 2 * math.isqrt(len(vectors)))
        kind, likeness = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        centres = faiss.IndexFlatIP(dimension)
        index = faiss.IndexIVFScalarQuantizer(centres, dimension, cells, kind, likeness, False)
        index.cp.niter, index.cp.min_points_per_centroid = LEARNING_ROUNDS, 1
        wanted = min(len(vectors), LEARNED_FROM_EACH * cells)
        chosen = np.sort(np.random.default_rng(0).choice(len(vectors), wanted, replace=False))
        index.train(np.ascontiguousarray(vectors[chosen], dtype=np.float32))
        return cls(index, held=centres)

    @classmethod
    def view(cls, memory: NDArray[np.uint8]) -> Codes:
        """Codes read where they lie, without a copy. The memory must have been verified: FAISS trusts what it reads."""
        untyped: Any = faiss
        reader = untyped.ZeroCopyIOReader(faiss.swig_ptr(memory), memory.size)
        return cls(faiss.read_index(reader), held=(memory, reader))

    def copy(self) -> Codes:
        """A copy in memory of its own, which can grow."""
        return Codes(faiss.deserialize_index(faiss.serialize_index(self._index)))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def learned_from(self) -> int:
        """How many vectors the cells were made for, as their number tells: a little less than there were."""
        return (self.cells // 2) ** 2

    def add(self, vectors: Vectors) -> None:
        """Add vectors (n, dimension) at the next positions."""
        self._index.add(_finite(vectors, self.dimension))

    def write(self, path: Path) -> None:
        """Write to a file."""
        faiss.write_index(self._index, str(path))

    def vectors(self, positions: Ids) -> Vectors:
        """The vectors there, as precisely as they are held: (n, dimension). For the exact kind only."""
        if not len(positions):
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.asarray(self._index.reconstruct_batch(np.ascontiguousarray(positions, np.int64)), np.float32)

    def search(
        self, vectors: Vectors, k: int, allowed: NDArray[np.uint8] | None, *, effort: int = 0
    ) -> tuple[Vectors, Ids]:
        """The nearest of every query (m, dimension), best first: scores and positions (m, k), -1 where there are fewer.

        Args:
            allowed: which positions may be found, one bit each, least significant first; None: all.
            effort: into how many cells to look; 0: into all.
        """
        # FAISS accepts keywords here that its own types do not know.
        untyped: Any = faiss
        chosen: dict[str, Any] = {} if allowed is None else {"sel": untyped.IDSelectorBitmap(allowed)}
        parameters: Any = faiss.SearchParameters
        if self.cells:
            parameters = faiss.SearchParametersIVF
            chosen["nprobe"] = min(effort or self.cells, self.cells)
        scores, positions = self._index.search(vectors, k, params=parameters(**chosen))
        return scores, positions


def _finite(vectors: Vectors, dimension: int) -> Vectors:
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] != dimension:
        raise ValueError(f"expected vectors of shape (n, {dimension}), got {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("a vector holds a value that is not a number")
    return rows
