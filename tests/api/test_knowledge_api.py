"""Articles by API: who may, what is refused, what is written down, and the pages over them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from api.tables import Audit, Event
from api.workspace import Workspace
from knowledge.encoder import EncoderUnavailable
from knowledge.store import save_article
from tests.fixtures.database import sqlite_only
from tests.fixtures.workspace import People, Visitor
from tests.knowledge.articles import ASKED, article, team

BODY: dict[str, Any] = {
    "category": "network",
    "languages": {
        "pl": {"question": "Czy jest 5G?", "variants": ["5g gdzie"], "answer": "Jest.", "public": None},
        "en": {"question": "Is there 5G?", "variants": [], "answer": "There is.", "public": "Yes."},
    },
}


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    with workspace.database.write() as session:
        for key in ASKED:
            save_article(session, article(key), by="test")
    return workspace


@pytest.fixture
def manager(client: Visitor) -> Visitor:
    return client.log_in("giulia")


def written_down(workspace: Workspace) -> list[str]:
    with workspace.database.read() as session:
        assert workspace.trail.verify(session).first_bad is None
        return [
            f"{link.actor} {link.action} {link.object}" for link in session.scalars(select(Audit).order_by(Audit.seq))
        ]


def test_an_article_is_made_read_changed_retired_and_restored(workspace: Workspace, manager: Visitor) -> None:
    made = manager.post("/api/articles", json={"id": "5g", **BODY})
    assert made.status_code == 201
    assert made.headers["Location"] == "/api/articles/5g"
    shown = manager.get("/api/articles/5g")
    assert shown.headers["ETag"] == made.headers["ETag"] == '"1"'
    body = shown.get_json()
    assert (body["state"], body["category"], body["languages"]["en"]["public"]) == ("active", "network", "Yes.")
    assert "public" not in body["languages"]["pl"]

    changed = {**BODY, "languages": {"pl": {**BODY["languages"]["pl"], "answer": "Jest wszędzie."}}}
    saved = manager.put("/api/articles/5g", json=changed, headers={"If-Match": '"1"'})
    assert (saved.status_code, saved.headers["ETag"]) == (200, '"2"')
    assert list(saved.get_json()["languages"]) == ["pl"]
    versions = manager.get("/api/articles/5g/versions").get_json()["versions"]
    assert [(v["text"], v["state"], v["written_by"]) for v in versions if v["language"] == "pl"] == [
        ("Jest wszędzie.", "approved", "giulia"),
        ("Jest.", "retired", "giulia"),
    ]
    assert manager.post("/api/articles/5g/retire").get_json()["state"] == "retired"
    assert manager.post("/api/articles/5g/retire").headers["ETag"] == '"3"'
    assert manager.post("/api/articles/5g/restore").get_json()["state"] == "active"
    assert written_down(workspace) == [
        f"giulia article.{act} article:5g" for act in ("added", "saved", "retired", "restored")
    ]
    with workspace.database.read() as session:
        events = session.scalars(select(Event).where(Event.kind == "knowledge.changed").order_by(Event.id)).all()
    assert [event.data["change"] for event in events] == [
        "article.added", "article.saved", "article.retired", "article.restored",
    ]  # fmt: skip


def test_saving_the_same_again_writes_nothing_down(filled: Workspace, manager: Visitor) -> None:
    shown = manager.get("/api/articles/late-fee")
    body = {name: shown.get_json()[name] for name in ("category", "languages")}
    again = manager.put("/api/articles/late-fee", json=body, headers={"If-Match": shown.headers["ETag"]})
    assert (again.status_code, again.headers["ETag"]) == (200, shown.headers["ETag"])
    assert written_down(filled) == []


@sqlite_only
def test_two_people_cannot_overwrite_each_other(filled: Workspace, visitor: Callable[[], Visitor]) -> None:
    giulia, admin = visitor().log_in("giulia"), visitor().log_in("admin")
    mine = {"languages": {"pl": {"question": "Moje?", "answer": "Moje."}}}
    assert giulia.put("/api/articles/late-fee", json=mine).status_code == 428
    assert admin.put("/api/articles/late-fee", json=BODY, headers={"If-Match": '"1"'}).status_code == 200
    late = giulia.put("/api/articles/late-fee", json=mine, headers={"If-Match": '"1"'})
    assert (late.status_code, late.get_json()["code"], late.get_json()["revision"]) == (412, "edited_meanwhile", 2)
    # A proxy that compresses makes a tag weak.
    assert giulia.put("/api/articles/late-fee", json=mine, headers={"If-Match": 'W/"2"'}).status_code == 200


@sqlite_only
def test_who_may_do_what(filled: Workspace, visitor: Callable[[], Visitor]) -> None:
    nobody, agent = visitor(), visitor().log_in("agata")
    for path in ("/api/articles", "/api/articles/late-fee", "/api/articles/late-fee/versions"):
        assert nobody.get(path).status_code == 401
        assert agent.get(path).status_code == 200
    assert nobody.get("/api/knowledge/search?q=x").status_code == 401
    assert agent.post("/api/articles", json={"id": "x", **BODY}).status_code == 403
    assert agent.put("/api/articles/late-fee", json=BODY, headers={"If-Match": '"1"'}).status_code == 403
    assert agent.post("/api/articles/late-fee/retire").status_code == 403
    assert written_down(filled) == []


@sqlite_only
def test_a_machine_may_keep_articles(filled: Workspace, people: People, client: Visitor) -> None:
    client.use_token(people.token("knowledge_manager"))
    assert client.post("/api/articles", json={"id": "x", **BODY}).status_code == 201
    assert written_down(filled) == ["token:machine-knowledge_manager article.added article:x"]


@sqlite_only
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"id": "late-fee", **BODY}, 409, "id_taken"),
        ({"id": "a/b", **BODY}, 422, "bad_article"),
        ({"id": "x", "languages": {}}, 422, "bad_article"),
        ({"id": "x", "languages": {"de": BODY["languages"]["pl"]}}, 422, "bad_article"),
        ({"id": "x", "languages": {"pl": {"question": "\x00"}}}, 422, None),
        ({"id": "x", "languages": {"pl": {"question": ""}}}, 422, "bad_article"),
        ({"id": "x", "languages": {"pl": {"question": "x", "variants": "x"}}}, 422, None),
        ({"id": "x", "languages": {"pl": "x"}}, 422, None),
        ({"id": "x", "languages": []}, 422, None),
        ({"languages": BODY["languages"]}, 422, None),
        ({"id": "x", **BODY, "extra": 1}, 422, None),
        ([], 422, None),
    ],
)
def test_what_is_wrong_is_refused_and_not_stored(
    filled: Workspace, manager: Visitor, body: object, status: int, code: str | None
) -> None:
    refused = manager.post("/api/articles", json=body)
    assert refused.status_code == status
    assert refused.content_type == "application/problem+json"
    assert code is None or refused.get_json()["code"] == code
    assert manager.get("/api/articles?state=all").get_json()["total"] == len(ASKED)


@sqlite_only
def test_an_article_that_is_not_there(filled: Workspace, manager: Visitor) -> None:
    for answer in (
        manager.get("/api/articles/none"),
        manager.put("/api/articles/none", json=BODY, headers={"If-Match": "*"}),
        manager.post("/api/articles/none/retire"),
        manager.get("/api/articles/none/versions"),
        manager.get("/knowledge/none"),
    ):
        assert answer.status_code == 404


def test_the_list_finds_by_words_whatever_the_accents(filled: Workspace, manager: Visitor) -> None:
    def found(query: str) -> list[str]:
        return [entry["id"] for entry in manager.get(f"/api/articles?{query}").get_json()["articles"]]

    assert found("") == sorted(ASKED)
    assert found("q=ZASIEGU") == ["no-signal"]
    assert found("q=zasięgu+brak") == ["no-signal"]
    assert found("q=zasięgu+monit") == []
    assert found("language=sq") == ["password-reset"]
    assert found("missing=en") == ["password-reset"]
    assert found("category=service&q=esim") == ["esim-activation"]
    assert found("category=none") == []
    manager.post("/api/articles/no-signal/retire")
    assert found("q=zasiegu") == []
    assert found("q=zasiegu&state=retired") == ["no-signal"]
    assert manager.get("/api/articles?state=nowhere").status_code == 422


@sqlite_only
def test_the_search_by_meaning_warms_up_and_then_finds(
    filled: Workspace, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.team.load_team", lambda _name: team())
    first = manager.get("/api/knowledge/search?q=zgubiłem+hasło")
    assert first.status_code == 503
    assert (first.get_json()["code"], first.headers["Retry-After"]) == ("warming_up", "3")
    answer = first
    ends = time.monotonic() + 300
    while answer.status_code == 503 and time.monotonic() < ends:
        time.sleep(0.1)
        answer = manager.get("/api/knowledge/search?q=zapomniałam+hasła&language=pl&k=2")
    assert answer.status_code == 200
    hits = answer.get_json()["hits"]
    assert len(hits) == 2
    assert (hits[0]["article"], hits[0]["language"], hits[0]["audience"]) == ("password-reset", "pl", "public")
    assert manager.get("/api/knowledge/search?q=").status_code == 422
    page = manager.get("/knowledge?q=zapomniałam+hasła&part=meaning").get_data(as_text=True)
    assert "/knowledge/password-reset" in page


@sqlite_only
def test_a_search_that_does_not_load_says_why(
    filled: Workspace, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_name: str) -> None:
        raise EncoderUnavailable("no such model here")

    monkeypatch.setattr("knowledge.team.load_team", missing)
    ends = time.monotonic() + 30
    code = ""
    while code != "search_unavailable" and time.monotonic() < ends:
        refused = manager.get("/api/knowledge/search?q=x")
        assert refused.status_code == 503
        code = refused.get_json()["code"]
        time.sleep(0.02)
    assert "no such model here" in refused.get_json()["detail"]
    page = manager.get("/knowledge?q=esim").get_data(as_text=True)
    assert "no such model here" in page
    assert "/knowledge/esim-activation" in page


@sqlite_only
def test_the_pages(filled: Workspace, visitor: Callable[[], Visitor], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.knowledge_service.KnowledgeService.start", lambda _self: None)
    with filled.database.write() as session:
        save_article(session, article("no-signal", pl={"answer": "</script><b>x"}), by="test")
    manager, agent, nobody = visitor().log_in("giulia"), visitor().log_in("agata"), visitor()
    for path in ("/knowledge", "/knowledge?q=esim&page=x&state=y", "/knowledge?part=list", "/knowledge/no-signal"):
        for reader in (manager, agent):
            assert reader.get(path).status_code == 200, path
        assert nobody.get(path).status_code in (302, 401), path
    assert manager.get("/knowledge/new/article").status_code == 200
    assert agent.get("/knowledge/new/article").status_code == 403
    page = manager.get("/knowledge/no-signal").get_data(as_text=True)
    assert "</script><b>" not in page
    assert "&lt;/script&gt;&lt;b&gt;x</textarea>" in page
    assert 'data-writable="no"' in agent.get("/knowledge/no-signal").get_data(as_text=True)
