"""Tasks by API: the recall list of a version and its corrections, translations, the matrix of languages."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from api import tasks
from api.knowledge_demand import matrix
from api.knowledge_service import knowledge_service
from api.problems import not_found
from api.rest.access import need, needs, workspace
from api.rest.article_view import held, tell
from api.tables import Task
from knowledge.languages import LANGUAGES
from knowledge.tables import Version

blueprint = Blueprint("tasks", __name__, url_prefix="/api", description="Replies to correct, texts to translate")

why = fields.String(load_default="", validate=validate.Length(max=400))


class RecallBody(Schema):
    publications = fields.List(
        fields.Integer(validate=validate.Range(1, 2**31 - 1)), load_default=None, allow_none=True
    )
    """Which replies to correct; null: all that used the version."""
    why = why


class TranslateBody(Schema):
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    why = why


class DismissBody(Schema):
    reason = fields.String(required=True, validate=validate.Length(max=400))


class TaskQuery(Schema):
    state = fields.String(load_default="open", validate=validate.OneOf(["open", "done", "dismissed"]))
    kind = fields.String(load_default="", validate=validate.OneOf(["", "correct", "translate"]))


class TaskSchema(Schema):
    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    article = fields.String(required=True, attribute="article_id")
    version = fields.Integer(required=True, attribute="version_id")
    language = fields.String(required=True)
    publication = fields.Integer(required=True, allow_none=True, attribute="publication_id")
    case = fields.Integer(required=True, allow_none=True, attribute="case_id")
    why = fields.String(required=True)
    reason = fields.String(required=True)
    created_by = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    closed_by = fields.String(required=True, allow_none=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)


class SourceTaskSchema(TaskSchema):
    source_text = fields.String(required=True)


class TasksSchema(Schema):
    tasks = fields.List(fields.Nested(TaskSchema), required=True)


class UseSchema(Schema):
    publication = fields.Integer(required=True)
    state = fields.String(required=True)
    case = fields.Integer(required=True)
    message = fields.Integer(required=True)
    text = fields.String(required=True)
    sentences = fields.List(fields.String(), required=True)
    agent = fields.String(required=True)
    channel = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    task = fields.Nested(TaskSchema, required=True, allow_none=True)


class UsesSchema(Schema):
    uses = fields.List(fields.Nested(UseSchema), required=True)


class CellSchema(Schema):
    state = fields.String(required=True)
    demand = fields.Float(required=True)


class RowSchema(Schema):
    article = fields.String(required=True)
    cells = fields.Dict(keys=fields.String(), values=fields.Nested(CellSchema), required=True)
    unmet = fields.Float(required=True)


class MatrixSchema(Schema):
    languages = fields.List(fields.String(), required=True)
    rows = fields.List(fields.Nested(RowSchema), required=True)


@blueprint.route("/versions/<int:version_id>/uses", methods=["GET"])
@needs("read")
@blueprint.response(200, UsesSchema)
def list_uses(version_id: int) -> dict[str, Any]:
    """The recall list: published replies with a sentence of this version in them, the newest first."""
    with workspace().database.read() as session:
        if session.get(Version, version_id) is None:
            raise not_found("version")
        return {"uses": [use_plain(use) for use in tasks.uses_of(session, version_id)]}


@blueprint.route("/versions/<int:version_id>/recall", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(RecallBody)
@blueprint.response(201, TasksSchema)
def recall(body: dict[str, Any], version_id: int) -> dict[str, Any]:
    """A task to correct each of these replies; a reply that has one keeps it."""
    asking = need("knowledge")
    with workspace().database.write() as session:
        made = tasks.ask_corrections(session, version_id, body["publications"], by=asking.name, why=body["why"])
        workspace().trail.add(session, asking.name, "version.recalled", f"version:{version_id}", body["why"])
    tell()
    return {"tasks": made}


@blueprint.route("/articles/<article_id>/translate", methods=["POST"])
@needs("read")
@blueprint.arguments(TranslateBody)
@blueprint.response(201, SourceTaskSchema)
def ask_translation(body: dict[str, Any], article_id: str) -> dict[str, Any]:
    """Ask a person for an article in a language; the task holds the text to translate."""
    asking = need("read")
    with workspace().database.write() as session:
        held(session, article_id)
        task = tasks.ask_translation(session, article_id, body["language"], by=asking.name, why=body["why"])
        source = session.get_one(Version, task.version_id).text
    tell()
    return {**{column.key: getattr(task, column.key) for column in Task.__table__.columns}, "source_text": source}


@blueprint.route("/tasks", methods=["GET"])
@needs("read")
@blueprint.arguments(TaskQuery, location="query")
@blueprint.response(200, TasksSchema)
def list_tasks(query: dict[str, Any]) -> dict[str, Any]:
    """Tasks, the newest first."""
    with workspace().database.read() as session:
        return {"tasks": tasks.listed(session, query["state"], query["kind"])}


@blueprint.route("/tasks/<int:task_id>/dismiss", methods=["POST"])
@needs("read")
@blueprint.arguments(DismissBody)
@blueprint.response(200, TaskSchema)
def dismiss_task(body: dict[str, Any], task_id: int) -> Task:
    """Decide that nothing is to be done, and say why."""
    asking = need("read")
    with workspace().database.write() as session:
        task = tasks.dismiss(session, task_id, body["reason"], by=asking.name)
        workspace().trail.add(session, asking.name, "task.dismissed", f"task:{task_id}", body["reason"])
    tell()
    return task


@blueprint.route("/knowledge/languages", methods=["GET"])
@needs("read")
@blueprint.response(200, MatrixSchema)
def show_matrix() -> dict[str, Any]:
    """Articles by languages: `ok`, `stale`, `open` (being written), `missing`; and messages per week that ask there."""
    with workspace().database.read() as session:
        rows = matrix(session, knowledge_service().catalogue.all())
    return {"languages": list(LANGUAGES), "rows": rows}


def use_plain(use: tasks.Use) -> dict[str, Any]:
    """A use as plain data."""
    return {
        "publication": use.publication.id,
        "state": use.publication.state,
        "case": use.decision.case_id,
        "message": use.decision.message_id,
        "text": use.decision.final_text,
        "sentences": list(use.sentences),
        "agent": use.agent,
        "channel": use.channel,
        "at": use.publication.sent_at or use.publication.created_at,
        "task": use.task,
    }
