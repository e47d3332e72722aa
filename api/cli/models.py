"""`odzew train ... | models ...`: runs, candidates, and which model is in service."""

from __future__ import annotations

from typing import Any

import typer

from api.cli.frame import CheckFailed, Json, answer, progress, table, workspace
from api.training_view import written_down
from training.intents import train_intents, why_refused
from training.models import find_in_service, list_models, promote_model, roll_back, show_model
from training.tables import ModelVersion

app = typer.Typer(help="Model versions.", no_args_is_help=True)
train = typer.Typer(help="Training runs: a candidate, its report, the gate.", no_args_is_help=True)

BY = "command-line"


@train.command()
def intents(as_json: Json = False) -> None:
    """Train Rasa's intents on the approved examples. Status 1 when the gate refuses the result."""
    with workspace() as space, progress("training") as count:
        version = train_intents(space.database, space.settings.home, BY, lambda _stage, done, of: count(done, of))
        refusals = why_refused(version)
    answer(as_json, _row(version), lambda: _show(version))
    if refusals:
        raise CheckFailed(f"the gate refuses {version.name}: {'; '.join(refusals)}")


@train.command()
def ranking(as_json: Json = False) -> None:
    """The ranker learns from the base itself whenever the base changes; this says so and how it stands."""
    _fitted_by_itself(as_json)


@train.command()
def calibration(as_json: Json = False) -> None:
    """The calibration is fitted with the ranker, from the base's own phrasings."""
    _fitted_by_itself(as_json)


def _fitted_by_itself(as_json: bool) -> None:
    from knowledge.search import KnowledgeBase
    from knowledge.team import load_team

    with workspace() as space, progress("fitting") as count:
        team = load_team(space.settings.embedding_model)
        base = KnowledgeBase(space.database, team, count, folder=space.settings.index_folder)
        base.close()
    data = {"phrasings": base.phrasings, "revision": base.revision, "seconds": round(base.fit_seconds, 2)}
    line = f"fitted on {base.phrasings} phrasings in {base.fit_seconds:.1f} s; always current"
    answer(as_json, data, lambda: print(line))


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the versions, newest first."""
    with workspace() as space, space.database.read() as session:
        serving = find_in_service(session)
        rows = [_row(version) | {"in_service": version is serving} for version in list_models(session)]
    shown = [
        (row["name"], row["state"], "in service" if row["in_service"] else "", row["accuracy"], row["created_at"])
        for row in rows
    ]
    answer(as_json, rows, lambda: table("Models", ["name", "state", "", "accuracy", "made"], shown))


@app.command()
def show(version: str, as_json: Json = False) -> None:
    """Show a version with its report."""
    with workspace() as space, space.database.read() as session:
        found = show_model(session, version)
    answer(as_json, _row(found) | {"report": found.report}, lambda: _show(found))


@app.command()
def promote(version: str, as_json: Json = False) -> None:
    """Put a version into service; a running Odzew changes over without losing a message."""
    with workspace() as space, progress("proving"):
        promoted = promote_model(
            space.database, space.settings.home, version, BY,
            also=written_down(space.trail, BY, "model.promoted"),
        )  # fmt: skip
    answer(as_json, _row(promoted), lambda: print(f"{promoted.name} is in service"))


@app.command()
def rollback(as_json: Json = False) -> None:
    """Go back to the version that was in service before."""
    with workspace() as space:
        back = roll_back(
            space.database, space.settings.home, BY,
            also=written_down(space.trail, BY, "model.rolled_back"),
        )  # fmt: skip
    answer(as_json, _row(back), lambda: print(f"{back.name} is in service"))


def _row(version: ModelVersion) -> dict[str, Any]:
    return {
        "id": version.id,
        "name": version.name,
        "kind": version.kind,
        "state": version.state,
        "accuracy": version.report.get("accuracy"),
        "macro_f1": version.report.get("macro_f1"),
        "per_language": version.report.get("per_language"),
        "sha256": version.sha256,
        "created_at": version.created_at.isoformat(),
    }


def _show(version: ModelVersion) -> None:
    row = _row(version)
    table(version.name, ["", ""], [(key, row[key]) for key in ("state", "accuracy", "macro_f1", "sha256")])
    languages = version.report.get("per_language") or {}
    table("Accuracy by language", ["language", "accuracy"], sorted(languages.items()))
