"""Logging in and out, and who I am."""

from __future__ import annotations

from typing import Any

from flask import session
from flask_smorest import Blueprint
from flask_wtf.csrf import generate_csrf
from marshmallow import Schema, fields, validate

from api.accounts import Principal, log_in, log_out, principal_of_session
from api.rest.access import REFERENCE, need, needs, principal, workspace
from api.tables import Account
from api.web import csrf, limiter
from knowledge.languages import LANGUAGES

blueprint = Blueprint("login", __name__, url_prefix="/api", description="People log in; machines use tokens")


class LoginBody(Schema):
    login = fields.String(required=True, validate=validate.Length(1, 80))
    password = fields.String(required=True, validate=validate.Length(1, 200))


class MeBody(Schema):
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))


class MeSchema(Schema):
    name = fields.String(required=True)
    login = fields.String(allow_none=True)
    initials = fields.String(allow_none=True)
    language = fields.String(allow_none=True)
    roles = fields.List(fields.String())
    permissions = fields.List(fields.String(), required=True)
    csrf_token = fields.String()


@blueprint.route("/login", methods=["POST"])
@csrf.exempt
@limiter.limit(lambda: workspace().settings.login_limit)
@blueprint.arguments(LoginBody)
@blueprint.response(200, MeSchema)
def log_in_person(body: dict[str, Any]) -> dict[str, Any]:
    """Log in. The answer's cookie and `csrf_token` (sent back as `X-CSRFToken`) go with every change."""
    with workspace().database.write() as database:
        account, reference = log_in(database, body["login"], body["password"])
    session.clear()
    session[REFERENCE] = reference
    session.permanent = False
    with workspace().database.read() as database:
        asking = principal_of_session(database, reference)
    if asking is None:
        raise RuntimeError(f"the log-in of {account.login} ended as it began")
    return me_of(asking)


@blueprint.route("/logout", methods=["POST"])
@blueprint.response(204)
def log_out_person() -> None:
    """End this log-in."""
    asking = principal()
    if asking is not None and asking.login_session_id is not None:
        with workspace().database.write() as database:
            log_out(database, asking.login_session_id)
    session.clear()


@blueprint.route("/me", methods=["GET"])
@blueprint.response(200, MeSchema)
def me() -> dict[str, Any]:
    """Who is asking, and what they may do."""
    return me_of(need("read"))


@blueprint.route("/me", methods=["PUT"])
@needs("read")
@blueprint.arguments(MeBody)
@blueprint.response(200, MeSchema)
def change_me(body: dict[str, Any]) -> dict[str, Any]:
    """Choose the language of the console."""
    account, _ = need("read").person()
    with workspace().database.write() as database:
        stored = database.get_one(Account, account.id)
        stored.language = body["language"]
    account.language = body["language"]
    return me_of(need("read"))


def me_of(asking: Principal) -> dict[str, Any]:
    """The answer to "who am I"."""
    account = asking.account
    return {
        "name": account.name if account else asking.name,
        "login": account.login if account else None,
        "initials": account.initials if account else None,
        "language": account.language if account else None,
        "roles": sorted(account.role_names) if account else [],
        "permissions": sorted(asking.permissions),
        "csrf_token": generate_csrf() if account else "",
    }
