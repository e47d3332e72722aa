"""Trying an edit out: how the articles would rank for a message if one of them read differently. Nothing is stored."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy import select

from knowledge.article_text import ArticleText
from knowledge.current import may_be_said
from knowledge.database import Database, now
from knowledge.encoder import Encoder
from knowledge.ranking import Phrasing, Ranked, Ranker
from knowledge.store import current_revision
from knowledge.tables import Article, PhrasingRow, Variant, Version
from knowledge.vectors import background_for, vectors_for

KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class Tried:
    """One article's place for the message, best first, and the phrasing that is most alike."""

    article: str
    probability: float
    phrasing: str


@dataclass(frozen=True, slots=True)
class _Fit:
    ranker: Ranker | None
    phrasings: tuple[Phrasing, ...]


class Trials:
    """Ranks messages over a base with one article replaced. One fit at a time; the last few are kept."""

    def __init__(self, database: Database, encoder: Encoder) -> None:
        self._database = database
        self._encoder = encoder
        self._lock = threading.Lock()
        self._fits: dict[tuple[int, str], _Fit] = {}

    def rank(self, text: str, language: str | None, edited: ArticleText, k: int = 5) -> list[Tried]:
        """The articles for a text as if `edited` were saved. The first time for an edit this fits anew: seconds."""
        with self._lock:
            fit = self._fit(edited)
        if fit.ranker is None:
            return []
        found = fit.ranker.rank(text, language=language, k=k, allowed=self._allowed(edited))
        return [_tried(one, fit.phrasings) for one in found]

    def _fit(self, edited: ArticleText) -> _Fit:
        with self._database.read() as session:
            key = (current_revision(session), edited.model_dump_json())
            if key in self._fits:
                return self._fits[key]
            rows = session.execute(
                select(PhrasingRow.article_id, PhrasingRow.language, PhrasingRow.text)
                .join(Article, Article.id == PhrasingRow.article_id)
                .where(Article.state == "active", Article.id != edited.id)
                .order_by(PhrasingRow.article_id, PhrasingRow.language, PhrasingRow.position)
            ).all()
        stored = tuple(Phrasing(*row) for row in rows)
        fresh = tuple(
            Phrasing(edited.id, language, asked)
            for language, said in edited.languages.items()
            for asked in said.phrasings
        )
        vectors = np.concatenate(
            [
                vectors_for(self._database, [one.text for one in stored], self._encoder),
                self._encoder.phrasings([one.text for one in fresh]),  # of an edit nobody has saved: not kept
            ]
        )
        phrasings = (*stored, *fresh)
        background = background_for(self._database, self._encoder)
        fit = _Fit(Ranker.fit(phrasings, vectors, self._encoder, background=background), phrasings)
        self._fits[key] = fit
        while len(self._fits) > KEPT:
            del self._fits[next(iter(self._fits))]
        return fit

    def _allowed(self, edited: ArticleText) -> frozenset[str]:
        with self._database.read() as session:
            sayable = select(Variant.article_id).join(Article).join(Version).where(*may_be_said(now())).distinct()
            held = set(session.scalars(sayable))
        answered = any(said.answer for said in edited.languages.values())
        return frozenset(held | {edited.id} if answered else held - {edited.id})


def _tried(one: Ranked, phrasings: tuple[Phrasing, ...]) -> Tried:
    return Tried(one.article, one.probability, phrasings[one.phrasing].text)
