"""Training: messages to label, examples, runs, model versions, promotion and the way back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.history import record
from api.problems import not_found
from api.rest.access import need, needs, workspace
from api.training_queue import label_message, uncertain_messages
from api.training_view import example_row, model_row, models, refused, runs, written_down
from knowledge.languages import LANGUAGES
from training.examples import Wanted, add_correction, find_examples, known_intents, set_state
from training.launch import launch
from training.models import promote_model, roll_back, show_model
from training.records import Labelled, Refusal
from training.runs import settle_dead

blueprint = Blueprint("training", __name__, url_prefix="/api", description="Examples, runs and model versions")

BIG = 2**31 - 1
MAX_TEXT = 10_000
_no_nul = validate.ContainsNoneOf("\x00")


class UncertainQuery(Schema):
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    language = fields.String(load_default="", validate=validate.OneOf(["", "other", *LANGUAGES]))


class ExampleQuery(Schema):
    language = fields.String(load_default="", validate=validate.OneOf(["", *LANGUAGES]))
    intent = fields.String(load_default="", validate=[validate.Length(max=60), _no_nul])
    state = fields.String(load_default="", validate=validate.OneOf(["", "proposed", "approved", "withdrawn"]))
    split = fields.String(load_default="", validate=validate.OneOf(["", "train", "held_out"]))
    source = fields.String(load_default="", validate=validate.OneOf(["", "shipped", "corrected"]))
    q = fields.String(load_default="", validate=[validate.Length(max=200), _no_nul])
    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000))
    page_size = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class ExampleBody(Schema):
    """A message by its number, or a text with its language."""

    intent = fields.String(required=True, validate=[validate.Length(min=1, max=60), _no_nul])
    message = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, BIG))
    text = fields.String(load_default=None, allow_none=True, validate=[validate.Length(1, MAX_TEXT), _no_nul])
    language = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(LANGUAGES))

    @validates_schema
    def _one_source(self, data: dict[str, Any], **_given: Any) -> None:
        if (data.get("message") is None) == (data.get("text") is None):
            raise ValidationError("give either a message or a text")
        if data.get("text") is not None and data.get("language") is None:
            raise ValidationError("a text needs its language", "language")


class StateBody(Schema):
    state = fields.String(required=True, validate=validate.OneOf(["approved", "withdrawn"]))


@blueprint.route("/messages/uncertain", methods=["GET"])
@needs("train")
@blueprint.arguments(UncertainQuery, location="query")
@blueprint.response(200)
def list_uncertain(query: dict[str, Any]) -> dict[str, Any]:
    """Messages that nobody has labelled, the least sure first, and the intents to choose from."""
    with workspace().database.read() as session:
        rows = uncertain_messages(session, query["limit"], language=query["language"])
        return {"messages": [asdict(row) for row in rows], "intents": known_intents(session)}


@blueprint.route("/examples", methods=["GET"])
@needs("train")
@blueprint.arguments(ExampleQuery, location="query")
@blueprint.response(200)
def list_examples(query: dict[str, Any]) -> dict[str, Any]:
    """Examples, the newest first."""
    page, page_size = query.pop("page"), query.pop("page_size")
    with workspace().database.read() as session:
        rows, total = find_examples(session, Wanted(**query), page=page, page_size=page_size)
        return {"examples": [example_row(row) for row in rows], "total": total, "page": page, "page_size": page_size}


@blueprint.route("/examples", methods=["POST"])
@needs("train")
@blueprint.arguments(ExampleBody)
@blueprint.response(201)
def add_example(body: dict[str, Any]) -> dict[str, Any]:
    """Label a message, or add a text of one's own. Personal data is masked before it is stored."""
    by, trail = need("train").name, workspace().trail
    with workspace().database.write() as session:
        if body["message"] is not None:
            example = label_message(session, trail, body["message"], body["intent"], by, language=body["language"])
        else:
            try:
                example = add_correction(session, Labelled(body["text"], body["language"], body["intent"]), by)
            except Refusal as refusal:
                raise refused(refusal) from refusal
            trail.add(session, by, "example.added", f"example:{example.id}", example.intent)
            record(session, "example.added", by, example=example.id)
        answer = example_row(example)
    workspace().nudge.send("events")
    return answer


@blueprint.route("/examples/<int:example_id>", methods=["POST"])
@needs("train")
@blueprint.arguments(StateBody)
@blueprint.response(200)
def change_example(body: dict[str, Any], example_id: int) -> dict[str, Any]:
    """Approve or withdraw an example."""
    by = need("train").name
    with workspace().database.write() as session:
        try:
            example = set_state(session, _id(example_id), body["state"])
        except Refusal as refusal:
            raise refused(refusal) from refusal
        workspace().trail.add(session, by, f"example.{body['state']}", f"example:{example.id}")
        record(session, f"example.{body['state']}", by, example=example.id)
        return example_row(example)


@blueprint.route("/runs", methods=["POST"])
@needs("train")
@blueprint.response(202)
def start_run() -> dict[str, Any]:
    """Train the intents on the approved examples, in the background. 409 `run_busy` while a run is under way."""
    by = need("train").name
    try:
        number = launch(workspace().database, workspace().settings, by)
    except Refusal as refusal:
        raise refused(refusal) from refusal
    with workspace().database.write() as session:
        record(session, "run.started", by, run=number)
    workspace().nudge.send("events")
    return {"run": number}


@blueprint.route("/runs", methods=["GET"])
@needs("train")
@blueprint.response(200)
def list_runs() -> dict[str, Any]:
    """The newest runs, with how far they are."""
    settle_dead(workspace().database, workspace().settings.home)
    with workspace().database.read() as session:
        return {"runs": runs(session)}


@blueprint.route("/models", methods=["GET"])
@needs("train")
@blueprint.response(200)
def list_all_models() -> dict[str, Any]:
    """All versions with their figures, the newest first, and which one is in service."""
    with workspace().database.read() as session:
        return models(session)


@blueprint.route("/models/<int:model_id>", methods=["GET"])
@needs("train")
@blueprint.response(200)
def show_one_model(model_id: int) -> dict[str, Any]:
    """One version with its whole report."""
    with workspace().database.read() as session:
        try:
            return model_row(show_model(session, _id(model_id)), whole=True)
        except Refusal as refusal:
            raise refused(refusal) from refusal


@blueprint.route("/models/<int:model_id>/promote", methods=["POST"])
@needs("train")
@blueprint.response(200)
def promote_one_model(model_id: int) -> dict[str, Any]:
    """Put a version into service. The supervisor starts it beside the old one and changes over without a gap."""
    by = need("train").name
    also = written_down(workspace().trail, by, "model.promoted")
    home = workspace().settings.home
    try:
        # The supervisor proves it once more before it answers anybody, and keeps the old one if it fails.
        version = promote_model(workspace().database, home, _id(model_id), by, prove_first=False, also=also)
    except Refusal as refusal:
        raise refused(refusal) from refusal
    workspace().nudge.send("events")
    return model_row(version)


@blueprint.route("/models/rollback", methods=["POST"])
@needs("train")
@blueprint.response(200)
def roll_back_model() -> dict[str, Any]:
    """Put the version back that was in service before."""
    by = need("train").name
    also = written_down(workspace().trail, by, "model.rolled_back")
    try:
        version = roll_back(workspace().database, workspace().settings.home, by, also=also)
    except Refusal as refusal:
        raise refused(refusal) from refusal
    workspace().nudge.send("events")
    return model_row(version)


def _id(value: int) -> int:
    if value > BIG:
        raise not_found("row of that number")
    return value
