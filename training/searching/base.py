"""A made-up base of any size: vectors that lie as sentence vectors do, in topics, articles, ways of asking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

DIMENSION: Final = 384
LANGUAGES: Final = ("pl", "ru", "it", "cs", "sq", "en")
PER_ARTICLE: Final = 10
TOPICS: Final = 400
DECAY: Final = 0.45
"""How quickly the directions' spread falls, as a power of their rank."""
ARTICLE_SPREAD: Final = 0.7
PHRASING_SPREAD: Final = 0.6

Vectors = NDArray[np.float32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Made:
    """Phrasings and queries: unit vectors (n, DIMENSION), the articles they belong to, the languages by number."""

    vectors: Vectors
    articles: Numbers
    languages: Numbers
    queries: Vectors
    query_articles: Numbers
    query_languages: Numbers


def make(phrasings: int, queries: int, seed: int) -> Made:
    """Make a base. The same numbers give the same base."""
    chance = np.random.default_rng(seed)
    spread = (np.arange(1, DIMENSION + 1) ** -DECAY).astype(np.float32)
    turn = np.linalg.qr(chance.standard_normal((DIMENSION, DIMENSION)))[0].astype(np.float32)
    count = max(1, phrasings // PER_ARTICLE)

    def draw(n: int) -> Vectors:
        return np.asarray(chance.standard_normal((n, DIMENSION), dtype=np.float32) * spread)

    meant = draw(TOPICS)[chance.integers(0, TOPICS, count)] + ARTICLE_SPREAD * draw(count)
    articles = chance.permutation(np.arange(phrasings) % count)
    asked = chance.integers(0, count, queries)
    vectors = _unit((meant[articles] + PHRASING_SPREAD * draw(phrasings)) @ turn)
    wanted = _unit((meant[asked] + PHRASING_SPREAD * draw(queries)) @ turn)
    spoken = chance.integers(0, len(LANGUAGES), phrasings)
    return Made(vectors, articles, spoken, wanted, asked, chance.integers(0, len(LANGUAGES), queries))


def nearest(made: Made, k: int) -> Numbers:
    """The truth: for every query the k nearest phrasings in its language, exactly: (queries, k)."""
    found = np.zeros((len(made.queries), k), dtype=np.int64)
    for language in range(len(LANGUAGES)):
        rows = np.flatnonzero(made.languages == language)
        asked = np.flatnonzero(made.query_languages == language)
        for some in np.array_split(asked, max(1, len(asked) // 64)):
            scores = made.queries[some] @ made.vectors[rows].T
            best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
            found[some] = rows[best]
    return found


def save(made: Made, folder: Path) -> None:
    """Put a base where the systems' processes read it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in Made.__slots__:
        np.save(folder / f"{name}.npy", getattr(made, name))


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
