"""The in-process head: names intents by a logistic regression on sentence vectors and character n-grams.

A frozen sentence encoder with a linear head is the strong baseline for few examples (Casanueva et al., "Efficient
Intent Detection with Dual Sentence Encoders", 2020); the n-grams see what the encoder does not: wording, inflection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from knowledge.folding import fold

Vectors = NDArray[np.float32]

NGRAMS: Final = (2, 5)
# Measured on 5- and 10-shot draws of Banking77 and HWU64 and on OHF in Polish and Czech: 0.3 to 1 and 10 to 100 differ
# by less than a point, the middle is best over all.
NGRAM_WEIGHT: Final = 0.6**0.5
STRENGTH: Final = 30.0
COMPONENTS: Final = 384
ITERATIONS: Final = 300
SEED: Final = 7


class OneIntent(ValueError):
    """There is nothing to tell apart: the examples name fewer than two intents."""


class IntentHead:
    """Names the intent of a text from its vector and its letters. Immutable once fitted."""

    def __init__(self, mean: Vectors, vectorizer: Any, reducer: Any | None, classifier: Any) -> None:
        self._mean = mean
        self._vectorizer = vectorizer
        self._reducer = reducer
        self._classifier = classifier

    @classmethod
    def fit(cls, texts: Sequence[str], vectors: Vectors, labels: Sequence[str]) -> IntentHead:
        """Learn from texts, their query vectors (n, dimension) and their intents. The same input gives the same head.

        Raises:
            OneIntent: fewer than two different labels.
        """
        from sklearn.linear_model import LogisticRegression

        if len(set(labels)) < 2:
            raise OneIntent("examples of at least two intents are needed")
        mean = vectors.mean(axis=0)
        vectorizer, reducer, ngrams = _fit_ngrams(texts)
        head = cls(mean, vectorizer, reducer, LogisticRegression(C=STRENGTH, max_iter=ITERATIONS, random_state=SEED))
        head._classifier.fit(head._join(vectors, ngrams), np.asarray(labels))
        return head

    def name(self, texts: Sequence[str], vectors: Vectors) -> list[str]:
        """The likeliest intent of each text; `vectors` are its query vectors, (n, dimension)."""
        return [str(label) for label in self._classifier.predict(self._features(texts, vectors))]

    def probabilities(self, texts: Sequence[str], vectors: Vectors) -> NDArray[np.float64]:
        """P(intent) for each text: (n, intents) in the order of `intents`, each row sums to 1."""
        return np.asarray(self._classifier.predict_proba(self._features(texts, vectors)), dtype=np.float64)

    @property
    def intents(self) -> list[str]:
        """The intents it can name."""
        return [str(label) for label in self._classifier.classes_]

    def _features(self, texts: Sequence[str], vectors: Vectors) -> Vectors:
        if self._reducer is None:
            return self._join(vectors, np.zeros((len(texts), 0), dtype=np.float32))
        return self._join(vectors, self._reducer.transform(self._vectorizer.transform(texts)))

    def _join(self, vectors: Vectors, ngrams: Any) -> Vectors:
        # e5's vectors lie in a narrow cone: without its axis they differ by meaning.
        shifted = vectors - self._mean
        unit = shifted / np.maximum(np.linalg.norm(shifted, axis=1, keepdims=True), 1e-9)
        return np.hstack([unit, NGRAM_WEIGHT * np.asarray(ngrams)]).astype(np.float32)


def _fit_ngrams(texts: Sequence[str]) -> tuple[Any, Any | None, Any]:
    """TF-IDF of character n-grams, reduced so that thousands of examples are still fitted in seconds."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=NGRAMS, preprocessor=fold, sublinear_tf=True, dtype=np.float32
    )
    try:
        weights = vectorizer.fit_transform(texts)
    except ValueError:  # not one n-gram in them: emoji or single signs
        return vectorizer, None, np.zeros((len(texts), 0), dtype=np.float32)
    components = min(COMPONENTS, *(size - 1 for size in weights.shape))
    if components < 1:
        return vectorizer, None, np.zeros((len(texts), 0), dtype=np.float32)
    reducer = TruncatedSVD(components, random_state=SEED)
    with np.errstate(invalid="ignore"):  # texts that are all alike have no variance to explain, and need none
        return vectorizer, reducer, reducer.fit_transform(weights)
