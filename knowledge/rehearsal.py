"""Rehearsal: what would the ranker say to phrasings and articles it had never seen? Cases for the calibration.

In every fold a part of the articles is left out whole (their phrasings should find nothing) and a part of the other
phrasings too (they should find their article). Lines about everyday things should find nothing either. The head is
fitted anew for every fold, so no case is scored by something that has learned it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.calibration import Case, signs
from knowledge.head import Head
from knowledge.similarity import Similarity

Matrix = NDArray[np.float32]
Labels = NDArray[np.int64]
FOLDS: Final = 4
# Phrasings times articles.
LARGE: Final = 150_000
# Of the texts that reach a brand, the share we expect to have an answer in the base, and the other two kinds.
SHARE_ANSWERED: Final = 0.65
SHARE_UNKNOWN: Final = 0.25
SHARE_NOISE: Final = 0.10


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A base to rehearse on: features (n, rank), the article number (n,) and the language of each phrasing."""

    similarity: Similarity
    features: Matrix
    labels: Labels
    languages: NDArray[np.str_]
    foreign_pull: float

    def cases(self) -> list[Case]:
        """Score phrasings as texts of their own: as answerable where their article has others, and as unknown."""
        articles = int(self.labels.max()) + 1
        if articles < FOLDS:
            return []
        group = np.arange(articles)[self.labels] % FOLDS
        turn = _turn(self.labels, group)
        if not (turn >= 0).any():
            return []
        # In a large base half of the phrasings are cases enough, and a head takes a second to fit.
        folds = range(FOLDS if len(self.labels) * articles <= LARGE else FOLDS // 2)
        cases: list[Case] = []
        for fold in folds:
            learnt = np.flatnonzero((group != fold) & (turn != fold))
            answerable, unknown = np.flatnonzero(turn == fold), np.flatnonzero(group == fold)
            weights = np.repeat(
                [SHARE_ANSWERED / max(len(answerable), 1), SHARE_UNKNOWN / max(len(unknown), 1)],
                [len(answerable), len(unknown)],
            ) / len(folds)
            cases += self._scored(learnt, np.concatenate([answerable, unknown]), weights)
        return cases

    def _scored(self, learnt: Labels, asked: Labels, weights: NDArray[np.float64]) -> list[Case]:
        names, labels = np.unique(self.labels[learnt], return_inverse=True)
        head = Head.fit(self.features[learnt], labels.astype(np.int64), len(names))
        logits = head.logits(self.features[asked])
        likeness = self.similarity.of_phrasings(asked, learnt)
        foreign = ~np.isin(self.languages[asked], self.languages[learnt])
        everyday = self.similarity.everyday_of(asked)
        found = []
        for row, phrasing in enumerate(asked):
            best = best_of_each(likeness[row], labels, len(names))
            scores = logits[row] + self.foreign_pull * best * foreign[row]
            top = int(scores.argmax())
            row_signs = signs(scores, float(best[top]), bool(foreign[row]), len(learnt), float(everyday[row]))
            found.append(Case(row_signs, bool(names[top] == self.labels[phrasing]), float(weights[row])))
        return found


def best_of_each(likeness: Matrix, labels: Labels, articles: int) -> Matrix:
    """The best likeness of each article's phrasings: (articles,)."""
    best = np.full(articles, -1.0, dtype=np.float32)
    np.maximum.at(best, labels, likeness)
    return best


def _turn(labels: Labels, group: Labels) -> Labels:
    """The fold in which each phrasing is asked as answerable; -1 where its article has no other phrasing."""
    position = np.zeros(len(labels), dtype=np.int64)
    seen: dict[int, int] = {}
    for index, label in enumerate(labels):
        position[index] = seen.get(int(label), 0)
        seen[int(label)] = int(position[index]) + 1
    alone = np.array([seen[int(label)] == 1 for label in labels])
    return np.where(alone, -1, (group + 1 + position % (FOLDS - 1)) % FOLDS)
