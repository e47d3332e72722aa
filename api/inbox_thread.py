"""What stands around a case: the conversation as a tree, its decisions, the customer, what happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.tables import (
    Account,
    Case,
    Channel,
    Conversation,
    Customer,
    Decision,
    Event,
    Identity,
    Message,
    MessageRevision,
    Participant,
    Publication,
)

View = dict[str, Any]

EVENTS: Final = 100
EARLIER_CASES: Final = 20


def tree(session: Session, case: Case, messages: Sequence[Message], target: Message | None) -> list[View]:
    """The messages depth first, each with its depth and the number of messages below it."""
    known = {message.id for message in messages}
    children: dict[int | None, list[Message]] = defaultdict(list)
    for message in messages:
        children[message.parent_id if message.parent_id in known else None].append(message)
    earlier = _earlier_texts(session, [message.id for message in messages if message.revision > 1])
    authors = _decided_by(session, case.conversation_id)
    rows: list[View] = []
    waiting = [(message, 0) for message in reversed(children[None])]
    while waiting:
        message, depth = waiting.pop()
        row = _message(message, earlier.get(message.id, {}))
        row |= {
            "depth": depth,
            "replies": len(children[message.id]),
            "in_case": message.case_id == case.id,
            "is_target": target is not None and message.id == target.id,
            "agent": authors.get(message.external_id),
        }
        rows.append(row)
        waiting += [(child, depth + 1) for child in reversed(children[message.id])]
    return rows


def _message(message: Message, earlier: dict[int, str]) -> View:
    identity = message.participant.identity
    return {
        "id": message.id,
        "parent": message.parent_id,
        "author": identity.name,
        "participant": message.participant_id,
        "followers": identity.followers,
        "role": message.role,
        "audience": message.audience,
        "seq": message.seq,
        "revision": message.revision,
        "remote_state": message.remote_state,
        "text": message.text,
        "earlier": [text for revision, text in sorted(earlier.items()) if revision < message.revision],
        "language": message.language,
        "case": message.case_id,
        "posted_at": message.posted_at.isoformat(),
    }


def _earlier_texts(session: Session, ids: Sequence[int]) -> dict[int, dict[int, str]]:
    texts: dict[int, dict[int, str]] = defaultdict(dict)
    if ids:
        for row in session.scalars(select(MessageRevision).where(MessageRevision.message_id.in_(ids))):
            texts[row.message_id][row.revision] = row.text
    return texts


def _decided_by(session: Session, conversation_id: int) -> dict[str, str]:
    """Who decided each of our own replies in this conversation, by the id the channel gave it."""
    rows = session.execute(
        select(Publication.external_id, Account.name)
        .join(Decision, Decision.id == Publication.decision_id)
        .join(Account, Account.id == Decision.agent_id)
        .join(Message, Message.id == Decision.message_id)
        .where(Message.conversation_id == conversation_id, Publication.external_id.is_not(None))
    )
    return {external_id: name for external_id, name in rows if external_id is not None}


def decisions(session: Session, case: Case) -> list[View]:
    """The case's decisions, newest first, each with its publication."""
    rows = session.execute(
        select(Decision, Publication, Account.name)
        .join(Account, Account.id == Decision.agent_id)
        .outerjoin(Publication, Publication.decision_id == Decision.id)
        .where(Decision.case_id == case.id)
        .order_by(Decision.id.desc())
    )
    return [_decision(*row) for row in rows]


def _decision(decision: Decision, publication: Publication | None, agent: str) -> View:
    return {
        "id": decision.id,
        "kind": decision.kind,
        "message": decision.message_id,
        "draft": decision.draft_id,
        "text": decision.final_text,
        "reason": decision.reason,
        "agent": agent,
        "agent_id": decision.agent_id,
        "at": decision.at.isoformat(),
        "undone": decision.revoked_at is not None,
        "publication": {
            "id": publication.id,
            "state": publication.state,
            "needs_person": publication.needs_person,
            "reason": publication.reason,
            "not_before": publication.not_before.isoformat(),
            "sent_at": iso(publication.sent_at),
        }
        if publication
        else None,
    }


def customer(session: Session, case: Case) -> View:
    """The person behind a case: their identities, their reach, their other cases."""
    person = session.get_one(Customer, case.customer_id)
    identities = session.execute(
        select(Identity, Channel)
        .join(Channel, Channel.id == Identity.channel_id)
        .where(Identity.customer_id == person.id)
    ).all()
    others = session.execute(
        select(Case, Channel.kind)
        .join(Conversation, Conversation.id == Case.conversation_id)
        .join(Channel, Channel.id == Conversation.channel_id)
        .where(Case.customer_id == person.id, Case.id != case.id)
        .order_by(Case.id.desc())
        .limit(EARLIER_CASES)
    ).all()
    return {
        "id": person.id,
        "name": person.name,
        "pseudonym": person.pseudonym,
        "reach": max((identity.followers for identity, _ in identities), default=0),
        "messages": session.scalar(
            select(func.count(Message.id))
            .join(Participant, Participant.id == Message.participant_id)
            .join(Identity, Identity.id == Participant.identity_id)
            .where(Identity.customer_id == person.id)
        ),
        "identities": [
            {"channel": channel.key, "kind": channel.kind, "name": identity.name, "followers": identity.followers}
            for identity, channel in identities
        ],
        "cases": [
            {"id": other.id, "state": other.state, "outcome": other.outcome, "kind": kind,
             "opened_at": other.opened_at.isoformat()}
            for other, kind in others
        ],
    }  # fmt: skip


def events(session: Session, case: Case) -> list[View]:
    """The case's history, newest first."""
    rows = session.scalars(select(Event).where(Event.case_id == case.id).order_by(Event.id.desc()).limit(EVENTS))
    return [
        {"id": row.id, "at": row.at.isoformat(), "kind": row.kind, "actor": row.actor, "data": row.data} for row in rows
    ]


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
