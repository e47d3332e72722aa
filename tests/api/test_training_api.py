"""The training room over HTTP and as a page: labelling, examples, runs, models; only trainers, everything audited."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api.history import record
from api.rasa_service import REFUSED, SERVING
from api.tables import Audit, Event, Message, Preparation
from api.workspace import Workspace
from knowledge.database import now
from tests.fixtures.story import Story
from tests.fixtures.workspace import Visitor
from training import launch as launching
from training.records import INTENTS, key_of
from training.runs import begin, note_progress
from training.tables import Example, ModelVersion, Run

SEEDS = ("complaint", "question", "thanks", "spam")


@pytest.fixture
def trainer(client: Visitor, workspace: Workspace) -> Visitor:
    """A trainer who is logged in, in a workspace with a few examples."""
    with workspace.database.write() as session:
        for intent in SEEDS:
            for split in ("train", "held_out"):
                text = f"{split} {intent}"
                session.add(
                    Example(
                        text=text,
                        text_sha256=key_of(text),
                        language="en",
                        intent=intent,
                        source="shipped",
                        split=split,
                        state="approved",
                        labelled_by="shipped",
                    )
                )
    return client.log_in("timur")


@pytest.fixture
def unsure(story: Story, workspace: Workspace) -> Callable[..., Message]:
    """Makes a prepared message whose intent has this probability; None: Rasa was away."""

    def make(text: str, probability: float | None, language: str = "en") -> Message:
        message = story.writes(text, author=f"author-{text[:8]}")
        guesses = [("complaint", probability), ("question", (1 - probability) / 2)] if probability else []
        with workspace.database.write() as session:
            session.get_one(Message, message.id).language = language
            session.add(
                Preparation(
                    message_id=message.id,
                    revision=1,
                    language=language,
                    outcome="answer",
                    priority=1,
                    intents=[{"name": name, "probability": value} for name, value in guesses],
                    abstained=True,
                    took_ms=1.0,
                )
            )
        return message

    return make


def add_model(workspace: Workspace, name: str, state: str = "candidate", **report: Any) -> int:
    folder = workspace.settings.home / "models"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.tar.gz").write_bytes(name.encode())
    figures = {"accuracy": 0.8, "examples": 50, "train_examples": 200, "per_language": {"en": {"accuracy": 0.8}}}
    with workspace.database.write() as session:
        run = Run(kind=INTENTS, state="done", started_by="timur", ended_at=now())
        session.add(run)
        session.flush()
        version = ModelVersion(
            run_id=run.id, kind=INTENTS, name=name, path=f"models/{name}.tar.gz", state=state,
            sha256=hashlib.sha256(name.encode()).hexdigest(), report={**figures, **report},
        )  # fmt: skip
        session.add(version)
        session.flush()
        return version.id


def actions(workspace: Workspace) -> list[str]:
    with workspace.database.read() as session:
        assert workspace.trail.verify(session).first_bad is None
        return list(session.scalars(select(Audit.action).order_by(Audit.seq)))


def test_the_least_sure_message_comes_first(trainer: Visitor, unsure: Callable[..., Message]) -> None:
    for text, probability in (("sure", 0.97), ("unsure", 0.21), ("rasa away", None), ("so so", 0.61)):
        unsure(text, probability)
    answer = trainer.get("/api/messages/uncertain").get_json()
    assert [row["text"] for row in answer["messages"]] == ["unsure", "rasa away", "so so", "sure"]
    assert answer["messages"][0]["suggestions"][0] == {"intent": "complaint", "probability": 0.21}
    assert answer["intents"] == sorted(SEEDS)
    assert trainer.get("/api/messages/uncertain?language=pl").get_json()["messages"] == []
    assert trainer.get("/api/messages/uncertain?limit=1").get_json()["messages"][0]["text"] == "unsure"


def test_a_label_becomes_an_example_and_the_message_leaves_the_queue(
    trainer: Visitor, workspace: Workspace, unsure: Callable[..., Message]
) -> None:
    message = unsure("write me at ola@mail.example, what does fibre cost?", 0.3)
    answer = trainer.post("/api/examples", json={"message": message.id, "intent": "question"})
    assert answer.status_code == 201
    made = answer.get_json()
    assert (made["intent"], made["model_intent"], made["labelled_by"]) == ("question", "complaint", "timur")
    assert "ola@" not in made["text"]
    assert trainer.get("/api/messages/uncertain").get_json()["messages"] == []
    assert "message.relabelled" in actions(workspace)
    with workspace.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "message.labelled")).one()
    assert (event.data["before"], event.data["after"], event.message_id) == ("complaint", "question", message.id)


def test_a_message_without_a_known_language_needs_one(trainer: Visitor, unsure: Callable[..., Message]) -> None:
    message = unsure("qsh cfare", 0.3, language="other")
    refused = trainer.post("/api/examples", json={"message": message.id, "intent": "question"})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "bad_language")
    told = {"message": message.id, "intent": "question", "language": "sq"}
    assert trainer.post("/api/examples", json=told).get_json()["language"] == "sq"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"intent": "question"}, 422),
        ({"intent": "question", "text": "a", "message": 1, "language": "en"}, 422),
        ({"intent": "question", "text": "a"}, 422),
        ({"intent": "question", "text": "a", "language": "de"}, 422),
        ({"intent": "nothing_known", "text": "a", "language": "en"}, 422),
        ({"intent": "question", "text": "held_out QUESTION!", "language": "en"}, 422),
        ({"intent": "question", "text": "nul \x00", "language": "en"}, 422),
        ({"intent": "question", "message": 99999}, 404),
        ({"intent": 7, "text": [], "language": None}, 422),
        ([], 422),
    ],
)
def test_a_wrong_example_is_refused(trainer: Visitor, body: Any, status: int) -> None:
    answer = trainer.post("/api/examples", json=body)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"


def test_examples_are_listed_and_withdrawn(trainer: Visitor, workspace: Workspace) -> None:
    made = trainer.post("/api/examples", json={"intent": "thanks", "text": "ta very much", "language": "en"}).get_json()
    found = trainer.get("/api/examples?q=ta+very&source=corrected").get_json()
    assert (found["total"], found["examples"][0]["id"]) == (1, made["id"])
    assert trainer.post(f"/api/examples/{made['id']}", json={"state": "withdrawn"}).get_json()["state"] == "withdrawn"
    assert trainer.get("/api/examples?state=withdrawn").get_json()["total"] == 1
    held = trainer.get("/api/examples?split=held_out").get_json()["examples"][0]["id"]
    assert trainer.post(f"/api/examples/{held}", json={"state": "withdrawn"}).status_code == 422
    assert trainer.post("/api/examples/999999", json={"state": "withdrawn"}).status_code == 404
    assert actions(workspace)[-2:] == ["example.added", "example.withdrawn"]


def test_a_run_is_started_once(trainer: Visitor, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    class Started:
        def __init__(self, command: list[str], **_given: Any) -> None:
            started.append(command)

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(launching.subprocess, "Popen", Started)
    first = trainer.post("/api/runs")
    assert first.status_code == 202
    assert started[0][-3:] == ["training.launch", str(first.get_json()["run"]), "timur"]
    second = trainer.post("/api/runs")
    assert (second.status_code, second.get_json()["code"]) == (409, "run_busy")
    assert len(started) == 1
    (run,) = trainer.get("/api/runs").get_json()["runs"]
    assert (run["state"], run["started_by"]) == ("running", "timur")


def test_a_dead_run_is_shown_as_failed(trainer: Visitor, workspace: Workspace) -> None:
    number = begin(workspace.database, workspace.settings.home, INTENTS, "timur")
    note_progress(workspace.database, number, "encode 128/1804")
    (run,) = trainer.get("/api/runs").get_json()["runs"]
    assert (run["state"], run["stage"], run["done"], run["of"]) == ("failed", "encode", 128, 1804)


def test_promotion_and_the_way_back_are_audited(trainer: Visitor, workspace: Workspace) -> None:
    one, two = add_model(workspace, "one"), add_model(workspace, "two")
    for number in (one, two):
        assert trainer.post(f"/api/models/{number}/promote").status_code == 200
    answer = trainer.get("/api/models").get_json()
    assert (answer["in_service"], answer["previous"]) == (two, one)
    assert trainer.post("/api/models/rollback").get_json()["id"] == one
    again = trainer.post("/api/models/rollback")
    assert (again.status_code, again.get_json()["code"]) == (409, "nothing_before")
    assert actions(workspace)[-3:] == ["model.promoted", "model.promoted", "model.rolled_back"]


def test_a_refused_or_spoiled_model_is_not_promoted(trainer: Visitor, workspace: Workspace) -> None:
    why = [{"code": "below_floor", "language": "sq", "reached": 0.2, "limit": 0.45}]
    refused, spoiled = add_model(workspace, "refused", "refused", refusals=why), add_model(workspace, "spoiled")
    (workspace.settings.home / "models" / "spoiled.tar.gz").write_bytes(b"another file")
    for number, code in ((refused, "refused_by_gate"), (spoiled, "archive_changed")):
        answer = trainer.post(f"/api/models/{number}/promote")
        assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert trainer.get(f"/api/models/{refused}").get_json()["refusals"] == why
    assert trainer.get("/api/models/4711").status_code == 404
    assert trainer.post(f"/api/models/{2**60}/promote").status_code == 404
    assert "model.promoted" not in actions(workspace)


PATHS = (
    ("GET", "/api/messages/uncertain"), ("GET", "/api/examples"), ("POST", "/api/examples"),
    ("POST", "/api/examples/1"), ("GET", "/api/runs"), ("POST", "/api/runs"), ("GET", "/api/models"),
    ("GET", "/api/models/1"), ("POST", "/api/models/1/promote"), ("POST", "/api/models/rollback"),
)  # fmt: skip


def test_only_trainers_may(visitor: Callable[[], Visitor], workspace: Workspace) -> None:
    nobody, agent = visitor(), visitor().log_in("agata")
    for method, path in PATHS:
        assert agent.open(path, method=method, json={}).status_code == 403, path
        if method == "GET":
            assert nobody.open(path, method=method).status_code == 401, path
    with workspace.database.read() as session:
        assert session.scalars(select(Run)).all() == []


@pytest.mark.parametrize("tab", ["label", "examples", "models"])
def test_the_page_shows_what_there_is(
    trainer: Visitor, workspace: Workspace, unsure: Callable[..., Message], tab: str
) -> None:
    unsure("<script>alert(1)</script> help", 0.2)
    one = add_model(workspace, "one")
    trainer.post(f"/api/models/{one}/promote")
    why = [{"code": "worse_than_in_service", "language": "sq", "reached": 0.2, "limit": 0.45}]
    figures = {"accuracy": 0.7, "per_language": {"en": {"accuracy": 0.9}}, "per_intent": {"spam": {"f1": 0.5}}}
    add_model(workspace, "two", "refused", refusals=why, compared_with={"name": "one", "figures": figures})
    begin(workspace.database, workspace.settings.home, INTENTS, "timur")
    for part in ("", "&part=1"):
        answer = trainer.get(f"/training?tab={tab}{part}")
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200
        assert "<script>alert" not in page
        assert {"label": "data-intent", "examples": "train spam", "models": "data-running"}[tab] in page


def test_the_page_says_when_the_chosen_model_did_not_start(trainer: Visitor, workspace: Workspace) -> None:
    one, two = add_model(workspace, "one"), add_model(workspace, "two")
    for number in (one, two):
        trainer.post(f"/api/models/{number}/promote")
    with workspace.database.write() as session:
        record(session, SERVING, "supervisor", model=one, name="one")
        record(session, REFUSED, "supervisor", model=two, name="two", reason="it answers 500")
    trainer.post("/language", data={"language": "en", "back": "/inbox", "csrf_token": trainer.csrf})
    assert trainer.get("/api/models").get_json()["standing"] == {"answering": one, "refused": "it answers 500"}
    page = trainer.get("/training?tab=models").get_data(as_text=True)
    assert "Refused at its start (it answers 500). one goes on answering." in page
    assert page.index("in service") > page.index("Refused at its start"), "the mark is on the one that answers"
    assert page.count("in service</span>") == 1


def test_what_is_no_person_is_named_in_the_readers_language(trainer: Visitor, workspace: Workspace) -> None:
    with workspace.database.write() as session:
        session.add_all(
            Run(kind=INTENTS, state="failed", started_by=by, ended_at=now()) for by in ("first start", "command-line")
        )
    page = trainer.get("/training?tab=models").get_data(as_text=True)
    assert "Запущено при первом старте" in page and "Запущено из командной строки" in page
    assert "first start" not in page and "command-line" not in page


def test_the_page_of_one_model(trainer: Visitor, workspace: Workspace) -> None:
    row = {"precision": 0.5, "recall": 0.25, "f1": 0.33, "examples": 4}
    figures = {"per_intent": {"spam": row}, "confusions": [{"intent": "spam", "named": "question", "count": 3}]}
    number = add_model(workspace, "one", **figures)
    answer = trainer.get(f"/training/models/{number}")
    assert answer.status_code == 200 and "one" in answer.get_data(as_text=True)
    assert trainer.get("/training/models/999").status_code == 404


def test_odd_questions_to_the_page_do_no_harm(trainer: Visitor) -> None:
    for query in (
        "tab=nothing",
        "tab=examples&page=-3&q=%25",
        "tab=examples&page=²",
        "language=xx",
        "tab=examples&state=%27",
    ):
        assert trainer.get(f"/training?{query}").status_code == 200


def test_no_page_names_this_machine(trainer: Visitor, workspace: Workspace, home: Path) -> None:
    begin(workspace.database, home, INTENTS, "timur")
    assert str(home) not in trainer.get("/api/runs").get_data(as_text=True)
