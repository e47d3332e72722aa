"""The ranker: which article answers a text. Arrays and records in, ranked articles out; no database here."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.background import Background, load_background
from knowledge.calibration import SHARPNESS, Calibration, Case, Signs, signs
from knowledge.lexical import LexicalLeg
from knowledge.regression import Verdict, kernel, regress
from knowledge.rehearsal import SHARE_NOISE, ask_one, rehearse, weighted
from knowledge.similarity import Point, Similarity
from knowledge.team import Team, Vectors, Views

Labels = NDArray[np.int64]
Flags = NDArray[np.bool_]
Doubles = NDArray[np.float64]
# From 200 to 400 recall differs by less than a point, below 100 bases in many languages lose; 300 take 4 ms.
NEIGHBOURS: Final = 300
# In a language the base does not have, the regression has learned the wrong things; the nearest phrasing counts too.
FOREIGN_PULL: Final = 0.5
# There, and where an article has a phrasing or two, the lead's plain cosine settles what is close. From 0.5 to 2 recall
# across languages is the same, and falls behind the plain cosine on two sets of 61 instead of six.
PLAIN_PULL: Final = 1.0


@dataclass(frozen=True, slots=True)
class Phrasing:
    """One way of asking for an article, in one language."""

    article: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """One article found for a text.

    `phrasing` is the index of its phrasing that is most alike, in the list the ranker was fitted on. `probability`
    of the best article is the calibrated chance that it is the right one; the others share what is left.
    """

    article: str
    phrasing: int
    score: float
    probability: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What a text's neighbours say: their verdict with the pull, each article's nearest phrasing, and the signs."""

    verdict: Verdict
    scores: Doubles
    nearest: Labels
    signs: Signs


@dataclass(frozen=True, slots=True)
class Size:
    """How many articles a base has, and how many phrasings an article has in the mean."""

    articles: int
    depth: float


class Ranker:
    """Ranks the articles of one base for a text. Never changes once fitted, so threads may share it."""

    def __init__(
        self,
        articles: Sequence[str],
        labels: Labels,
        similarity: Similarity,
        team: Team,
        *,
        gone: Flags | None = None,
        size: Size | None = None,
    ) -> None:
        self._articles = np.array(articles)
        self._labels = labels
        self._similarity = similarity
        self._team = team
        self._gone = np.zeros(len(labels), dtype=np.bool_) if gone is None else gone
        self._size = size or Size(len(articles), max(len(labels) - int(self._gone.sum()), 1) / len(articles))
        self._calibration = Calibration.fit([])

    @classmethod
    def fit(
        cls,
        phrasings: Sequence[Phrasing],
        views: Views,
        team: Team,
        *,
        background: Background | None = None,
        calibration: Calibration | None = None,
    ) -> Ranker:
        """Fit on a base and its views, (phrasings, dimension) by every member, which come from `team.phrasings`.

        Takes seconds, most of it for the calibration, if that is not known already. Raises ValueError for an empty
        base or views that do not fit it.
        """
        shapes = [vectors.shape for vectors in views]
        if not phrasings or shapes != [(len(phrasings), member.encoder.dimension) for member in team.members]:
            raise ValueError(f"vectors of shapes {shapes} do not fit {len(phrasings)} phrasings")
        lines = load_background(team) if background is None else background
        texts, languages = [phrasing.text for phrasing in phrasings], [phrasing.language for phrasing in phrasings]
        articles, numbers = np.unique([phrasing.article for phrasing in phrasings], return_inverse=True)
        similarity = Similarity(texts, languages, views, lines, team)
        ranker = cls(articles.tolist(), numbers.astype(np.int64), similarity, team)
        if calibration is None:
            ranker._calibrate(lines)
        else:
            ranker._calibration = calibration
        return ranker

    @property
    def calibration(self) -> Calibration:
        """How its scores become probabilities."""
        return self._calibration

    def changed(self, articles: Collection[str], phrasings: Sequence[Phrasing], views: Views) -> Ranker:
        """The same base where these articles are asked for by these phrasings only, and by none if there are none.

        Takes milliseconds: the language means, the weights of the n-grams and the calibration stay as they were
        fitted. The phrasings count behind the others in `Ranked.phrasing`. Raises ValueError for a phrasing of
        another article.
        """
        if {phrasing.article for phrasing in phrasings} - set(articles):
            raise ValueError("a phrasing belongs to an article that is not among the changed ones")
        names = list(dict.fromkeys([*self._articles.tolist(), *(phrasing.article for phrasing in phrasings)]))
        number = {name: place for place, name in enumerate(names)}
        gone = self._gone | np.isin(self._articles, list(articles))[self._labels]
        labels = np.array([number[phrasing.article] for phrasing in phrasings], dtype=np.int64)
        similarity = self._similarity
        if phrasings:
            texts, languages = [one.text for one in phrasings], [one.language for one in phrasings]
            similarity = similarity.extended(texts, languages, views)
        other = Ranker(
            names,
            np.concatenate([self._labels, labels]),
            similarity,
            self._team,
            gone=np.concatenate([gone, np.zeros(len(labels), dtype=np.bool_)]),
        )
        other._calibration = self._calibration
        return other

    @classmethod
    def learn(cls, phrasings: Sequence[Phrasing], views: Views, team: Team, background: Background) -> Ranker:
        """What can be estimated from a sample of a base: means and the weights of n-grams. It has no calibration yet.

        Ask `over` for one that ranks; this one holds a single phrasing.
        """
        texts, languages = [phrasing.text for phrasing in phrasings], [phrasing.language for phrasing in phrasings]
        similarity = Similarity(texts, languages, views, background, team, lexical=LexicalLeg.learn(texts))
        similarity = similarity.holding(texts[:1], languages[:1], tuple(vectors[:1] for vectors in views))
        return cls([phrasings[0].article], np.zeros(1, dtype=np.int64), similarity, team)

    def over(self, phrasings: Sequence[Phrasing], views: Views, size: Size) -> Ranker:
        """A ranker of a few phrasings of a base of this size, with all that was learned here. Takes milliseconds."""
        texts, languages = [phrasing.text for phrasing in phrasings], [phrasing.language for phrasing in phrasings]
        articles, numbers = np.unique([phrasing.article for phrasing in phrasings], return_inverse=True)
        similarity = self._similarity.holding(texts, languages, views)
        other = Ranker(articles.tolist(), numbers.astype(np.int64), similarity, self._team, size=size)
        other._calibration = self._calibration
        return other

    def calibrated(self, cases: Sequence[Case]) -> Ranker:
        """The same ranker with a calibration fitted on these cases, as `rehearse` and `overhear` make them."""
        other = copy.copy(self)
        other._calibration = Calibration.fit(weighted(list(cases)))
        return other

    def rehearse(self, row: int) -> list[Case]:
        """Cases of asking one of its phrasings as if it were a text."""
        answerable = bool((self._labels == self._labels[row]).sum() > 1)
        return ask_one(self._similarity, self._labels, row, self._ask, self._size.depth, answerable=answerable)

    def overhear(self, text: str, views: Views, language: str) -> Case:
        """The case of an everyday line, which no base answers, with its query views."""
        heard = self._hear(self._similarity.place(text, views, language), None, self._size.depth, text)
        return Case(heard.signs, False, SHARE_NOISE)

    def rank(
        self,
        text: str,
        *,
        language: str | None,
        k: int = 5,
        allowed: Collection[str] | None = None,
        vector: Vectors | None = None,
    ) -> list[Ranked]:
        """Rank the articles for a text, best first, at most k, only `allowed` article ids when given.

        `language` None means unknown. `vector` (dimension,) is the text's query vector by the team's first encoder
        when the caller has it. A text without a letter or a digit finds nothing.
        """
        usable = self._usable(allowed)
        if (usable is not None and not usable.any()) or not any(letter.isalnum() for letter in text):
            return []
        lead = self._team.lead.queries([text])[0] if vector is None else vector
        spoken = self._similarity.space.guess(lead) if language is None else language
        point = self._similarity.place(text, self._team.query(text, spoken, lead), spoken)
        heard = self._hear(point, usable, self._size.depth)
        order = np.argsort(-heard.scores, kind="stable")[:k]
        shares = _shares(heard.scores, self._calibration.probability(heard.signs))
        return [
            Ranked(
                str(self._articles[heard.verdict.articles[index]]),
                int(heard.nearest[index]),
                float(heard.scores[index]),
                float(shares[index]),
            )
            for index in order
        ]

    def _usable(self, allowed: Collection[str] | None) -> Flags | None:
        """Which phrasings may be found; None means all."""
        if allowed is None:
            return ~self._gone if self._gone.any() else None
        return np.isin(self._articles, list(allowed))[self._labels] & ~self._gone

    def _hear(self, point: Point, usable: Flags | None, depth: float, text: str = "") -> Heard:
        rows, likeness = self._similarity.nearest(point, NEIGHBOURS, usable)
        foreign = point.language not in self._similarity.spoken
        own = self._similarity.own(rows)
        gram = kernel(self._similarity.among(rows), own, own)
        row = kernel(likeness[None, :], np.array([point.own], dtype=np.float32), own)[0]
        verdict = regress(gram, row, self._labels[rows])
        # Rows are sorted by likeness, so an article's first row is its nearest phrasing.
        _, first, places = np.unique(self._labels[rows], return_index=True, return_inverse=True)
        plain = np.full(len(first), -1.0)
        np.maximum.at(plain, places, self._similarity.plain(point, rows))
        pull = PLAIN_PULL if foreign else PLAIN_PULL / max(depth, 1.0) ** 2
        scores = verdict.scores + FOREIGN_PULL * foreign * likeness[first] + pull * (plain - plain.max())
        top = int(scores.argmax())
        found = signs(
            scores,
            novelty=verdict.novelty,
            likeness=float(likeness[first[top]] / np.sqrt(max(point.own, 1e-9) * own[first[top]])),
            everyday=self._similarity.everyday(point, text),
            foreign=bool(foreign),
            articles=self._size.articles,
            depth=depth,
        )
        return Heard(verdict, scores, rows[first], found)

    def _calibrate(self, lines: Background) -> None:
        rehearsed = rehearse(self._similarity, self._labels, self._ask)
        if not rehearsed:
            return
        noise = []
        for row, (language, text) in enumerate(zip(lines.languages, lines.texts, strict=True)):
            views = tuple(vectors[row : row + 1] for vectors in lines.queries)
            noise.append(self.overhear(text, views, language))
        self._calibration = Calibration.fit(rehearsed + weighted(noise))

    def _ask(self, point: Point, usable: Flags, depth: float) -> tuple[Signs, int]:
        heard = self._hear(point, usable, depth)
        return heard.signs, int(heard.verdict.articles[heard.scores.argmax()])


def _shares(scores: Doubles, best: float) -> Doubles:
    """Probabilities of all candidates, in proportion to their scores, given that of the best one; at most 1 in all."""
    shares = np.exp(SHARPNESS * (scores - scores.max()))
    shares /= shares.sum()
    top = int(scores.argmax())
    rest = 1 - shares[top]
    factor = min(best / shares[top], (1 - best) / rest if rest > 0 else 0.0)
    result = shares * factor
    result[top] = best
    return np.asarray(result)
