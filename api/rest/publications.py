"""Publications: what is on its way, and what a person has to look at."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from api.outbox import Outbox
from api.rest.access import need, needs, workspace
from api.rest.cases import PublicationSchema, _id
from api.tables import Channel, Decision, Message, Publication

blueprint = Blueprint("publications", __name__, url_prefix="/api/publications", description="Replies on their way")

STATES = ("queued", "sending", "sent", "failed", "uncertain", "retracted")


class ListQuery(Schema):
    state = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(STATES))
    needs_person = fields.Boolean(load_default=None, allow_none=True)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class SettleBody(Schema):
    there = fields.Boolean(required=True)
    external_id = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 200))


@blueprint.route("", methods=["GET"])
@needs("read")
@blueprint.arguments(ListQuery, location="query")
@blueprint.response(200)
def list_publications(query: dict[str, Any]) -> list[dict[str, Any]]:
    """Publications, newest first, with the text and where it goes."""
    need("read")
    wanted = (
        select(Publication, Decision, Message, Channel)
        .join(Decision, Decision.id == Publication.decision_id)
        .join(Message, Message.id == Decision.message_id)
        .join(Channel, Channel.id == Publication.channel_id)
        .order_by(Publication.id.desc())
        .limit(query["limit"])
    )
    if query["state"]:
        wanted = wanted.where(Publication.state == query["state"])
    if query["needs_person"] is not None:
        wanted = wanted.where(Publication.needs_person.is_(query["needs_person"]))
    with workspace().database.read() as session:
        return [_row(*row) for row in session.execute(wanted)]


@blueprint.route("/<int:publication_id>/settle", methods=["POST"])
@needs("decide")
@blueprint.arguments(SettleBody)
@blueprint.response(200, PublicationSchema)
def settle_publication(body: dict[str, Any], publication_id: int) -> Publication:
    """Say what you saw on the network: the reply is there, or it is not (then it is sent again)."""
    outbox = Outbox(workspace().database, workspace().trail)
    settled = outbox.settled_by(
        need("decide"), _id(publication_id), there=body["there"], external_id=body["external_id"]
    )
    workspace().nudge.send("publish")
    return settled


@blueprint.route("/<int:publication_id>/retry", methods=["POST"])
@blueprint.response(200, PublicationSchema)
def retry_publication(publication_id: int) -> Publication:
    """Send a failed reply again."""
    retried = Outbox(workspace().database, workspace().trail).retry(need("decide"), _id(publication_id))
    workspace().nudge.send("publish")
    return retried


def _row(publication: Publication, decision: Decision, message: Message, channel: Channel) -> dict[str, Any]:
    return {
        "id": publication.id,
        "decision": decision.id,
        "case": decision.case_id,
        "message": message.id,
        "channel": channel.key,
        "state": publication.state,
        "needs_person": publication.needs_person,
        "reason": publication.reason,
        "text": decision.final_text,
        "external_id": publication.external_id,
        "attempt": publication.attempt,
        "not_before": publication.not_before.isoformat(),
        "sent_at": publication.sent_at.isoformat() if publication.sent_at else None,
    }
