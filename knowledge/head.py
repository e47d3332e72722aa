"""The head: a softmax over the articles, learned on the base's own phrasings.

Kernel logistic regression (Zhu and Hastie 2005, "Kernel Logistic Regression and the Import Vector Machine") on a
low-rank map of the similarities (Williams and Seeger 2001, "Using the Nyström Method to Speed Up Kernel Machines").
With one phrasing per article it ranks like the nearest neighbour, with more it learns what tells articles apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import minimize

Matrix = NDArray[np.float32]
Labels = NDArray[np.int64]
# Inverse strength of the ridge on the weights.
FREEDOM: Final = 10.0
RANK: Final = 400
ITERATIONS: Final = 20
SMALLEST_EIGENVALUE: Final = 1e-3


def feature_map(kernel: Matrix) -> Matrix:
    """From the landmarks' own similarities, what turns similarities with them into features: (landmarks, rank)."""
    size = len(kernel)
    values, axes = eigh(kernel, subset_by_index=(max(0, size - RANK), size - 1))
    kept = values > SMALLEST_EIGENVALUE
    return np.asarray(axes[:, kept] / np.sqrt(values[kept]), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Head:
    """Weights (rank, articles) and bias (articles,)."""

    weights: Matrix
    bias: Matrix

    @classmethod
    def fit(cls, features: Matrix, labels: Labels, articles: int) -> Head:
        """Fit on the features of phrasings (n, rank) and the number of each one's article (n,)."""
        truth = np.zeros((len(labels), articles), dtype=np.float32)
        truth[np.arange(len(labels)), labels] = 1
        rank = features.shape[1]

        def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            parameters = flat.reshape(rank + 1, articles).astype(np.float32)
            logits = features @ parameters[:-1] + parameters[-1]
            logits -= logits.max(axis=1, keepdims=True)
            shares = np.exp(logits)
            totals = shares.sum(axis=1, keepdims=True)
            surprise = np.log(totals).sum() - logits[np.arange(len(labels)), labels].sum()
            error = FREEDOM * (shares / totals - truth)
            slope = np.vstack([features.T @ error + parameters[:-1], error.sum(axis=0)])
            value = FREEDOM * float(surprise) + 0.5 * float((parameters[:-1] ** 2).sum())
            return value, slope.ravel().astype(np.float64)

        start = np.zeros((rank + 1) * articles)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
        parameters = found.x.reshape(rank + 1, articles).astype(np.float32)
        return cls(parameters[:-1], parameters[-1])

    def logits(self, features: Matrix) -> Matrix:
        """Scores (n, articles) of features (n, rank)."""
        return np.asarray(features @ self.weights + self.bias, dtype=np.float32)
