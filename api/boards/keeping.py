"""Findings that last: the same thing found again is the same row, what was decided stays decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.problems import conflict, invalid, not_found
from api.tables import Finding
from knowledge.database import now

BOARDS: Final = ("gaps", "duplicates", "contradictions", "rewritten", "never_used", "past_review")


@dataclass(frozen=True, slots=True)
class Found:
    """Something a computation found. `same` are further keys under which a decided or open row may know it."""

    board: str
    key: str
    people: float
    data: dict[str, Any]
    same: tuple[str, ...] = field(default=())


def keep(session: Session, found: Iterable[Found]) -> dict[str, int]:
    """Store what was found: new rows are open, known ones are renewed, those not found any more are `gone`.

    A finding that was decided on stays decided, whatever is found later. Returns how many are open on each board.
    """
    held = {(row.board, row.key): row for row in session.scalars(select(Finding))}
    seen: set[int] = set()
    moment = now()
    for one in found:
        row = next((held[one.board, key] for key in (one.key, *one.same) if (one.board, key) in held), None)
        if row is None:
            row = held[one.board, one.key] = Finding(board=one.board, key=one.key, state="open", first_seen=moment)
            session.add(row)
        row.last_seen = moment
        if row.state in ("open", "gone"):
            row.state, row.people, row.data = "open", one.people, one.data
        session.flush()
        seen.add(row.id)
    for row in held.values():
        if row.state == "open" and row.id not in seen:
            row.state = "gone"
    session.flush()
    counted = dict.fromkeys(BOARDS, 0)
    for row in held.values():
        if row.state == "open":
            counted[row.board] += 1
    return counted


def board(session: Session, name: str, state: str = "open", limit: int = 100) -> list[Finding]:
    """A board, what touches most people first."""
    wanted = select(Finding).where(Finding.board == name, Finding.state == state)
    return list(session.scalars(wanted.order_by(Finding.people.desc(), Finding.id).limit(limit)))


def decide(session: Session, finding_id: int, decision: str, reason: str, *, by: str) -> Finding:
    """Say that a finding is done, or dismiss it with a reason.

    Raises:
        Refused: 404, 409 `not_open`, 422 `no_reason`.
    """
    row = session.get(Finding, finding_id)
    if row is None:
        raise not_found("finding")
    if row.state not in ("open", "gone"):
        raise conflict("not_open", f"this has been decided: {row.state}", state=row.state, by=row.decided_by)
    if decision == "dismissed" and not reason.strip():
        raise invalid("no_reason", "a finding is dismissed with a reason")
    row.state, row.reason, row.decided_by, row.decided_at = decision, reason.strip()[:400], by, now()
    return row
