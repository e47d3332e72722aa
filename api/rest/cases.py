"""Cases: the queue, one case whole, the claim, the decision."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from api import inbox
from api.cases import claim, release, reopen
from api.decide import Done, Wish
from api.problems import Refused, not_found
from api.rest.access import need, needs, workspace
from api.tables import Team

blueprint = Blueprint("cases", __name__, url_prefix="/api", description="One customer's problem and its decisions")

KEY_LENGTH = 200
BIG = 2**31 - 1


class QueueQuery(Schema):
    state = fields.String(load_default="open", validate=validate.Length(max=40))
    channel = fields.String(load_default="", validate=validate.Length(max=60))
    language = fields.String(load_default="", validate=validate.Length(max=8))
    team = fields.String(load_default="", validate=validate.Length(max=40))
    outcome = fields.String(load_default="", validate=validate.Length(max=20))
    mine = fields.Boolean(load_default=False)
    q = fields.String(load_default="", validate=validate.Length(max=200))
    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000))
    page_size = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class ClaimSchema(Schema):
    claim_token = fields.Integer(required=True)
    expires_at = fields.String(required=True)


class ReleaseBody(Schema):
    claim_token = fields.Integer(required=True, strict=True, validate=validate.Range(0, BIG))


class DecisionBody(Schema):
    message = fields.Integer(required=True, strict=True, validate=validate.Range(1, BIG))
    act = fields.String(required=True, validate=validate.OneOf(["publish", "reject", "hand_off", "no_reply", "hide"]))
    claim_token = fields.Integer(required=True, strict=True, validate=validate.Range(0, BIG))
    target_revision = fields.Integer(required=True, strict=True, validate=validate.Range(1, BIG))
    subtree_seq = fields.Integer(required=True, strict=True, validate=validate.Range(0, BIG))
    draft = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, BIG))
    text = fields.String(load_default="", validate=[validate.Length(max=50_000), validate.ContainsNoneOf("\x00")])
    reason = fields.String(load_default="", validate=[validate.Length(max=400), validate.ContainsNoneOf("\x00")])
    team = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=40))
    seconds = fields.Float(load_default=None, allow_none=True, validate=validate.Range(0, 1e9))
    corrects = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, BIG))
    """The task to correct a published reply, where this is its correction."""


class DecisionSchema(Schema):
    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    similarity = fields.Float(allow_none=True)


class PublicationSchema(Schema):
    id = fields.Integer(required=True)
    decision = fields.Integer(required=True, attribute="decision_id")
    state = fields.String(required=True)
    not_before = fields.AwareDateTime(required=True)
    needs_person = fields.Boolean()
    reason = fields.String()
    external_id = fields.String(allow_none=True)


class DoneSchema(Schema):
    decision = fields.Nested(DecisionSchema, required=True)
    publication = fields.Nested(PublicationSchema, allow_none=True)


@blueprint.route("/cases", methods=["GET"])
@needs("read")
@blueprint.arguments(QueueQuery, location="query")
@blueprint.response(200)
def list_cases(query: dict[str, Any]) -> dict[str, Any]:
    """The queue: most urgent first, then by deadline."""
    asking = need("read")
    mine = query.pop("mine")
    filters = inbox.Filters(**query, claimed_by=asking.account.id if mine and asking.account else None)
    with workspace().database.read() as session:
        return dict(inbox.queue(session, filters))


@blueprint.route("/cases/<int:case_id>", methods=["GET"])
@blueprint.response(200)
def show_case(case_id: int) -> dict[str, Any]:
    """One case with its conversation, drafts, evidence, outlook, customer and history."""
    need("read")
    with workspace().database.read() as session:
        view = inbox.case_view(session, _id(case_id))
    if view is None:
        raise not_found("case")
    return view


@blueprint.route("/cases/<int:case_id>/claim", methods=["POST"])
@blueprint.response(200, ClaimSchema)
def claim_case(case_id: int) -> dict[str, Any]:
    """Take or renew the hold on a case."""
    asking = need("decide")
    account, _ = asking.person()
    with workspace().database.write() as session:
        case = claim(session, _id(case_id), account, workspace().settings.claim_seconds)
        answer = {
            "claim_token": case.claim_token,
            "expires_at": case.claim_expires_at.isoformat() if case.claim_expires_at else "",
        }
    workspace().nudge.send("events")
    return answer


@blueprint.route("/cases/<int:case_id>/release", methods=["POST"])
@needs("decide")
@blueprint.arguments(ReleaseBody)
@blueprint.response(204)
def release_case(body: dict[str, Any], case_id: int) -> None:
    """Let go of a case."""
    account, _ = need("decide").person()
    with workspace().database.write() as session:
        release(session, _id(case_id), account, body["claim_token"])
    workspace().nudge.send("events")


@blueprint.route("/cases/<int:case_id>/reopen", methods=["POST"])
@blueprint.response(204)
def reopen_case(case_id: int) -> None:
    """Put a case that was closed without a reply back into the queue."""
    account, _ = need("decide").person()
    with workspace().database.write() as session:
        reopen(session, _id(case_id), account)
    workspace().nudge.send("events")


@blueprint.route("/cases/<int:case_id>/decisions", methods=["POST"])
@needs("decide")
@blueprint.arguments(DecisionBody)
@blueprint.response(201, DoneSchema)
def decide_case(body: dict[str, Any], case_id: int) -> Done:
    """Decide. The header `Idempotency-Key` makes a repeated call harmless."""
    asking = need("decide")
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key or len(key) > KEY_LENGTH or not key.isprintable():
        raise Refused(400, "no_idempotency_key", "send an Idempotency-Key header of 1 to 200 characters")
    wish = Wish(
        case_id=_id(case_id), message_id=body["message"], act=body["act"], claim_token=body["claim_token"],
        target_revision=body["target_revision"], subtree_seq=body["subtree_seq"], draft_id=body["draft"],
        text=body["text"], reason=body["reason"], team=body["team"], seconds=body["seconds"],
        corrects=body["corrects"],
    )  # fmt: skip
    done = workspace().desk.decide(asking, wish, key)
    workspace().nudge.send("events")
    return done


@blueprint.route("/decisions/<int:decision_id>/undo", methods=["POST"])
@blueprint.response(200, PublicationSchema)
def undo_decision(decision_id: int) -> Any:
    """Take a decision back while its reply still waits to be sent."""
    publication = workspace().desk.undo(need("decide"), _id(decision_id))
    workspace().nudge.send("events")
    return publication


@blueprint.route("/teams", methods=["GET"])
@blueprint.response(200)
def list_teams() -> list[dict[str, Any]]:
    """The teams a case can be handed to."""
    need("read")
    with workspace().database.read() as session:
        return [{"key": team.key, "name": team.name} for team in session.query(Team).order_by(Team.id)]


def _id(value: int) -> int:
    if value > BIG:
        raise not_found("row of that number")
    return value
