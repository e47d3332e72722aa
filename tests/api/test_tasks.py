"""Replies to correct and texts to translate: who asks, who sees it, and when it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from api.problems import Refused
from api.tables import Message, Preparation, Task
from bot.records import Evidence
from knowledge.store import save_article
from knowledge.tables import Variant, Version
from tests.fixtures.database import sqlite_only
from tests.fixtures.story import Story
from tests.fixtures.workspace import Visitor
from tests.knowledge.articles import article


@pytest.fixture
def told(story: Story) -> Story:
    """The assistant answers from the English text of an article."""
    with story.workspace.database.write() as session:
        wanted = article("late-fee", en={"answer": "It is 3 euro. Pay in ten days."})
        save_article(session, wanted, by="giulia", sources={"pl": "en"})
        rows = select(Version.id).join(Variant).where(Variant.language == "en")
        version = session.scalars(rows).one()
    story.assistant.text = "Sorry. It is 3 euro. Pay in ten days."
    story.assistant.evidence = (
        Evidence("Sorry.", None, None),
        Evidence("It is 3 euro.", "late-fee", version),
        Evidence("Pay in ten days.", "late-fee", version),
    )
    return story


def version_of(story: Story) -> int:
    return next(one.version for one in story.assistant.evidence if one.version)


def answered(story: Story, text: str | None = None, author: str = "ola", *, sent: bool = True) -> Message:
    message = story.asked(author=author, thread=f"t-{author}")
    draft = story.draft(message)
    done = story.decides(message, draft_id=draft.id, text=text or draft.text)
    if sent:
        with story.workspace.database.write() as session:
            publication = session.merge(story.publication(done))
            publication.external_id = f"x{publication.id}"
            publication.state = "sent"
    return message


def tasks(story: Story) -> list[Task]:
    with story.workspace.database.read() as session:
        return list(session.scalars(select(Task).order_by(Task.id)))


def test_the_recall_list_holds_what_was_said_and_nothing_else(told: Story, visitor: Callable[[], Visitor]) -> None:
    answered(told)
    answered(told, "Sorry. Pay in ten days. Bye.", "bea")
    answered(told, "We will write to you.", "cid")  # nothing of the version is left in it
    giulia = visitor().log_in("giulia")
    uses = giulia.get(f"/api/versions/{version_of(told)}/uses").get_json()["uses"]
    assert [use["sentences"] for use in uses] == [["Pay in ten days."], ["It is 3 euro.", "Pay in ten days."]]
    assert giulia.get("/api/versions/4711/uses").status_code == 404


def test_a_correction_is_asked_for_seen_sent_and_done(told: Story, visitor: Callable[[], Visitor]) -> None:
    message = answered(told)
    giulia, agata = visitor().log_in("giulia"), visitor().log_in("agata")
    assert told.case(message).state == "waiting_customer"
    path = f"/api/versions/{version_of(told)}/recall"
    made = giulia.post(path, json={"why": "it is 5 euro"}).get_json()["tasks"]
    assert [task["case"] for task in made] == [message.case_id]
    assert giulia.post(path, json={}).get_json()["tasks"] == []  # it has its task already
    assert told.case(message).state == "needs_reply"
    case = agata.get(f"/api/cases/{message.case_id}").get_json()
    assert case["correction"]["why"] == "it is 5 euro"
    assert 'id="correction"' in agata.get(f"/inbox/{message.case_id}").get_data(as_text=True)
    told.refuses("already_answered", message, text="It is 5 euro.")
    done = told.decides(message, text="It is 5 euro.", corrects=made[0]["id"])
    assert done.decision.corrects == made[0]["publication"]
    assert tasks(told)[0].state == "open"  # decided is not sent
    told.refuses("already_answered", message, text="And again.")
    with told.workspace.database.write() as session:
        publication = session.merge(told.publication(done))
        told.outbox._sent(session, publication, "remote-2")
    assert (tasks(told)[0].state, tasks(told)[0].closed_by) == ("done", "publisher")
    told.refuses("not_open", message, text="Once more.", corrects=made[0]["id"])
    assert agata.get(f"/api/cases/{message.case_id}").get_json()["correction"] is None


def test_a_correction_taken_back_leaves_the_task_open(told: Story) -> None:
    from api.tasks import ask_corrections

    message = answered(told)
    with told.workspace.database.write() as session:
        task = ask_corrections(session, version_of(told), None, by="giulia")[0]
    done = told.decides(message, text="It is 5 euro.", corrects=task.id)
    told.workspace.desk.undo(told.people["agata"], done.decision.id)
    assert tasks(told)[0].state == "open"
    assert told.decides(message, text="It is 6 euro.", corrects=task.id).decision.corrects == task.publication_id


def test_a_task_is_dismissed_with_a_reason_or_not_at_all(told: Story, visitor: Callable[[], Visitor]) -> None:
    answered(told)
    giulia = visitor().log_in("giulia")
    path = f"/api/versions/{version_of(told)}/recall"
    task = giulia.post(path, json={}).get_json()["tasks"][0]["id"]
    refused = giulia.post(f"/api/tasks/{task}/dismiss", json={"reason": " "})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "no_reason")
    assert (
        giulia.post(f"/api/tasks/{task}/dismiss", json={"reason": "told by phone"}).get_json()["state"] == "dismissed"
    )
    assert giulia.post(f"/api/tasks/{task}/dismiss", json={"reason": "x"}).get_json()["code"] == "not_open"
    assert [row["id"] for row in giulia.get("/api/tasks?state=dismissed").get_json()["tasks"]] == [task]
    assert len(giulia.post(path, json={}).get_json()["tasks"]) == 1  # dismissed once, asked for again


@sqlite_only
def test_a_correction_belongs_to_its_case(told: Story) -> None:
    from api.tasks import ask_corrections

    one, other = answered(told), answered(told, author="bea")
    with told.workspace.database.write() as session:
        made = {task.case_id: task.id for task in ask_corrections(session, version_of(told), None, by="giulia")}
    told.refuses("not_found", one, text="x", corrects=made[other.case_id])
    told.refuses("not_found", one, text="x", corrects=4711)


def test_a_translation_is_asked_for_written_and_done(told: Story, visitor: Callable[[], Visitor]) -> None:
    agata, giulia = visitor().log_in("agata"), visitor().log_in("giulia")
    asked = agata.post("/api/articles/late-fee/translate", json={"language": "sq"})
    assert (asked.status_code, asked.get_json()["source_text"]) == (201, "It is 3 euro. Pay in ten days.")
    again = giulia.post("/api/articles/late-fee/translate", json={"language": "sq"})
    assert again.get_json()["id"] == asked.get_json()["id"]
    there = giulia.post("/api/articles/late-fee/translate", json={"language": "en"})
    assert (there.status_code, there.get_json()["code"]) == (409, "up_to_date")
    assert giulia.post("/api/articles/nope/translate", json={"language": "en"}).status_code == 404
    body: dict[str, Any] = {"language": "sq", "text": "3 euro.", "translated_from": asked.get_json()["version"]}
    headers = {"If-Match": giulia.get("/api/articles/late-fee").headers["ETag"]}
    giulia.post("/api/articles/late-fee/versions", json={**body, "state": "draft"}, headers=headers)
    assert tasks(told)[0].state == "open"
    headers = {"If-Match": giulia.get("/api/articles/late-fee").headers["ETag"]}
    giulia.post("/api/articles/late-fee/versions", json=body, headers=headers)
    assert (tasks(told)[0].state, tasks(told)[0].closed_by) == ("done", "giulia")


def test_the_matrix_shows_what_is_missing_stale_and_asked_for(told: Story, visitor: Callable[[], Visitor]) -> None:
    for author, nearest, language in (("a", "late-fee", "it"), ("b", "late-fee", "it"), ("c", "late-fee", "en")):
        message = told.asked(author=author, thread=author)
        with told.workspace.database.write() as session:
            held = session.scalars(select(Preparation).where(Preparation.message_id == message.id)).one()
            held.nearest = [{"article": nearest, "probability": 0.8 if author != "b" else 0.31}]
            held.language = language
    giulia = visitor().log_in("giulia")
    row = giulia.get("/api/knowledge/languages").get_json()["rows"][0]
    assert row["cells"]["it"] == {"state": "missing", "demand": 0.5}
    assert row["cells"]["en"] == {"state": "ok", "demand": 0.25}
    assert (row["cells"]["sq"]["state"], row["unmet"]) == ("missing", 0.5)


@sqlite_only
def test_the_pages_of_tasks_and_languages(told: Story, visitor: Callable[[], Visitor]) -> None:
    answered(told)
    giulia = visitor().log_in("giulia")
    giulia.post(f"/api/versions/{version_of(told)}/recall", json={"why": "<b>wrong"})
    giulia.post("/api/articles/late-fee/translate", json={"language": "sq"})
    for path in (
        "/knowledge/board/languages", "/knowledge/board/languages?only=gaps", "/knowledge/board/tasks",
        f"/knowledge/versions/{version_of(told)}/uses", "/knowledge/late-fee",
    ):  # fmt: skip
        page = giulia.get(path)
        assert page.status_code == 200, path
        assert "<b>wrong" not in page.get_data(as_text=True)
    assert visitor().log_in("agata").get("/knowledge/board/tasks?state=rubbish").status_code == 200
    assert giulia.get("/knowledge/versions/4711/uses").status_code == 404


def test_nobody_recalls_without_the_right(told: Story, visitor: Callable[[], Visitor]) -> None:
    assert visitor().log_in("agata").post(f"/api/versions/{version_of(told)}/recall", json={}).status_code == 403
    with pytest.raises(Refused), told.workspace.database.write() as session:
        from api.tasks import ask_corrections

        ask_corrections(session, version_of(told), [4711], by="giulia")
