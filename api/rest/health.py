"""Is the process there, and can it work."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.migrate import is_current
from api.rest.access import workspace

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """The main job can be done. Redis and Rasa make it degraded, not dead; `odzew doctor` has the details."""
    space = workspace()
    try:
        with space.database.read() as session:
            session.execute(text("SELECT 1"))
        ready = is_current(space.database)
        detail = "ok" if ready else "the database is not migrated: run odzew up"
    except SQLAlchemyError as error:
        ready, detail = False, f"the database does not answer: {type(error).__name__}"
    degraded = [] if space.nudge.alive else ["redis"]
    return jsonify({"ready": ready, "detail": detail, "degraded": degraded}), 200 if ready else 503
