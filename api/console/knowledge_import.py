"""The import wizard: choose a file, look at the plan of every row, agree, and undo it where it was wrong."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, flash, get_flashed_messages, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response as Answer

from api.console.frame import blueprint
from api.problems import Refused, not_found
from api.rest.access import need, needs, workspace
from api.rest.knowledge_exchange import download, plain_report, uploads
from knowledge.exchange import FATES, FORMATS, SUFFIXES, NoSuchImport, imports
from knowledge.exchange.undo import import_of
from knowledge.languages import LANGUAGES

PER_PAGE: Final = 100
FORMAT_NAMES: Final = {
    "jsonl": "JSON Lines", "csv": "CSV", "xlsx": "Excel", "markdown": "Markdown", "yaml": "YAML",
    "faqpage": "schema.org FAQPage", "rasa": "Rasa", "zendesk": "Zendesk Help Center", "chatwoot": "Chatwoot",
}  # fmt: skip
FATE_NAMES: Final = {
    "create": _("new"), "change": _("changed"), "unchanged": _("unchanged"), "skipped": _("left out"),
    "refused": _("refused"),
}  # fmt: skip
FATE_KINDS: Final = {"create": "good", "change": "accent", "unchanged": "", "skipped": "warn", "refused": "bad"}
STATE_NAMES: Final = {"stored": _("imported"), "undone": _("undone"), "partly_undone": _("partly undone")}
FIELD_NAMES: Final = {
    "question": _("Question"), "variants": _("Phrasings"), "answer": _("Answer"), "public": _("Public text"),
    "category": _("Category"),
}  # fmt: skip


@blueprint.get("/knowledge/import/file")
@needs("knowledge")
def show_import() -> str:
    """The first step, with what was imported earlier."""
    with workspace().database.read() as session:
        held = imports(session, 20)
    return _page("import.html", held=held, formats=FORMATS, saved_as=SUFFIXES, languages=LANGUAGES, problem=_told())


@blueprint.post("/knowledge/import/file")
@needs("knowledge")
def take_import() -> Answer:
    """Keep the file and go on to its plan; back to the first step with the reason where it cannot be used."""
    file = request.files.get("file")
    try:
        if file is None:
            raise Refused(422, "no_file", gettext("Choose a file."))
        given = {name: request.form.get(name, "")[:40] for name in ("format", "language")}
        upload = uploads().keep(file, by=need("knowledge").name, **given)
        uploads().plan(upload)
    except Refused as refused:
        flash(refused.detail, "import")
        return redirect(url_for("console.show_import"), 303)
    return redirect(url_for("console.show_import_plan", token=upload.token), 303)


@blueprint.get("/knowledge/import/plan/<token>")
@needs("knowledge")
def show_import_plan(token: str) -> str:
    """The second step: the fate of every row, with what would change."""
    upload = uploads().find(token)
    plan = plain_report(upload, uploads().plan(upload))
    wanted = request.args.get("fate", "")
    rows = [row for row in plan["rows"] if wanted not in FATES or row["fate"] == wanted]
    number = request.args.get("page", "1")
    page = max(1, int(number)) if number.isascii() and number.isdecimal() and len(number) < 7 else 1
    pages = max(1, -(-len(rows) // PER_PAGE))
    shown = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    return _page(
        "import_plan.html", upload=upload, plan=plan, rows=shown, wanted=wanted, page=page, pages=pages,
        problem=_told(),
    )  # fmt: skip


@blueprint.post("/knowledge/import/plan/<token>")
@needs("knowledge")
def agree_to_import(token: str) -> Answer:
    """Import as planned and show the result; back to a new plan where the base has changed meanwhile."""
    upload = uploads().find(token)
    if request.form.get("act") == "forget":
        uploads().forget(token)
        return redirect(url_for("console.show_import"), 303)
    try:
        report = uploads().carry_out(
            upload, by=need("knowledge").name, digest=request.form.get("digest", "")[:64],
            skip_refused=request.form.get("skip_refused") == "yes",
        )  # fmt: skip
    except Refused as refused:
        flash(
            gettext("The base has changed since this plan was made. Here is the new one.")
            if refused.code == "plan_changed"
            else refused.detail,
            "import",
        )
        return redirect(url_for("console.show_import_plan", token=token), 303)
    if report.import_id is None:
        flash(gettext("Nothing had to be changed."), "import")
        return redirect(url_for("console.show_import"), 303)
    return redirect(url_for("console.show_imported", number=report.import_id), 303)


@blueprint.get("/knowledge/import/done/<int:number>")
@needs("knowledge")
def show_imported(number: int) -> str:
    """The last step, and later the record: what an import did to each article, with its undo."""
    return _imported(number, {})


@blueprint.post("/knowledge/import/done/<int:number>")
@needs("knowledge")
def take_back_import(number: int) -> str | Answer:
    """Undo; where articles were edited since, say which and offer the rest."""
    try:
        outcome = uploads().undo(number, by=need("knowledge").name, rest=request.form.get("rest") == "yes")
    except Refused as refused:
        if refused.code != "edited_since":
            raise
        return _imported(number, refused.extra["articles"])
    if outcome.blocked:
        return _imported(number, outcome.blocked)
    return redirect(url_for("console.show_imported", number=number), 303)


@blueprint.get("/knowledge/export/<kind>")
@needs("read")
def export_knowledge(kind: str) -> Response:
    """The base as a file."""
    if kind not in SUFFIXES:
        raise not_found("format")
    return download(kind)


def _imported(number: int, blocked: dict[str, str]) -> str:
    with workspace().database.read() as session:
        try:
            past, changes = import_of(session, number)
        except NoSuchImport:
            raise not_found("import") from None
        rows = [(one.article_id, one.before is None, one.undone) for one in changes[:500]]
    return _page("import_done.html", past=past, rows=rows, blocked=blocked)


def _told() -> str:
    return str(next(iter(get_flashed_messages(category_filter=["import"])), ""))


def _page(template: str, **given: Any) -> str:
    return render_template(
        f"knowledge/{template}", format_names=FORMAT_NAMES, fate_names=FATE_NAMES, fate_kinds=FATE_KINDS,
        state_names=STATE_NAMES, field_names=FIELD_NAMES, fates=FATES, **given,
    )  # fmt: skip
