"""Trying an edit out: how the articles would rank for a message if one of them read differently. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from knowledge.article_text import ArticleText
from knowledge.current import may_be_said
from knowledge.database import Database, now
from knowledge.ranking import Phrasing
from knowledge.search import KnowledgeBase
from knowledge.tables import Article, Variant, Version


@dataclass(frozen=True, slots=True)
class Tried:
    """One article's place for the message, best first, and the phrasing that is most alike."""

    article: str
    probability: float
    phrasing: str


class Trials:
    """Ranks messages over a base with one article replaced."""

    def __init__(self, database: Database, base: KnowledgeBase) -> None:
        self._database = database
        self._base = base

    def rank(self, text: str, language: str | None, edited: ArticleText, k: int = 5) -> list[Tried]:
        """The articles for a text as if `edited` were saved."""
        fresh = [
            Phrasing(edited.id, code, asked) for code, said in edited.languages.items() for asked in said.phrasings
        ]
        found = self._base.imagine(edited.id, fresh, text, language=language, allowed=self._allowed(edited), k=k)
        return [Tried(one.article, one.probability, phrasing) for one, phrasing in found]

    def _allowed(self, edited: ArticleText) -> frozenset[str]:
        with self._database.read() as session:
            sayable = select(Variant.article_id).join(Article).join(Version).where(*may_be_said(now())).distinct()
            held = set(session.scalars(sayable))
        answered = any(said.answer for said in edited.languages.values())
        return frozenset(held | {edited.id} if answered else held - {edited.id})
