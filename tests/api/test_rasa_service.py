"""Blue and green: a model changes without a gap, a bad one changes nothing, a dead server is started again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from api import rasa_service
from api.home import rasa_address_file
from api.migrate import upgrade
from api.rasa_service import LaunchFailed, Model, RasaService
from api.tables import Event
from api.training_view import models
from knowledge.database import Database, now
from training.tables import ModelInService, ModelVersion, Run


@dataclass
class StandIn:
    """A server that only notes what is done to it."""

    model: str
    running: bool = True
    token: str = "a secret"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:1/{self.model}"

    def alive(self) -> bool:
        return self.running

    def stop(self) -> None:
        self.running = False


@dataclass
class StandInLauncher:
    """Launches stand-ins; the models named in `bad` do not start."""

    bad: set[str] = field(default_factory=set)
    started: list[StandIn] = field(default_factory=list)
    before_publishing: list[str] = field(default_factory=list)
    home: Path = Path()

    def __call__(self, model: Model) -> StandIn:
        self.before_publishing.append(address(self.home))
        if model.name in self.bad:
            raise LaunchFailed("it answers 500")
        self.started.append(StandIn(model.name))
        return self.started[-1]


@dataclass
class Stage:
    """A workspace with three models and the service that watches it."""

    database: Database
    home: Path
    launcher: StandInLauncher
    said: list[str]
    service: RasaService

    def put_in_service(self, model: int, previous: int | None = None) -> None:
        with self.database.write() as session:
            row = ModelInService(
                kind="intents", model_version_id=model, previous_id=previous, changed_at=now(), changed_by="timur"
            )
            session.merge(row)

    @property
    def address(self) -> str:
        return address(self.home)


def address(home: Path) -> str:
    path = rasa_address_file(home)
    return str(json.loads(path.read_text())["model"]) if path.exists() else ""


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(rasa_service, "DRAIN_SECONDS", 0.0)
    monkeypatch.setattr(rasa_service, "FIRST_PAUSE", 0.0)
    database = Database(f"sqlite:///{tmp_path}/odzew.db")
    upgrade(database)
    with database.write() as session:
        session.add(Run(id=1, kind="intents", started_by="timur"))
        session.flush()
        for number in (1, 2, 3):
            name = f"m{number}"
            session.add(ModelVersion(id=number, run_id=1, kind="intents", name=name, path=f"models/{name}", sha256="0"))
    launcher, said = StandInLauncher(home=tmp_path), list[str]()
    yield Stage(database, tmp_path, launcher, said, RasaService(database, tmp_path, launcher, said.append))
    database.close()


def test_without_a_model_nothing_is_started(stage: Stage) -> None:
    stage.service.look()
    assert not stage.launcher.started
    assert stage.address == ""


def test_the_address_is_published_for_its_owner_alone(stage: Stage) -> None:
    stage.put_in_service(1)
    stage.service.look()
    path = rasa_address_file(stage.home)
    assert json.loads(path.read_text()) == {"url": "http://127.0.0.1:1/m1", "token": "a secret", "model": "m1"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_old_model_answers_until_the_new_one_has_proved_itself(stage: Stage) -> None:
    stage.put_in_service(1)
    stage.service.look()
    stage.put_in_service(2, previous=1)
    stage.service.look()
    assert stage.launcher.before_publishing == ["", "m1"]
    assert stage.address == "m2"
    assert [server.running for server in stage.launcher.started] == [False, True]


def test_a_bad_candidate_leaves_the_old_one_in_service_and_an_event(stage: Stage) -> None:
    stage.put_in_service(1)
    stage.service.look()
    stage.launcher.bad = {"m2"}
    stage.put_in_service(2, previous=1)
    for _ in range(3):
        stage.service.look()
    assert stage.address == "m1"
    assert stage.launcher.started[0].running
    with stage.database.read() as session:
        events = session.scalars(select(Event).where(Event.kind == "model.refused"))
        assert [event.data["name"] for event in events] == ["m2"]
    assert any("m1 stays in service" in line for line in stage.said)


def test_what_is_in_service_and_what_was_refused_can_be_read_by_others(stage: Stage) -> None:
    def seen() -> tuple[int | None, str]:
        with stage.database.read() as session:
            standing = models(session)["standing"]
            return standing["answering"], standing["refused"]

    stage.put_in_service(1)
    assert seen() == (None, "")
    stage.service.look()
    assert seen() == (1, "")
    stage.launcher.bad = {"m2"}
    stage.put_in_service(2, previous=1)
    assert seen() == (1, "")
    for _ in range(3):
        stage.service.look()
    assert seen() == (1, "it answers 500")
    stage.launcher.bad = set()
    stage.put_in_service(3, previous=1)
    assert seen() == (1, "")
    stage.service.look()
    assert seen() == (3, "")


def test_after_a_refusal_another_choice_is_tried(stage: Stage) -> None:
    stage.launcher.bad = {"m2"}
    stage.put_in_service(1)
    stage.service.look()
    stage.put_in_service(2, previous=1)
    stage.service.look()
    stage.put_in_service(3, previous=1)
    stage.service.look()
    assert stage.address == "m3"


def test_at_a_start_with_a_bad_model_the_one_before_it_serves(stage: Stage) -> None:
    stage.launcher.bad = {"m2"}
    stage.put_in_service(2, previous=1)
    stage.service.look()
    stage.service.look()
    assert stage.address == "m1"
    stage.service.look()
    assert len(stage.launcher.started) == 1


def test_a_dead_server_is_started_again(stage: Stage) -> None:
    stage.put_in_service(1)
    stage.service.look()
    stage.launcher.started[0].running = False
    stage.service.look()
    assert [server.running for server in stage.launcher.started] == [False, True]
    assert stage.address == "m1"


def test_stopping_withdraws_the_address(stage: Stage) -> None:
    stage.put_in_service(1)
    stage.service.start()
    stage.service.look()
    stage.service.stop(5)
    assert stage.address == ""
    assert not any(server.running for server in stage.launcher.started)
