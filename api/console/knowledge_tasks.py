"""The pages beside the articles: languages by articles, tasks, and the replies that used a version."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from sqlalchemy import select

from api import tasks
from api.console.frame import blueprint, may, reader_language
from api.console.knowledge import category_name, question_of
from api.knowledge_demand import matrix
from api.knowledge_service import knowledge_service
from api.problems import not_found
from api.rest.access import needs, workspace
from knowledge.languages import LANGUAGES
from knowledge.tables import Variant, Version


@blueprint.get("/knowledge/board/languages")
@needs("read")
def show_languages() -> str:
    """Articles by languages: what is missing or stale, and how many people a week ask there."""
    only = request.args.get("only", "")
    with workspace().database.read() as session:
        rows = matrix(session, knowledge_service().catalogue.all())
        asked = {(task.article_id, task.language) for task in tasks.listed(session, kind="translate")}
    if only:
        rows = [row for row in rows if any(cell.state != "ok" for cell in row.cells.values())]
    return render_template(
        "knowledge/languages.html", rows=rows, languages=LANGUAGES, entries=_entries(), question_of=question_of,
        asked=asked, only=only, totals=_totals(rows), writable=may("knowledge"), category_name=category_name,
    )  # fmt: skip


@blueprint.get("/knowledge/board/tasks")
@needs("read")
def show_tasks() -> str:
    """Replies to correct and texts to translate."""
    state = request.args.get("state", "open")
    state = state if state in ("open", "done", "dismissed") else "open"
    with workspace().database.read() as session:
        rows = tasks.listed(session, state)
        sources = {
            version.id: (version.text, language)
            for version, language in session.execute(
                select(Version, Variant.language)
                .join(Variant)
                .where(Version.id.in_([task.version_id for task in rows]))
            )
        }
    return render_template(
        "knowledge/tasks.html", tasks=rows, sources=sources, state=state, entries=_entries(), question_of=question_of
    )


@blueprint.get("/knowledge/versions/<int:version_id>/uses")
@needs("read")
def show_version_uses(version_id: int) -> str:
    """The recall list of a version."""
    with workspace().database.read() as session:
        version = session.get(Version, version_id)
        if version is None:
            raise not_found("version")
        variant = session.get_one(Variant, version.variant_id)
        uses = tasks.uses_of(session, version_id)
    return render_template(
        "knowledge/uses.html", version=version, variant=variant, uses=uses, reader=reader_language(),
        writable=may("knowledge"),
    )  # fmt: skip


def _entries() -> dict[str, Any]:
    return {entry.id: entry for entry in knowledge_service().catalogue.all()}


def _totals(rows: list[Any]) -> dict[str, dict[str, int]]:
    return {
        code: {state: sum(row.cells[code].state == state for row in rows) for state in ("missing", "stale", "open")}
        for code in LANGUAGES
    }
