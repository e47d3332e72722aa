"""Six hundred malformed requests: no 5xx, a problem in JSON, and nothing stored that was not acknowledged."""

from __future__ import annotations

import json
import time
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from api.channels.signature import HEADER, sign
from api.tables import Conversation, Customer, InboundEvent, Message, Work
from tests.fixtures.database import sqlite_only
from tests.fixtures.network import SECRET
from tests.fixtures.story import Story
from tests.fixtures.workspace import Visitor

EVENT = {
    "event_id": "e1", "type": "created", "conversation": "t", "public": True,
    "message": {"id": "m", "parent": None, "author": {"id": "ola", "name": "Ola", "followers": 1}, "text": "hello",
                "at": "2026-01-01T10:00:00Z"},
}  # fmt: skip
TABLES = (InboundEvent, Message, Conversation, Customer, Work)
PATHS = (
    ("event_id",), ("type",), ("conversation",), ("public",), ("message",), ("message", "id"), ("message", "parent"),
    ("message", "author"), ("message", "author", "id"), ("message", "author", "name"),
    ("message", "author", "followers"), ("message", "text"), ("message", "at"),
)  # fmt: skip

odd = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.just(float("1e308") * 10),
    st.text(st.characters(), max_size=30), st.text("\x00\ud800\udfff\u202e\x1b\n=+@", min_size=1, max_size=9),
    st.just("x" * 300), st.just("x" * 60_000), st.just("9999-12-31T23:59:59-14:00"), st.just("0001-01-01T00:00:00+14:00"),
    st.lists(st.integers(), max_size=3), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip
rubbish = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([
        b"", b"{", b"[]", b"null", b"0", b'"text"', b"\xff\xfe{}", b"{}" * 2, b"[" * 5000, b'{"a":' * 3000,
        b'{"event_id":1e999}', b"NaN", b'{"a":NaN}', b"9" * 5000, b'{"message":' + b"[" * 40 + b"]" * 40 + b"}",
        json.dumps(EVENT).encode("utf-16"), json.dumps(EVENT).encode("latin-1") + b"\xe9", b"x" * 300_000,
    ]),
)  # fmt: skip


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A good event with up to three fields removed or replaced, and sometimes a key that stands twice."""
    event: dict[str, Any] = json.loads(json.dumps(EVENT))
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=3)):
        inner: Any = event
        for step in path[:-1]:
            inner = inner.get(step) if isinstance(inner, dict) else None
        if not isinstance(inner, dict):
            continue
        if draw(st.booleans()):
            inner.pop(path[-1], None)
        else:
            inner[path[-1]] = draw(odd)
    raw = json.dumps(event).replace("Infinity", "1e999")
    if draw(st.booleans()):
        raw = f'{raw[:-1]}, "message": {json.dumps(draw(odd))}, "event_id": "twice"}}'.replace("Infinity", "1e999")
    return raw.encode("utf-8", "surrogatepass")


headers = st.dictionaries(
    st.sampled_from(["Content-Type", "Content-Encoding", "Accept", "X-Forwarded-For", "Authorization", "Cookie"]),
    st.one_of(st.sampled_from(["application/xml", "gzip", "text/plain; charset=nonsense", "Bearer ", "odzew=x", ""]),
              st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)),
    max_size=3,
)  # fmt: skip


def rows(story: Story) -> tuple[int, ...]:
    counts = [select(func.count()).select_from(table).scalar_subquery() for table in TABLES]
    with story.workspace.database.read() as session:
        return tuple(session.execute(select(*counts)).one())


held: WeakKeyDictionary[Story, tuple[int, ...]] = WeakKeyDictionary()


@given(raw=st.one_of(rubbish, changed(), changed()), extra=headers, signed=st.integers(0, 9))
@settings(max_examples=300)
def hammer(story: Story, client: Visitor, raw: bytes, extra: dict[str, str], signed: int) -> None:
    signature = sign(raw, SECRET) if signed else sign(raw + b" ", SECRET)
    before = held.get(story) or rows(story)
    answer = client.post("/webhooks/net", data=raw, headers={**extra, HEADER: signature})
    assert answer.status_code < 500, answer.get_data(as_text=True)
    held[story] = rows(story)
    if answer.status_code >= 300:
        assert answer.content_type == "application/problem+json"
        assert answer.get_json()["status"] == answer.status_code
        assert held[story] == before
    if not signed:
        assert answer.status_code in (401, 413)


def test_malformed_events_are_refused_and_nothing_is_stored(story: Story, client: Visitor) -> None:
    hammer(story, client)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/webhooks/%00", 404), ("/webhooks/%ED%A0%80", 404), ("/webhooks/" + "x" * 5000, 404), ("/webhooks/../net", 404)],
)
def test_an_odd_channel_does_not_exist(client: Visitor, path: str, status: int) -> None:
    assert client.post(path, data=b"{}").status_code == status


@sqlite_only
def test_the_limit_of_a_body_holds_without_a_declared_length(story: Story, client: Visitor) -> None:
    limit = story.workspace.settings.body_limit
    fits = json.dumps(EVENT | {"padding": "x" * (limit - 400)}).encode()
    assert len(fits) <= limit
    assert client.post("/webhooks/net", data=fits, headers={HEADER: sign(fits, SECRET)}).status_code == 202
    over = b" " * (limit + 1)
    answer = client.post("/webhooks/net", data=over, headers={HEADER: sign(over, SECRET)})
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
    assert rows(story)[0] == 1


@sqlite_only
def test_a_deeply_nested_body_is_refused_at_once(story: Story, client: Visitor) -> None:
    for raw in (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, b"[" * 200_000):
        started = time.perf_counter()
        assert client.post("/webhooks/net", data=raw, headers={HEADER: sign(raw, SECRET)}).status_code in (400, 422)
        assert time.perf_counter() - started < 2
    assert rows(story) == (0, 0, 0, 0, 0)


@sqlite_only
@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("path", ["/api/login", "/api/cases/1/decisions"])
@pytest.mark.parametrize("body", [b"9" * 5000, b'{"login":-' + b"1" * 4400 + b"}", b'{"a":' + b"[" * 20_000])
def test_a_body_that_python_cannot_read_is_refused_by_name(client: Visitor, path: str, body: bytes) -> None:
    answer = client.log_in("agata").post(path, data=body, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_json")
