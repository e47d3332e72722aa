"""Wording that was cut into n-grams before: the phrasings near one text are mostly near the next one too."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

MOST: Final = 50_000
"""Texts that are remembered: at some 100 n-grams each, 40 MB."""

Row = tuple[NDArray[np.int32], NDArray[np.float32]]
"""The n-grams of one text and their weights."""
Transform = Callable[[Sequence[str]], csr_matrix]


class WordingMemory:
    """The rows that `transform` makes of texts, each text's row kept until it is the one longest unused.

    `transform` must make the same row of a text whatever stands beside it. For any number of threads.
    """

    def __init__(self, transform: Transform, grams: int, most: int = MOST) -> None:
        """`grams`: how many columns `transform` gives."""
        self._transform = transform
        self._grams = grams
        self._most = most
        self._rows: OrderedDict[str, Row] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def __call__(self, texts: Sequence[str]) -> csr_matrix:
        """What `transform` makes of these texts: (texts, n-grams)."""
        with self._lock:
            known = {text: self._rows[text] for text in texts if text in self._rows}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        cut = self._cut(missing) if missing else {}
        self._remember(cut, known)
        known |= cut
        rows = [known[text] for text in texts]
        ends = np.cumsum([0, *(len(places) for places, _ in rows)], dtype=np.int32)
        places, weights = (np.concatenate(part) for part in zip(*rows, strict=True))
        return csr_matrix((weights, places, ends), shape=(len(texts), self._grams))

    def _cut(self, texts: Sequence[str]) -> dict[str, Row]:
        rows = self._transform(texts)
        return {text: _row(rows, number) for number, text in enumerate(texts)}

    def _remember(self, cut: dict[str, Row], used: dict[str, Row]) -> None:
        with self._lock:
            for text in used:
                if text in self._rows:
                    self._rows.move_to_end(text)
            self._rows |= cut
            while len(self._rows) > self._most:
                self._rows.popitem(last=False)


def _row(rows: csr_matrix, number: int) -> Row:
    part = slice(rows.indptr[number], rows.indptr[number + 1])
    # Copies, or one remembered row would keep its whole batch in memory.
    return rows.indices[part].copy(), rows.data[part].copy()
