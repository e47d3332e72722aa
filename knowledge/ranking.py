"""The ranker: which article answers a text. Arrays and records in, ranked articles out; no database here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.background import Background, load_background
from knowledge.calibration import Calibration, Case, signs
from knowledge.encoder import Encoder
from knowledge.head import Head, feature_map
from knowledge.rehearsal import SHARE_NOISE, Rehearsal, best_of_each
from knowledge.similarity import Similarity

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]
# The head has learned the base's languages only; for a text in another one the nearest phrasing counts beside it.
FOREIGN_PULL: Final = 8.0
# Enough phrasings to span the base; more cost time by the cube.
LANDMARKS: Final = 1500


@dataclass(frozen=True, slots=True)
class Phrasing:
    """One way of asking for an article, in one language."""

    article: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """One article found for a text.

    `phrasing` is the index of its phrasing that is most alike, in the list the ranker was fitted on. `probability`
    of the best article is the calibrated chance that it is the right one; the others share what is left.
    """

    article: str
    phrasing: int
    score: float
    probability: float


class Ranker:
    """Ranks the articles of one base for a text. Never changes once fitted, so threads may share it."""

    def __init__(
        self,
        articles: Sequence[str],
        labels: Labels,
        similarity: Similarity,
        landmarks: Labels,
        mapping: Vectors,
        head: Head,
        encoder: Encoder,
    ) -> None:
        self._articles = tuple(articles)
        self._labels = labels
        self._similarity = similarity
        self._landmarks = landmarks
        self._mapping = mapping
        self._head = head
        self._encoder = encoder
        self._calibration = Calibration.fit([])

    @classmethod
    def fit(
        cls,
        phrasings: Sequence[Phrasing],
        vectors: Vectors,
        encoder: Encoder,
        *,
        background: Background | None = None,
    ) -> Ranker:
        """Fit on a base and its vectors (phrasings, dimension), which come from `encoder.phrasings`.

        Takes seconds for thousands of phrasings. Raises ValueError for an empty base or vectors that do not fit it.
        """
        if not phrasings or vectors.shape != (len(phrasings), encoder.dimension):
            raise ValueError(f"vectors of shape {vectors.shape} do not fit {len(phrasings)} phrasings")
        lines = load_background(encoder) if background is None else background
        languages = [phrasing.language for phrasing in phrasings]
        similarity = Similarity([phrasing.text for phrasing in phrasings], languages, vectors, lines)
        articles, numbers = np.unique([phrasing.article for phrasing in phrasings], return_inverse=True)
        labels = numbers.astype(np.int64)
        everything = np.arange(len(phrasings))
        landmarks = _spread(labels, LANDMARKS)
        kernel = similarity.of_phrasings(everything, landmarks)
        mapping = feature_map(kernel[landmarks])
        features = np.asarray(kernel @ mapping, dtype=np.float32)
        head = Head.fit(features, labels, len(articles))
        ranker = cls(articles.tolist(), labels, similarity, landmarks, mapping, head, encoder)
        rehearsal = Rehearsal(similarity, features, labels, np.array(languages), FOREIGN_PULL)
        ranker._calibrate(rehearsal.cases(), lines)
        return ranker

    def rank(
        self,
        text: str,
        *,
        language: str | None,
        k: int = 5,
        allowed: Collection[str] | None = None,
        vector: Vectors | None = None,
    ) -> list[Ranked]:
        """Rank the articles for a text, best first, at most k, only `allowed` article ids when given.

        `language` None means unknown. `vector` (dimension,) is the text's query vector when the caller has it.
        A text without a letter or a digit finds nothing.
        """
        candidates = self._candidates(allowed)
        if not len(candidates) or not any(letter.isalnum() for letter in text):
            return []
        query = self._encoder.queries([text])[0] if vector is None else vector
        scores, likeness, row = self._scored(text, query, language, candidates)
        order = np.argsort(-scores, kind="stable")[:k]
        best = self._calibration.probability(row)
        shares = _shares(scores, best)
        return [
            Ranked(
                self._articles[candidates[index]],
                self._nearest(int(candidates[index]), likeness),
                float(scores[index]),
                float(shares[index]),
            )
            for index in order
        ]

    def _scored(
        self, text: str, vector: Vectors, language: str | None, candidates: Labels
    ) -> tuple[Vectors, Vectors, NDArray[np.float64]]:
        """Scores of the candidates, likeness to all phrasings, and the signs of how good the best one is."""
        spoken = self._similarity.space.guess(vector) if language is None else language
        foreign = spoken not in self._similarity.spoken
        likeness = self._similarity.of_query(text, vector, spoken)
        best = best_of_each(likeness, self._labels, len(self._articles))[candidates]
        logits = self._head.logits(likeness[self._landmarks][None, :] @ self._mapping)[0][candidates]
        scores = logits + FOREIGN_PULL * best * foreign
        everyday = self._similarity.everyday(text, vector, spoken)
        row = signs(scores, float(best[scores.argmax()]), foreign, len(self._labels), everyday)
        return scores, likeness, row

    def _candidates(self, allowed: Collection[str] | None) -> Labels:
        if allowed is None:
            return np.arange(len(self._articles))
        return np.flatnonzero([article in allowed for article in self._articles])

    def _nearest(self, article: int, likeness: Vectors) -> int:
        rows = np.flatnonzero(self._labels == article)
        return int(rows[likeness[rows].argmax()])

    def _calibrate(self, rehearsed: list[Case], lines: Background) -> None:
        if not rehearsed:
            return
        everything = np.arange(len(self._articles))
        noise = [
            Case(self._scored(text, vector, language, everything)[2], False, SHARE_NOISE / len(lines.texts))
            for language, text, vector in zip(lines.languages, lines.texts, lines.queries, strict=True)
        ]
        self._calibration = Calibration.fit(rehearsed + noise)


def _shares(scores: Vectors, best: float) -> Vectors:
    """Probabilities of all candidates, in proportion to their scores, given that of the best one; at most 1 in all."""
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    top = int(scores.argmax())
    rest = 1 - shares[top]
    factor = min(best / shares[top], (1 - best) / rest if rest > 0 else 0.0)
    result = shares * factor
    result[top] = best
    return np.asarray(result, dtype=np.float32)


def _spread(labels: Labels, most: int) -> Labels:
    """At most this many phrasings, taken from all articles in turn."""
    if len(labels) <= most:
        return np.arange(len(labels))
    order = np.argsort(labels, kind="stable")
    position = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    return np.sort(order[np.argsort(position, kind="stable")[:most]])
