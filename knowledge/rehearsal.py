"""Rehearsal: what would the ranker say to phrasings and articles it had never seen? Cases for the calibration.

Each phrasing in turn is taken out of the base and asked: once with the others of its article in place (they should be
found), once with its whole article gone (nothing should be). As the regression is local, taking out costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.calibration import Case, Signs
from knowledge.similarity import Point, Similarity

Labels = NDArray[np.int64]
Flags = NDArray[np.bool_]
Ask = Callable[[Point, Flags, float], tuple[Signs, int]]
"""Ask about a point with only the flagged phrasings and this many for each article in the mean: the signs and the
number of the best article."""
# Of the texts that reach a brand, the share we expect to have an answer in the base, and the other two kinds.
SHARE_ANSWERED: Final = 0.80
SHARE_UNKNOWN: Final = 0.13
SHARE_NOISE: Final = 0.07
# Phrasings that are asked, spread over all articles; more change the weights by little.
ASKED: Final = 200
FEWEST_ARTICLES: Final = 4
# Where most articles have one phrasing, those with two still teach something.
LEAST_DEPTH: Final = 0.5


def rehearse(similarity: Similarity, labels: Labels, ask: Ask) -> list[Case]:
    """Ask phrasings as texts of their own: as answerable where their article has others, and as unknown."""
    articles = len(np.unique(labels))
    chosen = spread(labels, ASKED)
    answerable = {int(row) for row in chosen if (labels == labels[row]).sum() > 1}
    if articles < FEWEST_ARTICLES or not answerable:
        return []
    depth = len(labels) / articles
    cases = []
    for row in chosen:
        cases += ask_one(similarity, labels, int(row), ask, depth, answerable=int(row) in answerable)
    return weighted(cases)


def ask_one(
    similarity: Similarity, labels: Labels, row: int, ask: Ask, depth: float, *, answerable: bool
) -> list[Case]:
    """Ask one phrasing as a text of its own. Of the cases, `weighted` makes shares of what reaches a brand."""
    point, cases = similarity.phrasing(row), []
    if answerable:
        found, best = ask(point, np.arange(len(labels)) != row, max(depth - 1, LEAST_DEPTH))
        cases.append(Case(found, bool(best == labels[row]), SHARE_ANSWERED))
    if (labels != labels[row]).any():
        found, _ = ask(point, labels != labels[row], depth)
        cases.append(Case(found, False, SHARE_UNKNOWN))
    return cases


def weighted(cases: list[Case]) -> list[Case]:
    """The same cases, of which those of each kind weigh its share together."""
    many = Counter(case.weight for case in cases)
    return [replace(case, weight=case.weight / many[case.weight]) for case in cases]


def spread(labels: Labels, most: int) -> Labels:
    """At most this many rows, taken from all articles in turn."""
    order = np.argsort(labels, kind="stable")
    position = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    return np.sort(order[np.argsort(position, kind="stable")[:most]])
