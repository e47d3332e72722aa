"""What is held on a person: giving it to them, and erasing it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from api.history import AuditTrail, record
from api.problems import Refused, not_found
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
    Work,
)
from knowledge.database import SQLITE_PRAGMAS, Database, now
from knowledge.life import text_hash
from knowledge.tables import Embedding, PhrasingRow
from training.tables import Example

CLEAR_SECONDS: Final = 10.0
"""How long an erasure waits for the readers of SQLite's write-ahead log."""

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
    ids = [message.id for message in messages]
    cases = session.scalars(select(Case).where(Case.customer_id == person.id)).all()
    decisions = session.scalars(select(Decision).where(Decision.case_id.in_([case.id for case in cases]))).all()
    return {
        "customer": {"id": person.id, "pseudonym": person.pseudonym, "name": person.name, "since": person.created_at},
        "identities": [
            {"channel": i.channel_id, "id": i.external_id, "name": i.name, "followers": i.followers} for i in identities
        ],
        "messages": [
            {"id": m.id, "conversation": m.conversation_id, "at": m.posted_at, "text": m.text, "language": m.language,
             "revisions": [{"number": r.revision, "at": r.at, "text": r.text} for r in _revisions(session, [m.id])]}
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
        "drafts": [
            {"message": d.message_id, "at": d.created_at, "text": d.text}
            for d in session.scalars(select(Draft).where(Draft.message_id.in_(ids)).order_by(Draft.id))
        ],
        "examples": [
            {"message": e.message_id, "intent": e.intent, "text": e.text}
            for e in session.scalars(select(Example).where(Example.message_id.in_(ids)).order_by(Example.id))
        ],
    }  # fmt: skip


def erase(database: Database, trail: AuditTrail, customer: str) -> dict[str, Any]:
    """Erase a customer's words, names and ids from every table, vectors of their examples and copies included.

    Replies to them that still wait are not sent. Returns how many rows of each kind were erased.

    Raises:
        Refused: 404 when there is no such customer; 503 `log_not_cleared` when SQLite's log still holds old pages
            because somebody reads all the time (everything else is done: ask again).
    """
    with database.write() as session:
        person = _find(session, customer)
        erased = _erase(session, person)
        person.name, person.erased_at = ERASED, person.erased_at or now()
        trail.add(session, "command-line", "customer.erased", f"customer:{person.id}")
        record(session, "customer.erased", "command-line", customer=person.id)
        pseudonym = person.pseudonym
    if database.is_sqlite:
        _clear_log(database)
    return {"customer": pseudonym, "erased": erased}


def _clear_log(database: Database) -> None:
    """The write-ahead log must not keep the words that the file itself has lost."""
    with database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        if driver is None:
            raise RuntimeError("the database closed while a person was erased")
        driver.execute(f"PRAGMA busy_timeout={int(CLEAR_SECONDS * 1000)}")
        busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        driver.execute(f"PRAGMA busy_timeout={SQLITE_PRAGMAS['busy_timeout']}")
    if busy:
        raise Refused(
            503, "log_not_cleared", "erased, but the database's log is in use and still holds it: erase again"
        )


def _erase(session: Session, person: Customer) -> dict[str, int]:
    identities = session.scalars(select(Identity).where(Identity.customer_id == person.id)).all()
    messages = session.scalars(_messages_of(person)).all()
    ids = [message.id for message in messages]
    cases = list(session.scalars(select(Case.id).where(Case.customer_id == person.id)))
    counted = {
        "messages": len(ids),
        "identities": len(identities),
        "replies": _erase_replies(session, cases),
        "examples": _erase_examples(session, ids),
        "posts": _erase_posts(session, [message.external_id for message in messages]),
    }
    _erase_vectors(session, ids)
    _erase_words(session, ids)
    _erase_preparation(session, ids, cases)
    for identity in identities:
        identity.name, identity.followers = ERASED, 0
        identity.external_id = f"erased-{secrets.token_hex(8)}"
    return counted


def _erase_vectors(session: Session, ids: Sequence[int]) -> None:
    """Vectors of what they wrote, which the boards keep by the text's hash; of every revision."""
    revisions = session.scalars(select(MessageRevision.text).where(MessageRevision.message_id.in_(ids)))
    newest = session.scalars(select(Message.text).where(Message.id.in_(ids)))
    hashes = {text_hash(text) for text in (*revisions, *newest)}
    asked = set(session.scalars(select(PhrasingRow.text_sha256).where(PhrasingRow.text_sha256.in_(hashes))))
    session.execute(delete(Embedding).where(Embedding.text_sha256.in_(hashes - asked)))


def _erase_words(session: Session, ids: Sequence[int]) -> None:
    session.execute(update(Message).where(Message.id.in_(ids)).values(text=ERASED))
    session.execute(update(MessageRevision).where(MessageRevision.message_id.in_(ids)).values(text=ERASED))
    session.execute(update(InboundEvent).where(InboundEvent.message_id.in_(ids)).values(raw=b"", raw_sha256=""))


def _erase_preparation(session: Session, ids: Sequence[int], cases: Sequence[int]) -> None:
    session.execute(
        update(Draft).where(Draft.message_id.in_(ids)).values(text=ERASED, evidence=[], notes=[], superseded_at=now())
    )
    session.execute(update(Preparation).where(Preparation.message_id.in_(ids)).values(outlook={}, reasons=[]))
    session.execute(update(Case).where(Case.id.in_(cases)).values(reasons=[]))
    # An error's message may quote the text it stumbled over.
    session.execute(
        update(Work).where(Work.message_id.in_(ids), Work.last_error.is_not(None)).values(last_error=ERASED)
    )


def _erase_examples(session: Session, ids: Sequence[int]) -> int:
    examples = session.scalars(select(Example).where(Example.message_id.in_(ids))).all()
    hashes = [example.text_sha256 for example in examples]
    session.execute(delete(Embedding).where(Embedding.text_sha256.in_(hashes)))
    for example in examples:
        session.delete(example)
    return len(examples)


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
    # Our reply stands in the conversation too, with whatever it says to the person by name.
    ours = session.scalars(select(Message).where(Message.case_id.in_(cases), Message.role == "brand")).all()
    _erase_words(session, [message.id for message in ours])
    _erase_posts(session, [message.external_id for message in ours])
    return len(published)


def _erase_posts(session: Session, external: Sequence[str]) -> int:
    posts = session.scalars(select(SandboxPost).where(SandboxPost.external_id.in_(external))).all()
    for post in posts:
        post.text, post.author = ERASED, post.author if post.by_brand else ERASED
    return len(posts)


def _revisions(session: Session, ids: Sequence[int]) -> Sequence[MessageRevision]:
    wanted = select(MessageRevision).where(MessageRevision.message_id.in_(ids))
    return session.scalars(wanted.order_by(MessageRevision.message_id, MessageRevision.revision)).all()


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
