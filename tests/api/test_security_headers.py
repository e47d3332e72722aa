"""What every answer carries, whoever asks and whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.fixtures.database import sqlite_only
from tests.fixtures.story import Story
from tests.fixtures.workspace import PASSWORD, Visitor

PAGES = ("/login", "/", "/wall", "/knowledge", "/training", "/nowhere", "/healthz", "/api/me", "/api/openapi.json")


def directives(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (part.split() for part in policy.split(";") if part.strip())}


@sqlite_only
@pytest.mark.parametrize("login", [None, "admin"])
def test_every_answer_forbids_foreign_and_inline_code(client: Visitor, login: str | None) -> None:
    if login:
        client.log_in(login)
    for page in PAGES:
        answer = client.get(page)
        assert answer.status_code < 500, page
        policy = directives(answer.headers["Content-Security-Policy"])
        assert policy["default-src"] == ["'none'"], page
        for name in ("script-src", "style-src", "connect-src", "form-action"):
            assert policy[name] == ["'self'"], page
        assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store", page


@sqlite_only
def test_pages_hold_no_inline_script_or_style(client: Visitor, story: Story) -> None:
    story.asked("<script>alert(1)</script><img src=x onerror=alert(1)>", author="<b>eve</b>")
    client.log_in("admin")
    case = story.case(story.message(1))
    for page in ("/", "/inbox", f"/inbox/{case.id}", "/wall", "/knowledge", "/training"):
        html = client.get(page).get_data(as_text=True)
        assert "<script>" not in html, page
        assert "<img src=x" not in html, page
        assert "<b>eve" not in html, page
        assert " style=" not in html, page
        assert " onclick=" not in html, page
        assert "javascript:" not in html, page


@sqlite_only
def test_the_log_in_cookie_is_out_of_reach_of_scripts_and_other_sites(client: Visitor) -> None:
    answer = client.post("/api/login", json={"login": "agata", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@sqlite_only
def test_every_change_needs_the_csrf_token(client: Visitor, story: Story) -> None:
    message = story.asked()
    client.log_in("agata")
    token, client.csrf = client.csrf, ""
    # Not the last letter: base64 has bits to spare there, so one in sixteen changes of it changes nothing.
    altered = token[:-5] + ("a" if token[-5] != "a" else "b") + token[-4:]
    changes = [
        (client.post, f"/api/cases/{message.case_id}/claim", None), (client.post, "/api/logout", None),
        (client.put, "/api/me", {"language": "it"}), (client.post, "/api/decisions/1/undo", None),
        (client.post, "/api/wall/posts", {"author": "a", "text": "b"}),
        (client.post, "/api/publications/1/retry", None),
    ]  # fmt: skip
    for given in ({}, {"X-CSRFToken": "made-up"}, {"X-CSRFToken": altered}):
        for send, path, body in changes:
            answer = send(path, json=body or {}, headers=given)
            assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_csrf"), path
    client.csrf = token
    assert client.post(f"/api/cases/{message.case_id}/claim").status_code == 200


@sqlite_only
def test_a_foreign_cookie_does_not_help_a_machine(client: Visitor, story: Story) -> None:
    """A bearer token acts for itself, whatever cookie comes with it; and it can never decide."""
    client.log_in("agata")
    client.use_token(story.people.token("agent"))
    message = story.asked()
    answer = client.post(f"/api/cases/{message.case_id}/claim")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "people_only")


@sqlite_only
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nowhere", 404), ("GET", "/api/cases/999999", 401), ("DELETE", "/api/cases", 405),
        ("POST", "/api/login", 422), ("GET", "/api/cases?page=0", 401), ("PUT", "/api/me", 400), ("POST", "/webhooks/nowhere", 404),
        ("PUT", "/webhooks/net", 405), ("GET", "/api/events", 401),
    ],
)  # fmt: skip
def test_every_error_is_a_problem_in_json(client: Visitor, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method, json={} if method == "POST" else None)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    body = answer.get_json()
    assert body["status"] == status
    assert {"type", "title", "detail", "code"} <= set(body)
    assert body["type"].startswith("urn:odzew:problem:")


@sqlite_only
def test_an_unexpected_error_tells_nothing_but_a_reference(
    app: Flask, visitor: Callable[[], Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    from api import inbox

    def broken(*_args: object, **_given: object) -> None:
        raise RuntimeError("the secret is in the message")

    monkeypatch.setattr(inbox, "queue", broken)
    client = visitor().log_in("agata")
    answer = client.get("/api/cases")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert "secret" not in answer.get_data(as_text=True)
    assert answer.get_json()["code"] == "unexpected"
