"""Intake by signed webhook. 2xx only after the commit; everything else stores nothing."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import RequestEntityTooLarge

from api.channels.signature import HEADER, BadSignature, check
from api.intake import ChannelEvent, take_in
from api.problems import Refused, not_found
from api.rest.access import workspace
from api.tables import Channel, ChannelSecret

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")

DEPTH_LIMIT = 16


@blueprint.post("/<channel>")
def receive(channel: str) -> tuple[Response, int]:
    """Take one event in. A repeated delivery gets the same 2xx and has no second effect."""
    raw = _body()
    channel_id, secrets = _channel(channel)
    try:
        check(request.headers.get(HEADER), raw, secrets)
    except BadSignature as bad:
        raise Refused(401, "bad_signature", str(bad)) from None
    event = _event(raw)
    try:
        receipt = take_in(workspace().database, channel_id, event, raw)
    except OperationalError:
        raise Refused(503, "database_busy", "the database does not answer: send it again") from None
    workspace().nudge.send("work")
    workspace().nudge.send("events")
    return jsonify({"effect": receipt.effect, "message": receipt.message_id}), 202


def _body() -> bytes:
    limit = workspace().settings.body_limit
    if (request.content_length or 0) > limit:
        raise Refused(413, "too_large", f"the body has more than {limit} bytes")
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Refused(413, "too_large", f"the body has more than {limit} bytes") from None
    return raw


def _channel(key: str) -> tuple[int, list[str]]:
    """The channel and its live secrets. A channel without a secret takes nothing in."""
    with workspace().database.read() as session:
        channel = session.scalar(select(Channel).where(Channel.key == key, Channel.enabled))
        if channel is None:
            raise not_found("channel")
        secrets = session.scalars(
            select(ChannelSecret.secret).where(
                ChannelSecret.channel_id == channel.id, ChannelSecret.revoked_at.is_(None)
            )
        ).all()
    if not secrets:
        raise not_found("channel")
    return channel.id, list(secrets)


def _event(raw: bytes) -> ChannelEvent:
    try:
        data = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Refused(400, "bad_json", f"the body is not JSON in UTF-8: {type(error).__name__}") from None
    if _depth(data) > DEPTH_LIMIT:
        raise Refused(422, "bad_event", f"the body is nested more than {DEPTH_LIMIT} deep")
    try:
        return ChannelEvent.model_validate(data)
    except ValidationError as error:
        errors = [
            {"pointer": "/" + "/".join(map(str, item["loc"])), "detail": item["msg"].removeprefix("Value error, ")}
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise Refused(422, "bad_event", "the body is not an event", errors=errors) from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _depth(data: object) -> int:
    deepest, level = 0, [data]
    while level and deepest <= DEPTH_LIMIT:
        deepest += 1
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return deepest
