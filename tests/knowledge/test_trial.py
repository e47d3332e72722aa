"""Trying an edit out: what is asked for ranks as if it were saved, and nothing is."""

from __future__ import annotations

from sqlalchemy import func, select

from knowledge.database import Database
from knowledge.life import text_hash
from knowledge.search import KnowledgeBase
from knowledge.store import article_text, current_revision, save_article
from knowledge.tables import Embedding
from knowledge.trial import Trials
from tests.fixtures.database import sqlite_only
from tests.knowledge.articles import ASKED, article, team

PIGEONS = "the pigeons ate my reminder letter"


@sqlite_only
def test_an_edit_is_tried_and_not_kept(database: Database) -> None:
    with database.write() as session:
        for key in ASKED:
            save_article(session, article(key), by="test")
    trials = Trials(database, KnowledgeBase(database, team()))
    before = trials.rank("pigeons ate the letter", "en", article("esim-activation"))
    edited = article("esim-activation", en={"variants": [*ASKED["esim-activation"]["en"][1:], PIGEONS]})
    after = trials.rank("pigeons ate the letter", "en", edited)
    assert (after[0].article, after[0].phrasing) == ("esim-activation", PIGEONS)
    earlier = next((one.probability for one in before if one.article == "esim-activation"), 0.0)
    assert after[0].probability > earlier
    with database.read() as session:
        assert article_text(session, "esim-activation") == article("esim-activation")
        assert current_revision(session) == len(ASKED)
        held = select(func.count()).where(
            Embedding.text_sha256 == text_hash(PIGEONS), Embedding.model.endswith("phrasing")
        )
        assert session.scalar(held) == 0


@sqlite_only
def test_an_edit_without_an_answer_is_not_found(database: Database) -> None:
    with database.write() as session:
        for key in ASKED:
            save_article(session, article(key), by="test")
    silent = article("late-fee", pl={"answer": ""}, en={"answer": ""})
    found = Trials(database, KnowledgeBase(database, team())).rank("why did you charge me a late fee", "en", silent)
    assert "late-fee" not in [one.article for one in found]
