"""Refusals and failures as friendly pages, for a person's browser; programs keep their problem+json."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from flask import Response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _

from api.console.frame import blueprint

PAGES: Final = {
    400: (_("That did not work"), _("The page was too old or the request was not understood. Go back and try again.")),
    403: (_("This page is not for you"), _("Your account does not have the right to open it. An admin can give it.")),
    404: (_("There is nothing here"), _("The page or the case does not exist, or not any more.")),
    413: (_("That was too much"), _("What was sent is larger than allowed.")),
    429: (_("A little slower, please"), _("Too many requests came from here. Wait a minute and go on.")),
    500: (
        _("Something went wrong here"),
        _("It is our fault and it has been written down. Nothing you decided is lost."),
    ),
}


def wants_page() -> bool:
    """Whether a person's browser asks: it navigates, and prefers HTML."""
    best = request.accept_mimetypes.best_match(["application/problem+json", "application/json", "text/html"])
    return best == "text/html" and not request.path.startswith(("/api/", "/webhooks/", "/static/"))


@blueprint.after_app_request
def friendly(answer: Response) -> Response:
    """Turn a problem+json answer into a page where a person navigates; into the log-in where that is missing."""
    if answer.mimetype != "application/problem+json" or not wants_page():
        return answer
    if answer.status_code == 401:
        back = request.full_path if request.method == "GET" else ""
        away = redirect(f"{url_for('console.show_login')}?next={quote(back.rstrip('?'))}")
        return Response(away.get_data(), away.status_code, list(away.headers))
    title, explanation = PAGES.get(answer.status_code, PAGES[500] if answer.status_code >= 500 else PAGES[400])
    detail = (answer.get_json(silent=True) or {}).get("detail", "")
    page = render_template("error.html", title=title, explanation=explanation, detail=detail, status=answer.status_code)
    answer.set_data(page)
    answer.content_type = "text/html; charset=utf-8"
    return answer
