"""Cases: the one place where a case changes its state, its claim, its clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from api.history import record
from api.problems import Refused, conflict, not_found
from api.tables import Account, Case, Channel, Conversation, Message, Participant
from api.tables.conversations import CLOSED
from knowledge.database import now

OPEN: Final = (
    "new", "triaged", "needs_reply", "watch", "hide_proposed", "working", "waiting_customer", "waiting_internal",
    "waiting_approval", "moved_private", "reopened",
)  # fmt: skip

_TRIAGED: Final = frozenset({"needs_reply", "no_reply", "watch", "hide_proposed"})
_DECIDED: Final = frozenset({"waiting_customer", "waiting_internal", "void"})

MOVES: Final[dict[str, frozenset[str]]] = {
    "new": _TRIAGED | _DECIDED,
    "needs_reply": _TRIAGED | _DECIDED,
    "watch": _TRIAGED | _DECIDED,
    "hide_proposed": _TRIAGED | _DECIDED,
    "waiting_customer": _TRIAGED | {"waiting_internal", "resolved", "void"},
    "waiting_internal": frozenset({"needs_reply", "no_reply", "waiting_customer", "resolved", "void"}),
    "no_reply": frozenset({"needs_reply"}),
}
"""From which state a case may go where. What is not listed here does not happen."""


def move(session: Session, case: Case, state: str, actor: str, **why: Any) -> None:
    """Change a case's state, and write down who did it and why.

    Raises:
        Refused: 409 `illegal_move` where the table above has no such move.
    """
    if case.state == state:
        return
    if state not in MOVES.get(case.state, frozenset()):
        raise conflict("illegal_move", f"a case cannot go from {case.state} to {state}")
    before, case.state = case.state, state
    case.version += 1
    case.closed_at = now() if state in CLOSED else None
    record(
        session, "case.moved", actor, conversation_id=case.conversation_id, case_id=case.id,
        before=before, after=state, **why,
    )  # fmt: skip


def open_case_for(
    session: Session, channel: Channel, conversation: Conversation, participant: Participant, message: Message
) -> Case:
    """The participant's open case in this conversation; a new one, linked to the last, where there is none."""
    mine = (Case.conversation_id == conversation.id, Case.participant_id == participant.id)
    held = session.scalar(select(Case).where(*mine, Case.state.not_in(CLOSED)))
    if held is not None:
        if held.state == "waiting_customer":
            move(session, held, "needs_reply", "intake", message=message.id)
            held.deadline_at = now() + timedelta(minutes=channel.reply_minutes)
        return held
    previous = session.scalar(select(Case).where(*mine).order_by(Case.id.desc()).limit(1))
    case = Case(
        conversation_id=conversation.id,
        participant_id=participant.id,
        customer_id=participant.identity.customer_id,
        previous_case_id=previous.id if previous else None,
        opened_at=message.posted_at,
        deadline_at=message.posted_at + timedelta(minutes=channel.reply_minutes),
    )
    session.add(case)
    session.flush()
    record(session, "case.opened", "intake", conversation_id=conversation.id, case_id=case.id)
    return case


def void_if_empty(session: Session, message: Message) -> None:
    """Close a case as void when every message of it is deleted."""
    if message.case_id is None:
        return
    left = session.scalar(
        select(Message.id).where(
            Message.case_id == message.case_id, Message.remote_state != "deleted", Message.id != message.id
        )
    )
    case = session.get_one(Case, message.case_id)
    if left is None and case.state not in CLOSED:
        move(session, case, "void", "intake", message=message.id)


def claim(session: Session, case_id: int, account: Account, seconds: float) -> Case:
    """Take or renew the hold on a case. Each new hold has a higher token; an old token decides nothing.

    Raises:
        Refused: 404, or 409 `claimed` with who holds it and until when.
    """
    moment = now()
    free = or_(Case.claimed_by.is_(None), Case.claim_expires_at < moment)
    taken = session.execute(
        update(Case)
        .where(Case.id == case_id, Case.state.in_(OPEN), free)
        .values(
            claimed_by=account.id,
            claim_token=Case.claim_token + 1,
            claim_expires_at=moment + timedelta(seconds=seconds),
        )
        .execution_options(synchronize_session=False)
    ).rowcount  # type: ignore[attr-defined]
    case = session.get(Case, case_id, populate_existing=True)
    if case is None:
        raise not_found("case")
    if taken:
        record(
            session, "case.claimed", account.login, conversation_id=case.conversation_id, case_id=case.id,
            token=case.claim_token,
        )  # fmt: skip
        return case
    if case.state not in OPEN:
        raise conflict("case_closed", f"the case is {case.state}", state=case.state)
    if case.claimed_by != account.id:
        raise _claimed(session, case)
    case.claim_expires_at = moment + timedelta(seconds=seconds)
    return case


def release(session: Session, case_id: int, account: Account, token: int) -> Case:
    """Let go of a case. A token that is no longer the case's own changes nothing."""
    case = session.get(Case, case_id)
    if case is None:
        raise not_found("case")
    if case.claimed_by == account.id and case.claim_token == token:
        case.claimed_by = None
        case.claim_expires_at = None
        record(session, "case.released", account.login, conversation_id=case.conversation_id, case_id=case.id)
    return case


def require_claim(session: Session, case: Case, account: Account, token: int) -> None:
    """Check that this person holds the case with this very token.

    Raises:
        Refused: 409 `claimed` (another person holds it) or `claim_lost` (it ran out).
    """
    held = case.claim_expires_at is not None and case.claim_expires_at > now()
    if held and case.claimed_by == account.id and case.claim_token == token:
        return
    if held and case.claimed_by != account.id:
        raise _claimed(session, case)
    raise conflict("claim_lost", "your hold on this case has ended: claim it again", state=case.state)


def _claimed(session: Session, case: Case) -> Refused:
    holder = session.get(Account, case.claimed_by) if case.claimed_by else None
    return conflict(
        "claimed",
        f"{holder.name if holder else 'another person'} is working on this case",
        holder=holder.name if holder else None,
        until=case.claim_expires_at.isoformat() if case.claim_expires_at else None,
    )


def reopen(session: Session, case_id: int, account: Account) -> Case:
    """Put a case that was closed without a reply back into the queue.

    Raises:
        Refused: 404, 409 `illegal_move`, or 409 `newer_case` when the same person has an open one here already.
    """
    case = session.get(Case, case_id)
    if case is None:
        raise not_found("case")
    newer = session.scalar(
        select(Case.id).where(
            Case.conversation_id == case.conversation_id,
            Case.participant_id == case.participant_id,
            Case.state.not_in(CLOSED),
            Case.id != case.id,
        )
    )
    if newer is not None:
        raise conflict("newer_case", "this person has an open case in this conversation", case=newer)
    move(session, case, "needs_reply", account.login, reopened=True)
    return case
