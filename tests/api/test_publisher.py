"""The way out: sent once, not at all, or shown to a person."""

from __future__ import annotations

import fcntl
import os
from datetime import timedelta

import pytest
from sqlalchemy import select

from api import outbox
from api.channels.outlets import SandboxOutlet
from api.problems import Refused
from api.publisher import Ownership
from api.tables import DeliveryAttempt, Message, Publication, SandboxPost
from knowledge.database import now
from tests.fixtures.database import sqlite_only
from tests.fixtures.lines import drain, sent
from tests.fixtures.network import Fault, Network
from tests.fixtures.story import Story
from tests.fixtures.workspace import MakeChannel


def test_a_decided_text_arrives_byte_for_byte_and_shows_in_the_conversation(key: Story, network: Network) -> None:
    text = "Zażółć 🙂\n\u200fשלום \u0301"
    _, publication = sent(key, text)
    assert publication.state == "sent"
    assert [post.text for post in network.posts] == [text]
    assert network.posts[0].id == publication.external_id
    assert network.bad_signatures == 0
    with key.workspace.database.read() as session:
        ours = session.scalars(select(Message).where(Message.role == "brand")).one()
    assert (ours.text, ours.external_id, ours.case_id) == (text, publication.external_id, 1)


def test_the_networks_echo_of_our_reply_is_not_a_second_message(key: Story, network: Network) -> None:
    sent(key)
    receipt = key.happens("created", network.posts[0].id, "We are on it.", author="lumo")
    assert (receipt.effect, key.count(Message)) == ("repeated", 2)


@sqlite_only
@pytest.mark.parametrize(("fault", "status"), [("refuse_429", 429), ("refuse_503", 503), ("reset", None)])
def test_what_was_not_taken_is_sent_again(readback: Story, network: Network, fault: Fault, status: int | None) -> None:
    network.faults.append(fault)
    _, publication = sent(readback)
    assert (publication.state, publication.attempt, len(network.posts)) == ("sent", 2, 1)
    with readback.workspace.database.read() as session:
        attempts = session.scalars(select(DeliveryAttempt).order_by(DeliveryAttempt.attempt)).all()
    assert attempts[0].http_status == status
    assert [attempt.outcome for attempt in attempts] == ["not_sent" if status == 429 else "ambiguous", "sent"]


@sqlite_only
def test_what_the_network_refuses_for_good_fails_and_a_person_can_retry(key: Story, network: Network) -> None:
    network.faults.append("refuse_422")
    done, publication = sent(key)
    assert (publication.state, publication.attempt, publication.reason) == ("failed", 1, "refused with 422")
    key.outbox.retry(key.people["agata"], publication.id)
    drain(key.publisher())
    assert (key.publication(done).state, len(network.posts)) == ("sent", 1)
    with pytest.raises(Refused) as caught:
        key.outbox.retry(key.people["agata"], publication.id)
    assert caught.value.code == "not_failed"


@sqlite_only
def test_a_network_that_is_away_is_tried_again_and_at_last_shown_to_a_person(key: Story, network: Network) -> None:
    network.close()
    _, publication = sent(key)
    assert (publication.state, publication.attempt) == ("failed", outbox.MAX_ATTEMPTS)
    assert publication.reason.startswith("no connection")


def test_a_reply_of_a_disabled_agent_is_not_sent_and_its_case_comes_back(key: Story, network: Network) -> None:
    message = key.asked()
    done = key.decides(message)
    key.disable("agata")
    drain(key.publisher())
    assert (key.publication(done).state, network.posts) == ("retracted", [])
    assert key.case(message).state == "needs_reply"
    again = key.decides(message, "besnik", text="Another agent answers")
    drain(key.publisher())
    assert key.publication(again).state == "sent"


@sqlite_only
def test_a_reply_that_is_held_back_does_not_keep_the_next_one_waiting(key: Story, network: Network) -> None:
    """Found by the long lives of `test_states.py`: one round ended at the reply that was held back."""
    key.decides(key.asked("first", author="a1", thread="t1"), "besnik", text="of one who is gone")
    key.decides(key.asked("second", author="a2", thread="t2"), "agata", text="of one who is there")
    key.disable("besnik")
    assert key.publisher().step() == 1
    assert [post.text for post in network.posts] == ["of one who is there"]


def test_an_undone_reply_is_never_sent(key: Story, network: Network) -> None:
    done = key.decides(key.asked())
    key.workspace.desk.undo(key.people["agata"], done.decision.id)
    drain(key.publisher())
    assert network.requests == 0


@sqlite_only
@pytest.mark.parametrize("url", ["http://[broken", "ftp://example.org/", "http:///nowhere", "http://user:x@:99999/"])
def test_a_poisoned_address_stops_only_its_own_channel(
    key: Story, network: Network, make_channel: MakeChannel, url: str
) -> None:
    poisoned = Story(key.workspace, key.people, make_channel("poisoned", publish_url=url))
    bad = poisoned.decides(poisoned.asked(), key="bad")
    good = key.decides(key.asked(), key="good")
    drain(key.publisher())
    assert key.publication(good).state == "sent"
    publication = poisoned.publication(bad)
    assert publication.state == "failed" or publication.needs_person
    assert publication.reason


def test_one_publisher_owns_a_channel_until_it_dies(key: Story, network: Network) -> None:
    done = key.decides(key.asked())
    first, second = (Ownership(key.workspace.settings.home, key.workspace.database) for _ in range(2))
    assert first.take(key.channel)
    assert first.take(key.channel)
    assert not second.take(key.channel)
    drain(key.publisher())
    assert (key.publication(done).state, network.requests) == ("queued", 0)
    handle = os.open(key.workspace.settings.home / "run" / f"publisher-{key.channel.id}.lock", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(handle)


@sqlite_only
def test_the_sandbox_takes_each_reply_once(story: Story, make_channel: MakeChannel) -> None:
    wall = Story(story.workspace, story.people, make_channel("wall", kind="sandbox", outlet="sandbox"))
    wall.decides(wall.asked())
    job = wall.outbox.next(wall.channel.id)
    assert job is not None
    outlet = SandboxOutlet(wall.workspace.database)
    assert outlet.find(job.reply) is None
    first, second = outlet.send(job.reply), outlet.send(job.reply)
    assert first.external_id == second.external_id == outlet.find(job.reply)
    assert wall.count(SandboxPost) == 1


def test_nothing_is_sent_before_its_time(key: Story, network: Network) -> None:
    done = key.decides(key.asked())
    with key.workspace.database.write() as session:
        session.get_one(Publication, key.publication(done).id).not_before = now() + timedelta(seconds=60)
    drain(key.publisher())
    assert network.requests == 0
