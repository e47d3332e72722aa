"""The articles of the demo workspace, as they lie beside this module."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.article_files import read_folder
from knowledge.article_text import ArticleText
from knowledge.store import save_article
from knowledge.tables import Article

FOLDER: Final = Path(__file__).parent / "demo" / "articles"
AUTHOR: Final = "demo"
LEADING: Final = "pl"


def demo_articles(folder: Path = FOLDER) -> list[ArticleText]:
    """Read the demo's articles. Raises FileProblem, naming file, line and field."""
    return read_folder(folder)


def load_demo_articles(session: Session, folder: Path = FOLDER) -> list[str]:
    """Store the demo articles that the base does not have; returns their ids.

    An article that is there stays as it is: somebody may have edited or retired it since.
    """
    held = set(session.scalars(select(Article.id)))
    fresh = [article for article in demo_articles(folder) if article.id not in held]
    return [
        save_article(session, article, by=AUTHOR, four_eyes=False, sources=_sources(article)).id for article in fresh
    ]


def _sources(article: ArticleText) -> dict[str, str]:
    """The demo's articles are led by Polish; the others are its translations."""
    if LEADING not in article.languages:
        return {}
    return {language: LEADING for language in article.languages if language != LEADING}
