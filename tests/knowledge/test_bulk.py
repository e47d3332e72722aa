"""Many articles at once: the same rows, states and history as one by one, and one revision of the base."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge import bulk
from knowledge.article_text import ArticleText, checked
from knowledge.bulk import save_articles, set_articles
from knowledge.database import Database
from knowledge.life import State
from knowledge.policy import keeping_policy
from knowledge.store import article_text, current_revision, restore, retire, save_article
from knowledge.tables import Article, ArticleEvent, PhrasingRow, Variant, Version
from tests.knowledge.articles import ASKED, article

FOUR_EYES = sorted(keeping_policy().four_eyes.categories)[0]


def everything(session: Session) -> dict[str, list[Any]]:
    """The base's rows without their numbers and moments, in the order in which they were made."""
    session.flush()
    session.expunge_all()
    variants = {
        row.id: (row.article_id, row.language, row.audience, row.channel_kind)
        for row in session.scalars(select(Variant))
    }
    versions = {row.id: row for row in session.scalars(select(Version))}
    named = {key: (*variants[row.variant_id], row.number) for key, row in versions.items()} | {None: None}
    articles = session.scalars(select(Article).order_by(Article.id)).all()
    phrasings = session.scalars(select(PhrasingRow).order_by(PhrasingRow.article_id, PhrasingRow.id))
    events = session.scalars(select(ArticleEvent).order_by(ArticleEvent.article_id, ArticleEvent.id))
    return {
        "articles": [
            (row.id, row.category, row.state, row.tags, row.source_language, row.revision, row.owner) for row in articles
        ],
        "touched": [row.id for row in articles if row.revision > 1 and row.updated_at > row.created_at],
        "variants": sorted(variants.values()),
        "phrasings": sorted((row.article_id, row.language, row.position, row.text, row.text_sha256) for row in phrasings),
        "versions": sorted(
            (
                named[row.id], row.text, row.text_sha256, row.state, row.why, row.four_eyes, row.written_by,
                str(row.approved_by), row.approved_at is None, str(named[row.translated_from]),
            )
            for row in versions.values()
        ),
        "events": [
            (row.article_id, named[row.version_id], row.kind, row.before, row.after, row.actor, row.why) for row in events
        ],
    }  # fmt: skip


def both(database: Database, wanted: list[ArticleText]) -> None:
    """Save the articles one by one and, on the same base, all at once; everything is the same."""
    with database.read() as session:
        begun = current_revision(session)
        outcomes = {each.id: save_article(session, each, by="x", why="file").outcome for each in wanted}
        singly, raised = everything(session), current_revision(session) > begun
    with database.read() as session:
        assert save_articles(session, wanted, by="x", why="file") == outcomes
        assert everything(session) == singly
        assert current_revision(session) == begun + int(raised)


@pytest.fixture
def base(database: Database) -> Database:
    """Articles in every standing: said, waiting, under four eyes, translated, retired, with a text for one channel."""
    with database.write() as session:
        for key in ASKED:
            save_article(session, article(key), by="giulia")
        _keep(session, article("no-signal", pl={"answer": "Szkic."}), "draft")
        _keep(session, article("late-fee", pl={"answer": "W przeglądzie."}), "in_review")
        save_article(session, article("moving-home", pl={"public": "Krótko."}), by="giulia")
        guarded = article("tv-box-frozen", pl={"answer": "Ważne."}).model_copy(update={"category": FOUR_EYES})
        save_article(session, guarded, by="x")
        session.get_one(Article, "password-reset").source_language = "sq"
        save_article(session, article("password-reset", sq={"answer": "Ndryshe."}), by="x", sources={"pl": "sq"})
        session.add(Variant(article_id="late-fee", language="pl", audience="public", channel_kind="sms"))
        retire(session, "esim-activation")
    return database


def _keep(session: Session, wanted: ArticleText, state: State) -> None:
    save_article(session, wanted, by="giulia", state=state)


asked = st.sampled_from(["Jak?", "Kiedy?", "Po co?"])
answers = st.sampled_from(["", "Tak.", "Szkic.", "W przeglądzie.", "Ważne."])
languages = st.fixed_dictionaries(
    {"question": asked, "variants": st.lists(asked, max_size=2), "answer": answers},
    optional={"public": st.sampled_from(["Krótko.", "Inaczej."])},
).filter(lambda given: bool(given["answer"]) or not given.get("public"))
edits = st.builds(
    lambda key, category, texts, keep: checked(
        {"id": key, "category": category, "languages": (_held(key) if keep else {}) | texts}
    ),
    st.sampled_from([*ASKED, "new-1", "new-2", "new-3"]),
    st.sampled_from(["service", "other", FOUR_EYES]),
    st.dictionaries(st.sampled_from(["pl", "en", "sq", "cs"]), languages, min_size=1, max_size=3),
    st.booleans(),
)


def _held(key: str) -> dict[str, Any]:
    return article(key).model_dump()["languages"] if key in ASKED else {}


def test_many_at_once_are_saved_as_one_by_one(base: Database) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(edits, min_size=1, max_size=6, unique_by=lambda each: each.id), st.sampled_from([1, 2, 250]))
    def check(wanted: list[ArticleText], chunk: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bulk, "CHUNK", chunk)
            both(base, wanted)

    check()


def test_what_waits_goes_on_its_way_and_translations_keep_their_source(base: Database) -> None:
    drafted, reviewed = (
        article("no-signal", pl={"answer": "Szkic."}),
        article("late-fee", pl={"answer": "W przeglądzie."}),
    )
    translated = article("password-reset", sq={"answer": "Tjetër."}, cs={"question": "Heslo?", "answer": "Nové."})
    guarded = article("tv-box-frozen", pl={"answer": "Inaczej."}, en=None).model_copy(update={"category": FOUR_EYES})
    both(base, [drafted, translated, reviewed, guarded])


def test_what_is_already_so_raises_nothing(base: Database) -> None:
    with base.read() as session:
        wanted = [article_text(session, key) for key in ASKED]
    both(base, [each for each in wanted if each is not None])


def test_many_are_retired_and_restored_as_one_by_one(base: Database) -> None:
    for to, singly in (("retired", retire), ("active", restore)):
        with base.read() as session:
            begun = current_revision(session)
            for key in ASKED:
                singly(session, key, by="x", why="file")
            wanted = everything(session)
        with base.read() as session:
            moved = set_articles(session, list(ASKED), to, by="x", why="file")
            assert everything(session) == wanted
            assert (moved, current_revision(session)) == (5 if to == "retired" else 1, begun + 1)
            assert set_articles(session, list(ASKED), to, by="x") == 0
            assert current_revision(session) == begun + 1


def test_an_article_is_not_saved_twice_at_once(base: Database) -> None:
    with base.read() as session, pytest.raises(ValueError, match="twice"):
        save_articles(session, [article("no-signal"), article("no-signal")], by="x")
