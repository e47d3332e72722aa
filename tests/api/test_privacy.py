"""Erasing a person: nothing of them is left in any file, and nothing of anybody else is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from api import privacy, sandbox
from api.problems import Refused
from api.tables import Customer, Identity, Publication, Work
from bot.records import Evidence
from tests.fixtures.database import sqlite_only
from tests.fixtures.story import Story
from tests.fixtures.workspace import MakeChannel
from training.tables import Example


@pytest.fixture
def wall(story: Story, make_channel: MakeChannel) -> Story:
    """The same workspace, on the sandbox: posts there hold names and words of their own."""
    return Story(story.workspace, story.people, make_channel("sandbox", kind="sandbox", outlet="sandbox"))


def live(story: Story, name: str) -> int:
    """A whole life of one customer, with their canary in every place that holds their words; their number."""
    canary = f"canary{name}"
    story.assistant.text = f"Dear {canary}, we are on it."
    story.assistant.evidence = (Evidence(f"Dear {canary}, we are on it.", None, None),)
    message = story.writes(f"my words {canary}", f"{name}-1", author=canary, thread=f"t-{name}")
    story.happens("edited", f"{name}-1", f"my other words {canary}")
    story.prepares()
    done = story.decides(message, text=f"We answer {canary}")
    story.publisher().step()
    story.publisher_dies()
    assert story.publication(done).state in ("sent", "failed")
    story.writes(f"more {canary}", f"{name}-2", author=canary, thread=f"t-{name}", parent=f"{name}-1")
    story.prepares()
    with story.workspace.database.write() as session:
        session.add(
            Example(text=f"labelled {canary}", text_sha256=canary.ljust(64, "0"), language="en", intent="complaint",
                    source="corrected", state="approved", message_id=message.id, labelled_by="timur")
        )  # fmt: skip
        session.execute(
            Work.__table__.update().values(last_error=f"ValueError: {canary}").where(Work.message_id == message.id)
        )
        customer: int = session.scalars(
            select(Customer.id).join(Identity).where(Identity.external_id.contains(canary))
        ).one()
    return customer


def post_on_wall(story: Story, name: str) -> int:
    canary = f"canary{name}"
    sandbox.post(story.workspace.database, author=canary, text=f"wall {canary}", thread=None, parent=None, public=True)
    story.assistant.text = f"Dear {canary}, we are on it."
    story.prepares()
    with story.workspace.database.read() as session:
        return session.scalars(select(Customer.id).where(Customer.name == canary)).one()


def bytes_of(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file())


def everything(story: Story) -> str:
    """Every value of every table, as text."""
    from knowledge.database import Base

    with story.workspace.database.read() as session:
        return json.dumps(
            [
                [str(value) for row in session.execute(select(table)) for value in row]
                for table in Base.metadata.sorted_tables
            ]
        )


def test_nothing_of_an_erased_person_is_left_and_nothing_of_others_is_lost(story: Story, wall: Story) -> None:
    gone = [live(story, "gone1"), live(wall, "gone2"), post_on_wall(wall, "gone3")]
    for name, where in (("kept1", story), ("kept2", wall)):
        live(where, name)
    post_on_wall(wall, "kept3")
    kept = {name: everything(story).count(f"canary{name}") for name in ("kept1", "kept2", "kept3")}
    for customer in gone:
        report = privacy.erase(story.workspace.database, story.workspace.trail, str(customer))
        assert report["erased"]["messages"] > 0
    after = everything(story)
    assert "canarygone" not in after, after[after.index("canarygone") - 200 :][:400]
    assert {name: after.count(f"canary{name}") for name in kept} == kept
    with story.workspace.database.read() as session:
        assert story.workspace.trail.verify(session).first_bad is None


@sqlite_only
def test_the_files_hold_nothing_of_an_erased_person(story: Story, wall: Story) -> None:
    gone = [live(story, "gone1"), live(wall, "gone2"), post_on_wall(wall, "gone3")]
    live(story, "kept1")
    home = story.workspace.settings.home
    assert b"canarygone" in bytes_of(home)
    with story.workspace.database.read() as other:  # somebody else looks, as the worker and the console do
        other.execute(text("SELECT count(*) FROM message")).scalar_one()
    for customer in gone:
        privacy.erase(story.workspace.database, story.workspace.trail, str(customer))
    left = bytes_of(home)
    assert b"canarygone" not in left
    assert b"canarykept1" in left


@sqlite_only
def test_an_erasure_that_cannot_clear_the_log_says_so(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that stands still keeps old pages in the write-ahead log."""
    customer = live(story, "gone")
    monkeypatch.setattr(privacy, "CLEAR_SECONDS", 0.3)
    with story.workspace.database.engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM message")).scalar_one()
        with pytest.raises(Refused) as caught:
            privacy.erase(story.workspace.database, story.workspace.trail, str(customer))
    assert caught.value.code == "log_not_cleared"
    assert privacy.erase(story.workspace.database, story.workspace.trail, str(customer))["erased"]
    assert b"canarygone" not in bytes_of(story.workspace.settings.home)


@sqlite_only
def test_an_erased_person_who_writes_again_is_a_new_one(story: Story) -> None:
    customer = live(story, "gone")
    privacy.erase(story.workspace.database, story.workspace.trail, str(customer))
    again = story.writes("hello again", author="canarygone", thread="t-new")
    assert story.case(again).customer_id != customer
    with pytest.raises(Refused):
        privacy.erase(story.workspace.database, story.workspace.trail, "999")


def test_replies_to_an_erased_person_are_not_sent(wall: Story) -> None:
    message = wall.asked("my words", author="ola")
    done = wall.decides(message)
    privacy.erase(wall.workspace.database, wall.workspace.trail, str(wall.case(message).customer_id))
    wall.publisher().step()
    assert wall.publication(done).state == "retracted"
    assert not [one for one in wall.publications() if one.state == "sent"]


def test_an_export_holds_everything_of_one_person_and_nothing_of_others(story: Story) -> None:
    mine, theirs = live(story, "mine"), live(story, "theirs")
    with story.workspace.database.read() as session:
        data: dict[str, Any] = privacy.export(session, str(mine))
        by_name = privacy.export(session, data["customer"]["pseudonym"])
        published = session.scalar(select(func.count()).select_from(Publication))
    words = json.dumps(data, default=str)
    assert by_name == data
    assert "canarytheirs" not in words
    for part in ("my words", "my other words", "more", "We answer", "labelled", "Dear"):
        assert f"{part} canarymine" in words, part
    assert [identity["id"] for identity in data["identities"]] == ["canarymine"]
    assert (len(data["messages"]), len(data["cases"]), len(data["replies"]), published) == (2, 1, 1, 2)
    assert theirs != mine
