"""Examples, runs and model versions as the API and the training page show them: dicts ready for JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.history import AuditTrail, record
from api.problems import Refused
from api.rasa_service import REFUSED, SERVING
from api.tables import Event
from training.models import list_models
from training.records import INTENTS, Refusal
from training.runs import recent
from training.tables import Example, ModelInService, ModelVersion, Run

STATUS = {"not_found": 404, "run_busy": 409, "in_service": 409, "nothing_before": 409, "changed_meanwhile": 409}
"""HTTP status of a refusal; 422 where nothing is listed."""

BRIEF = ("accuracy", "accuracy_interval", "macro_f1", "per_language", "examples", "train_examples", "train_seconds",
         "bytes")  # fmt: skip


def refused(refusal: Refusal) -> Refused:
    """A refusal of the training room as one of the web."""
    return Refused(STATUS.get(refusal.code, 422), refusal.code, str(refusal))


def example_row(example: Example) -> dict[str, Any]:
    return {
        "id": example.id, "text": example.text, "language": example.language, "intent": example.intent,
        "source": example.source, "split": example.split, "state": example.state, "message": example.message_id,
        "model_intent": example.model_intent, "labelled_by": example.labelled_by,
        "created_at": example.created_at.isoformat(),
    }  # fmt: skip


def run_row(run: Run) -> dict[str, Any]:
    """A run; `stage`, `done` and `of` are None where it has not said where it stands."""
    stage, _, counted = run.progress.partition(" ")
    done, _, of = counted.partition("/")
    return {
        "id": run.id, "kind": run.kind, "state": run.state, "started_by": run.started_by,
        "started_at": run.started_at.isoformat(), "ended_at": _moment(run.ended_at), "error": run.error,
        "stage": stage or None, "done": int(done) if done else None, "of": int(of) if of else None,
        "inputs": {key: value for key, value in run.inputs.items() if key != "place"},
    }  # fmt: skip


def runs(session: Session, limit: int = 20) -> list[dict[str, Any]]:
    """The newest runs, each with the name of the version it made."""
    made = {version.run_id: version.name for version in list_models(session)}
    return [{**run_row(run), "model": made.get(run.id)} for run in recent(session, limit)]


def models(session: Session) -> dict[str, Any]:
    """All versions, newest first, and which one is in service, which one was before."""
    serving = session.get(ModelInService, INTENTS)
    return {
        "models": [model_row(version) for version in list_models(session)],
        "in_service": serving.model_version_id if serving else None,
        "previous": serving.previous_id if serving else None,
        "standing": _standing(session, serving),
    }


def _standing(session: Session, chosen: ModelInService | None) -> dict[str, Any]:
    """What became of the choice: the version that answers (None: none was ever started), and why the chosen one was
    refused at its start (empty: it was not, or it has not been tried yet)."""
    last = _last(session, SERVING)
    refusal = _last(session, REFUSED)
    answering = last.data["model"] if last else None
    holds = (
        chosen is not None and refusal is not None
        and refusal.data["model"] == chosen.model_version_id != answering
        and refusal.at >= chosen.changed_at
    )  # fmt: skip
    return {"answering": answering, "refused": refusal.data["reason"] if holds and refusal else ""}


def _last(session: Session, kind: str) -> Event | None:
    return session.scalar(select(Event).where(Event.kind == kind).order_by(Event.id.desc()).limit(1))


def model_row(version: ModelVersion, *, whole: bool = False) -> dict[str, Any]:
    """A version with the figures of its report; `whole`: with everything in it."""
    report = version.report
    shown = report if whole else {key: report[key] for key in BRIEF if key in report}
    compared = report.get("compared_with") or {}
    return {
        "id": version.id, "name": version.name, "state": version.state, "run": version.run_id,
        "sha256": version.sha256, "created_at": version.created_at.isoformat(),
        "promoted_at": _moment(version.promoted_at), "report": shown, "refusals": report.get("refusals", []),
        "compared_with": compared.get("name"), "figures_before": compared.get("figures"),
    }  # fmt: skip


def written_down(trail: AuditTrail, by: str, action: str) -> Callable[[Session, ModelVersion], None]:
    """What goes with a change of the model in service: the audit entry and the event, in the same transaction."""

    def write(session: Session, version: ModelVersion) -> None:
        trail.add(session, by, action, f"model:{version.id}", version.sha256)
        record(session, action, by, model=version.id, name=version.name)

    return write


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
