"""The web application: API, console, sandbox wall and webhooks behind one set of rules."""

from __future__ import annotations

import http
import secrets
import sys
from typing import Any

import structlog
from apispec import BasePlugin
from flask import Flask, Request, Response, g, jsonify, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_smorest import Api
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map

from api.knowledge_uploads import MAX_UPLOAD
from api.problems import Refused
from api.rest.hygiene import refuse_unstorable
from api.workspace import Workspace
from knowledge.settings import Settings, WrongSettings

log = structlog.get_logger()

PROBLEM = "application/problem+json"
UPLOADS = ("/api/knowledge/uploads", "/knowledge/import/file")
LARGEST = 2**31 - 1
"""The largest number of a row: PostgreSQL's integer."""


class Csrf(CSRFProtect):  # type: ignore[misc]
    """CSRF protection for cookies. A request with a bearer token is not asked for it: no browser adds one by itself,
    and with the header present the cookie counts for nothing (`api.rest.access`)."""

    def protect(self, *args: Any, **kwargs: Any) -> None:
        if not request.headers.get("Authorization"):
            super().protect(*args, **kwargs)


csrf = Csrf()
limiter = Limiter(get_remote_address)


class Incoming(Request):
    """A request. Files of articles may be larger than everything else that is sent here."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        if self.path in UPLOADS:
            self.max_content_length = MAX_UPLOAD


class RowNumber(IntegerConverter):
    """A number in an address that a row can have; a larger one names nothing (404), on either database."""

    def __init__(self, map_: Map) -> None:
        super().__init__(map_, max=LARGEST)


class ProblemApi(Api):  # type: ignore[misc]
    """flask-smorest with problem+json for every error."""

    def handle_http_exception(self, error: HTTPException) -> Response:
        return _http_problem(error)


class NamedOperations(BasePlugin):
    """Gives each operation of the description the name of its view as `operationId`."""

    def operation_helper(self, path: str | None = None, operations: dict[str, Any] | None = None, **given: Any) -> None:
        for operation in (operations or {}).values():
            operation.setdefault("operationId", given["rule"].endpoint.rpartition(".")[2])


def create_app(workspace: Workspace) -> Flask:
    """The application of one workspace."""
    app = Flask("api", static_folder="console/static", template_folder="console/templates")
    app.request_class = Incoming
    settings = workspace.settings
    app.config.update(
        SECRET_KEY=settings.secret("cookies.key"),
        MAX_CONTENT_LENGTH=settings.body_limit,
        SESSION_COOKIE_NAME="odzew",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_HEADERS=["X-CSRFToken"],
        WTF_CSRF_SSL_STRICT=False,
        RATELIMIT_STORAGE_URI=_counter_store(settings.redis_url),
        RATELIMIT_STORAGE_OPTIONS=_quick(settings),
        # Counted in this process while Redis is silent. A list of limits here would fall on every route, intake too.
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_HEADERS_ENABLED=True,
        API_TITLE="Odzew",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
    )
    app.url_map.converters["int"] = RowNumber
    app.extensions["odzew"] = workspace
    csrf.init_app(app)
    limiter.init_app(app)
    _handle_errors(app)
    _register(app)
    app.before_request(refuse_unstorable)
    app.after_request(_headers)
    return app


def _counter_store(redis_url: str) -> str:
    # The limiter knows a socket's address by another name than redis-py does.
    return f"redis+{redis_url}" if redis_url.startswith("unix://") else redis_url or "memory://"


def _quick(settings: Settings) -> dict[str, Any]:
    if not settings.redis_url:
        return {}
    return {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "retry": None}


def _register(app: Flask) -> None:
    from api.console import blueprint as console
    from api.rest import (
        article_life,
        boards,
        cases,
        events,
        health,
        knowledge,
        knowledge_exchange,
        login,
        publications,
        sandbox,
        tasks,
        training,
        webhooks,
    )

    api = ProblemApi(app, spec_kwargs={"extra_plugins": [NamedOperations()]})
    rooms = (login, cases, publications, knowledge, knowledge_exchange, article_life, tasks, boards, training, sandbox)
    for module in rooms:
        api.register_blueprint(module.blueprint)
    for plain in (webhooks.blueprint, events.blueprint, health.blueprint, console):
        app.register_blueprint(plain)
    csrf.exempt(webhooks.blueprint)


def _handle_errors(app: Flask) -> None:
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(CSRFError, lambda error: problem(400, "bad_csrf", str(error.description)))
    app.register_error_handler(
        DataError, lambda _error: problem(422, "bad_value", "a value is outside what can be stored")
    )
    app.register_error_handler(Exception, _unexpected)


def problem(status: int, code: str, detail: str, **extra: Any) -> Response:
    """An answer of RFC 9457: `type`, `title`, `status`, `detail` and what the refusal adds."""
    body = {
        "type": f"urn:odzew:problem:{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **extra,
    }
    answer = jsonify(body)
    answer.status_code = status
    answer.content_type = PROBLEM
    return answer


def _refused(error: Refused) -> Response:
    return problem(error.status, error.code, error.detail, **error.extra)


def _http_problem(error: HTTPException) -> Response:
    if error.response is not None and error.code is None:
        return Response(error.get_response().get_data(), error.get_response().status_code)
    status = error.code or 500
    data: dict[str, Any] = getattr(error, "data", None) or {}
    extra = {"errors": data["messages"]} if "messages" in data else {}
    if 300 <= status < 400:
        return Response(status=status, headers=dict(error.get_headers()))
    answer = problem(
        status, (error.name or "error").lower().replace(" ", "_"), str(error.description or error.name), **extra
    )
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers[name] = value
    return answer


def _unexpected(error: Exception) -> Response:
    reference = secrets.token_hex(6)
    log.error("unexpected error", reference=reference, path=request.path, exc_info=error)
    return problem(500, "unexpected", f"something went wrong here; the log has it under {reference}")


def _headers(answer: Response) -> Response:
    answer.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'",
    )
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    answer.headers.setdefault("Referrer-Policy", "no-referrer")
    answer.headers.setdefault("X-Frame-Options", "DENY")
    answer.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if not request.path.startswith("/static/"):
        answer.headers.setdefault("Cache-Control", "no-store")
    g.pop("principal", None)
    return answer


def main() -> None:
    """`python -m api.web`: serve until SIGTERM."""
    from api.logs import set_up
    from api.serving import serve

    try:
        settings = Settings.load()
    except WrongSettings as wrong:
        sys.exit(str(wrong))
    set_up(settings, "web")
    serve(settings)


if __name__ == "__main__":
    main()
