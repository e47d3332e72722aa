"""Making sentence vectors comparable: take away what a language and a base have in common.

Vectors of e5 share a large common part (unrelated texts have cosines near 0.8) and lean towards others of the same
language. Both are means, so both can be subtracted: Libovický et al. 2020, "On the Language Neutrality of Pre-trained
Multilingual Representations" (Findings of EMNLP), and Mu and Viswanath 2018, "All-but-the-Top" (ICLR).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.background import Background

Vectors = NDArray[np.float32]
# How many phrasings of a language weigh as much as the guess from the background lines.
PRIOR_PHRASINGS: Final = 20
# The same for a base as a whole; only the smallest bases feel it.
PRIOR_BASE: Final = 5


@dataclass(frozen=True, slots=True)
class LanguageSpace:
    """Means per language, of phrasings and of queries. `None` stands for a language without background lines."""

    phrasing_means: dict[str | None, Vectors]
    query_means: dict[str | None, Vectors]
    background_means: dict[str, Vectors]

    @classmethod
    def fit(cls, vectors: Vectors, languages: Sequence[str], background: Background) -> LanguageSpace:
        """Estimate the means from a base's phrasing vectors (n, dimension) and the background lines."""
        spoken = np.array(languages)
        of_line = np.array(background.languages)
        asked = {code: background.queries[of_line == code].mean(axis=0) for code in sorted(set(background.languages))}
        told = {code: background.phrasings[of_line == code].mean(axis=0) for code in asked}
        anyone: Vectors = background.phrasings.mean(axis=0)
        expected = np.mean([told.get(code, anyone) for code in languages], axis=0)
        base = (len(vectors) * vectors.mean(axis=0) + PRIOR_BASE * expected) / (len(vectors) + PRIOR_BASE)
        phrasing_means: dict[str | None, Vectors] = {None: base}
        query_means: dict[str | None, Vectors] = {None: base + background.queries.mean(axis=0) - anyone}
        for code in sorted({*languages, *asked}):
            guess = base + told.get(code, expected) - expected
            own = vectors[spoken == code]
            mean = (own.sum(axis=0) + PRIOR_PHRASINGS * guess) / (len(own) + PRIOR_PHRASINGS)
            phrasing_means[code] = mean
            query_means[code] = mean + asked.get(code, query_means[None]) - told.get(code, phrasing_means[None])
        return cls(phrasing_means, query_means, asked)

    def phrasings(self, vectors: Vectors, languages: Sequence[str]) -> Vectors:
        """Centre phrasing vectors (n, dimension), each by its language."""
        return _unit(vectors - np.stack([self.phrasing_means[code] for code in languages]))

    def query(self, vector: Vectors, language: str | None) -> Vectors:
        """Centre one query vector (dimension,)."""
        known = language if language in self.query_means else None
        centred: Vectors = _unit((vector - self.query_means[known])[None, :])[0]
        return centred

    def guess(self, vector: Vectors) -> str:
        """The language whose background lines lie nearest to a query vector."""
        return max(self.background_means, key=lambda code: float(vector @ self.background_means[code]))


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)
