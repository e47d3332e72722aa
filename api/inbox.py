"""The inbox to look at: the queue of cases, as rows ready for JSON. One case whole is in `api.inbox_case`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypedDict, TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from api.inbox_case import case_view
from api.tables import Account, Case, Channel, Conversation, Decision, Identity, Message, Participant, Preparation, Team
from api.tables.conversations import CLOSED
from knowledge.database import now

__all__ = ["GROUPS", "Filters", "Page", "Row", "case_view", "counts", "queue"]

T = TypeVar("T")
Row = dict[str, Any]

WAITING: Final = ("waiting_customer", "waiting_internal", "moved_private")
GROUPS: Final = ("todo", "waiting", "open", "closed", "all")
"""What `Filters.state` may be besides a single state: `todo` needs a person now, `open` is everything not closed."""

EXCERPT: Final = 180


_ORDERS: Final = {
    "urgent": (Case.priority.desc(), Case.deadline_at, Case.id),
    "newest": (Case.id.desc(),),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which cases to list. Empty strings and None filter nothing; `claimed_by` is an account: its own work."""

    state: str = "open"
    channel: str = ""
    language: str = ""
    outcome: str = ""
    team: str = ""
    claimed_by: int | None = None
    q: str = ""
    order: Literal["urgent", "newest"] = "urgent"
    page: int = 1
    page_size: int = 50


class Page(TypedDict):
    """One page of the queue, and how long the whole queue is."""

    items: list[Row]
    total: int
    page: int
    page_size: int


def queue(session: Session, filters: Filters) -> Page:
    """The cases that pass the filters: highest priority first, then the nearest deadline; or the newest first."""
    wanted = _conditions(filters)
    total = session.scalar(_joined(select(func.count(Case.id))).where(*wanted)) or 0
    page_size = min(max(filters.page_size, 1), 200)
    page = max(filters.page, 1)
    cases = session.scalars(
        _joined(select(Case))
        .where(*wanted)
        .order_by(*_ORDERS[filters.order])
        .limit(page_size)
        .offset((page - 1) * page_size)
    ).all()
    return Page(items=_rows(session, cases), total=total, page=page, page_size=page_size)


def counts(session: Session, account_id: int | None = None) -> dict[str, int]:
    """How many cases each group of states holds, and `mine` for an account."""
    by_state = dict(session.execute(select(Case.state, func.count()).group_by(Case.state)).all())
    closed = sum(by_state.get(state, 0) for state in CLOSED)
    waiting = sum(by_state.get(state, 0) for state in WAITING)
    everything = sum(by_state.values())
    held = {
        "todo": everything - closed - waiting,
        "waiting": waiting,
        "open": everything - closed,
        "closed": closed,
        "all": everything,
    }
    if account_id is not None:
        held["mine"] = session.scalar(select(func.count(Case.id)).where(_is_mine(account_id))) or 0
    return held


def _joined(statement: Select[Any]) -> Select[Any]:
    return (
        statement.join(Conversation, Case.conversation_id == Conversation.id)
        .join(Channel, Conversation.channel_id == Channel.id)
        .join(Participant, Case.participant_id == Participant.id)
        .join(Identity, Participant.identity_id == Identity.id)
        .outerjoin(Team, Case.team_id == Team.id)
    )


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    match filters.state:
        case "all" | "":
            pass
        case "todo":
            wanted.append(Case.state.not_in((*CLOSED, *WAITING)))
        case "waiting":
            wanted.append(Case.state.in_(WAITING))
        case "open":
            wanted.append(Case.state.not_in(CLOSED))
        case "closed":
            wanted.append(Case.state.in_(CLOSED))
        case state:
            wanted.append(Case.state == state)
    if filters.channel:
        wanted.append(or_(Channel.key == filters.channel, Channel.kind == filters.channel))
    if filters.outcome:
        wanted.append(Case.outcome == filters.outcome)
    if filters.team:
        wanted.append(Team.key == filters.team)
    if filters.language:
        wanted.append(exists().where(Message.case_id == Case.id, Message.language == filters.language))
    if filters.claimed_by is not None:
        wanted.append(_is_mine(filters.claimed_by))
    if filters.q.strip():
        wanted.append(_says(filters.q.strip()))
    return wanted


def _is_mine(account_id: int) -> ColumnElement[bool]:
    """Held by this person now, or still open and decided on by them before."""
    return or_(
        and_(Case.claimed_by == account_id, Case.claim_expires_at > now()),
        and_(
            Case.state.not_in(CLOSED),
            exists().where(Decision.case_id == Case.id, Decision.agent_id == account_id),
        ),
    )


def _says(q: str) -> ColumnElement[bool]:
    # SQLite folds the case of ASCII letters alone, so that Cyrillic is looked for as it is usually written.
    forms = {q, q.lower(), q.capitalize(), q.upper()}
    found: list[ColumnElement[bool]] = [
        exists().where(
            Message.case_id == Case.id, or_(*(Message.text.icontains(form, autoescape=True) for form in forms))
        ),
        *(Identity.name.icontains(form, autoescape=True) for form in forms),
    ]
    number = q.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < 10:
        found.append(Case.id == int(number))
    return or_(*found)


def _rows(session: Session, cases: Sequence[Case]) -> list[Row]:
    targets = _targets(session, [case.id for case in cases])
    prepared = _prepared(session, [message.id for message, _ in targets.values()])
    holders = _by_id(session, Account, {case.claimed_by for case in cases})
    teams = _by_id(session, Team, {case.team_id for case in cases})
    moment = now()
    return [
        _row(
            case,
            targets.get(case.id),
            prepared,
            holders.get(case.claimed_by or 0),
            teams.get(case.team_id or 0),
            moment,
        )
        for case in cases
    ]


def _row(
    case: Case, target: tuple[Message, int] | None, prepared: dict[tuple[int, int], Preparation],
    holder: Account | None, team: Team | None, moment: datetime,
) -> Row:  # fmt: skip
    message, number_of_messages = target or (None, 0)
    preparation = prepared.get((message.id, message.revision)) if message else None
    held = holder is not None and case.claim_expires_at is not None and case.claim_expires_at > moment
    identity, channel = case.participant.identity, case.conversation.channel
    return {
        "id": case.id,
        "state": case.state,
        "outcome": case.outcome,
        "priority": case.priority,
        "reasons": case.reasons,
        "opened_at": case.opened_at.isoformat(),
        "deadline_at": case.deadline_at.isoformat(),
        "first_reply_at": case.first_reply_at.isoformat() if case.first_reply_at else None,
        "channel": {"key": channel.key, "kind": channel.kind, "name": channel.name},
        "public": case.conversation.public,
        "author": identity.name,
        "followers": identity.followers,
        "language": (message.language if message else None) or (preparation.language if preparation else None),
        "message_id": message.id if message else None,
        "excerpt": _excerpt(message.text) if message else "",
        "messages": number_of_messages,
        "prepared": preparation is not None,
        "abstained": preparation.abstained if preparation else None,
        "team": {"key": team.key, "name": team.name} if team else None,
        "holder": {"id": holder.id, "name": holder.name} if held and holder else None,
    }


def _targets(session: Session, case_ids: Sequence[int]) -> dict[int, tuple[Message, int]]:
    """Each case's newest customer message that is still there (else its newest), and how many it has."""
    standing = func.max(Message.seq).filter(Message.remote_state != "deleted")
    newest = (
        select(
            Message.case_id,
            func.coalesce(standing, func.max(Message.seq)).label("seq"),
            func.count().label("number"),
        )
        .where(Message.case_id.in_(case_ids), Message.role == "customer")
        .group_by(Message.case_id)
        .subquery()
    )
    rows = session.execute(
        select(Message, newest.c.number).join(
            newest, and_(Message.case_id == newest.c.case_id, Message.seq == newest.c.seq, Message.role == "customer")
        )
    )
    return {message.case_id: (message, number) for message, number in rows if message.case_id is not None}


def _prepared(session: Session, message_ids: Sequence[int]) -> dict[tuple[int, int], Preparation]:
    rows = session.scalars(
        select(Preparation).where(Preparation.message_id.in_(message_ids)).order_by(Preparation.number)
    )
    return {(row.message_id, row.revision): row for row in rows}


def _by_id(session: Session, table: type[T], ids: Iterable[int | None]) -> dict[int, T]:
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    key = table.id  # type: ignore[attr-defined]
    return {row.id: row for row in session.scalars(select(table).where(key.in_(wanted)))}  # type: ignore[attr-defined]


def _excerpt(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= EXCERPT else flat[: EXCERPT - 1].rstrip() + "…"
