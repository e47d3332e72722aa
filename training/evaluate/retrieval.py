"""`odzew evaluate retrieval`: how often the right article is found, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from knowledge.files import read_queries
from training.evaluate.asking import Answered, Base, Progress, ask

DEPTH: Final = 10


def evaluate_retrieval(knowledge: Path, queries: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Put the queries to the articles of a knowledge file.

    Returns:
        `recall_at_1, recall_at_3, mrr_at_10` (0..1) over all queries that have an article, the same `per_language` of
        the query with the number of queries, `ms_per_query` (p50, p99, embedding included) over all rows, and
        `queries, out_of_scope, unknown_articles, articles, phrasings`. A query whose article is null counts as out
        of scope only; one whose article the knowledge file does not hold counts as not found.

    Raises:
        FileProblem: a file cannot be used.
    """
    base, rows = Base.read(knowledge), read_queries(queries)
    known = {phrasing.article for phrasing in base.phrasings}
    answered = list(ask(base, rows, DEPTH, progress))
    scored = [one for one in answered if one.query.article is not None]
    languages = sorted({one.query.language for one in scored})
    times = [one.milliseconds for one in answered]
    return {
        **_recall(scored),
        "per_language": {
            code: {**_recall(part), "queries": len(part)}
            for code in languages
            for part in [[one for one in scored if one.query.language == code]]
        },
        "ms_per_query": {"p50": _percentile(times, 50), "p99": _percentile(times, 99)},
        "queries": len(scored),
        "out_of_scope": len(answered) - len(scored),
        "unknown_articles": sum(one.query.article not in known for one in scored),
        "articles": len(known),
        "phrasings": len(base.phrasings),
    }


def _recall(answered: Sequence[Answered]) -> dict[str, float | None]:
    if not answered:
        return {"recall_at_1": None, "recall_at_3": None, "mrr_at_10": None}
    places = np.array([_place(one) for one in answered], dtype=np.float64)
    return {
        "recall_at_1": round(float((places <= 1).mean()), 4),
        "recall_at_3": round(float((places <= 3).mean()), 4),
        "mrr_at_10": round(float((1 / places).mean()), 4),
    }


def _place(answered: Answered) -> float:
    """The place of the right article, counted from 1; infinite when it is not among the first ten."""
    for place, ranked in enumerate(answered.ranked, start=1):
        if ranked.article == answered.query.article:
            return place
    return np.inf


def _percentile(values: Sequence[float], percent: int) -> float:
    return round(float(np.percentile(values, percent)), 2)
