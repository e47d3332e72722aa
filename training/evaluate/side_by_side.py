"""Ours beside the peers a user would otherwise pick, on the same files in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from bot.rasa_home import RasaMissing
from knowledge.encoder import PACKAGED, load_encoder
from knowledge.files import FileProblem, read_intents, read_queries
from knowledge.ranking import Phrasing
from training.evaluate.asking import Base
from training.evaluate.intents import evaluate_intents
from training.evaluate.retrieval import evaluate_retrieval

Progress = Callable[[int, int], None]
Scores = NDArray[np.float64]
NGRAMS: Final = (3, 5)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One row a system, ours first."""

    columns: list[str]
    rows: list[dict[str, Any]]


def compare_retrieval(knowledge: Path, queries: Path, progress: Progress) -> SideBySide:
    """Recall of ours, and of each encoder and of character n-grams by themselves (best phrasing of each article).

    Raises:
        FileProblem: a file cannot be used.
    """
    ours = evaluate_retrieval(knowledge, queries, progress)
    base = Base.read(knowledge).phrasings
    asked = [query for query in read_queries(queries) if query.article is not None]
    texts, wanted = [query.text for query in asked], [str(query.article) for query in asked]
    rows = [{"system": "odzew", "recall_at_1": ours["recall_at_1"], "recall_at_3": ours["recall_at_3"]}]
    for name in PACKAGED:
        encoder = load_encoder(name)
        plain = encoder.queries(texts) @ encoder.passages([phrasing.text for phrasing in base]).T
        rows.append({"system": f"plain {PACKAGED[name][2]}", **_recall(np.asarray(plain, np.float64), base, wanted)})
    leg = TfidfVectorizer(analyzer="char_wb", ngram_range=NGRAMS, lowercase=True)
    stored = leg.fit_transform([phrasing.text for phrasing in base])
    lexical = (leg.transform(texts) @ stored.T).toarray()
    rows.append({"system": "plain char n-grams", **_recall(np.asarray(lexical, np.float64), base, wanted)})
    return SideBySide(["system", "recall_at_1", "recall_at_3"], rows)


def _recall(scores: Scores, base: Sequence[Phrasing], wanted: Sequence[str]) -> dict[str, float]:
    articles = np.array([phrasing.article for phrasing in base])
    names = np.unique(articles)
    by_article = np.stack([scores[:, articles == name].max(axis=1) for name in names], axis=1)
    order = names[np.argsort(-by_article, axis=1)[:, :3]]
    right = order == np.array(wanted)[:, None]
    return {
        "recall_at_1": round(float(right[:, :1].any(axis=1).mean()), 4),
        "recall_at_3": round(float(right.any(axis=1).mean()), 4),
    }


def compare_intents(train: Path, test: Path, progress: Progress) -> SideBySide:
    """Accuracy and learning time of our head, of character n-grams with logistic regression, and of Rasa.

    Raises:
        FileProblem: a file cannot be used.
    """
    head = evaluate_intents(train, test, "head", progress)
    rows = [_row("odzew head", head), _char_peer(train, test)]
    try:
        rows.append(_row("rasa", evaluate_intents(train, test, "rasa", progress)))
    except FileProblem as problem:
        if not isinstance(problem.__cause__, RasaMissing):
            raise
        rows.append({"system": "rasa (not here)", "accuracy": None, "macro_f1": None, "train_seconds": None})
    return SideBySide(["system", "accuracy", "macro_f1", "train_seconds"], rows)


def _row(system: str, made: dict[str, Any]) -> dict[str, Any]:
    return {"system": system, **{key: made[key] for key in ("accuracy", "macro_f1", "train_seconds")}}


def _char_peer(train: Path, test: Path) -> dict[str, Any]:
    learn, asked = read_intents(train), read_intents(test)
    began = time.perf_counter()
    leg = TfidfVectorizer(analyzer="char_wb", ngram_range=NGRAMS, lowercase=True)
    model = LogisticRegression(C=10, max_iter=300).fit(
        leg.fit_transform([row.text for row in learn]), [row.label for row in learn]
    )
    seconds = round(time.perf_counter() - began, 2)
    named = model.predict(leg.transform([row.text for row in asked]))
    accuracy = float(np.mean([given == row.label for given, row in zip(named, asked, strict=True)]))
    return {"system": "char n-grams + LR", "accuracy": round(accuracy, 4), "macro_f1": None, "train_seconds": seconds}
