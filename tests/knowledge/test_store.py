"""The life of an article in the database."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from knowledge.article_text import ArticleProblem, ArticleText, checked
from knowledge.database import Database
from knowledge.store import (
    NoSuchArticle,
    Saved,
    article_text,
    current_revision,
    history,
    restore,
    retire,
    save_article,
)
from knowledge.tables import Article, PhrasingRow, Version
from tests.knowledge.articles import article


def save(database: Database, wanted: ArticleText, by: str = "giulia", *, keep: bool = False) -> Saved:
    with database.write() as session:
        return save_article(session, wanted, by=by, keep_other_languages=keep)


def held(database: Database, article_id: str = "no-signal") -> ArticleText | None:
    with database.read() as session:
        return article_text(session, article_id)


def versions(database: Database) -> list[tuple[str, str, int, str, str]]:
    with database.read() as session:
        return sorted(
            (past.language, past.audience, past.number, past.state, past.text) for past in history(session, "no-signal")
        )


def revision(database: Database) -> int:
    with database.read() as session:
        return current_revision(session)


def test_an_article_is_stored_as_it_was_given(database: Database) -> None:
    wanted = article(pl={"public": "Krótko."})
    assert save(database, wanted) == Saved("no-signal", "new", 1)
    assert held(database) == wanted
    assert held(database, "other") is None
    assert revision(database) == 1


def test_saving_the_same_again_changes_nothing(database: Database) -> None:
    save(database, article())
    before = versions(database)
    with database.read() as session:
        rows = set(session.scalars(select(PhrasingRow.id)))
    assert save(database, article()) == Saved("no-signal", "unchanged", 1)
    with database.read() as session:
        assert set(session.scalars(select(PhrasingRow.id))) == rows
    assert versions(database) == before
    assert revision(database) == 1


def test_a_changed_answer_is_a_new_version_and_the_old_one_stays_readable(database: Database) -> None:
    save(database, article(en=None, pl={"answer": "Stara."}))
    saved = save(database, article(en=None, pl={"answer": "Nowa."}), by="admin")
    assert (saved.outcome, saved.revision) == ("changed", 2)
    assert versions(database) == [("pl", "public", 1, "retired", "Stara."), ("pl", "public", 2, "approved", "Nowa.")]
    with database.read() as session:
        assert [past.written_by for past in history(session, "no-signal")] == ["admin", "giulia"]
    assert revision(database) == 2


def test_changed_phrasings_make_no_version(database: Database) -> None:
    save(database, article())
    before = versions(database)
    assert save(database, article(pl={"variants": ["nic nie łapie"]})).outcome == "changed"
    assert versions(database) == before
    with database.read() as session:
        texts = session.scalars(
            select(PhrasingRow.text).where(PhrasingRow.language == "pl").order_by(PhrasingRow.position)
        ).all()
    assert texts == ["Nie mam zasięgu, co zrobić?", "nic nie łapie"]


def test_one_text_serves_everywhere_until_there_is_a_public_one(database: Database) -> None:
    save(database, article(en=None, pl={"answer": "Pełna."}))
    save(database, article(en=None, pl={"answer": "Pełna.", "public": "Krótka."}))
    assert versions(database) == [
        ("pl", "private", 1, "approved", "Pełna."),
        ("pl", "public", 1, "retired", "Pełna."),
        ("pl", "public", 2, "approved", "Krótka."),
    ]
    save(database, article(en=None, pl={"answer": "Pełna."}))
    assert [row[:4] for row in versions(database) if row[3] == "approved"] == [("pl", "public", 3, "approved")]
    assert held(database) == article(en=None, pl={"answer": "Pełna."})


def test_a_language_is_taken_away_or_kept(database: Database) -> None:
    save(database, article())
    assert save(database, article(en=None), keep=True).outcome == "unchanged"
    save(database, article(en=None))
    assert held(database) == article(en=None)
    assert ("en", "public", 1, "retired", "no-signal en: answer.") in versions(database)


def test_an_article_may_wait_for_its_answer(database: Database) -> None:
    unanswered = article(en=None, pl={"answer": ""})
    save(database, unanswered)
    assert held(database) == unanswered
    assert versions(database) == []


def test_retire_and_restore(database: Database) -> None:
    save(database, article())
    with database.write() as session:
        assert (retire(session, "no-signal").state, current_revision(session)) == ("retired", 2)
        retire(session, "no-signal")
        assert current_revision(session) == 2
        assert (restore(session, "no-signal").state, current_revision(session)) == ("active", 3)
        assert session.get_one(Article, "no-signal").revision == 3
    with pytest.raises(NoSuchArticle), database.write() as session:
        retire(session, "no-such")


def test_the_database_keeps_texts_as_they_were_said(database: Database) -> None:
    save(database, article())
    with pytest.raises(DBAPIError, match="only ever added"), database.write() as session:
        session.execute(update(Version).values(text="something else"))


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        save_article(session, article(), by="giulia")
        raise RuntimeError
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(PhrasingRow)) == 0
    assert revision(database) == 0


def test_the_same_text_typed_in_two_ways_is_one_text() -> None:
    composed = article(pl={"answer": "Zażółć\ngęślą.", "variants": ["a b"]})
    typed = article(
        pl={"answer": " Zaz\u0307o\u0301łc\u0301\r\nge\u0328s\u0301la\u0328. ", "variants": ["a  b", "a\tb"]}
    )
    assert composed == typed


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"id": ""}, "id: is empty"),
        ({"id": "a/b"}, "id: must not begin with a dot or hold a slash"),
        ({"id": ".a"}, "id: must not begin with a dot or hold a slash"),
        ({"id": "a" * 101}, "id: has 101 characters, at most 100 are taken"),
        ({"id": 7}, "id: Input should be a valid string"),
        ({"languages": {}}, "languages: Dictionary should have at least 1 item"),
        ({"languages": {"de": {"question": "?"}}}, "languages.de: Input should be"),
        ({"languages": {"pl": {"question": " "}}}, "languages.pl.question: is empty"),
        ({"languages": {"pl": {"question": "?", "variants": "?"}}}, "languages.pl.variants: Input should be"),
        ({"languages": {"pl": {"question": "\x00"}}}, "languages.pl.question: must not hold the character U+0000"),
        ({"languages": {"pl": {"question": "\ud800"}}}, "languages.pl.question: "),
        ({"languages": {"pl": {"question": "?", "answer": "x" * 10_001}}}, "languages.pl.answer: has 10001"),
        ({"languages": {"pl": {"question": "?", "public": "x"}}}, "languages.pl: a public text needs an answer"),
        ({"languages": {"pl": {"question": "?", "antwort": "x"}}}, "languages.pl.antwort: Extra inputs"),
    ],
)
def test_what_cannot_be_stored_is_named(wrong: dict[str, object], complaint: str) -> None:
    with pytest.raises(ArticleProblem) as caught:
        checked({"id": "a", "languages": {"pl": {"question": "?"}}, **wrong})
    assert str(caught.value).startswith(complaint)
