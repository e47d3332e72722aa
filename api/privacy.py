"""What is held on a person: giving it to them, and erasing it."""

from __future__ import annotations

import secrets
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from api.history import AuditTrail, record
from api.problems import not_found
from api.tables import (
    Case,
    Customer,
    Decision,
    Draft,
    Identity,
    InboundEvent,
    Message,
    MessageRevision,
    Participant,
    Preparation,
    Publication,
    SandboxPost,
)
from knowledge.database import Database, now
from training.tables import Example

ERASED: Final = "[erased]"
"""What stands where a person's words stood. The database lets a decision's text change to this and to nothing else."""


def export(session: Session, customer: str) -> dict[str, Any]:
    """Everything held on a customer (by number or pseudonym), ready for JSON.

    Raises:
        Refused: 404 when there is no such customer.
    """
    person = _find(session, customer)
    identities = session.scalars(select(Identity).where(Identity.customer_id == person.id)).all()
    messages = session.scalars(_messages_of(person)).all()
    cases = session.scalars(select(Case).where(Case.customer_id == person.id)).all()
    decisions = session.scalars(select(Decision).where(Decision.case_id.in_([case.id for case in cases]))).all()
    return {
        "customer": {"id": person.id, "pseudonym": person.pseudonym, "name": person.name, "since": person.created_at},
        "identities": [
            {"channel": i.channel_id, "id": i.external_id, "name": i.name, "followers": i.followers} for i in identities
        ],
        "messages": [
            {"id": m.id, "conversation": m.conversation_id, "at": m.posted_at, "text": m.text, "language": m.language}
            for m in messages
        ],
        "cases": [
            {"id": c.id, "state": c.state, "opened": c.opened_at, "closed": c.closed_at, "outcome": c.outcome}
            for c in cases
        ],
        "replies": [
            {"case": d.case_id, "message": d.message_id, "kind": d.kind, "at": d.at, "text": d.final_text}
            for d in decisions
        ],
    }


def erase(database: Database, trail: AuditTrail, customer: str) -> dict[str, Any]:
    """Erase a customer's words, names and ids from every table, vectors of their examples and copies included.

    Replies to them that still wait are not sent. Returns how many rows of each kind were erased.

    Raises:
        Refused: 404 when there is no such customer.
    """
    with database.write() as session:
        person = _find(session, customer)
        erased = _erase(session, person)
        person.name, person.erased_at = ERASED, person.erased_at or now()
        trail.add(session, "command-line", "customer.erased", f"customer:{person.id}")
        record(session, "customer.erased", "command-line", customer=person.id)
        pseudonym = person.pseudonym
    if database.is_sqlite:
        with database.engine.connect() as connection:  # the write-ahead log must not keep the words
            driver = connection.connection.driver_connection
            if driver is None:
                raise RuntimeError("the database closed while a person was erased")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return {"customer": pseudonym, "erased": erased}


def _erase(session: Session, person: Customer) -> dict[str, int]:
    identities = session.scalars(select(Identity).where(Identity.customer_id == person.id)).all()
    messages = session.scalars(_messages_of(person)).all()
    ids = [message.id for message in messages]
    cases = list(session.scalars(select(Case.id).where(Case.customer_id == person.id)))
    counted = {
        "messages": len(ids),
        "identities": len(identities),
        "replies": _erase_replies(session, cases),
        "examples": session.execute(delete(Example).where(Example.message_id.in_(ids))).rowcount,  # type: ignore[attr-defined]
        "posts": _erase_posts(session, messages),
    }
    for message in messages:
        message.text = ERASED
    session.execute(update(MessageRevision).where(MessageRevision.message_id.in_(ids)).values(text=ERASED))
    session.execute(update(InboundEvent).where(InboundEvent.message_id.in_(ids)).values(raw=b"", raw_sha256=""))
    session.execute(
        update(Draft).where(Draft.message_id.in_(ids)).values(text=ERASED, evidence=[], notes=[], superseded_at=now())
    )
    session.execute(update(Preparation).where(Preparation.message_id.in_(ids)).values(outlook={}))
    for identity in identities:
        identity.name, identity.followers = ERASED, 0
        identity.external_id = f"erased-{secrets.token_hex(8)}"
    return counted


def _erase_replies(session: Session, cases: list[int]) -> int:
    decisions = session.scalars(select(Decision).where(Decision.case_id.in_(cases))).all()
    for publication in session.scalars(
        select(Publication).where(
            Publication.decision_id.in_([decision.id for decision in decisions]),
            Publication.state.in_(("queued", "failed", "uncertain")),
        )
    ):
        publication.state, publication.reason = "retracted", "the customer was erased"
        publication.needs_person = False
        publication.fence += 1
    published = [decision for decision in decisions if decision.final_text]
    for decision in published:
        decision.final_text = ERASED
    return len(published)


def _erase_posts(session: Session, messages: Any) -> int:
    external = [message.external_id for message in messages]
    return session.execute(  # type: ignore[attr-defined, no-any-return]
        update(SandboxPost).where(SandboxPost.external_id.in_(external)).values(text=ERASED, author=ERASED)
    ).rowcount


def _messages_of(person: Customer) -> Any:
    """Their own messages; the brand's answers to them are erased with the decisions."""
    return (
        select(Message)
        .join(Participant, Participant.id == Message.participant_id)
        .join(Identity, Identity.id == Participant.identity_id)
        .where(Identity.customer_id == person.id)
    )


def _find(session: Session, customer: str) -> Customer:
    by = Customer.id == int(customer) if customer.isdecimal() and len(customer) < 18 else Customer.pseudonym == customer
    person = session.scalar(select(Customer).where(by))
    if person is None:
        raise not_found(f"customer {customer!r}")
    return person
