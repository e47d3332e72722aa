"""Writing down what happened: events for the console and the case's history, links of the audit chain."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.tables import Audit, Event
from knowledge.database import now

GENESIS = "0" * 64


def record(
    session: Session,
    kind: str,
    actor: str,
    *,
    conversation_id: int | None = None,
    case_id: int | None = None,
    message_id: int | None = None,
    **data: Any,
) -> Event:
    """Add an event. `data` holds ids, states and numbers, never a customer's text."""
    event = Event(
        kind=kind, actor=actor, conversation_id=conversation_id, case_id=case_id, message_id=message_id, data=data
    )
    session.add(event)
    return event


class AuditTrail:
    """The keyed chain of what people and the publisher did. One writer at a time: call it inside `Database.write`."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def add(self, session: Session, actor: str, action: str, object_: str, content: str = "") -> Audit:
        """Append a link. Only a keyed hash of `content` is kept, so nothing here has to be erased later."""
        session.flush()
        last = session.scalars(select(Audit).order_by(Audit.seq.desc()).limit(1)).first()
        link = Audit(
            seq=(last.seq if last else 0) + 1,
            at=now(),
            actor=actor,
            action=action,
            object=object_,
            object_sha256=self._keyed(content),
            prev_hash=last.hash if last else GENESIS,
            hash="",
        )
        link.hash = self._link_hash(link)
        session.add(link)
        session.flush()
        return link

    def verify(self, session: Session) -> AuditVerdict:
        """Walk the chain from its start; the verdict names the first link that does not fit."""
        previous, count = GENESIS, 0
        for link in session.scalars(select(Audit).order_by(Audit.seq).execution_options(yield_per=1000)):
            count += 1
            if link.seq != count or link.prev_hash != previous or link.hash != self._link_hash(link):
                return AuditVerdict(count, link.seq, previous)
            previous = link.hash
        return AuditVerdict(count, None, previous)

    def _keyed(self, content: str) -> str:
        return hmac.new(self._key, content.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def _link_hash(self, link: Audit) -> str:
        body = [link.seq, _instant(link.at), link.actor, link.action, link.object, link.object_sha256, link.prev_hash]
        return self._keyed(json.dumps(body, ensure_ascii=False, separators=(",", ":")))


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """How many links were read, and the sequence number of the first that does not fit (None: all fit)."""

    links: int
    first_bad: int | None
    head: str


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
