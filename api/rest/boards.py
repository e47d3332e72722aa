"""The boards by API: what to fix next, decisions on it, and asking for a new computation."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from api.boards import job
from api.boards.keeping import BOARDS, board, decide
from api.rest.access import need, needs, workspace
from api.rest.article_view import tell
from api.tables import BoardRun, Finding

blueprint = Blueprint("boards", __name__, url_prefix="/api", description="What to fix next in the base")


class BoardQuery(Schema):
    board = fields.String(load_default="gaps", validate=validate.OneOf(BOARDS))
    state = fields.String(load_default="open", validate=validate.OneOf(["open", "done", "dismissed", "gone"]))


class DecideBody(Schema):
    decision = fields.String(required=True, validate=validate.OneOf(["done", "dismissed"]))
    reason = fields.String(load_default="", validate=validate.Length(max=400))


class ComputeBody(Schema):
    pass


class FindingSchema(Schema):
    id = fields.Integer(required=True)
    board = fields.String(required=True)
    state = fields.String(required=True)
    people = fields.Float(required=True)
    """People it touches a week."""
    data = fields.Dict(required=True)
    reason = fields.String(required=True)
    decided_by = fields.String(required=True, allow_none=True)
    first_seen = fields.AwareDateTime(required=True)
    last_seen = fields.AwareDateTime(required=True)


class RunSchema(Schema):
    id = fields.Integer(required=True)
    state = fields.String(required=True)
    asked_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    found = fields.Dict(required=True)
    last_error = fields.String(required=True, allow_none=True)


class BoardSchema(Schema):
    findings = fields.List(fields.Nested(FindingSchema), required=True)
    run = fields.Nested(RunSchema, required=True, allow_none=True)


@blueprint.route("/knowledge/boards", methods=["GET"])
@needs("read")
@blueprint.arguments(BoardQuery, location="query")
@blueprint.response(200, BoardSchema)
def show_board(query: dict[str, Any]) -> dict[str, Any]:
    """A board, what touches most people first, and the computation it comes from."""
    with workspace().database.read() as session:
        run = session.scalar(select(BoardRun).order_by(BoardRun.id.desc()).limit(1))
        return {"findings": board(session, query["board"], query["state"]), "run": run}


@blueprint.route("/knowledge/boards/compute", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(ComputeBody, required=False)
@blueprint.response(202, RunSchema)
def compute_boards(_body: dict[str, Any]) -> BoardRun:
    """Ask for a new computation. It runs beside the server; a second request joins the first."""
    space = workspace()
    run = job.ask(space.database, need("knowledge").name)
    if job.due(space.database):
        job.launch(space.settings)
    with space.database.read() as session:
        return session.get_one(BoardRun, run)


@blueprint.route("/knowledge/findings/<int:finding_id>/decide", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(DecideBody)
@blueprint.response(200, FindingSchema)
def decide_finding(body: dict[str, Any], finding_id: int) -> Finding:
    """Say that it is done, or dismiss it with a reason; either is remembered."""
    asking = need("knowledge")
    with workspace().database.write() as session:
        row = decide(session, finding_id, body["decision"], body["reason"], by=asking.name)
        workspace().trail.add(session, asking.name, f"finding.{row.state}", f"finding:{row.id}", row.reason)
    tell()
    return row
