"""The API's contract: who may call what, and that nothing sent to it makes it fall over."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from api.accounts import ROLES
from api.rest import training
from api.tables import Decision, Message, Publication
from tests.fixtures.database import sqlite_only
from tests.fixtures.story import Story
from tests.fixtures.workspace import PEOPLE, Visitor

ANYBODY: Final = {
    "POST /api/login", "POST /api/logout", "GET /api/openapi.json", "POST /api/wall/posts", "GET /api/wall/threads",
    "GET /api/wall/threads/{thread}",
}  # fmt: skip
POLICY: Final = {
    "GET /api/me": "read", "PUT /api/me": "person", "GET /api/events": "read", "GET /api/teams": "read",
    "GET /api/cases": "read", "GET /api/cases/{case_id}": "read", "POST /api/cases/{case_id}/claim": "decide",
    "POST /api/cases/{case_id}/release": "decide", "POST /api/cases/{case_id}/reopen": "decide",
    "POST /api/cases/{case_id}/decisions": "decide", "POST /api/decisions/{decision_id}/undo": "decide",
    "GET /api/publications": "read", "POST /api/publications/{publication_id}/settle": "decide",
    "POST /api/publications/{publication_id}/retry": "decide", "GET /api/articles": "read",
    "POST /api/articles": "knowledge", "GET /api/articles/{article_id}": "read",
    "PUT /api/articles/{article_id}": "knowledge", "POST /api/articles/{article_id}/restore": "knowledge",
    "POST /api/articles/{article_id}/retire": "knowledge", "GET /api/articles/{article_id}/versions": "read",
    "GET /api/knowledge/search": "read", "GET /api/messages/uncertain": "train", "GET /api/examples": "train",
    "POST /api/examples": "train", "POST /api/examples/{example_id}": "train", "POST /api/runs": "train",
    "GET /api/runs": "train", "GET /api/models": "train", "GET /api/models/{model_id}": "train",
    "GET /api/articles/{article_id}/events": "read", "PUT /api/articles/{article_id}/about": "knowledge",
    "POST /api/articles/{article_id}/versions": "knowledge", "POST /api/versions/{version_id}/move": "knowledge",
    "POST /api/versions/{version_id}/roll-back": "knowledge", "GET /api/versions/{before}/diff/{after}": "read",
    "GET /api/versions/{version_id}/uses": "read", "POST /api/versions/{version_id}/recall": "knowledge",
    "POST /api/articles/{article_id}/translate": "read", "GET /api/tasks": "read",
    "POST /api/tasks/{task_id}/dismiss": "read", "GET /api/knowledge/languages": "read",
    "POST /api/knowledge/try": "knowledge", "GET /api/knowledge/views": "read", "POST /api/knowledge/views": "read",
    "DELETE /api/knowledge/views/{view_id}": "read", "GET /api/knowledge/boards": "read",
    "POST /api/knowledge/boards/compute": "knowledge",
    "POST /api/knowledge/findings/{finding_id}/decide": "knowledge",
    "POST /api/models/{model_id}/promote": "train", "POST /api/models/rollback": "train",
    "POST /api/knowledge/uploads": "knowledge", "GET /api/knowledge/uploads/{token}": "knowledge",
    "POST /api/knowledge/uploads/{token}/import": "knowledge", "GET /api/knowledge/imports": "read",
    "POST /api/knowledge/imports/{number}/undo": "knowledge", "GET /api/knowledge/export": "read",
}  # fmt: skip
"""What each operation asks for. `person`: whoever is logged in, but no machine."""


@pytest.fixture(autouse=True)
def _no_real_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "launch", lambda *_args: 1)


def operations(app: Flask) -> list[str]:
    """Every route under /api, as `METHOD /path/{parameter}`."""
    return sorted(
        f"{method} {rule.rule.replace('<int:', '<').replace('<', '{').replace('>', '}')}"
        for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )  # fmt: skip


def call(client: Visitor, operation: str, **given: Any) -> Any:
    method, path = operation.split(" ", 1)
    for name in (
        "case_id",
        "decision_id",
        "publication_id",
        "example_id",
        "model_id",
        "version_id",
        "task_id",
        "view_id",
        "finding_id",
        "number",
        "token",
        "before",
        "after",
    ):
        path = path.replace(f"{{{name}}}", "1")
    answer = client.open(path.replace("{article_id}", "x").replace("{thread}", "x"), method=method, **given)
    if answer.content_type.startswith("text/event-stream"):
        answer.close()
    return answer


def code_of(answer: Any) -> str:
    return str(answer.get_json()["code"])


@sqlite_only
def test_every_operation_has_its_place_in_the_policy(app: Flask) -> None:
    assert set(operations(app)) == set(POLICY) | ANYBODY


@sqlite_only
def test_each_role_may_what_the_policy_says_and_no_more(
    app: Flask, visitor: Callable[[], Visitor], story: Story
) -> None:
    story.asked()
    for login, _, role, _ in PEOPLE:
        person, machine = visitor().log_in(login), visitor().use_token(story.people.token(role))
        for operation, wanted in POLICY.items():
            answer = call(person, operation, json={})
            if wanted == "person" or wanted in ROLES[role]:
                assert answer.status_code not in (401, 403), (login, operation)
            else:
                assert (answer.status_code, code_of(answer)) == (403, "forbidden"), (login, operation)
            answer = call(machine, operation, json={})
            if wanted == "decide":
                assert (answer.status_code, code_of(answer)) == (403, "people_only"), (role, operation)
            elif wanted == "person":
                assert answer.status_code in (403, 422), (role, operation)
            elif wanted in ROLES[role]:
                assert answer.status_code not in (401, 403), (role, operation)
            else:
                assert (answer.status_code, code_of(answer)) == (403, "forbidden"), (role, operation)
    assert (story.count(Decision), story.count(Publication)) == (0, 0)


@sqlite_only
def test_nobody_gets_in_without_a_log_in_or_a_token(app: Flask, visitor: Callable[[], Visitor], story: Story) -> None:
    stranger, forger = visitor(), visitor().use_token("0123abcd.made-up")
    for operation in POLICY:
        answer = call(forger, operation, json={})
        assert (answer.status_code, code_of(answer)) == (401, "not_logged_in"), operation
        answer = call(stranger, operation, json={})
        expected = (401, "not_logged_in") if operation.startswith("GET") else (400, "bad_csrf")
        assert (answer.status_code, code_of(answer)) == expected, operation
    for operation in ANYBODY - {"POST /api/logout", "POST /api/login", "POST /api/wall/posts"}:
        assert call(stranger, operation).status_code in (200, 404), operation


odd = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**66), 2**66), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12), st.sampled_from(["", "\x00", "a\x00b", "\ud800", "x" * 70_000, "' OR 1=1 --", "{{7*7}}", "%s",
                                           "-1", "1e9", "../../etc", "\u202e", "pl", "publish", "open", "public"]),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)  # fmt: skip
ids = st.sampled_from(["1", "0", "-1", "x", "99999999999999999999999", "2147483648", "%00", "%ff", "a%2Fb", "1.5", " "])
FIELDS: Final = (
    "login", "password", "language", "state", "channel", "team", "outcome", "mine", "q", "page", "page_size", "limit",
    "claim_token", "message", "act", "target_revision", "subtree_seq", "draft", "text", "reason", "seconds", "there",
    "external_id", "needs_person", "author", "thread", "parent", "public", "id", "category", "languages", "audience", "k",
    "intent", "split", "source", "after",
)  # fmt: skip
fields = st.dictionaries(st.sampled_from(FIELDS), odd, max_size=12)
bodies = st.one_of(
    fields.map(lambda data: json.dumps(data).encode()), st.binary(max_size=40), odd.map(lambda data: json.dumps(data).encode()),
    st.sampled_from([b"[" * 5000, b'{"a":' * 2000, b'{"text": 1e999}', b"{", b"\xff", b"x" * 300_000]),
)  # fmt: skip


@given(data=st.data())
@settings(max_examples=250)
def hammer(client: Visitor, known: list[str], data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from(known)).split(" ", 1)
    while "{" in path:
        path = path[: path.index("{")] + data.draw(ids) + path[path.index("}") + 1 :]
    query = (
        {name: str(value).encode("utf-8", "replace") for name, value in data.draw(fields).items()}
        if data.draw(st.booleans())
        else {}
    )
    headers = {"Idempotency-Key": data.draw(st.sampled_from(["k", "", "x" * 300, "ä", "a b"])),
               "If-Match": data.draw(st.sampled_from(['"1"', "*", "", "rubbish"])),
               "Last-Event-ID": data.draw(st.sampled_from(["1", "", "x", "9" * 30]))}  # fmt: skip
    kind = data.draw(
        st.sampled_from(["application/json", "text/plain", "application/x-www-form-urlencoded", "nonsense"])
    )
    answer = client.open(
        path, method=method, query_string=query, data=data.draw(bodies), headers=headers, content_type=kind
    )
    if answer.content_type.startswith("text/event-stream"):
        answer.close()
        return
    assert answer.status_code < 500 or (answer.status_code, code_of(answer)) == (503, "warming_up"), (
        method, path, query, answer.get_data(as_text=True))  # fmt: skip
    if answer.status_code >= 400:
        assert answer.content_type == "application/problem+json", (method, path, answer.get_data(as_text=True)[:300])
        assert answer.get_json()["status"] == answer.status_code


@pytest.mark.parametrize("login", ["admin", None])
def test_nothing_makes_it_fall_over(app: Flask, client: Visitor, story: Story, login: str | None) -> None:
    story.decides(story.asked())
    known = [operation for operation in operations(app) if operation != "POST /api/logout"]
    if login:
        client.log_in(login)
    else:
        client.use_token(story.people.token("admin"))
    hammer(client, known)
    with story.workspace.database.read() as session:
        texts = session.scalars(select(Message.text).where(Message.id == 1)).all()
        assert texts == ["My internet is down again"]
        assert story.workspace.trail.verify(session).first_bad is None


@sqlite_only
def test_the_description_names_every_operation_once(client: Visitor, app: Flask) -> None:
    description = client.get("/api/openapi.json").get_json()
    assert description["openapi"].startswith("3.1")
    described = [
        (f"{method.upper()} {path}", operation.get("operationId"))
        for path, item in description["paths"].items() for method, operation in item.items() if method != "parameters"
    ]  # fmt: skip
    missing = {"GET /api/events", "GET /api/openapi.json"}  # a stream, and the description itself
    assert {name for name, _ in described} == set(operations(app)) - missing
    identifiers = [identifier for _, identifier in described]
    assert len(set(identifiers)) == len(identifiers)
