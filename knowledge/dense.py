"""The dense leg: exact inner-product search over unit vectors. The only module that imports FAISS."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

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
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise ValueError(f"expected vectors of shape (n, {self.dimension}), got {rows.shape}")
        if not np.isfinite(rows).all():
            raise ValueError("a vector holds a value that is not a number")
        return rows
