"""Making sentence vectors comparable: take away what a language and a base have in common.

Vectors of e5 share a large common part (unrelated texts have cosines near 0.8) and lean towards others of the same
language. Both are means, so both can be subtracted: Libovický et al. 2020, "On the Language Neutrality of Pre-trained
Multilingual Representations" (Findings of EMNLP), and Mu and Viswanath 2018, "All-but-the-Top" (ICLR).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.background import Background
from knowledge.language_means import LanguageMeans, shipped_means
from knowledge.team import Member, Team, Views

Vectors = NDArray[np.float32]
# How many phrasings of a language weigh as much as the guess from where languages usually lie.
PRIOR_PHRASINGS: Final = 20
# The same for a base as a whole; only the smallest bases feel it.
PRIOR_BASE: Final = 5


@dataclass(frozen=True, slots=True)
class LanguageSpace:
    """Means per language, of phrasings and of queries. `None` stands for a language nothing is known about."""

    phrasing_means: dict[str | None, Vectors]
    query_means: dict[str | None, Vectors]
    usual: LanguageMeans

    @classmethod
    def fit(cls, vectors: Vectors, languages: Sequence[str], usual: LanguageMeans) -> LanguageSpace:
        """Estimate the means from a base's phrasing vectors (n, dimension) and from where the languages usually lie."""
        spoken = np.array(languages)
        asked, told = usual.asked, usual.told
        anyone: Vectors = np.mean(list(told.values()), axis=0)
        anyone_asks: Vectors = np.mean(list(asked.values()), axis=0)
        expected = np.mean([told.get(code, anyone) for code in languages], axis=0)
        base = (len(vectors) * vectors.mean(axis=0) + PRIOR_BASE * expected) / (len(vectors) + PRIOR_BASE)
        phrasing_means: dict[str | None, Vectors] = {None: base}
        query_means: dict[str | None, Vectors] = {None: base + anyone_asks - anyone}
        for code in sorted({*languages, *asked}):
            guess = base + told.get(code, expected) - expected
            own = vectors[spoken == code]
            mean = (own.sum(axis=0) + PRIOR_PHRASINGS * guess) / (len(own) + PRIOR_PHRASINGS)
            phrasing_means[code] = mean
            query_means[code] = mean + asked.get(code, query_means[None]) - told.get(code, phrasing_means[None])
        return cls(phrasing_means, query_means, usual)

    def phrasings(self, vectors: Vectors, languages: Sequence[str]) -> Vectors:
        """Centre phrasing vectors (n, dimension), each by its language."""
        return _unit(vectors - np.stack([self.phrasing_means[code] for code in languages]))

    def query(self, vector: Vectors, language: str | None) -> Vectors:
        """Centre one query vector (dimension,)."""
        known = language if language in self.query_means else None
        centred: Vectors = _unit((vector - self.query_means[known])[None, :])[0]
        return centred

    def guess(self, vector: Vectors) -> str:
        """The language whose usual texts lie nearest to a query vector."""
        return max(self.usual.asked, key=lambda code: float(vector @ self.usual.asked[code]))


@dataclass(frozen=True, slots=True)
class JointSpace:
    """One space for a whole team: every member's centred vector, scaled by its weight, side by side.

    The inner product of two joint vectors is the weighted sum of the members' cosines, over the members that know
    both languages.
    """

    members: tuple[Member, ...]
    spaces: tuple[LanguageSpace | None, ...]
    """One for each member; None where it knows none of the base's languages."""

    @classmethod
    def fit(cls, views: Views, languages: Sequence[str], background: Background, team: Team) -> JointSpace:
        """Estimate every member's means from the phrasings it knows."""
        spaces: list[LanguageSpace | None] = []
        for member, vectors, asked, told in zip(
            team.members, views, background.queries, background.phrasings, strict=True
        ):
            known = [row for row, code in enumerate(languages) if member.knows(code)]
            lines = [row for row, code in enumerate(background.languages) if member.knows(code)]
            spoken = [background.languages[row] for row in lines]
            usual = shipped_means(member.encoder.version) or LanguageMeans.of(asked[lines], told[lines], spoken)
            fitted = LanguageSpace.fit(vectors[known], [languages[row] for row in known], usual) if known else None
            spaces.append(fitted)
        return cls(team.members, tuple(spaces))

    def phrasings(self, views: Views, languages: Sequence[str]) -> Vectors:
        """Join phrasing views: (n, sum of dimensions)."""
        blocks = []
        for member, space, vectors in zip(self.members, self.spaces, views, strict=True):
            block = np.zeros_like(vectors)
            known = [row for row, code in enumerate(languages) if space is not None and member.knows(code)]
            if space is not None and known:
                block[known] = space.phrasings(vectors[known], [languages[row] for row in known])
            blocks.append(np.sqrt(member.weight) * block)
        return np.ascontiguousarray(np.hstack(blocks), dtype=np.float32)

    def query(self, views: Views, language: str | None) -> Vectors:
        """Join the views of one query, (1, dimension) each: (sum of dimensions,)."""
        blocks = []
        for member, space, vectors in zip(self.members, self.spaces, views, strict=True):
            knows = space is not None and member.knows(language)
            block = space.query(vectors[0], language) if space is not None and knows else np.zeros_like(vectors[0])
            blocks.append(np.sqrt(member.weight) * block)
        return np.ascontiguousarray(np.concatenate(blocks), dtype=np.float32)

    def guess(self, lead: Vectors) -> str:
        """The language whose usual texts lie nearest to the first member's query vector."""
        first = self.spaces[0]
        if first is None:
            raise ValueError("the first encoder of a team must know every language")
        return first.guess(lead)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)
