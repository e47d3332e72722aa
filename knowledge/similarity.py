"""How alike a text and the phrasings of a base are: centred sentence vectors, and wording within one language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.background import Background
from knowledge.dense import DenseIndex
from knowledge.lexical import LexicalLeg
from knowledge.space import LanguageSpace

Vectors = NDArray[np.float32]
Matrix = NDArray[np.float32]
# What the wording counts beside the meaning. English has the best vectors and hardly inflects; in the other languages
# shared letters say more. Measured with one to five phrasings per article; across languages the wording only misleads.
LEXICAL_WEIGHT_ENGLISH: Final = 0.25
LEXICAL_WEIGHT: Final = 0.7


class Similarity:
    """The phrasings of a base, ready to be compared with texts and with each other."""

    def __init__(
        self, texts: Sequence[str], languages: Sequence[str], vectors: Vectors, background: Background
    ) -> None:
        self._languages = np.array(languages)
        self._weights = np.array([lexical_weight(code) for code in languages], dtype=np.float32)
        self.space = LanguageSpace.fit(vectors, languages, background)
        self.spoken = frozenset(languages)
        self._vectors = self.space.phrasings(vectors, languages)
        self._dense = DenseIndex(vectors.shape[1])
        self._dense.add(np.arange(len(vectors)), self._vectors)
        self._everyday = self.space.phrasings(background.phrasings, background.languages)
        self._everyday_texts = background.texts
        self._lexical = LexicalLeg.fit(texts)

    def of_query(self, text: str, vector: Vectors, language: str | None) -> Matrix:
        """Compare a text, which has the query vector (dimension,), with all phrasings: (phrasings,)."""
        lexical = self._lexical.cosines([text])[0] * (self._languages == language)
        found, ids = self._dense.search(self.space.query(vector, language)[None, :], len(self._vectors))
        dense = np.empty(len(self._vectors), dtype=np.float32)
        dense[ids[0]] = found[0]
        return np.asarray(dense + self._weights * lexical, dtype=np.float32)

    def everyday(self, text: str, vector: Vectors, language: str | None) -> float:
        """How alike a text is to the nearest everyday line other than itself: a cosine."""
        cosines = self._everyday @ self.space.query(vector, language)
        return float(max((cosine for cosine, line in zip(cosines, self._everyday_texts, strict=True) if line != text)))

    def everyday_of(self, rows: NDArray[np.int64]) -> Vectors:
        """The same for phrasings of the base: (rows,)."""
        return np.asarray((self._vectors[rows] @ self._everyday.T).max(axis=1), dtype=np.float32)

    def of_phrasings(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Matrix:
        """Compare phrasings with phrasings: (rows, columns)."""
        lexical = (self._lexical.weights[rows] @ self._lexical.weights[columns].T).toarray()
        lexical *= self._languages[rows][:, None] == self._languages[columns][None, :]
        dense = self._vectors[rows] @ self._vectors[columns].T
        return np.asarray(dense + self._weights[columns] * lexical, dtype=np.float32)


def lexical_weight(language: str) -> float:
    """What the wording counts within a language."""
    return LEXICAL_WEIGHT_ENGLISH if language == "en" else LEXICAL_WEIGHT
