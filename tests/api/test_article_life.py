"""The life of an article by API: review, four eyes, roll-back, differences, owner and dates; and searches at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from api.workspace import Workspace
from knowledge.database import now
from knowledge.search import KnowledgeBase
from knowledge.store import save_article
from tests.fixtures.database import sqlite_only
from tests.fixtures.workspace import Visitor
from tests.knowledge.articles import ASKED, article, team


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    with workspace.database.write() as session:
        for key in ASKED:
            save_article(session, article(key), by="test")
    return workspace


@pytest.fixture
def giulia(filled: Workspace, visitor: Callable[[], Visitor]) -> Visitor:
    return visitor().log_in("giulia")


def tag(client: Visitor, key: str = "late-fee") -> dict[str, str]:
    return {"If-Match": client.get(f"/api/articles/{key}").headers["ETag"]}


def write(client: Visitor, text: str, key: str = "late-fee", **more: Any) -> Any:
    body = {"language": "pl", "text": text, **more}
    return client.post(f"/api/articles/{key}/versions", json=body, headers=tag(client, key))


def variant(body: dict[str, Any], language: str = "pl", kind: str = "") -> dict[str, Any]:
    return next(one for one in body["variants"] if (one["language"], one["channel_kind"]) == (language, kind))


def test_a_draft_goes_through_review_and_back(giulia: Visitor, visitor: Callable[[], Visitor]) -> None:
    admin = visitor().log_in("admin")
    made = write(giulia, "Nowa.", state="draft", why="new fee")
    assert made.status_code == 201
    held = variant(made.get_json())
    assert (held["current"]["text"], held["open"]["text"]) == ("late-fee pl: answer.", "Nowa.")
    version = held["open"]["id"]
    for to, actor in (("in_review", giulia), ("draft", giulia), ("in_review", giulia), ("approved", admin)):
        moved = actor.post(f"/api/versions/{version}/move", json={"to": to, "why": to}, headers=tag(actor))
        assert moved.status_code == 200, moved.get_json()
    assert variant(moved.get_json())["current"]["text"] == "Nowa."
    again = admin.post(f"/api/versions/{version}/move", json={"to": "draft"}, headers=tag(admin))
    assert (again.status_code, again.get_json()["code"]) == (409, "no_such_move")
    first = held["current"]["id"]
    back = admin.post(f"/api/versions/{first}/roll-back", json={"why": "wrong"}, headers=tag(admin))
    assert (back.status_code, variant(back.get_json())["current"]["text"]) == (201, "late-fee pl: answer.")
    events = giulia.get("/api/articles/late-fee/events").get_json()["events"]
    assert (events[0]["actor"], events[0]["why"], events[0]["after"]) == ("admin", "wrong", "approved")
    pieces = giulia.get(f"/api/versions/{first}/diff/{version}").get_json()["pieces"]
    assert "".join(piece["text"] for piece in pieces if piece["kind"] != "del") == "Nowa."


def test_four_eyes_by_api(giulia: Visitor, visitor: Callable[[], Visitor]) -> None:
    about = {"owner": "giulia", "tags": ["legal", "legal"]}
    saved = giulia.put("/api/articles/late-fee/about", json=about, headers=tag(giulia)).get_json()
    assert (saved["owner"], saved["tags"], saved["four_eyes"]) == ("giulia", ["legal"], True)
    body = {name: saved[name] for name in ("category", "languages")}
    body["languages"]["pl"]["answer"] = "Nowa."
    put = giulia.put("/api/articles/late-fee", json={**body, "why": "x"}, headers=tag(giulia)).get_json()
    assert put["languages"]["pl"]["answer"] == "late-fee pl: answer."
    waiting = variant(put)["open"]
    assert (waiting["state"], waiting["four_eyes"]) == ("in_review", True)
    own = giulia.post(f"/api/versions/{waiting['id']}/move", json={"to": "approved"}, headers=tag(giulia))
    assert (own.status_code, own.get_json()["code"]) == (409, "own_text")
    admin = visitor().log_in("admin")
    moved = admin.post(f"/api/versions/{waiting['id']}/move", json={"to": "approved"}, headers=tag(admin))
    assert moved.get_json()["languages"]["pl"]["answer"] == "Nowa."


@sqlite_only
def test_what_is_refused(giulia: Visitor, visitor: Callable[[], Visitor]) -> None:
    agent = visitor().log_in("agata")
    version = variant(giulia.get("/api/articles/late-fee").get_json())["current"]["id"]
    other = variant(giulia.get("/api/articles/no-signal").get_json())["current"]["id"]
    assert giulia.post("/api/articles/late-fee/versions", json={"language": "pl", "text": "x"}).status_code == 428
    assert giulia.post(f"/api/versions/{version}/move", json={"to": "retired"}).status_code == 428
    stale = {"If-Match": '"99"'}
    assert giulia.put("/api/articles/late-fee/about", json={}, headers=stale).status_code == 412
    assert agent.post(f"/api/versions/{version}/move", json={"to": "retired"}, headers=stale).status_code == 403
    assert giulia.post("/api/versions/4711/move", json={"to": "retired"}, headers=stale).status_code == 404
    for body, code in (
        ({"owner": "nobody-here"}, "no_such_owner"),
        ({"tags": ["x" * 41]}, "bad_about"),
        ({"valid_from": "2030-01-02T00:00:00Z", "valid_to": "2030-01-01T00:00:00Z"}, "bad_about"),
    ):
        refused = giulia.put("/api/articles/late-fee/about", json=body, headers=tag(giulia))
        assert (refused.status_code, refused.get_json()["code"]) == (422, code)
        assert refused.content_type == "application/problem+json"
    for more, code in (({"translated_from": other}, "bad_source"), ({"text": " "}, "bad_text")):
        refused = write(giulia, **{"text": "x", **more})
        assert (refused.status_code, refused.get_json()["code"]) == (422, code)
    assert write(giulia, "x", channel_kind="carrier-pigeon").status_code == 422
    two = giulia.get(f"/api/versions/{version}/diff/{other}")
    assert (two.status_code, two.get_json()["code"]) == (422, "not_of_one_article")


@sqlite_only
def test_searches_use_only_what_is_approved_and_valid_at_once(filled: Workspace, giulia: Visitor) -> None:
    base = KnowledgeBase(filled.database, team())

    def answer(kind: str = "") -> str | None:
        hits = base.search("skad te 3 euro za monit", language="pl", audience="public", channel_kind=kind)
        return next((hit.answer for hit in hits if hit.article == "late-fee"), None)

    assert answer() == "late-fee pl: answer."
    write(giulia, "Szkic.", state="draft")
    assert answer() == "late-fee pl: answer."
    write(giulia, "Na X krótko.", channel_kind="x")
    assert (answer(), answer("x")) == ("late-fee pl: answer.", "Na X krótko.")
    soon = now() + timedelta(seconds=0.6)
    about = {"valid_to": soon.isoformat()}
    assert giulia.put("/api/articles/late-fee/about", json=about, headers=tag(giulia)).status_code == 200
    assert answer() == "late-fee pl: answer."
    while now() < soon:
        pass
    assert answer() is None  # nobody has saved anything since: the date alone does it
    assert giulia.put("/api/articles/late-fee/about", json={}, headers=tag(giulia)).status_code == 200
    assert answer() == "late-fee pl: answer."


@sqlite_only
def test_a_stale_translation_is_found_with_a_mark(filled: Workspace, giulia: Visitor) -> None:
    shown = giulia.get("/api/articles/late-fee").get_json()
    english, polish = variant(shown, "en")["current"]["id"], variant(shown)["current"]["id"]
    again = write(giulia, "A fee.", language="en", translated_from=polish)
    assert variant(again.get_json(), "en")["source"] == {"version": polish, "language": "pl", "number": 1}
    base = KnowledgeBase(filled.database, team())
    hit = base.search("why did you charge me a late fee", language="en", audience="public")[0]
    assert (hit.article, hit.stale, hit.version != english) == ("late-fee", False, True)
    write(giulia, "Nowa opłata.")
    hit = base.search("why did you charge me a late fee", language="en", audience="public")[0]
    assert (hit.answer, hit.stale) == ("A fee.", True)
    assert variant(giulia.get("/api/articles/late-fee").get_json(), "en")["stale"] is True
