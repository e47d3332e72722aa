"""The training page: messages to label, examples, runs and model versions. Its parts are also served alone."""

from __future__ import annotations

from typing import Any, Final

from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from api.console import training_words
from api.console.frame import blueprint
from api.console.words import say
from api.problems import not_found
from api.rest.access import needs, workspace
from api.training_queue import uncertain_messages
from api.training_view import example_row, model_row, models, refused, runs
from knowledge.languages import LANGUAGES, is_language
from training.examples import Wanted, find_examples, known_intents
from training.models import show_model
from training.records import Refusal
from training.runs import settle_dead

TABS: Final = ("label", "examples", "models")
SHOWN: Final = 40
PAGE_SIZE: Final = 50
RUNS_SHOWN: Final = 6
NARROWED_BY: Final = ("language", "intent", "state", "split", "source", "q")


@blueprint.get("/training")
@needs("train")
def show_training() -> ResponseReturnValue:
    """The page with one of its tabs; with `?part=1` that tab alone."""
    tab = request.args.get("tab", "")
    tab = tab if tab in TABS else TABS[0]
    if tab == "models":
        settle_dead(workspace().database, workspace().settings.home)
    with workspace().database.read() as session:
        context = {"label": _label, "examples": _examples, "models": _models}[tab](session)
        context["intents"] = sorted(known_intents(session), key=lambda name: say("intent", name).casefold())
    template = f"training/_{tab}.html" if request.args.get("part") else "training.html"
    return render_template(template, tab=tab, tw=training_words, **context)


@blueprint.get("/training/models/<int:model_id>")
@needs("train")
def show_model_page(model_id: int) -> ResponseReturnValue:
    """One version with its whole report."""
    with workspace().database.read() as session:
        try:
            version = model_row(show_model(session, model_id), whole=True) if model_id < 2**53 else None
        except Refusal as refusal:
            raise refused(refusal) from refusal
    if version is None:
        raise not_found("model")
    return render_template("training/model.html", tw=training_words, version=version, rows=_per_intent(version))


def _label(session: Session) -> dict[str, Any]:
    language = request.args.get("language", "")
    language = language if is_language(language) or language == "other" else ""
    return {"messages": uncertain_messages(session, SHOWN, language=language), "chosen": {"language": language}}


def _examples(session: Session) -> dict[str, Any]:
    chosen = {name: request.args.get(name, "").strip()[:200] for name in NARROWED_BY}
    asked = request.args.get("page", "1")
    page = max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    rows, total = find_examples(session, Wanted(**chosen), page=page, page_size=PAGE_SIZE)
    return {
        "examples": [example_row(row) for row in rows],
        "total": total,
        "page": page,
        "pages": max(1, -(-total // PAGE_SIZE)),
        "chosen": chosen,
        "languages": LANGUAGES,
    }


def _models(session: Session) -> dict[str, Any]:
    found = models(session)
    shown = runs(session, RUNS_SHOWN)
    by_id = {version["id"]: version for version in found["models"]}
    return {
        **found,
        "serving": by_id.get(found["in_service"]),
        "before": by_id.get(found["previous"]),
        "answering": by_id.get(found["standing"]["answering"]),
        "runs": shown,
        "running": next((run for run in shown if run["state"] == "running"), None),
        "languages": LANGUAGES,
    }


def _per_intent(version: dict[str, Any]) -> list[dict[str, Any]]:
    """Figures per intent, the weakest first, each with its change against the model it was compared with."""
    before = (version["figures_before"] or {}).get("per_intent", {})
    figures = version["report"].get("per_intent", {})
    rows = [{"intent": intent, **row, "before": before.get(intent, {}).get("f1")} for intent, row in figures.items()]
    return sorted(rows, key=lambda row: row["f1"])
