"""The demo's articles: complete, in six languages, and fit to be published."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from knowledge.article_text import ArticleText
from knowledge.database import Database
from knowledge.demo_articles import demo_articles, load_demo_articles
from knowledge.languages import LANGUAGES
from knowledge.store import article_text, current_revision, save_article
from tests.fixtures.database import sqlite_only

SHARED = Path(os.environ.get("ODZEW_SHARED") or Path(__file__).parents[3] / "shared")


@pytest.fixture(scope="module")
def articles() -> list[ArticleText]:
    return demo_articles()


def test_there_is_an_article_for_every_topic(articles: list[ArticleText]) -> None:
    topics = SHARED / "data" / "topics.tsv"
    if not topics.exists():
        pytest.skip(f"no list of topics at {topics}")
    wanted = [line.split("\t")[0] for line in topics.read_text(encoding="utf-8").splitlines()[1:]]
    assert sorted(article.id for article in articles) == sorted(wanted)


def test_each_speaks_six_languages_in_many_ways(articles: list[ArticleText]) -> None:
    for article in articles:
        assert tuple(sorted(article.languages)) == tuple(sorted(LANGUAGES)), article.id
        for language, said in article.languages.items():
            assert len(said.variants) >= 5, (article.id, language)


def test_nothing_is_asked_twice(articles: list[ArticleText]) -> None:
    asked = Counter(
        (language, phrasing.casefold())
        for article in articles
        for language, said in article.languages.items()
        for phrasing in said.phrasings
    )
    assert [phrasing for phrasing, times in asked.items() if times > 1] == []


def test_answers_can_be_published(articles: list[ArticleText]) -> None:
    for article in articles:
        assert article.category, article.id
        for language, said in article.languages.items():
            assert 150 <= len(said.answer) <= 600, (article.id, language, len(said.answer))
            assert said.public is None or 80 <= len(said.public) <= 260, (article.id, language)
            assert (said.public is None) == (article.languages["en"].public is None), (article.id, language)


@sqlite_only
def test_loading_twice_keeps_what_people_have_edited(database: Database, articles: list[ArticleText]) -> None:
    with database.write() as session:
        assert len(load_demo_articles(session)) == len(articles)
    said = articles[0].languages["pl"]
    mine = articles[0].model_copy(
        update={"languages": {**articles[0].languages, "pl": said.model_copy(update={"answer": "Inaczej."})}}
    )
    with database.write() as session:
        save_article(session, mine, by="giulia")
        before = current_revision(session)
        assert load_demo_articles(session) == []
        assert current_revision(session) == before
        assert article_text(session, mine.id) == mine
