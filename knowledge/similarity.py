"""How alike a text and the phrasings of a base are: joint sentence vectors, and wording within one language."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.background import Background
from knowledge.dense import DenseIndex
from knowledge.lexical import LexicalLeg
from knowledge.space import JointSpace
from knowledge.team import Team, Views

Vectors = NDArray[np.float32]
Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
# What the wording counts beside the meaning. English has the best vectors and hardly inflects; in the other languages
# shared letters say more. Measured with one to five phrasings per article; across languages the wording only misleads.
LEXICAL_WEIGHT_ENGLISH: Final = 0.25
LEXICAL_WEIGHT: Final = 0.7
# In a larger base than a table holds: candidates by meaning and by wording, of which the nearest by both are kept.
DENSE_CANDIDATES: Final = 1000
LEXICAL_CANDIDATES: Final = 200
# Up to here all phrasings are compared with each other once (64 MB); in a larger base only a text's neighbours are.
TABLE: Final = 4096


@dataclass(frozen=True, slots=True)
class Point:
    """A text in the space of the phrasings.

    Its joint vector (dimension,), its plain vector by the lead (its dimension,), the cosine of its wording with every
    phrasing (phrasings,), its language, its self-product, and the row it is, if it is a phrasing of the base.
    """

    vector: Vectors
    lead: Vectors
    wording: Matrix
    language: str | None
    own: float
    row: int | None = None


class Similarity:
    """The phrasings of a base, ready to be compared with texts and with each other. Never changed once made."""

    def __init__(
        self,
        texts: Sequence[str],
        languages: Sequence[str],
        views: Views,
        background: Background,
        team: Team,
        *,
        lexical: LexicalLeg | None = None,
    ) -> None:
        """`lexical` has learned from a sample; without it the n-grams are those of these texts."""
        self.space = JointSpace.fit(views, languages, background, team)
        self.spoken = frozenset(languages)
        self._hold(languages, views)
        self._dense = DenseIndex(self._vectors.shape[1])
        if len(self._vectors) > TABLE:
            self._dense.add(np.arange(len(self._vectors)), self._vectors)
        self._lexical = LexicalLeg.fit(texts) if lexical is None else lexical.holding(texts)
        few = lexical is None and len(self._vectors) <= TABLE
        self._table = self._compare(np.arange(len(self._vectors))) if few else None
        everyday = self.space.phrasings(background.phrasings, background.languages)
        self._everyday = everyday / np.maximum(np.linalg.norm(everyday, axis=1, keepdims=True), 1e-9)
        self._everyday_texts = np.array(background.texts)

    def __len__(self) -> int:
        return len(self._vectors)

    def extended(self, texts: Sequence[str], languages: Sequence[str], views: Views) -> Similarity:
        """This base and a few phrasings more, behind the others. What was estimated from the base stays as it is."""
        fresh = self.space.phrasings(views, languages)
        weights = np.array([lexical_weight(code) for code in languages], dtype=np.float32)
        other = copy.copy(self)
        other._languages = np.concatenate([self._languages, np.array(languages)])
        other._lexical_weights = np.concatenate([self._lexical_weights, weights])
        other._vectors = np.vstack([self._vectors, fresh])
        other._lead = np.vstack([self._lead, views[0]])
        other._own = np.concatenate([self._own, (fresh**2).sum(axis=1) + weights])
        other._lexical = self._lexical.extended(texts)
        other._table = None
        return other

    def holding(self, texts: Sequence[str], languages: Sequence[str], views: Views) -> Similarity:
        """These few phrasings only, at most DENSE_CANDIDATES, in the space and with the weights that were estimated."""
        other = copy.copy(self)
        other.spoken = self.spoken | frozenset(languages)
        other._hold(languages, views)
        other._dense = DenseIndex(other._vectors.shape[1])
        other._lexical = self._lexical.holding(texts)
        other._table = None
        return other

    def place(self, text: str, views: Views, language: str | None) -> Point:
        """Place a text with its query views, (1, dimension) each."""
        vector = self.space.query(views, language)
        weight = lexical_weight(language) if language in self.spoken else 0.0
        wording = self._lexical.cosines([text])[0] * (self._languages == (language or ""))
        return Point(vector, views[0][0], wording, language, float(vector @ vector) + weight)

    def phrasing(self, row: int) -> Point:
        """A phrasing of the base as if it were a text."""
        wording = self._lexical.of(self._lexical.weights[row]).toarray()[0]
        language = str(self._languages[row])
        wording *= self._languages == language
        return Point(self._vectors[row], self._lead[row], wording, language, float(self._own[row]), row)

    def nearest(self, point: Point, k: int, usable: Flags | None = None) -> tuple[Rows, Matrix]:
        """The k phrasings most like a point, best first, among the `usable` (phrasings,) when given.

        Returns their rows and the likeness of each: the weighted sum of the cosines.
        """
        rows = self._candidates(point, usable)
        if self._table is not None and point.row is not None:
            likeness = self._table[point.row, rows]
        else:
            # Picking most rows of a table copies it, which takes longer than multiplying all of them.
            dense = (self._vectors @ point.vector)[rows] if len(self) <= TABLE else self._vectors[rows] @ point.vector
            likeness = dense + self._lexical_weights[rows] * point.wording[rows]
        kept = np.argpartition(-likeness, k - 1)[:k] if k < len(rows) else np.arange(len(rows))
        order = kept[np.argsort(-likeness[kept], kind="stable")]
        return rows[order], np.asarray(likeness[order], dtype=np.float32)

    def among(self, rows: Rows) -> Matrix:
        """Compare phrasings with each other: (rows, rows)."""
        return self._compare(rows) if self._table is None else self._table[np.ix_(rows, rows)]

    def own(self, rows: Rows) -> Matrix:
        """Self-products of phrasings: (rows,)."""
        return np.asarray(self._own[rows], dtype=np.float32)

    def plain(self, point: Point, rows: Rows) -> Vectors:
        """The plain cosine of a point with phrasings by the lead alone, nothing centred: (rows,)."""
        return np.asarray(self._lead[rows] @ point.lead)

    def everyday(self, point: Point, text: str = "") -> float:
        """How alike a point is to the nearest everyday line other than `text` itself: a cosine."""
        length = max(float(np.linalg.norm(point.vector)), 1e-9)
        return float((self._everyday @ point.vector)[self._everyday_texts != text].max()) / length

    def _hold(self, languages: Sequence[str], views: Views) -> None:
        self._languages = np.array(languages)
        self._lexical_weights = np.array([lexical_weight(code) for code in languages], dtype=np.float32)
        self._vectors = self.space.phrasings(views, languages)
        self._lead = views[0]
        self._own = (self._vectors**2).sum(axis=1) + self._lexical_weights

    def _candidates(self, point: Point, usable: Flags | None) -> Rows:
        if len(self) <= TABLE:
            return np.arange(len(self)) if usable is None else np.flatnonzero(usable)
        only = None if usable is None else np.flatnonzero(usable)
        _, found = self._dense.search(point.vector[None, :], DENSE_CANDIDATES, only)
        # Phrasings that came after the index was made; all of them, where the base was small then.
        behind = np.arange(len(self._dense), len(self))
        if usable is not None:
            behind = behind[usable[behind]]
        known = point.wording if usable is None else point.wording * usable
        count = min(LEXICAL_CANDIDATES, int(np.count_nonzero(known)))
        alike = np.argpartition(-known, count - 1)[:count] if count else np.zeros(0, dtype=np.int64)
        return np.unique(np.concatenate([found[0], alike, behind]))

    def _compare(self, rows: Rows) -> Matrix:
        wording = self._lexical.weights[rows]
        likeness = np.asarray((wording @ wording.T).toarray(), dtype=np.float32)
        likeness *= self._languages[rows][:, None] == self._languages[rows][None, :]
        likeness *= self._lexical_weights[rows]
        likeness += self._vectors[rows] @ self._vectors[rows].T
        return likeness


def lexical_weight(language: str | None) -> float:
    """What the wording counts within a language."""
    return LEXICAL_WEIGHT_ENGLISH if language == "en" else LEXICAL_WEIGHT
