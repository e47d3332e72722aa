"""From scores to the probability that the best article is the right one.

Logistic calibration (Platt 1999) on several signs of a good match instead of one score. A base with few phrasings of
its own cannot be calibrated by itself, so the weights are drawn towards ones that hold for many bases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Signs = NDArray[np.float64]
Doubles = NDArray[np.float64]

SIGNS: Final = ("bias", "confidence", "score", "novelty", "likeness", "everyday", "foreign", "breadth", "depth")
# Each phrasing more makes articles easier to find, and a rehearsal has to do with one phrasing less than the base has;
# this weight is therefore set, not learned. With 0.7 bases of two phrasings an article were 16 points too modest, with
# 1.4 nine; beyond 1.8 those of five are too sure.
DEPTH_GAIN: Final = 1.4
# Fitted once on bases of five public families (bank, assistants, smart home, forum help), six languages and across, for
# texts of which four in five have an answer.
USUAL_WEIGHTS: Final[Doubles] = np.array([-1.7, 1.31, -5.44, -0.11, -0.85, -3.16, 0.17, 1.38, DEPTH_GAIN])
# How many cases the usual weights count as.
USUAL_CASES: Final = 30.0
# How fast an article's share falls with its score.
SHARPNESS: Final = 10.0
# Log odds beyond this say nothing more.
LIMIT: Final = 8.0


@dataclass(frozen=True, slots=True)
class Case:
    """The signs of one ranked text, in the order of SIGNS, and whether its best article is right."""

    signs: Signs
    right: bool
    weight: float


def signs(
    scores: Doubles,
    *,
    novelty: float,
    likeness: float,
    everyday: float,
    foreign: bool,
    articles: int,
    depth: float,
) -> Signs:
    """The signs of one text, in the order of SIGNS.

    `scores` (articles,) of the candidates, `novelty` 0..1 of the text, the cosine `likeness` of the best article's
    nearest phrasing and of the nearest `everyday` line, whether no phrasing is in the text's language (`foreign`), how
    many `articles` the base has, and how many phrasings an article has in the mean (`depth`).
    """
    ordered = np.sort(scores)[::-1]
    others = float(np.exp(SHARPNESS * (ordered[1:] - ordered[0])).sum())
    confidence = np.clip(-np.log(max(others, 1e-9)), -LIMIT, LIMIT)
    return np.array(
        [1.0, confidence, ordered[0], novelty, likeness, everyday, foreign, np.log(articles), np.log(depth)]
    )


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of the signs."""

    weights: Doubles

    @classmethod
    def fit(cls, cases: list[Case]) -> Calibration:
        """Fit on cases, of which there may be none."""
        if not cases:
            return cls(USUAL_WEIGHTS)
        rows = np.stack([case.signs for case in cases])
        right = np.array([case.right for case in cases], dtype=np.float64)
        weight = np.array([case.weight for case in cases])
        weight *= len(cases) / weight.sum()

        def loss(weights: Doubles) -> tuple[float, Doubles]:
            logits = rows @ weights
            drawn = weights - USUAL_WEIGHTS
            value = weight @ (np.logaddexp(0, logits) - right * logits) + 0.5 * USUAL_CASES * (drawn @ drawn)
            slope = rows.T @ (weight * (_logistic(logits) - right)) + USUAL_CASES * drawn
            slope[-1] = 0.0
            return float(value), slope

        return cls(np.asarray(minimize(loss, USUAL_WEIGHTS, jac=True, method="L-BFGS-B").x))

    def probability(self, row: Doubles) -> float:
        """Probability for the signs of one text."""
        return float(_logistic(np.atleast_1d(row @ self.weights))[0])


def _logistic(logits: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))))
