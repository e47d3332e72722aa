"""Upload, plan, import and undo over the API, and the same as a wizard in the console."""

from __future__ import annotations

import io
import json
import re

import pytest

from api.knowledge_uploads import MAX_UPLOAD
from api.workspace import Workspace
from tests.fixtures.database import sqlite_only
from tests.fixtures.workspace import Visitor

ROWS = [
    {"id": "a", "language": "pl", "question": "Co?", "answer": "To."},
    {"id": "b", "language": "pl", "question": "Kto?", "answer": "On."},
]


def file(*rows: object, name: str = "b.jsonl") -> dict[str, object]:
    return {"file": (io.BytesIO("\n".join(map(json.dumps, rows)).encode()), name)}


def test_a_file_is_planned_imported_and_undone(client: Visitor, workspace: Workspace) -> None:
    client.log_in("giulia")
    plan = client.post("/api/knowledge/uploads", data=file(*ROWS), content_type="multipart/form-data")
    assert plan.status_code == 201
    assert plan.json["fates"] == {"create": 2, "change": 0, "unchanged": 0, "skipped": 0, "refused": 0}
    assert (plan.json["read"], plan.json["format"], plan.json["rows"][1]["file"]) == (2, "jsonl", "b.jsonl")
    address = f"/api/knowledge/uploads/{plan.json['upload']}"
    assert client.get(address).json["digest"] == plan.json["digest"]
    wrong = client.post(f"{address}/import", json={"digest": "x"})
    assert (wrong.status_code, wrong.json["code"]) == (409, "plan_changed")
    done = client.post(f"{address}/import", json={"digest": plan.json["digest"]})
    assert (done.status_code, done.json["stored"]) == (200, True)
    assert client.get(address).status_code == 404
    assert client.get("/api/articles/a").json["languages"]["pl"]["answer"] == "To."
    (held,) = client.get("/api/knowledge/imports").json["imports"]
    assert (held["id"], held["articles"], held["by"], held["source"]) == (done.json["import"], 2, "giulia", "b.jsonl")
    undone = client.post(f"/api/knowledge/imports/{held['id']}/undo", json={})
    assert (undone.status_code, undone.json["removed"]) == (200, ["a", "b"])
    assert client.get("/api/articles/a").json["state"] == "retired"
    assert client.post("/api/knowledge/imports/999/undo", json={}).status_code == 404
    assert not list((workspace.settings.home / "uploads").glob("*"))


@sqlite_only
def test_an_edited_article_blocks_the_undo_unless_the_rest_is_asked_for(client: Visitor) -> None:
    client.log_in("giulia")
    plan = client.post("/api/knowledge/uploads", data=file(*ROWS), content_type="multipart/form-data").json
    done = client.post(f"/api/knowledge/uploads/{plan['upload']}/import", json={"digest": plan["digest"]}).json
    etag = client.get("/api/articles/a").headers["ETag"]
    body = {"languages": {"pl": {"question": "Co?", "answer": "Inaczej."}}}
    assert client.put("/api/articles/a", json=body, headers={"If-Match": etag}).status_code == 200
    address = f"/api/knowledge/imports/{done['import']}/undo"
    refused = client.post(address, json={})
    assert (refused.status_code, list(refused.json["articles"])) == (409, ["a"])
    assert client.get("/api/articles/b").json["state"] == "active"
    assert client.post(address, json={"rest": True}).json["removed"] == ["b"]


@sqlite_only
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (file({"id": "a"}, name="b.xlsx"), "bad_file"),
        (file(*ROWS, name="b.bin"), "bad_file"),
        (file(*ROWS, name="../../.."), "no_file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_without_saying_where_it_lies(
    client: Visitor, workspace: Workspace, data: dict[str, object], code: str
) -> None:
    client.log_in("giulia")
    answer = client.post("/api/knowledge/uploads", data=data, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert str(workspace.settings.home) not in answer.text


@sqlite_only
def test_refused_rows_hold_the_import_back_unless_they_are_skipped(client: Visitor) -> None:
    client.log_in("giulia")
    rows = [*ROWS, {**ROWS[0], "language": "de"}]
    plan = client.post("/api/knowledge/uploads", data=file(*rows), content_type="multipart/form-data").json
    address = f"/api/knowledge/uploads/{plan['upload']}/import"
    assert client.post(address, json={"digest": plan["digest"]}).json["code"] == "rows_refused"
    assert client.post(address, json={"digest": plan["digest"], "skip_refused": True}).json["stored"]


@sqlite_only
def test_files_may_be_large_but_not_endless_and_only_here(client: Visitor) -> None:
    client.log_in("giulia")
    rows = [{**ROWS[0], "id": f"a{number}", "answer": "x" * 900} for number in range(600)]
    plan = client.post("/api/knowledge/uploads", data=file(*rows), content_type="multipart/form-data")
    assert plan.json["fates"]["create"] == 600
    huge = {"file": (io.BytesIO(b"x" * (MAX_UPLOAD + 1)), "b.jsonl")}
    assert client.post("/api/knowledge/uploads", data=huge, content_type="multipart/form-data").status_code == 413
    large = {"file": (io.BytesIO(b"x" * 600_000), "b.jsonl")}
    assert client.post("/api/articles", data=large, content_type="multipart/form-data").status_code == 413


@sqlite_only
def test_agents_neither_import_nor_undo(client: Visitor) -> None:
    client.log_in("agata")
    answer = client.post("/api/knowledge/uploads", data=file(*ROWS), content_type="multipart/form-data")
    assert answer.status_code == 403
    assert client.post("/api/knowledge/imports/1/undo", json={}).status_code == 403
    assert client.get("/knowledge/import/file").status_code == 403


@sqlite_only
@pytest.mark.parametrize("kind", ["jsonl", "csv", "xlsx", "markdown", "faqpage", "rasa"])
def test_the_base_is_downloaded(client: Visitor, kind: str) -> None:
    client.log_in("giulia")
    client.post("/api/articles", json={"id": "a", "languages": {"pl": {"question": "Co?", "answer": "To."}}})
    answer = client.get(f"/api/knowledge/export?format={kind}")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    assert len(answer.data) > 20


@sqlite_only
def test_the_wizard_walks_from_file_to_undo(client: Visitor) -> None:
    client.log_in("giulia")
    page = client.post("/knowledge/import/file", data=file(*ROWS, {"id": "<b>", "language": "x", "question": "<i>"}))
    plan = client.get(page.headers["Location"])
    assert plan.status_code == 200
    assert "<b>" not in plan.text
    assert "&lt;b&gt;" in plan.text
    found = re.search(r'name="digest" value="(\w+)"', plan.text)
    assert found is not None
    data = {"digest": found[1], "skip_refused": "yes"}
    done = client.post(page.headers["Location"], data=data)
    assert "/knowledge/import/done/" in done.headers["Location"]
    assert client.get(done.headers["Location"]).status_code == 200
    assert client.post(done.headers["Location"]).status_code == 303
    assert client.get("/api/articles/a").json["state"] == "retired"
    assert client.get("/knowledge/import/file").status_code == 200
    again = client.post("/knowledge/import/file", data=file(name="b.bin"), follow_redirects=True)
    assert "b.bin" in again.text
