"""Articles that ask alike: duplicates where they answer alike, contradictions where the answers part.

From stored vectors of phrasings. A pair is judged in one language at a time, by what is said there now.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.fuzz import token_set_ratio

ASK_ALIKE: Final = 0.93
"""Cosine from which two articles' phrasings, the nearest of them, ask the same (e5 crowds: strangers reach 0.85)."""
SAME_ANSWER: Final = 80.0
"""Share of common words, of 100, from which two answers say the same."""
BLOCK: Final = 512

_NUMBER: Final = re.compile(r"\d+(?:[.,:/-]\d+)*")
_NEGATION: Final = {
    "pl": r"nie|bez|nigdy|żaden|żadn\w+", "ru": r"не|нет|без|никогда|нельзя", "it": r"non|senza|mai|nessun\w*",
    "cs": r"ne|není|nejsou|bez|nikdy|žádn\w+|ne(?!j)[a-zěščřžýáíéůú]{3,}", "sq": r"nuk|s'|pa|kurrë|asnjë\w*|mos",
    "en": r"not|no|never|without|cannot|\w+n't",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """What one article says in one language: its answer, and rows of its phrasings in the matrix of vectors."""

    article: str
    language: str
    answer: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles that ask alike. `apart` says how their answers part: `numbers`, `negation`; empty: they agree."""

    one: Said
    other: Said
    likeness: float
    apart: tuple[str, ...]
    details: tuple[str, ...]


def pairs(said: Iterable[Said], vectors: NDArray[np.float32]) -> Iterator[Pair]:
    """Pairs of articles in one language that ask alike and either say the same or part; `vectors` (n, d), length 1."""
    by_language: dict[str, list[Said]] = {}
    for one in said:
        by_language.setdefault(one.language, []).append(one)
    for spoken in by_language.values():
        yield from _pairs(spoken, vectors)


def differences(one: str, other: str, language: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How two answers part (`numbers`, `negation`), and what it is that parts them."""
    one, other = one.casefold(), other.casefold()
    apart: list[str] = []
    details: list[str] = []
    ours, theirs = set(_NUMBER.findall(one)), set(_NUMBER.findall(other))
    if ours and theirs and ours != theirs and not (ours < theirs or theirs < ours):
        apart.append("numbers")
        details += [", ".join(sorted(ours - theirs)), ", ".join(sorted(theirs - ours))]
    if _denies(one, language) != _denies(other, language) and token_set_ratio(one, other) >= SAME_ANSWER:
        apart.append("negation")
    return tuple(apart), tuple(details)


def _pairs(spoken: list[Said], vectors: NDArray[np.float32]) -> Iterator[Pair]:
    rows = np.array([row for one in spoken for row in one.rows], dtype=np.int64)
    owner = np.array([place for place, one in enumerate(spoken) for _ in one.rows], dtype=np.int64)
    best: dict[tuple[int, int], float] = {}
    for start in range(0, len(rows), BLOCK):
        likeness = vectors[rows[start : start + BLOCK]] @ vectors[rows].T
        for i, j in zip(*np.nonzero(likeness >= ASK_ALIKE), strict=True):
            a, b = int(owner[start + i]), int(owner[j])
            if a < b:
                best[a, b] = max(best.get((a, b), 0.0), float(likeness[i, j]))
    for (a, b), likeness_ in sorted(best.items()):
        one, other = spoken[a], spoken[b]
        apart, details = differences(one.answer, other.answer, one.language)
        if apart or token_set_ratio(one.answer.casefold(), other.answer.casefold()) >= SAME_ANSWER:
            yield Pair(one, other, likeness_, apart, details)


def _denies(text: str, language: str) -> bool:
    return re.search(rf"(?<!\w)(?:{_NEGATION.get(language, '(?!)')})(?!\w)", text) is not None


def article_key(*articles: Mapping[str, str] | str) -> str:
    """The key of a finding about these articles, whichever way round they were found."""
    return " ".join(sorted(str(article) for article in articles))[:200]
