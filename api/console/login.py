"""Logging in and out by page, choosing the language, and where each person starts."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response as AnyResponse

from api.accounts import log_in, log_out
from api.console.frame import LANGUAGE, blueprint, may
from api.problems import Refused
from api.rest.access import REFERENCE, principal, workspace
from api.tables import Account
from api.web import limiter
from knowledge.languages import is_language


@blueprint.get("/")
def home() -> AnyResponse:
    """Each role's own starting page."""
    asking = principal()
    if asking is None:
        return redirect(url_for("console.show_login"))
    if may("decide") or not (may("knowledge") or may("train")):
        return redirect(url_for("console.show_inbox"))
    return redirect(url_for("console.show_knowledge" if may("knowledge") else "console.show_training"))


@blueprint.get("/login")
def show_login() -> str | AnyResponse:
    """The log-in form."""
    if principal() is not None:
        return redirect(_inside(request.args.get("next", "")))
    return _form("", None)


@blueprint.post("/login")
@limiter.limit(lambda: workspace().settings.login_limit)
def try_login() -> str | AnyResponse | tuple[str, int]:
    """Check name and password; the cookie that comes back holds a reference only."""
    login, password = request.form.get("login", "")[:80], request.form.get("password", "")[:200]
    try:
        with workspace().database.write() as database:
            _account, reference = log_in(database, login.strip(), password)
    except Refused as refused:
        if refused.status != 401:
            raise
        return _form(login, _("The name or the password is wrong.")), 401
    session.clear()
    session[REFERENCE] = reference
    return redirect(_inside(request.form.get("next", "")))


@blueprint.errorhandler(TooManyRequests)
def too_many(_error: TooManyRequests) -> tuple[str, int]:
    """Too many log-ins from one address."""
    return _form(request.form.get("login", "")[:80], _("Too many attempts. Please wait a minute.")), 429


@blueprint.post("/logout")
def leave() -> AnyResponse:
    """End this log-in."""
    asking = principal()
    if asking is not None and asking.login_session_id is not None:
        with workspace().database.write() as database:
            log_out(database, asking.login_session_id)
    session.clear()
    return redirect(url_for("console.show_login"))


@blueprint.post("/language")
def choose_language() -> AnyResponse:
    """Choose the language of the pages: kept with the account, or in the cookie of someone not logged in."""
    chosen = request.form.get("language")
    if is_language(chosen):
        session[LANGUAGE] = chosen
        asking = principal()
        if asking is not None and asking.account is not None:
            with workspace().database.write() as database:
                database.get_one(Account, asking.account.id).language = chosen
    return redirect(_inside(request.form.get("back", "")))


def _form(login: str, problem: str | None) -> str:
    wanted = request.values.get("next", "")
    return render_template("login.html", login=login, problem=problem, next=wanted)


def _inside(path: str) -> str:
    """The path, if it leads to a page of ours; else the start page. A foreign address is never followed."""
    parts = urlsplit(path)
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if plain and not parts.netloc and not parts.scheme else url_for("console.home")
