"""The inbox page: queue, conversation, desk. Its parts are also served alone, for the live page to put in place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from flask import render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import inbox
from api.console import desk, words
from api.console.frame import blueprint, reader_language
from api.problems import not_found
from api.rest.access import need, workspace
from api.tables import Channel, Decision, Publication, Team
from knowledge.database import now
from knowledge.languages import NAMES

PAGE_SIZE: Final = 100
JUST_MINUTES: Final = 3
FILTERS: Final = ("state", "channel", "language", "outcome", "team", "mine", "q", "order", "page")
BIG: Final = 2**53


@blueprint.get("/inbox")
@blueprint.get("/inbox/<int:case_id>")
def show_inbox(case_id: int | None = None) -> str:
    """The page; with `?part=queue` or `?part=case` only that part of it."""
    part = request.args.get("part", "")
    context: dict[str, Any] = {}
    with workspace().database.read() as session:
        if part != "case":
            context |= _queue(session)
        if part != "queue":
            context |= _case(session, case_id)
    context["case_id"] = case_id
    template = {"queue": "inbox/_queue.html", "case": "inbox/_case.html"}.get(part, "inbox/page.html")
    return render_template(template, **context)


def _queue(session: Session) -> dict[str, Any]:
    asking = need("read")
    chosen = {name: request.args.get(name, "").strip()[:200] for name in FILTERS}
    chosen["state"] = chosen["state"] or "todo"
    page = int(chosen["page"]) if chosen["page"].isdecimal() and len(chosen["page"]) < 6 else 1
    account = asking.account.id if asking.account else None
    filters = inbox.Filters(
        state="open" if chosen["mine"] else chosen["state"],
        channel=chosen["channel"],
        language=chosen["language"],
        outcome=chosen["outcome"],
        team=chosen["team"],
        claimed_by=account if chosen["mine"] else None,
        q=chosen["q"],
        order="newest" if chosen["order"] == "newest" else "urgent",
        page=max(page, 1),
        page_size=PAGE_SIZE,
    )
    return {
        "queue": inbox.queue(session, filters),
        "counts": inbox.counts(session, account),
        "chosen": chosen,
        "query": _query(chosen),
        "choices": _choices(session),
        "uncertain": _uncertain(session),
        "arrived": _arrived(session),
        "teams": session.scalars(select(Team).order_by(Team.id)).all(),
        "undo_seconds": workspace().settings.undo_seconds,
    }


def _query(chosen: dict[str, str]) -> str:
    """The filters as they stand in a link to a case, so that the list stays as it is."""
    kept = {name: value for name, value in chosen.items() if value and not (name == "state" and value == "todo")}
    return f"?{urlencode(kept)}" if kept else ""


def _choices(session: Session) -> dict[str, list[tuple[str, str]]]:
    kinds = session.scalars(select(Channel.kind).distinct().order_by(Channel.kind)).all()
    teams = session.scalars(select(Team).order_by(Team.id)).all()
    return {
        "channel": [(kind, words.say("channel", kind)) for kind in kinds],
        "language": [(code, words.say("language", code)) for code in (*NAMES, "other")],
        "outcome": [(code, words.say("outcome", code)) for code in words.OUTCOMES],
        "team": [(team.key, words.team(team.key, team.name)) for team in teams],
    }


def _arrived(session: Session) -> dict[str, Any] | None:
    """The case that came in last, while it is still news: it may stand far down a list that is sorted by urgency."""
    newest = inbox.queue(session, inbox.Filters(state="todo", order="newest", page_size=1))["items"]
    fresh = (now() - timedelta(minutes=JUST_MINUTES)).isoformat()
    return newest[0] if newest and newest[0]["opened_at"] > fresh else None


def _uncertain(session: Session) -> list[dict[str, Any]]:
    """Replies that a person has to look at: nobody knows whether they are there, or they could not be sent."""
    rows = session.execute(
        select(Publication, Decision, Channel)
        .join(Decision, Decision.id == Publication.decision_id)
        .join(Channel, Channel.id == Publication.channel_id)
        .where((Publication.state == "failed") | ((Publication.state == "uncertain") & Publication.needs_person))
        .order_by(Publication.id)
        .limit(20)
    )
    return [
        {"id": publication.id, "state": publication.state, "case": decision.case_id, "text": decision.final_text,
         "channel": channel.name, "reason": publication.reason}
        for publication, decision, channel in rows
    ]  # fmt: skip


def _case(session: Session, case_id: int | None) -> dict[str, Any]:
    asking = need("read")
    if case_id is None:
        return {"view": None}
    view = inbox.case_view(session, case_id, reader_language()) if case_id < BIG else None
    if view is None:
        raise not_found("case")
    return {"view": view, **desk.context(view, asking, workspace().settings.claim_seconds)}
