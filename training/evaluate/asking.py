"""A knowledge file turned into a fitted ranker, and queries put to it one by one, as messages come in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.encoder import BATCH
from knowledge.files import QueryRow, read_knowledge
from knowledge.ranking import Phrasing, Ranked, Ranker
from knowledge.team import Team, load_team

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Answered:
    """One query with what the ranker found for it, and how long that took (its embedding included)."""

    query: QueryRow
    ranked: list[Ranked]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Base:
    """The phrasings of a knowledge file."""

    phrasings: list[Phrasing]

    @classmethod
    def read(cls, path: Path) -> Base:
        """Read a knowledge file. Raises FileProblem."""
        rows = read_knowledge(path)
        return cls([Phrasing(row.id, row.language, text) for row in rows for text in row.phrasings()])


def ask(base: Base, queries: Sequence[QueryRow], k: int, progress: Progress | None) -> Iterator[Answered]:
    """Fit a ranker with the default encoders and put the queries to it; yields in the order of the queries.

    `progress` is told (texts done, texts in all), phrasings and queries together.
    """
    team = load_team()
    of = len(base.phrasings) + len(queries)
    ranker = _fit(base.phrasings, team, lambda done: progress(done, of) if progress else None)
    ranker.rank("warm", language=None)
    for done, query in enumerate(queries, start=len(base.phrasings) + 1):
        began = time.perf_counter()
        ranked = ranker.rank(query.text, language=query.language, k=k)
        yield Answered(query, ranked, (time.perf_counter() - began) * 1000)
        if progress:
            progress(done, of)


def _fit(phrasings: Sequence[Phrasing], team: Team, tell: Callable[[int], None]) -> Ranker:
    parts = []
    for start in range(0, len(phrasings), BATCH):
        batch = phrasings[start : start + BATCH]
        parts.append(team.phrasings([one.text for one in batch], [one.language for one in batch]))
        tell(min(start + BATCH, len(phrasings)))
    views = tuple(np.vstack(blocks) for blocks in zip(*parts, strict=True))
    return Ranker.fit(phrasings, views, team)
