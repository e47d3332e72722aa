"""How well the language of a message is told, on a file of labelled texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bot.language import OTHER, detect, warm_up
from knowledge.files import read_languages
from knowledge.languages import LANGUAGES, is_language


def evaluate_language(path: Path, progress: Callable[[int, int], None] | None = None) -> dict[str, object]:
    """Detect every text of a `{"text", "language"}` file; a language outside the six counts as `other`.

    Returns fractions 0 to 1: `accuracy`, `macro_f1` over the labels that occur, `per_language` (precision, recall,
    texts; None where nothing was named or nothing is to be found), and `confusion[true][detected]` as counts.

    Raises:
        knowledge.files.FileProblem: the file cannot be used.
    """
    rows = read_languages(path)
    warm_up()
    confusion: Counter[tuple[str, str]] = Counter()
    for number, row in enumerate(rows, start=1):
        true = row.language if is_language(row.language) else OTHER
        confusion[true, detect(row.text).language] += 1
        if progress:
            progress(number, len(rows))
    labels = [label for label in (*LANGUAGES, OTHER) if any(label in pair for pair in confusion)]
    per_language = {label: _scores(label, confusion) for label in labels}
    f1 = [_f1(scores) for scores in per_language.values() if scores["texts"]]
    return {
        "texts": len(rows),
        "accuracy": sum(confusion[label, label] for label in labels) / len(rows),
        "macro_f1": sum(f1) / len(f1),
        "per_language": per_language,
        "confusion": {
            true: {found: count for found in labels if (count := confusion[true, found])}
            for true in labels
            if any(confusion[true, found] for found in labels)
        },
    }


def _scores(label: str, confusion: Counter[tuple[str, str]]) -> dict[str, float | int | None]:
    right = confusion[label, label]
    texts = sum(count for (true, _), count in confusion.items() if true == label)
    named = sum(count for (_, found), count in confusion.items() if found == label)
    return {
        "precision": right / named if named else None,
        "recall": right / texts if texts else None,
        "texts": texts,
    }


def _f1(scores: dict[str, float | int | None]) -> float:
    precision, recall = scores["precision"] or 0.0, scores["recall"] or 0.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
