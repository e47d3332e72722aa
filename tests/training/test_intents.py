"""The real thing: one small Rasa training, examined, judged, kept, promoted, proved. Skipped where Rasa is absent."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.migrate import upgrade
from bot.rasa_home import installed
from knowledge.database import Database
from tests.fixtures.lacking import lacks
from training.examples import load_shipped_examples
from training.intents import ensure_model
from training.models import ModelRefused, archive_of, find_in_service, promote_model, prove
from training.runs import recent
from training.shipped import FOLDERS, read_nlu
from training.tables import ModelVersion

LEARNED_PER_INTENT = 5
ASKED_PER_INTENT = 1
STAGES = ["export", "load", "read", "encode", "fit", "pack", "serve", "examine"]


class Trained:
    """A workspace after its first start."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.database = Database(f"sqlite:///{home / 'odzew.db'}")
        self.stages: list[str] = []
        upgrade(self.database)
        load_shipped_examples(
            self.database,
            train=thin(FOLDERS["train"], home / "train", LEARNED_PER_INTENT),
            held_out=thin(FOLDERS["held_out"], home / "held", ASKED_PER_INTENT),
        )

    def note(self, stage: str, _done: int, _of: int) -> None:
        if stage not in self.stages:
            self.stages.append(stage)


def thin(source: Path, target: Path, per_intent: int) -> Path:
    """The first few shipped examples of every intent and language, so that a training takes seconds."""
    target.mkdir()
    for path in source.glob("*.yml"):
        by_intent: dict[str, list[str]] = {}
        for row in read_nlu(path):
            by_intent.setdefault(row.intent, []).append(row.text)
        blocks = [
            f"- intent: {intent}\n  examples: |\n" + "".join(f"    - {text}\n" for text in texts[:per_intent])
            for intent, texts in by_intent.items()
        ]
        (target / path.name).write_text("nlu:\n" + "".join(blocks), encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    if not installed():
        lacks("Rasa's environment is not installed (bot/rasa/setup.sh)")
    # The shipped examples are not loaded beside the few: the test would take a minute.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.intents.load_shipped_examples", lambda _database: 0)
        made = Trained(tmp_path_factory.mktemp("trained"))
        ensure_model(made.database, made.home, made.note)
    yield made
    made.database.close()


def version_of(trained: Trained) -> ModelVersion:
    with trained.database.read() as session:
        version = find_in_service(session)
    assert version is not None
    return version


def test_the_first_start_trains_examines_and_promotes(trained: Trained) -> None:
    version = version_of(trained)
    assert trained.stages == STAGES
    assert (version.state, version.name) == ("approved", "intents-0001")
    report = version.report
    assert report["accuracy"] > 0.6
    assert set(report["per_language"]) == {"pl", "ru", "it", "cs", "sq", "en"}
    assert report["train_examples"] > 400
    assert report["examples"] >= 80
    assert report["refusals"] == [] and report["compared_with"] is None
    assert report["parse_ms"]["p50"] > 0 and report["bytes"] > 1000


def test_the_run_is_written_down(trained: Trained) -> None:
    with trained.database.read() as session:
        (run,) = recent(session)
    assert run.state == "done" and run.error is None
    assert run.inputs["examples_sha256"] and run.inputs["held_out_sha256"]


def test_a_second_start_trains_nothing(trained: Trained) -> None:
    assert ensure_model(trained.database, trained.home, trained.note) is None


def test_the_archive_is_whole_and_alone(trained: Trained) -> None:
    archive = archive_of(trained.home, version_of(trained))
    with tarfile.open(archive) as content:
        assert "metadata.json" in {Path(name).name for name in content.getnames()}
    assert {path.name for path in (trained.home / "models").iterdir()} == {"intents-0001.tar.gz", "training.lock"}


def test_a_model_proves_itself_and_a_spoiled_one_does_not(trained: Trained) -> None:
    version = version_of(trained)
    prove(trained.home, version)
    archive = trained.home / version.path
    content = archive.read_bytes()
    try:
        archive.write_bytes(content[: len(content) // 2])
        with pytest.raises(ModelRefused) as refusal:
            promote_model(trained.database, trained.home, version.name, "timur")
        assert refusal.value.code == "archive_changed"
    finally:
        archive.write_bytes(content)
        os.utime(archive)
