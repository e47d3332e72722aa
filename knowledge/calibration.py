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

Matrix = NDArray[np.float32]
Doubles = NDArray[np.float64]

SIGNS: Final = ("bias", "confidence", "likeness", "foreign", "depth", "breadth", "everyday")
# Fitted once on bases of five public families (bank, assistants, smart home, forum help), six languages and across.
USUAL_WEIGHTS: Final[Doubles] = np.array([-1.6, 1.3, 1.0, -1.0, -0.9, 1.0, 0.0])
# How many cases the usual weights count as.
USUAL_CASES: Final = 30.0
# Log odds beyond this say nothing more.
LIMIT: Final = 8.0


@dataclass(frozen=True, slots=True)
class Case:
    """The signs of one ranked text, in the order of SIGNS, and whether its best article is right."""

    signs: Doubles
    right: bool
    weight: float


def signs(scores: Matrix, likeness: float, foreign: bool, phrasings: int, everyday: float) -> Doubles:
    """The signs of one text, in the order of SIGNS.

    `scores` (articles,) of all candidates, `likeness` of the best one's nearest phrasing, whether no phrasing is in
    the text's language, how many phrasings the base has, and the likeness to the nearest everyday line.
    """
    ordered = np.sort(scores)[::-1].astype(np.float64)
    others = float(np.exp(ordered[1:] - ordered[0]).sum())
    confidence = np.clip(-np.log(max(others, 1e-9)), -LIMIT, LIMIT)
    breadth = np.log(len(scores))
    return np.array([1.0, confidence, likeness, foreign, np.log(phrasings) - breadth, breadth, everyday])


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
            return float(value), slope

        return cls(np.asarray(minimize(loss, USUAL_WEIGHTS, jac=True, method="L-BFGS-B").x))

    def probability(self, row: Doubles) -> float:
        """Probability for the signs of one text."""
        return float(_logistic(np.atleast_1d(row @ self.weights))[0])


def _logistic(logits: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))))
