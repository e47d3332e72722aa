"""The life of versions: the state machine, four eyes, roll-back, dates, translations; and what the database refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from knowledge import life
from knowledge.about import About, checked_about, set_about, variants_of
from knowledge.article_text import ArticleProblem
from knowledge.current import languages_of, may_be_said, next_change, standings
from knowledge.database import Database, now
from knowledge.store import article_text, current_revision, retire, save_article
from knowledge.tables import Article, ArticleEvent, Variant, Version
from knowledge.text_diff import word_diff
from tests.knowledge.articles import article


def save(database: Database, *, by: str = "giulia", **more: Any) -> None:
    pl = more.pop("pl", {})
    wanted = article(en=None, pl=pl)
    if category := more.pop("category", None):
        wanted = wanted.model_copy(update={"category": category})
    with database.write() as session:
        save_article(session, wanted, by=by, **more)


def versions(database: Database) -> list[Version]:
    with database.read() as session:
        return list(session.scalars(select(Version).order_by(Version.id)))


def states(database: Database) -> list[tuple[str, str]]:
    return [(version.text, version.state) for version in versions(database)]


def move(database: Database, number: int, to: life.State, by: str = "giulia", why: str = "") -> None:
    with database.write() as session:
        version = session.scalars(select(Version).where(Version.number == number)).one()
        life.move(session, session.get_one(Article, "no-signal"), version, to, by=by, why=why)


def said(database: Database) -> str:
    with database.read() as session:
        held = article_text(session, "no-signal")
    assert held is not None
    return held.languages["pl"].answer


def test_a_draft_is_not_said_until_it_is_approved(database: Database) -> None:
    save(database, pl={"answer": "Stara."})
    save(database, pl={"answer": "Nowa."}, state="draft", why="a new tariff")
    assert states(database) == [("Stara.", "approved"), ("Nowa.", "draft")]
    assert said(database) == "Stara."
    move(database, 2, "in_review")
    move(database, 2, "approved", by="admin", why="checked with billing")
    assert states(database) == [("Stara.", "retired"), ("Nowa.", "approved")]
    assert said(database) == "Nowa."
    with database.read() as session:
        told = [(e.kind, e.before, e.after, e.actor, e.why) for e in life.events(session, "no-signal")]
    assert told == [
        ("version", "in_review", "approved", "admin", "checked with billing"),
        ("version", "approved", "retired", "admin", "checked with billing"),
        ("version", "draft", "in_review", "giulia", ""),
        ("version", "", "draft", "giulia", "a new tariff"),
        ("version", "", "approved", "giulia", ""),
    ]


def test_only_what_is_said_raises_the_bases_revision(database: Database) -> None:
    def revisions() -> tuple[int, int]:
        with database.read() as session:
            return current_revision(session), session.get_one(Article, "no-signal").revision

    save(database, pl={"answer": "Stara."})
    assert revisions() == (1, 1)
    save(database, pl={"answer": "Nowa."}, state="draft")
    assert revisions() == (1, 2)
    move(database, 2, "in_review")
    assert revisions() == (1, 3)
    move(database, 2, "approved")
    assert revisions() == (2, 4)


def test_under_four_eyes_nobody_approves_their_own_text(database: Database) -> None:
    save(database, category="security", pl={"answer": "Uwaga."})
    assert states(database) == [("Uwaga.", "in_review")]
    with pytest.raises(life.WrongMove) as caught:
        move(database, 1, "approved", by="giulia")
    assert caught.value.code == "own_text"
    save(database, category="security", pl={"answer": "Uwaga."})  # saving again does not approve it either
    assert states(database) == [("Uwaga.", "in_review")]
    move(database, 1, "approved", by="admin")
    assert (versions(database)[0].approved_by, versions(database)[0].state) == ("admin", "approved")


def test_a_change_of_the_category_is_no_way_around_four_eyes(database: Database) -> None:
    save(database, category="security", pl={"answer": "Uwaga."}, four_eyes=False)
    save(database, category="service", pl={"answer": "Luz."})
    assert states(database) == [("Uwaga.", "approved"), ("Luz.", "in_review")]
    with pytest.raises(life.WrongMove):
        move(database, 2, "approved", by="giulia")  # written under four eyes, whatever the category is now


def test_the_database_itself_holds_to_four_eyes_and_to_the_moves(database: Database) -> None:
    save(database, category="security", pl={"answer": "Uwaga."})
    save(database, pl={"answer": "Nowa."}, state="draft", four_eyes=False)
    for values in (
        {"state": "approved", "approved_by": "giulia"},
        {"state": "approved"},
        {"why": "rewritten"},
        {"written_by": "admin"},
        {"number": 9},
        {"four_eyes": False},
    ):
        with pytest.raises(DBAPIError), database.write() as session:
            session.execute(update(Version).where(Version.number == 1).values(**values))
    with database.write() as session:
        session.execute(update(Version).where(Version.number == 2).values(state="retired"))
    for state in ("draft", "in_review", "approved"):
        with pytest.raises(DBAPIError), database.write() as session:
            session.execute(update(Version).where(Version.number == 2).values(state=state))
    with pytest.raises(DBAPIError), database.write() as session:
        session.execute(update(ArticleEvent).values(actor="nobody"))


def test_a_draft_takes_no_text_away(database: Database) -> None:
    save(database, pl={"answer": "Pełna.", "public": "Krótka."})
    with pytest.raises(life.WrongMove) as caught:
        save(database, pl={"answer": ""}, state="draft")
    assert caught.value.code == "draft_takes_away"
    assert [state for _, state in states(database)] == ["approved", "approved"]


def test_roll_back_is_a_new_version_with_the_old_text(database: Database) -> None:
    for answer in ("Pierwsza.", "Druga."):
        save(database, pl={"answer": answer})
    with database.write() as session:
        row, first, second = (
            session.get_one(Article, "no-signal"),
            *session.scalars(select(Version).order_by(Version.id)),
        )
        with pytest.raises(life.WrongMove):
            life.roll_back(session, row, second, by="admin")
        life.roll_back(session, row, first, by="admin", why="the second was wrong")
    assert states(database) == [("Pierwsza.", "retired"), ("Druga.", "retired"), ("Pierwsza.", "approved")]
    assert versions(database)[2].why == "the second was wrong"


def test_dates_say_when_an_article_may_be_said(database: Database) -> None:
    save(database)
    moment = now()

    def sayable() -> bool:
        with database.read() as session:
            rows = select(Version.id).join(Variant).join(Article).where(*may_be_said(moment))
            return session.scalar(rows) is not None

    for begins, ends, expected in [
        (None, None, True), (-1, 1, True), (0, None, True), (1, None, False), (None, 0, False), (-2, -1, False),
    ]:  # fmt: skip
        about = About(
            valid_from=None if begins is None else moment + timedelta(hours=begins),
            valid_to=None if ends is None else moment + timedelta(hours=ends),
        )
        with database.write() as session:
            set_about(session, session.get_one(Article, "no-signal"), about, by="giulia")
        assert sayable() is expected, (begins, ends)
        with database.read() as session:
            bounds = [at for at in (about.valid_from, about.valid_to) if at and at > moment]
            assert next_change(session, moment) == min(bounds, default=None)
            assert languages_of(session, ["no-signal"], moment) == {"no-signal": ["pl"] if expected else []}


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"tags": [""]}, "tags.0: a tag has"),
        ({"tags": ["a,b"]}, "tags.0: a tag has"),
        ({"tags": [str(n) for n in range(21)]}, "tags: "),
        ({"owner": "x" * 81}, "owner: "),
        ({"source_language": "de"}, "source_language: "),
        ({"valid_from": now(), "valid_to": now() - timedelta(1)}, "valid_to must be later"),
        ({"review_at": now().replace(tzinfo=None)}, "review_at needs a time zone"),
    ],
)
def test_what_is_wrong_about_an_article_is_named(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArticleProblem, match=complaint):
        checked_about(wrong)


def test_a_translation_knows_its_source_and_goes_stale_with_it(database: Database) -> None:
    with database.write() as session:
        save_article(session, article(), by="giulia", sources={"en": "pl"})

    def stale() -> bool:
        with database.read() as session:
            return next(one.stale for one in variants_of(session, "no-signal") if one.language == "en")

    assert not stale()
    with database.read() as session:
        english = next(one for one in variants_of(session, "no-signal") if one.language == "en")
        assert (english.source_language, session.get_one(Article, "no-signal").source_language) == ("pl", "pl")
    with database.write() as session:
        save_article(session, article(pl={"answer": "Nowa."}), by="giulia")
    assert stale()
    with database.write() as session:  # a corrected comma is no renewed translation
        save_article(session, article(pl={"answer": "Nowa."}, en={"answer": "Comma,"}), by="giulia")
    assert stale()
    with database.read() as session:
        current = next(one.current for one in variants_of(session, "no-signal") if one.language == "en")
        assert current is not None
        standing = standings(session, [current.id])[current.id]
    assert (standing.stale, standing.current) == (True, True)
    with database.write() as session:
        wanted = article(pl={"answer": "Nowa."}, en={"answer": "New."})
        save_article(session, wanted, by="giulia", sources={"en": "pl"})
    assert not stale()


def test_source_and_translation_saved_together_belong_together(database: Database) -> None:
    with database.write() as session:
        save_article(session, article(), by="giulia", sources={"pl": "en"})
    with database.write() as session:
        wanted = article(pl={"answer": "Nowa."}, en={"answer": "New."})
        save_article(session, wanted, by="giulia", sources={"pl": "en"})
    with database.read() as session:
        polish = next(one for one in variants_of(session, "no-signal") if one.language == "pl")
    assert polish.source is not None
    assert (polish.source.text, polish.stale) == ("New.", False)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.sampled_from(life.BIRTHS), st.sampled_from(["ann", "bob"])),
            st.tuples(st.just("move"), st.sampled_from(["draft", "in_review", "approved", "retired"]),
                      st.sampled_from(["ann", "bob"])),
            st.tuples(st.just("back"), st.just(""), st.sampled_from(["ann", "bob"])),
        ),
        max_size=14,
    ),
    st.booleans(),
)  # fmt: skip
@settings(max_examples=25)
def test_whatever_is_tried_one_text_is_said_and_the_story_adds_up(
    database: Database, acts: list[tuple[str, Any, str]], eyes: bool
) -> None:
    key = f"walk-{now().timestamp()}"
    with database.write() as session:
        row = Article(id=key, category="security" if eyes else "", tags=[])
        session.add(row)
        variant = Variant(article_id=key, language="pl", audience="public")
        for number, (act, to, by) in enumerate(acts):
            held = list(variant.versions)
            try:
                if act == "write":
                    life.write(session, row, [life.Wanted(variant, f"text {number}")], by=by, state=to)
                elif act == "move" and held:
                    life.move(session, row, held[-1], to, by=by)
                elif act == "back" and held:
                    life.roll_back(session, row, held[0], by=by)
            except life.WrongMove:
                continue
            session.flush()
            by_state = [version.state for version in variant.versions]
            assert by_state.count("approved") <= 1
            assert by_state.count("draft") + by_state.count("in_review") <= 1
            for version in variant.versions:
                if version.state == "approved" and eyes:
                    assert version.approved_by not in (None, version.written_by)
                story = [e for e in reversed(life.events(session, key)) if e.version_id == version.id]
                assert [e.before for e in story] == ["", *(e.after for e in story[:-1])]
                assert story[-1].after == version.state


@given(st.text(alphabet="ab ż\n.", max_size=30), st.text(alphabet="ab ż\n.", max_size=30))
def test_a_difference_holds_both_texts(before: str, after: str) -> None:
    pieces = word_diff(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "ins") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "del") == after
    assert [piece.kind for piece in word_diff(before, before)] == (["same"] if before else [])


def test_a_retired_article_tells_why(database: Database) -> None:
    save(database)
    with database.write() as session:
        retire(session, "no-signal", by="giulia", why="the offer ended")
    with database.read() as session:
        last = life.events(session, "no-signal")[0]
    assert (last.kind, last.before, last.after, last.actor, last.why) == (
        "article", "active", "retired", "giulia", "the offer ended",
    )  # fmt: skip
