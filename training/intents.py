"""A run of intent training: examples out, model in, examined on the held-out set, judged by the gate."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from bot.intents import IntentsUnavailable
from bot.rasa_home import RasaMissing
from bot.rasa_process import RasaFailed
from bot.rasa_training import TrainingFailed, TrainResult, train_model
from knowledge.database import Database, now
from training.examine import digest, examine
from training.examples import approved, load_shipped_examples
from training.gate import GateProblem, in_words, read_rules, refusals
from training.models import ModelRefused, archive_of, find_in_service, promote_model, waiting_candidate
from training.rasa_export import Exported, export
from training.records import INTENTS, Labelled, OnProgress
from training.runs import RunBusy, begin, fail, hold_turn, note_progress
from training.tables import ModelVersion, Run

__all__ = ["RunBusy", "TrainingFailed", "ensure_model", "train_intents"]

NOTE_EVERY: Final = 0.5
"""Seconds between two notes of the same stage in the run's row."""

_FORESEEN: Final = (RasaMissing, RasaFailed, IntentsUnavailable, GateProblem, TrainingFailed, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class _Made:
    """What a run produced, before it has a row."""

    archive: Path
    trained: TrainResult
    exported: Exported
    report: dict[str, Any]


def train_intents(
    database: Database, home: Path, started_by: str, on_progress: OnProgress, *, run_id: int | None = None
) -> ModelVersion:
    """Train Rasa on the approved examples, examine it, judge it, keep it as a model version.

    Stages, in order: export, load, read, encode, fit, pack, serve, examine, and where the model in service was never
    examined on the same set, serve and examine once more for that one.

    Args:
        on_progress: told of each step; what it raises ends the run.
        run_id: a run already begun by `training.runs.begin`; without one it is begun here.

    Returns:
        The version, its state `candidate` or, where the gate says no, `refused`; its report says why.

    Raises:
        RunBusy: another run is under way in this home folder.
        TrainingFailed: it ended without a model. The run's row says the same.
    """
    run = begin(database, home, INTENTS, started_by) if run_id is None else run_id
    steps = _Steps(database, run, on_progress)
    try:
        with hold_turn(home):
            note_progress(database, run, "starting")
            _sweep(home / "models")
            return _train(database, home, run, steps)
    except _FORESEEN as problem:
        reason = str(problem)
        fail(database, run, reason)
        if isinstance(problem, RunBusy):
            raise
        raise TrainingFailed(reason) from problem
    except BaseException as problem:
        stopped = isinstance(problem, (KeyboardInterrupt, SystemExit))
        fail(database, run, "stopped" if stopped else f"{type(problem).__name__}: {problem}")
        raise


def ensure_model(
    database: Database, home: Path, on_progress: OnProgress, *, started_by: str = "first start"
) -> ModelVersion | None:
    """See that a model is in service: train one from the shipped examples where there is none, and promote it.

    Returns:
        The version now in service; None when there was one already.

    Raises:
        RunBusy, TrainingFailed: as `train_intents`; also when the gate refuses the first model.
    """
    with database.read() as session:
        if find_in_service(session) is not None:
            return None
    load_shipped_examples(database)
    candidate = _usable_candidate(database, home) or train_intents(database, home, started_by, on_progress)
    try:
        return promote_model(database, home, candidate.name, started_by, prove_first=False)
    except ModelRefused as refused:
        raise TrainingFailed(str(refused)) from refused


class _Steps:
    """Passes the steps on, and notes them in the run's row now and then."""

    def __init__(self, database: Database, run_id: int, on_progress: OnProgress) -> None:
        self._database, self._run_id, self._on_progress = database, run_id, on_progress
        self._stage, self._noted = "", 0.0

    def __call__(self, stage: str, done: int, of: int) -> None:
        if stage != self._stage or time.monotonic() - self._noted >= NOTE_EVERY or done == of:
            note_progress(self._database, self._run_id, f"{stage} {done}/{of}")
            self._stage, self._noted = stage, time.monotonic()
        self._on_progress(stage, done, of)


def _train(database: Database, home: Path, run_id: int, steps: OnProgress) -> ModelVersion:
    with database.read() as session:
        learn, held_out = approved(session, "train"), approved(session, "held_out")
    if not held_out:
        raise TrainingFailed("there are no held-out examples: load the shipped ones with `odzew demo`")
    archive = home / "models" / f".run-{run_id}-{os.getpid()}.tar.gz"
    try:
        made = _make(archive, learn, held_out, steps)
        compared = _in_service(database, home, held_out, steps)
        report = {**made.report, "compared_with": compared}
        report["refusals"] = refusals(report, compared.get("figures") if compared else None, read_rules())
        return _keep(database, home, run_id, made, report)
    finally:
        archive.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what a killed run left behind; exported examples are customers' words and must not lie about."""
    for pattern in (".run-*", ".data-*", ".training-*"):
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _make(archive: Path, learn: Sequence[Labelled], held_out: Sequence[Labelled], steps: OnProgress) -> _Made:
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".data-") as folder:
        steps("export", 0, 1)
        exported = export(learn, Path(folder))
        steps("export", 1, 1)
        trained = train_model(Path(folder), archive, steps)
    report = examine(archive, trained.sha256, held_out, steps)
    report |= {
        "train_seconds": trained.seconds, "train_examples": trained.examples, "left_out": exported.left_out,
        "bytes": archive.stat().st_size, "sha256": trained.sha256, "rasa_model": trained.model,
    }  # fmt: skip
    return _Made(archive, trained, exported, report)


def _in_service(
    database: Database, home: Path, held_out: Sequence[Labelled], steps: OnProgress
) -> dict[str, Any] | None:
    """Figures of the model in service on the same set: those of its own report where the set is the same."""
    with database.read() as session:
        serving = find_in_service(session)
    if serving is None:
        return None
    if serving.report.get("set_sha256") == digest(held_out):
        return {"name": serving.name, "figures": _brief(serving.report)}
    try:
        figures = examine(archive_of(home, serving), serving.sha256, held_out, steps)
    except (ModelRefused, RasaFailed) as broken:
        # A model that cannot be started any more must not keep its successor out; the floor still holds.
        return {"name": serving.name, "figures": None, "problem": str(broken)}
    return {"name": serving.name, "figures": _brief(figures)}


def _brief(report: dict[str, Any]) -> dict[str, Any]:
    return {key: report[key] for key in ("accuracy", "macro_f1", "per_language", "per_intent")}


def _keep(database: Database, home: Path, run_id: int, made: _Made, report: dict[str, Any]) -> ModelVersion:
    name = f"{INTENTS}-{run_id:04d}"
    place = Path("models") / f"{name}.tar.gz"
    _put_in_place(made.archive, home / place)
    with database.write() as session:
        run = session.get_one(Run, run_id)
        run.state, run.ended_at = "done", now()
        run.inputs = {
            **run.inputs, "examples": made.exported.examples, "examples_sha256": made.exported.sha256,
            "held_out_sha256": report["set_sha256"], "odzew": _product_version(),
        }  # fmt: skip
        kept = ModelVersion(
            run_id=run_id, kind=INTENTS, name=name, path=place.as_posix(), sha256=made.trained.sha256, report=report,
            state="refused" if report["refusals"] else "candidate",
        )  # fmt: skip
        session.add(kept)
        session.flush()
    return kept


def _put_in_place(aside: Path, place: Path) -> None:
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # or the name may be gone after a power cut
    finally:
        os.close(folder)


def _usable_candidate(database: Database, home: Path) -> ModelVersion | None:
    """A model that was trained and passed, whose promotion was cut off."""
    with database.read() as session:
        candidate = waiting_candidate(session)
    if candidate is None:
        return None
    try:
        archive_of(home, candidate)
    except ModelRefused:
        return None
    return candidate


def why_refused(version_: ModelVersion) -> list[str]:
    """The gate's refusals of a version as sentences; empty when it passed."""
    return [in_words(refusal) for refusal in version_.report.get("refusals", [])]


def _product_version() -> str:
    try:
        return version("odzew")
    except PackageNotFoundError:
        return "unpacked"


def stop_on_terminate() -> None:
    """Let SIGTERM end a run as Ctrl-C does, so that its row says that it was stopped."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
