"""Who is asking, and may they: for every route of the API and the console."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import current_app, g, request, session

from api.accounts import Permission, Principal, principal_of_session, principal_of_token
from api.problems import Refused
from api.workspace import Workspace

P = ParamSpec("P")
R = TypeVar("R")

REFERENCE = "reference"
"""The key of the session cookie that holds the log-in's reference."""


def workspace() -> Workspace:
    """The workspace this application serves."""
    return cast(Workspace, current_app.extensions["odzew"])


def principal() -> Principal | None:
    """Who is asking: by bearer token or by log-in cookie. Looked up once a request; None for nobody."""
    if "principal" not in g:
        g.principal = _find()
    return cast("Principal | None", g.principal)


def need(permission: Permission) -> Principal:
    """The one who asks, if they may.

    Raises:
        Refused: 401 `not_logged_in`, 403 `forbidden`.
    """
    asking = principal()
    if asking is None:
        raise Refused(401, "not_logged_in", "log in, or send a valid bearer token")
    asking.require(permission)
    return asking


def needs(permission: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Guard a view: `@needs("knowledge")`, outside of every decorator that reads the body."""

    def guard(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            need(permission)
            return view(*args, **kwargs)

        return guarded

    return guard


def _find() -> Principal | None:
    header = request.headers.get("Authorization", "")
    with workspace().database.read() as database:
        if header:
            scheme, _, presented = header.partition(" ")
            return principal_of_token(database, presented.strip()) if scheme.lower() == "bearer" else None
        reference = session.get(REFERENCE)
        return principal_of_session(database, reference) if isinstance(reference, str) else None
