"""Runs: one at a time per home folder, and none that stays "running" after its process is gone."""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rasa_training import TrainingFailed
from knowledge.database import Database, now
from knowledge.settings import Settings
from tests.fixtures.database import sqlite_only
from training import intents
from training.intents import train_intents
from training.launch import launch
from training.records import INTENTS
from training.runs import RunBusy, begin, hold_turn, note_progress, recent, settle_dead
from training.tables import Run


def nothing(_stage: str, _done: int, _of: int) -> None:
    pass


def newest(database: Database) -> Run:
    with database.read() as session:
        return recent(session, 1)[0]


def test_only_one_run_at_a_time(database: Database, home: Path, tmp_path: Path) -> None:
    begin(database, home, INTENTS, "timur")
    with pytest.raises(RunBusy):
        begin(database, home, INTENTS, "admin")
    begin(database, tmp_path / "another-home", INTENTS, "admin")


def test_a_held_turn_refuses_the_next(database: Database, home: Path) -> None:
    run = begin(database, home, INTENTS, "timur")
    note_progress(database, run, "encode 3/9")
    with hold_turn(home):
        settle_dead(database, home)
        assert newest(database).state == "running"
        with pytest.raises(RunBusy):
            begin(database, home, INTENTS, "admin")
        with pytest.raises(RunBusy), hold_turn(home):
            pass


def test_a_killed_run_is_noticed_at_once(database: Database, home: Path) -> None:
    run = begin(database, home, INTENTS, "timur")
    settle_dead(database, home)
    assert newest(database).state == "running"  # its process may still be starting
    note_progress(database, run, "encode 3/9")
    settle_dead(database, home)
    found = newest(database)
    assert (found.state, found.error) == ("failed", "its process ended before the run did")
    assert begin(database, home, INTENTS, "timur") != run


def test_a_run_whose_process_never_came_is_given_up(database: Database, home: Path) -> None:
    run = begin(database, home, INTENTS, "timur")
    with database.write() as session:
        session.get_one(Run, run).started_at = now() - timedelta(minutes=5)
    assert begin(database, home, INTENTS, "timur") != run


def test_what_a_killed_run_left_behind_is_removed(database: Database, home: Path) -> None:
    folder = home / "models"
    (folder / ".data-abc").mkdir(parents=True)
    for name in (".data-abc/pl.yml", ".run-7-99.tar.gz", "intents-0001.tar.gz"):
        (folder / name).write_text("a customer's words", encoding="utf-8")
    with pytest.raises(TrainingFailed):
        train_intents(database, home, "timur", nothing)
    assert {path.name for path in folder.iterdir()} == {"intents-0001.tar.gz", "training.lock"}


def test_a_run_without_examples_fails_with_a_reason(database: Database, home: Path) -> None:
    with pytest.raises(TrainingFailed, match="no held-out examples"):
        train_intents(database, home, "timur", nothing)
    found = newest(database)
    assert found.state == "failed" and found.ended_at is not None
    assert "held-out" in (found.error or "")


@pytest.mark.parametrize(("problem", "error"), [(KeyboardInterrupt(), "stopped"), (ZeroDivisionError("x"), "ZeroDiv")])
def test_a_stopped_run_says_so(
    database: Database, home: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException, error: str
) -> None:
    def stops(*_given: object) -> None:
        raise problem

    monkeypatch.setattr(intents, "approved", stops)
    with pytest.raises(type(problem)):
        train_intents(database, home, "timur", nothing)
    found = newest(database)
    assert found.state == "failed" and (found.error or "").startswith(error)
    with contextlib.ExitStack() as turn:
        turn.enter_context(hold_turn(home))  # it is free again
    assert not list((home / "models").glob(".run-*"))


@sqlite_only
def test_a_run_in_the_background_says_how_it_went(database: Database, settings: Settings) -> None:
    run = launch(database, settings, "timur")
    with pytest.raises(RunBusy):
        launch(database, settings, "admin")
    ends = time.monotonic() + 60
    while newest(database).state == "running" and time.monotonic() < ends:
        time.sleep(0.1)
    found = newest(database)
    assert (found.id, found.state, found.started_by) == (run, "failed", "timur")
    assert "no held-out examples" in (settings.home / "logs" / "training.log").read_text(encoding="utf-8")
