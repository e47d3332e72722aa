"""The boards' page: what to fix next, with what is needed to decide on the spot."""

from __future__ import annotations

from typing import Any, Final

from flask import render_template, request
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.boards.keeping import BOARDS, board
from api.boards.reading import rewrites
from api.console.frame import blueprint, may
from api.console.knowledge import question_of
from api.knowledge_service import knowledge_service
from api.rest.access import needs, workspace
from api.tables import BoardRun, Decision, Finding, Message
from knowledge.tables import Variant, Version
from knowledge.text_diff import word_diff

NAMES: Final = {
    "gaps": _("Gaps"),
    "duplicates": _("Duplicates"),
    "contradictions": _("Contradictions"),
    "rewritten": _("Rewritten by agents"),
    "never_used": _("Never used"),
    "past_review": _("Past their review date"),
}
APART: Final = {"numbers": _("different numbers"), "negation": _("one says yes, the other no")}


@blueprint.get("/knowledge/board")
@needs("read")
def show_boards() -> str:
    """One board, chosen by `?board=`; how many are open on each."""
    name = request.args.get("board", "")
    state = request.args.get("state", "open")
    state = state if state in ("open", "done", "dismissed") else "open"
    with workspace().database.read() as session:
        open_ = select(Finding.board, func.count()).where(Finding.state == "open").group_by(Finding.board)
        counts = dict(session.execute(open_).all())
        if name not in BOARDS:
            name = next((one for one in BOARDS if counts.get(one)), BOARDS[0])
        rows = [_shown(session, row) for row in board(session, name, state)]
        run = session.scalar(select(BoardRun).order_by(BoardRun.id.desc()).limit(1))
    entries = {entry.id: entry for entry in knowledge_service().catalogue.all()}
    return render_template(
        "knowledge/boards.html", board=name, state=state, names=NAMES, counts=counts, rows=rows, run=run, apart=APART,
        entries=entries, question_of=question_of, word_diff=word_diff, writable=may("knowledge"),
    )  # fmt: skip


def _shown(session: Session, row: Finding) -> dict[str, Any]:
    """A finding with the texts it is about. Customers' words are read here, where erasure has reached them."""
    shown: dict[str, Any] = {"row": row, "data": row.data}
    if row.board == "gaps":
        shown["messages"] = _in_order(session, Message, row.data["messages"])
        shown["written"] = [one.final_text for one in _in_order(session, Decision, row.data["decisions"])]
    if row.board == "rewritten":
        version = session.get(Version, row.data["version"])
        variant = session.get(Variant, version.variant_id) if version else None
        proposed = next((one.after for one in rewrites(session) if one.decision == row.data["decision"]), "")
        shown |= {"version": version, "variant": variant, "proposed": proposed}
    return shown


def _in_order(session: Session, table: type[Any], ids: list[int]) -> list[Any]:
    found = {one.id: one for one in session.scalars(select(table).where(table.id.in_(ids)))}
    return [found[key] for key in ids if key in found]
