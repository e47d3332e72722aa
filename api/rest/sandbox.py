"""The sandbox wall's own API: anybody may read and post, as on a real brand page."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api import sandbox
from api.problems import not_found
from api.rest.access import workspace
from api.web import limiter

blueprint = Blueprint("sandbox", __name__, url_prefix="/api/wall", description="The sandbox wall")


class PostBody(Schema):
    author = fields.String(required=True, validate=validate.Length(1, 80))
    text = fields.String(required=True, validate=validate.Length(1, 5000))
    thread = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 200))
    parent = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 60))
    public = fields.Boolean(load_default=True)

    @validates_schema
    def _not_blank(self, data: dict[str, Any], **_kwargs: Any) -> None:
        for name in ("author", "text"):
            if not data.get(name, "").strip():
                raise ValidationError("must not be blank", name)
        for name in ("thread", "parent"):
            if data.get(name) and not data[name].isprintable():
                raise ValidationError("is no post", name)


class PostSchema(Schema):
    id = fields.String(attribute="external_id")
    thread = fields.String(attribute="thread_key")


@blueprint.route("/posts", methods=["POST"])
@limiter.limit("30 per minute")
@blueprint.arguments(PostBody)
@blueprint.response(201, PostSchema)
def post_on_wall(body: dict[str, Any]) -> Any:
    """Post as a customer; in private with `public: false`."""
    made = sandbox.post(workspace().database, **body)
    workspace().nudge.send("work")
    workspace().nudge.send("events")
    return made


@blueprint.route("/threads", methods=["GET"])
@blueprint.response(200)
def list_threads() -> list[dict[str, Any]]:
    """The newest public threads."""
    return sandbox.threads(workspace().database)


@blueprint.route("/threads/<thread>", methods=["GET"])
@blueprint.response(200)
def show_thread(thread: str) -> dict[str, Any]:
    """One thread. A private one is shown to whoever knows its key, which cannot be guessed."""
    with workspace().database.read() as session:
        posts = sandbox.thread(session, thread)
    if not posts:
        raise not_found("thread")
    return {"thread": thread, "posts": posts}
