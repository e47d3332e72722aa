"""The person's gate over HTTP: the same promises for a page, a program and a nervous network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.tables import Decision, Message, Publication
from tests.fixtures.database import sqlite_only
from tests.fixtures.story import Story
from tests.fixtures.workspace import Visitor


@pytest.fixture
def agata(client: Visitor) -> Visitor:
    return client.log_in("agata")


def wish(client: Visitor, message: Message, **given: Any) -> dict[str, Any]:
    """What the console sends after an agent has opened a case."""
    claim = client.post(f"/api/cases/{message.case_id}/claim").get_json()
    case = client.get(f"/api/cases/{message.case_id}").get_json()
    return {
        "message": message.id, "act": "publish", "text": "We are on it.", "claim_token": claim["claim_token"],
        "target_revision": message.revision, "subtree_seq": case["subtree_seq"],
    } | given  # fmt: skip


def decide(client: Visitor, message: Message, body: Any, key: str = "key") -> TestResponse:
    return client.post(f"/api/cases/{message.case_id}/decisions", json=body, headers={"Idempotency-Key": key})


def test_a_case_is_read_claimed_decided_undone_and_decided_again(agata: Visitor, story: Story) -> None:
    message = story.asked()
    queue = agata.get("/api/cases").get_json()
    assert [row["id"] for row in queue["items"]] == [message.case_id]
    draft = story.draft(message)
    body = wish(agata, message, draft=draft.id, text=draft.text)
    done = decide(agata, message, body)
    assert done.status_code == 201
    decision = done.get_json()
    assert (decision["decision"]["kind"], decision["publication"]["state"]) == ("accepted", "queued")
    again = decide(agata, message, body)
    assert (again.status_code, again.get_json()) == (201, decision)
    other = decide(agata, message, body | {"text": "Another text"})
    assert (other.status_code, other.get_json()["code"]) == (422, "key_reused")
    undone = agata.post(f"/api/decisions/{decision['decision']['id']}/undo")
    assert undone.get_json()["state"] == "retracted"
    assert decide(agata, message, wish(agata, message), "second").status_code == 201
    assert (story.count(Decision), story.count(Publication)) == (2, 2)


@sqlite_only
def test_a_refusal_names_its_reason_and_shows_what_is_new(agata: Visitor, story: Story) -> None:
    message = story.asked(id_="m1")
    body = wish(agata, message)
    reply = story.writes("same here", author="jan", parent="m1")
    refusal = decide(agata, message, body)
    assert (refusal.status_code, refusal.content_type) == (409, "application/problem+json")
    problem = refusal.get_json()
    assert problem["code"] == "new_messages"
    assert problem["messages"] == [{"id": reply.id, "author": "Jan", "text": "same here"}]
    story.happens("edited", "m1", "never mind")
    assert decide(agata, message, body).get_json()["code"] == "target_edited"
    assert story.count(Decision) == 0


@sqlite_only
def test_two_agents_see_who_holds_a_case(agata: Visitor, story: Story, visitor: Callable[[], Visitor]) -> None:
    message = story.asked()
    body = wish(agata, message)
    besnik = visitor().log_in("besnik")
    refusal = besnik.post(f"/api/cases/{message.case_id}/claim")
    assert (refusal.status_code, refusal.get_json()["holder"]) == (409, "Agata Kowalska")
    assert decide(besnik, message, body).get_json()["code"] == "claimed"
    token = {"claim_token": body["claim_token"]}
    assert agata.post(f"/api/cases/{message.case_id}/release", json=token).status_code == 204
    assert besnik.post(f"/api/cases/{message.case_id}/claim").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"text": "\ud800"}, {"text": "a\x00b"}, {"reason": "\udfff"}, {"team": "\x00"}, {"text": "x" * 60_000},
        {"claim_token": "1"}, {"claim_token": 2**70}, {"message": -1}, {"act": "send"}, {"seconds": "soon"},
        {"subtree_seq": 1.5}, {"draft": "first"}, {"target_revision": None}, {"text": ["a"]}, {"surprise": 1},
    ],
)  # fmt: skip
def test_a_malformed_decision_is_refused(agata: Visitor, story: Story, change: dict[str, Any]) -> None:
    message = story.asked()
    answer = decide(agata, message, wish(agata, message) | change)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert story.count(Decision) == 0


@sqlite_only
def test_a_decision_needs_its_key(agata: Visitor, story: Story) -> None:
    message = story.asked()
    body = wish(agata, message)
    for key in ("", " ", "x" * 201):
        answer = decide(agata, message, body, key)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "no_idempotency_key")


@sqlite_only
def test_live_events_go_on_where_a_connection_was_lost(agata: Visitor, story: Story) -> None:
    story.asked()
    first = _events(agata.get("/api/events?after=0"), 3)
    assert [event.split("\n")[0] for event in first] == ["id: 1", "id: 2", "id: 3"]
    resumed = _events(agata.get("/api/events", headers={"Last-Event-ID": "2"}), 1)
    assert resumed == [first[2]]


def _events(answer: TestResponse, count: int) -> list[str]:
    assert answer.content_type.startswith("text/event-stream")
    parts = answer.iter_encoded()
    found: list[str] = []
    while len(found) < count:
        text = next(iter(parts)).decode()
        if text.startswith("id:"):
            found.append(text)
    answer.close()
    return found
