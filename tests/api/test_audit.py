"""The audit chain: every change of it is noticed, and the first bad link is named."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import Connection, text

from api.history import AuditTrail
from api.tables import Audit
from tests.fixtures.database import sqlite_only
from tests.fixtures.story import Story

LINKS = 12


@pytest.fixture
def chained(story: Story) -> Story:
    with story.workspace.database.write() as session:
        for number in range(LINKS):
            story.workspace.trail.add(session, f"actor{number}", "tested", f"thing:{number}", f"content {number}")
    return story


def first_bad(story: Story) -> tuple[int | None, int]:
    with story.workspace.database.read() as session:
        verdict = story.workspace.trail.verify(session)
    return verdict.first_bad, verdict.links


def tamper(story: Story, *statements: str) -> None:
    """Change the rows as somebody does who owns the file: the triggers are no obstacle to them."""
    database = story.workspace.database
    with database.engine.execution_options(odzew_writes=True).begin() as connection:
        for act in ("update", "delete"):
            connection.execute(
                text(f"DROP TRIGGER IF EXISTS audit_no_{act}{'' if database.is_sqlite else ' ON audit'}")
            )
        for statement in statements:
            connection.execute(text(statement))


def test_an_untouched_chain_fits(chained: Story) -> None:
    assert first_bad(chained) == (None, LINKS)


@pytest.mark.parametrize(
    ("statements", "bad"),
    [
        (["UPDATE audit SET actor = 'eve' WHERE seq = 5"], 5),
        (["UPDATE audit SET action = 'nothing' WHERE seq = 1"], 1),
        (["UPDATE audit SET object = 'thing:x' WHERE seq = 12"], 12),
        (["UPDATE audit SET object_sha256 = hash WHERE seq = 4"], 4),
        (["UPDATE audit SET hash = prev_hash WHERE seq = 7"], 7),
        (["UPDATE audit SET at = (SELECT at FROM audit WHERE seq = 2) WHERE seq = 3"], 3),
        (["DELETE FROM audit WHERE seq = 6"], 7),
        (["DELETE FROM audit WHERE seq = 1"], 2),
        (["UPDATE audit SET seq = 99 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 4",
          "UPDATE audit SET seq = 4 WHERE seq = 99"], 3),
        (["DELETE FROM audit WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 12"], 3),
    ],
)  # fmt: skip
def test_a_change_is_found_where_it_was_made(chained: Story, statements: list[str], bad: int) -> None:
    tamper(chained, *statements)
    assert first_bad(chained)[0] == bad


@sqlite_only
def test_a_link_made_without_the_key_does_not_fit(chained: Story) -> None:
    forger = AuditTrail(b"another key")
    with chained.workspace.database.write() as session:
        forger.add(session, "admin", "account.added", "account:1")
    assert first_bad(chained)[0] == LINKS + 1


@sqlite_only
def test_a_cut_end_shows_in_the_head(chained: Story) -> None:
    """A chain cannot know of links that are gone from its end: that is why `audit verify` tells its head."""
    with chained.workspace.database.read() as session:
        before = chained.workspace.trail.verify(session)
    tamper(chained, f"DELETE FROM audit WHERE seq = {LINKS}")
    with chained.workspace.database.read() as session:
        after = chained.workspace.trail.verify(session)
    assert (after.links, after.head == before.head) == (LINKS - 1, False)


@sqlite_only
def test_a_hundred_random_changes_are_all_found(chained: Story) -> None:
    chance = random.Random(7)
    tamper(chained)
    engine = chained.workspace.database.engine.execution_options(odzew_writes=True)
    for _ in range(100):
        with engine.connect() as connection:
            transaction = connection.begin()
            seq = chance.randint(1, LINKS)
            _change(connection, chance, seq)
            verdict = chained.workspace.trail.verify(_session(connection))
            transaction.rollback()
        assert verdict.first_bad is not None
        assert verdict.first_bad <= seq + 1
    assert first_bad(chained)[0] is None


def _session(connection: Connection) -> object:
    from sqlalchemy.orm import Session

    return Session(connection)


def _change(connection: Connection, chance: random.Random, seq: int) -> None:
    column = chance.choice(["actor", "action", "object", "object_sha256", "prev_hash", "hash"])
    row = connection.execute(text(f"SELECT {column} FROM audit WHERE seq = {seq}")).scalar_one()
    place = chance.randrange(len(row))
    letter = chance.choice([letter for letter in "0123456789abcdefgz" if letter != row[place]])
    value = row[:place] + letter + row[place + 1 :]
    connection.execute(text(f"UPDATE audit SET {column} = :value WHERE seq = :seq"), {"value": value, "seq": seq})


def test_what_people_do_leaves_a_link(story: Story) -> None:
    message = story.asked()
    done = story.decides(message)
    story.workspace.desk.undo(story.people["agata"], done.decision.id)
    with story.workspace.database.read() as session:
        links = [(link.actor, link.action, link.object) for link in session.query(Audit).order_by(Audit.seq)]
    decision = f"decision:{done.decision.id}"
    assert links == [("agata", "decision.written", decision), ("agata", "decision.undone", decision)]


@sqlite_only
def test_a_long_chain_is_verified_in_seconds(story: Story) -> None:
    import time

    with story.workspace.database.write() as session:
        for number in range(3000):
            story.workspace.trail.add(session, "actor", "tested", f"thing:{number}")
    started = time.perf_counter()
    assert first_bad(story) == (None, 3000)
    assert time.perf_counter() - started < 5
