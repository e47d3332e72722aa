"""How well intents were named: the figures of a report. Fractions are 0..1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Any, Final

from training.records import Labelled

CONFUSIONS_SHOWN: Final = 30
_Z95: Final = 1.96


def measure(truth: Sequence[Labelled], named: Sequence[str]) -> dict[str, Any]:
    """Compare what was named with the truth: ready for JSON.

    Returns:
        `accuracy, accuracy_interval` (95 %, Wilson 1927), `macro_f1` (mean over all intents that occur on either
        side), `per_language` (accuracy, macro_f1, examples), `per_intent` (precision, recall, f1, examples) and
        `confusions` (the most frequent first).
    """
    if len(truth) != len(named) or not truth:
        raise ValueError(f"{len(named)} names do not fit {len(truth)} examples")
    wanted = [row.intent for row in truth]
    right = sum(a == b for a, b in zip(wanted, named, strict=True))
    return {
        "examples": len(truth),
        "accuracy": right / len(truth),
        "accuracy_interval": _wilson(right, len(truth)),
        "macro_f1": _macro_f1(wanted, named),
        "per_language": _per_language(truth, named),
        "per_intent": _per_intent(wanted, named),
        "confusions": _confusions(wanted, named),
    }


def _per_language(truth: Sequence[Labelled], named: Sequence[str]) -> dict[str, dict[str, float]]:
    figures = {}
    for language in sorted({row.language for row in truth}):
        pairs = [(row.intent, name) for row, name in zip(truth, named, strict=True) if row.language == language]
        figures[language] = {
            "accuracy": sum(a == b for a, b in pairs) / len(pairs),
            "macro_f1": _macro_f1([a for a, _ in pairs], [b for _, b in pairs]),
            "examples": len(pairs),
        }
    return figures


def _macro_f1(wanted: Sequence[str], named: Sequence[str]) -> float:
    scores = [row["f1"] for row in _per_intent(wanted, named).values()]
    return sum(scores) / len(scores)


def _per_intent(wanted: Sequence[str], named: Sequence[str]) -> dict[str, dict[str, float]]:
    true, said = Counter(wanted), Counter(named)
    hits = Counter(a for a, b in zip(wanted, named, strict=True) if a == b)
    return {
        intent: {
            "precision": hits[intent] / said[intent] if said[intent] else 0.0,
            "recall": hits[intent] / true[intent] if true[intent] else 0.0,
            "f1": 2 * hits[intent] / (true[intent] + said[intent]),
            "examples": true[intent],
        }
        for intent in sorted(true | said)
    }


def _confusions(wanted: Iterable[str], named: Iterable[str]) -> list[dict[str, Any]]:
    wrong = Counter((a, b) for a, b in zip(wanted, named, strict=True) if a != b)
    ranked = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
    return [{"intent": a, "named": b, "count": count} for (a, b), count in ranked[:CONFUSIONS_SHOWN]]


def _wilson(right: int, of: int) -> list[float]:
    share, square = right / of, _Z95**2 / of
    middle = (share + square / 2) / (1 + square)
    half = _Z95 / (1 + square) * sqrt(share * (1 - share) / of + square / (4 * of))
    return [max(0.0, middle - half), min(1.0, middle + half)]
