"""Intake: what is acknowledged is kept, what is repeated has one effect, what is not signed is not stored."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from api.channels.signature import HEADER, sign
from api.tables import Case, ChannelSecret, Conversation, InboundEvent, Message, MessageRevision, Work
from knowledge.database import now
from tests.fixtures.database import sqlite_only
from tests.fixtures.network import SECRET
from tests.fixtures.story import Story
from tests.fixtures.workspace import MakeChannel, Visitor


def body(id_: str = "m1", **given: Any) -> dict[str, Any]:
    message = {"id": id_, "parent": None, "author": {"id": "ola", "name": "Ola", "followers": 7}, "text": "No internet",
               "at": "2026-01-01T10:00:00Z"}  # fmt: skip
    event = {"event_id": f"e-{id_}", "type": "created", "conversation": "t1", "public": True, "message": message}
    message.update(given.pop("message", {}))
    return event | given


def deliver(client: Visitor, event: Any, secret: str = SECRET, at: int | None = None) -> TestResponse:
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    return client.post("/webhooks/net", data=raw, headers={HEADER: sign(raw, secret, at)})


@pytest.fixture
def net(story: Story, client: Visitor) -> Visitor:
    return client


def test_a_signed_event_is_stored_before_it_is_acknowledged(net: Visitor, story: Story) -> None:
    answer = deliver(net, body())
    assert answer.status_code == 202
    stored = story.message(answer.get_json()["message"])
    assert (stored.text, stored.seq, stored.revision, stored.remote_state) == ("No internet", 1, 1, "seen")
    case = story.case(stored)
    assert (case.state, case.deadline_at) == ("new", datetime(2026, 1, 1, 11, tzinfo=UTC))
    assert story.count(Work) == 1


@pytest.mark.parametrize(
    "header",
    [
        None, "", "t=1,v1=", "v1=" + "0" * 64, "t=,v1=" + "0" * 64, "t=1", "sha256=" + "0" * 64,
        f"t={int(time.time())},v1=" + "0" * 64, f"t={int(time.time())},v1=" + "F" * 64, "t=٣,v1=" + "0" * 64,
        "t=-5,v1=" + "0" * 64, "t=1e3,v1=" + "0" * 64, "t=9999999999999999,v1=" + "0" * 64,
    ],
)  # fmt: skip
@sqlite_only
def test_a_missing_or_malformed_signature_is_refused(net: Visitor, story: Story, header: str | None) -> None:
    raw = json.dumps(body()).encode()
    answer = net.post("/webhooks/net", data=raw, headers={HEADER: header.encode().decode("latin-1")} if header else {})
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert story.count(InboundEvent) == 0


@sqlite_only
def test_the_signature_covers_the_raw_body_and_the_time(net: Visitor, story: Story) -> None:
    raw = json.dumps(body()).encode()
    signed = sign(raw, SECRET)
    for changed in (raw + b" ", raw.replace(b"ola", b"eva"), json.dumps(json.loads(raw), indent=1).encode(), b""):
        assert net.post("/webhooks/net", data=changed, headers={HEADER: signed}).status_code == 401
    later = signed.replace("t=", "t=1", 1)
    assert net.post("/webhooks/net", data=raw, headers={HEADER: later}).status_code == 401
    moment = int(time.time())
    assert deliver(net, body(), at=moment - 302).status_code == 401
    assert deliver(net, body(), at=moment + 302).status_code == 401
    assert deliver(net, body(), secret="another-secret").status_code == 401
    assert story.count(InboundEvent) == 0
    assert deliver(net, body(), at=moment - 290).status_code == 202
    assert deliver(net, body("m2"), at=moment + 290).status_code == 202


@sqlite_only
def test_two_secrets_are_live_while_one_is_rotated(net: Visitor, story: Story) -> None:
    with story.workspace.database.write() as session:
        session.add(ChannelSecret(channel_id=story.channel.id, secret="the-new-secret"))
    assert deliver(net, body("m1"), SECRET).status_code == 202
    assert deliver(net, body("m2"), "the-new-secret").status_code == 202
    with story.workspace.database.write() as session:
        session.scalars(select(ChannelSecret).where(ChannelSecret.secret == SECRET)).one().revoked_at = now()
    assert deliver(net, body("m3"), SECRET).status_code == 401
    assert deliver(net, body("m3"), "the-new-secret").status_code == 202


@sqlite_only
def test_a_channel_without_a_live_secret_does_not_exist(net: Visitor, story: Story, make_channel: MakeChannel) -> None:
    assert net.post("/webhooks/nowhere", data=b"{}").status_code == 404
    with story.workspace.database.write() as session:
        session.scalars(select(ChannelSecret)).one().revoked_at = now()
    assert deliver(net, body()).status_code == 404


def test_a_message_lives_through_edits_hiding_deletion_and_return(story: Story) -> None:
    message = story.writes("first", "m1")
    assert story.happens("edited", "m1", "second").effect == "changed"
    assert (story.message(message.id).text, story.message(message.id).revision) == ("second", 2)
    story.happens("hidden", "m1")
    assert story.message(message.id).remote_state == "hidden"
    story.happens("deleted", "m1")
    assert (story.message(message.id).remote_state, story.case(message).state) == ("deleted", "void")
    story.happens("restored", "m1")
    back = story.message(message.id)
    assert (back.remote_state, back.revision, story.case(back).state) == ("restored", 3, "new")
    with story.workspace.database.read() as session:
        texts = session.scalars(select(MessageRevision.text).order_by(MessageRevision.revision)).all()
    assert texts == ["first", "second", "second"]
    assert story.count(Work) == 3


def test_an_edit_that_comes_after_the_deletion_does_not_bring_the_message_back(story: Story) -> None:
    message = story.writes("first", "m1")
    story.happens("deleted", "m1")
    story.happens("edited", "m1", "late")
    assert story.message(message.id).remote_state == "deleted"
    assert story.case(message).state == "void"


def test_an_edit_reopens_what_was_closed_without_a_reply(story: Story) -> None:
    story.assistant.outcome = "none"
    message = story.asked("thanks", id_="m1")
    assert story.case(message).state == "no_reply"
    story.assistant.outcome = "answer"
    story.happens("edited", "m1", "thanks for nothing, it is still down")
    story.prepares()
    assert story.case(message).state == "needs_reply"


def test_an_unknown_message_is_ignored_until_it_is_created(story: Story) -> None:
    assert story.happens("deleted", "m1").effect == "ignored"
    assert story.happens("edited", "m1", "text").effect == "ignored"
    assert story.happens("created", "m1", "text").effect == "stored"
    assert story.happens("created", "m1", "again").effect == "repeated"
    assert story.count(Message) == 1


def test_a_child_that_comes_before_its_parent_finds_its_place(story: Story) -> None:
    child = story.writes("and mine too", "child", author="jan", parent="root")
    assert child.parent_id is None
    root = story.writes("no internet", "root")
    assert story.message(child.id).parent_id == root.id
    assert story.case(child).id != story.case(root).id


def test_the_brands_own_posts_open_no_case(story: Story) -> None:
    message = story.writes("We are working on it", author="lumo")
    assert (message.role, message.case_id) == ("brand", None)
    assert (story.count(Case), story.count(Work)) == (0, 0)


def test_a_redelivered_event_has_one_effect(net: Visitor, story: Story, visitor: Callable[[], Visitor]) -> None:
    deliveries = [body(f"m{number}", conversation=f"t{number % 7}") for number in range(25)] * 5
    random.Random(1).shuffle(deliveries)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda event: deliver(visitor(), event).status_code, deliveries))
    assert set(answers) == {202}
    assert (story.count(Message), story.count(InboundEvent), story.count(Work)) == (25, 25, 25)


def test_parallel_messages_of_one_person_give_one_open_case(story: Story, visitor: Callable[[], Visitor]) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    events = [
        body(f"p{person}-{number}", conversation=f"t{person}", message={
            "author": {"id": f"p{person}"}, "at": (start + timedelta(minutes=number)).isoformat()})
        for person in range(10) for number in range(5)
    ]  # fmt: skip
    random.Random(2).shuffle(events)
    barrier = threading.Barrier(16)

    def share(mine: list[dict[str, Any]]) -> set[int]:
        client = visitor()
        barrier.wait()
        return {deliver(client, event).status_code for event in mine}

    with ThreadPoolExecutor(16) as pool:
        assert set().union(*pool.map(share, [events[part::16] for part in range(16)])) == {202}
    assert (story.count(Message), story.count(Conversation), story.count(Case)) == (50, 10, 10)
    with story.workspace.database.read() as session:
        for thread in session.scalars(select(Conversation)):
            assert [message.seq for message in thread.messages] == [1, 2, 3, 4, 5]


@sqlite_only
def test_nothing_is_acknowledged_when_the_commit_fails(
    net: Visitor, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_disk(*_args: object) -> None:
        raise OperationalError("COMMIT", {}, Exception("disk full"))

    engine = story.workspace.database.engine
    with monkeypatch.context() as broken:
        broken.setattr(engine.dialect, "do_commit", no_disk)
        answer = deliver(net, body())
    assert answer.status_code == 503
    assert story.count(InboundEvent) == 0
    assert deliver(net, body()).status_code == 202
    assert story.count(Message) == 1


@sqlite_only
def test_what_arrived_is_kept_byte_for_byte(net: Visitor, story: Story) -> None:
    raw = (
        b'{"type":"created", "event_id":"e1","conversation":"t","public":true,"extra":[1],'
        b'"message":{"id":"m","author":{"id":"ola"},"text":"\\u0000 zero, \\ud800 half, \\ud83d\\ude00 whole"}}'
    )
    assert deliver(net, raw).status_code == 202
    with story.workspace.database.read() as session:
        event = session.scalars(select(InboundEvent)).one()
        message = session.scalars(select(Message)).one()
    assert (event.raw, event.raw_sha256) == (raw, hashlib.sha256(raw).hexdigest())
    assert message.text == "\ufffd zero, \ufffd half, 😀 whole"
