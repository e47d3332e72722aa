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
from rapidfuzz.fuzz import ratio, token_set_ratio, token_sort_ratio

ASK_ALIKE: Final = 0.93
"""Cosine from which two articles' phrasings, the nearest of them, ask the same (e5 crowds: strangers reach 0.85)."""
SAME_ANSWER: Final = 80.0
"""Share of common words, of 100, from which two answers say the same."""
SAME_SENTENCE: Final = 80.0
"""Likeness, of 100, of two sentences without their numbers or negations from which they say the same otherwise."""
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
    """How two answers part (`numbers`, `negation`), and what it is that parts them.

    Sentence against sentence: two that say the same but for a number, or but for a "not". Whole answers of one trade
    share words and differ in numbers everywhere, which says nothing.
    """
    apart: dict[str, None] = {}
    details: list[str] = []
    for ours in _sentences(one):
        for theirs in _sentences(other):
            way = _parts(ours, theirs, language)
            if way:
                apart[way] = None
                details += [ours, theirs]
    return tuple(apart), tuple(details[:4])


def _parts(ours: str, theirs: str, language: str) -> str | None:
    numbers = set(_NUMBER.findall(ours)), set(_NUMBER.findall(theirs))
    if all(numbers) and numbers[0] != numbers[1]:
        alike = ratio(_NUMBER.sub("#", ours.casefold()), _NUMBER.sub("#", theirs.casefold()))
        return "numbers" if alike >= SAME_SENTENCE else None
    if _denies(ours, language) != _denies(theirs, language):
        alike = token_sort_ratio(_affirmed(ours, language), _affirmed(theirs, language))
        return "negation" if alike >= SAME_SENTENCE else None
    return None


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


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+|\n", text) if part.strip()]


def _denial(language: str) -> str:
    return rf"(?<!\w)(?:{_NEGATION.get(language, '(?!)')})(?!\w)"


def _denies(text: str, language: str) -> bool:
    return re.search(_denial(language), text.casefold()) is not None


def _affirmed(text: str, language: str) -> str:
    return re.sub(_denial(language), "", text.casefold())


def article_key(*articles: Mapping[str, str] | str) -> str:
    """The key of a finding about these articles, whichever way round they were found."""
    return " ".join(sorted(str(article) for article in articles))[:200]
