"""The calibration is learned once for a base, and never taken for that of another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from knowledge import calibration_file
from knowledge.calibration import SIGNS
from knowledge.calibration_file import NAME
from knowledge.database import Database
from knowledge.ranking import Ranker
from knowledge.search import KnowledgeBase
from tests.knowledge.articles import team
from tests.knowledge.test_search import change

QUESTION = "od rana nie mam zasiegu w telefonie"


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with every calibration that is learned."""
    times: list[int] = []
    before = Ranker._calibrate

    def counting(self: Ranker, *given: object) -> None:
        times.append(1)
        before(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Ranker, "_calibrate", counting)
    return times


def probability(database: Database, folder: Path) -> float:
    base = KnowledgeBase(database, team(), folder=folder / "index")
    return base.search(QUESTION, language="pl", audience="public")[0].probability


def test_the_second_start_learns_nothing_and_says_the_same(
    filled: Database, tmp_path: Path, learned: list[int]
) -> None:
    first = probability(filled, tmp_path)
    assert probability(filled, tmp_path) == first
    assert len(learned) == 1
    assert [found.name for found in (tmp_path / "index").iterdir()] == [NAME]


def test_a_changed_base_is_calibrated_anew(filled: Database, tmp_path: Path, learned: list[int]) -> None:
    probability(filled, tmp_path)
    change(filled, "no-signal", pl={"question": "Kompletnie brak zasięgu", "answer": "Proszę wyjść na balkon."})
    probability(filled, tmp_path)
    assert len(learned) == 2


def test_changed_code_calibrates_anew(
    filled: Database, tmp_path: Path, learned: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    probability(filled, tmp_path)
    monkeypatch.setattr(calibration_file, "MADE_BY", ("ranking.py",))
    probability(filled, tmp_path)
    assert len(learned) == 2


def test_what_makes_a_calibration_is_there() -> None:
    folder = Path(calibration_file.__file__).parent
    assert [name for name in calibration_file.MADE_BY if not (folder / name).is_file()] == []


@pytest.mark.parametrize(
    "damage",
    [
        "", "{", "[]", '"weights"', "null", '{"key": 1}', "[" * 100_000,
        json.dumps({"key": "k", "weights": dict.fromkeys(SIGNS, "many")}),
        json.dumps({"key": "k", "weights": {sign: [1, 2] for sign in SIGNS}}),
        json.dumps({"key": "k", "weights": dict.fromkeys(SIGNS, float("nan"))}),
        json.dumps({"key": "k", "weights": dict.fromkeys(SIGNS[1:], 1.0)}),
        json.dumps({"key": "another", "weights": dict.fromkeys(SIGNS, 1.0)}),
    ],
)  # fmt: skip
def test_a_damaged_file_counts_as_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / NAME).write_text(damage)
    assert calibration_file.read(tmp_path, "k") is None


def test_bytes_that_are_no_text_count_as_none(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"\xff\xfe\x00{")
    assert calibration_file.read(tmp_path, "k") is None


def test_a_folder_that_cannot_be_made_stops_nothing(filled: Database, tmp_path: Path) -> None:
    (tmp_path / "index").write_text("in the way")
    assert probability(filled, tmp_path) > 0.5
