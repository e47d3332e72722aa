"""Model versions: only an archive that is byte for byte the one that was examined goes into service."""

from __future__ import annotations

import gzip
import hashlib
import random
import shutil
from pathlib import Path

import pytest

from knowledge.database import Database
from training.gate import GateProblem, in_words, read_rules, refusals
from training.models import ModelRefused, archive_of, find_in_service, list_models, promote_model, roll_back, show_model
from training.records import INTENTS
from training.tables import ModelInService, ModelVersion, Run

CONTENT = gzip.compress(b"a model" * 1000)


def add_version(
    database: Database, home: Path, name: str, *, state: str = "candidate", content: bytes = CONTENT
) -> int:
    """A version whose archive lies where it should; its number."""
    folder = home / "models"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.tar.gz").write_bytes(content)
    with database.write() as session:
        run = Run(kind=INTENTS, state="done", started_by="timur")
        session.add(run)
        session.flush()
        version = ModelVersion(
            run_id=run.id, kind=INTENTS, name=name, path=f"models/{name}.tar.gz",
            sha256=hashlib.sha256(content).hexdigest(), report={}, state=state,
        )  # fmt: skip
        session.add(version)
        session.flush()
        return version.id


def serving(database: Database) -> str | None:
    with database.read() as session:
        version = find_in_service(session)
        return version.name if version else None


def test_promotion_and_the_way_back(database: Database, home: Path) -> None:
    for name in ("one", "two"):
        add_version(database, home, name)
        promote_model(database, home, name, "timur", prove_first=False)
    assert serving(database) == "two"
    back = roll_back(database, home, "admin")
    assert (back.name, serving(database)) == ("one", "one")
    with database.read() as session:
        assert show_model(session, "two").state == "retired"
        row = session.get_one(ModelInService, INTENTS)
        assert (row.previous_id, row.changed_by) == (None, "admin")
        assert [version.name for version in list_models(session)] == ["two", "one"]
    with pytest.raises(ModelRefused) as refusal:
        roll_back(database, home, "admin")
    assert refusal.value.code == "nothing_before"
    promote_model(database, home, "two", "timur", prove_first=False)  # a retired one may come back
    assert serving(database) == "two"


def test_what_goes_with_it_is_in_the_same_transaction(database: Database, home: Path) -> None:
    add_version(database, home, "one")

    def fails(_session: object, _version: object) -> None:
        raise RuntimeError("the audit trail is broken")

    with pytest.raises(RuntimeError):
        promote_model(database, home, "one", "timur", prove_first=False, also=fails)
    assert serving(database) is None


@pytest.mark.parametrize(("wanted", "code"), [("nothing", "not_found"), (77, "not_found"), ("²", "not_found")])
def test_an_unknown_model_is_refused(database: Database, home: Path, wanted: str | int, code: str) -> None:
    with pytest.raises(ModelRefused) as refusal:
        promote_model(database, home, wanted, "timur", prove_first=False)
    assert refusal.value.code == code


def test_the_gate_and_a_second_promotion_are_refused(database: Database, home: Path) -> None:
    add_version(database, home, "bad", state="refused")
    number = add_version(database, home, "good")
    promote_model(database, home, number, "timur", prove_first=False)
    for name, code in (("bad", "refused_by_gate"), ("good", "in_service")):
        with pytest.raises(ModelRefused) as refusal:
            promote_model(database, home, name, "timur", prove_first=False)
        assert refusal.value.code == code
    assert serving(database) == "good"


def spoil(kind: str, path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    match kind:
        case "truncated":
            path.write_bytes(content[: chance.randrange(len(content))])
        case "bit":
            at = chance.randrange(len(content))
            path.write_bytes(content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :])
        case "longer":
            path.write_bytes(content + chance.randbytes(5))
        case "foreign":
            path.write_bytes(gzip.compress(chance.randbytes(2000)))
        case "empty":
            path.write_bytes(b"")
        case "gone":
            path.unlink()
        case "folder":
            path.unlink()
            path.mkdir()
        case "link":
            elsewhere = path.parent.parent / "elsewhere.tar.gz"
            shutil.move(path, elsewhere)
            path.symlink_to(elsewhere)


KINDS = ("truncated", "bit", "longer", "foreign", "empty", "gone", "folder", "link")


def test_fifty_spoiled_archives_and_none_goes_into_service(database: Database, home: Path) -> None:
    add_version(database, home, "good")
    promote_model(database, home, "good", "timur", prove_first=False)
    chance = random.Random(50)
    for number in range(50):
        name = f"spoiled-{number}"
        add_version(database, home, name)
        spoil(KINDS[number % len(KINDS)], home / "models" / f"{name}.tar.gz", chance)
        with pytest.raises(ModelRefused) as refusal:
            promote_model(database, home, name, "timur", prove_first=False)
        assert refusal.value.code in {"archive_changed", "archive_missing", "foreign_path"}
        assert name in str(refusal.value)
    assert serving(database) == "good"


@pytest.mark.parametrize("path", ["../outside.tar.gz", "models/../../outside.tar.gz", "/etc/passwd", "outside.tar.gz"])
def test_an_archive_outside_the_folder_of_models_is_refused(database: Database, home: Path, path: str) -> None:
    number = add_version(database, home, "one")
    (home / "outside.tar.gz").write_bytes(CONTENT)
    with database.write() as session:
        session.get_one(ModelVersion, number).path = path
    with database.read() as session, pytest.raises(ModelRefused) as refusal:
        archive_of(home, show_model(session, number))
    assert refusal.value.code == "foreign_path"


def test_rolling_back_to_a_lost_archive_is_refused_and_changes_nothing(database: Database, home: Path) -> None:
    for name in ("one", "two"):
        add_version(database, home, name)
        promote_model(database, home, name, "timur", prove_first=False)
    (home / "models" / "one.tar.gz").unlink()
    with pytest.raises(ModelRefused):
        roll_back(database, home, "admin")
    assert serving(database) == "two"


def figures(accuracy: float, **languages: float) -> dict[str, object]:
    return {"accuracy": accuracy, "per_language": {code: {"accuracy": value} for code, value in languages.items()}}


def test_the_gate_refuses_what_is_worse_and_says_why() -> None:
    rules = read_rules()
    before = figures(0.80, pl=0.80, sq=0.80)
    assert refusals(figures(0.80, pl=0.85, sq=0.75), before, rules) == []
    assert refusals(figures(0.78, pl=0.78, sq=0.78), before, rules) == []
    worse = refusals(figures(0.77, pl=0.77, sq=0.77), before, rules)
    assert [(found["code"], found["language"]) for found in worse] == [("worse_than_in_service", "")]
    lopsided = refusals(figures(0.84, pl=0.97, sq=0.71), before, rules)
    assert [(found["code"], found["language"]) for found in lopsided] == [("worse_than_in_service", "sq")]
    assert "sq" in in_words(lopsided[0])
    assert refusals(figures(0.85, pl=0.85), before, rules)[0]["reached"] == 0.0  # a language must not go missing
    assert {found["code"] for found in refusals(figures(0.1, pl=0.1), None, rules)} == {"below_floor"}


@pytest.mark.parametrize("content", ["", "floor: 1", "floor: {accuracy: 2, language: 0}\nmay_fall: {}", "- : ["])
def test_a_broken_rule_file_stops_everything(tmp_path: Path, content: str) -> None:
    path = tmp_path / "gate.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(GateProblem, match=r"gate\.yml"):
        read_rules(path)
