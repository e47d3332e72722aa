"""The lexical leg: how much of its wording a text shares with a phrasing (TF-IDF over character n-grams)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline

from knowledge.folding import fold
from knowledge.wording_memory import WordingMemory

NGRAMS: Final = (3, 5)
# Places for n-grams that are hashed: 1 MB of weights, and among the few hundred texts of a search hardly two share one.
HASHED: Final = 2**18


class LexicalLeg:
    """TF-IDF of character 3- to 5-grams inside word boundaries, over the folded phrasings."""

    def __init__(
        self, vectorizer: TfidfVectorizer | Pipeline, weights: csr_matrix, memory: WordingMemory | None = None
    ) -> None:
        """With a `memory` phrasings that it has held before are not cut into n-grams again."""
        self._vectorizer = vectorizer
        self._weights = weights
        self._memory = memory
        # Turned once: a query then touches only the phrasings that share an n-gram with it.
        self._by_gram = csr_matrix(weights.T)

    @classmethod
    def fit(cls, texts: Sequence[str]) -> LexicalLeg:
        """Learn the n-grams of the phrasings; needs at least one text that is not blank."""
        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=NGRAMS, preprocessor=fold, sublinear_tf=True, dtype=np.float32
        )
        return cls(vectorizer, csr_matrix(vectorizer.fit_transform(texts)))

    @classmethod
    def learn(cls, texts: Sequence[str]) -> LexicalLeg:
        """As `fit`, from a sample of a base: n-grams that are not in it count too, as the rarest there are.

        What it holds beside the sample is of the same size for every base.
        """
        grams = HashingVectorizer(
            analyzer="char_wb", ngram_range=NGRAMS, preprocessor=fold, n_features=HASHED, norm=None,
            alternate_sign=False, dtype=np.float32,
        )  # fmt: skip
        vectorizer = make_pipeline(grams, TfidfTransformer(sublinear_tf=True))
        weights = csr_matrix(vectorizer.fit_transform(texts))
        return cls(vectorizer, weights, WordingMemory(vectorizer.transform, HASHED))

    def holding(self, texts: Sequence[str]) -> LexicalLeg:
        """The same n-grams with these phrasings in place of the others."""
        weights = self.transform(texts) if self._memory is None else self._memory(texts)
        return LexicalLeg(self._vectorizer, weights, self._memory)

    def extended(self, texts: Sequence[str]) -> LexicalLeg:
        """The same n-grams with a few phrasings more, behind the others."""
        longer = csr_matrix(vstack([self._weights, self.transform(texts)]))
        return LexicalLeg(self._vectorizer, longer, self._memory)

    @property
    def weights(self) -> csr_matrix:
        """The phrasings as rows of length 1 (or 0): (phrasings, n-grams)."""
        return self._weights

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Texts as rows over the learned n-grams: (n, n-grams), each of length 1, or 0 when nothing is known."""
        return csr_matrix(self._vectorizer.transform(texts))

    def of(self, wording: csr_matrix) -> csr_matrix:
        """Cosine of rows that `transform` gave with every phrasing: (n, phrasings), 0..1."""
        return csr_matrix(wording @ self._by_gram)

    def cosines(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Cosine of every text with every phrasing: (n, phrasings), 0..1."""
        return np.asarray(self.of(self.transform(texts)).toarray(), dtype=np.float32)
