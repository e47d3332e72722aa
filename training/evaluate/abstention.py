"""`odzew evaluate abstention`: does the probability say when a draft would be right, and when to keep silent?"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from knowledge.files import FileProblem, read_queries
from training.evaluate.asking import Base, Progress, ask

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
PRECISIONS: Final = (0.90, 0.95, 0.99)
BINS: Final = 10


def evaluate_abstention(
    knowledge: Path, queries: Path, out_of_scope: Path, progress: Progress | None = None
) -> dict[str, Any]:
    """Put queries that have an answer, and queries that have none, to the articles of a knowledge file.

    Returns:
        `auroc`: in scope against out of scope, by the probability of the best article.
        `auroc_right`: right best article against all else, the same way.
        `coverage_at_precision`: the largest share of the in-scope queries that could be drafted with at least that
        share of all drafts right; drafts for out-of-scope queries are wrong ones.
        `ece`: expected calibration error of "the best article is right", ten equal bins (Guo et al. 2017).
        `queries, out_of_scope, right`: counts. All rates 0..1.

    Raises:
        FileProblem: a file cannot be used, or all queries are of one kind.
    """
    base = Base.read(knowledge)
    rows = [*read_queries(queries), *(row.model_copy(update={"article": None}) for row in read_queries(out_of_scope))]
    inside = np.array([row.article is not None for row in rows])
    if not inside.any():
        raise FileProblem(queries, None, "no query in it has an article")
    answered = list(ask(base, rows, 1, progress))
    sure = np.array([one.ranked[0].probability if one.ranked else 0.0 for one in answered])
    right = np.array([bool(one.ranked) and one.ranked[0].article == one.query.article for one in answered])
    return {
        "auroc": _auroc(inside, sure),
        "auroc_right": _auroc(right, sure),
        "coverage_at_precision": {f"{level:.2f}": coverage(sure, right, inside, level) for level in PRECISIONS},
        "ece": calibration_error(sure, right),
        "queries": int(inside.sum()),
        "out_of_scope": int((~inside).sum()),
        "right": int(right.sum()),
    }


def coverage(sure: Floats, right: Flags, inside: Flags, precision: float) -> float:
    """Largest share of in-scope queries above a threshold at which this share of all drafts is right."""
    order = np.argsort(-sure, kind="stable")
    drafted = np.arange(1, len(order) + 1)
    precise = np.cumsum(right[order]) / drafted >= precision
    # Equal probabilities stand or fall together, so a threshold can only lie where the probability changes.
    possible = np.append(sure[order][1:] != sure[order][:-1], True)
    ends = np.flatnonzero(precise & possible)
    covered = np.cumsum(inside[order])[ends[-1]] if len(ends) else 0
    return round(float(covered / inside.sum()), 4)


def calibration_error(sure: Floats, right: Flags) -> float:
    """Mean gap between probability and share of right ones, over ten equal bins, weighted by their size."""
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [abs(sure[bins == one].mean() - right[bins == one].mean()) * (bins == one).mean() for one in np.unique(bins)]
    return round(float(sum(gaps)), 4)


def _auroc(positive: Flags, sure: Floats) -> float | None:
    """None where all are of one kind: then there is nothing to tell apart."""
    return None if positive.all() or not positive.any() else round(float(roc_auc_score(positive, sure)), 4)
