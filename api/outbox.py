"""The outbox: the one place where a publication changes its state."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from api.accounts import Principal
from api.cases import move
from api.channels.outlets import Delivery, Reply
from api.history import AuditTrail, record
from api.intake import Author, participant_of
from api.problems import conflict, not_found
from api.tables import (
    Account,
    Case,
    Channel,
    Conversation,
    Decision,
    DeliveryAttempt,
    Message,
    MessageRevision,
    Participant,
    Publication,
)
from api.tasks import correction_sent
from knowledge.database import Database, now

MAX_ATTEMPTS: Final = 8
SETTLE_SECONDS: Final = 2.0
"""How long after an unclear answer the network is asked whether the post is there."""

PUBLISHER: Final = "publisher"


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt: the publication, its fence, and the reply to send (or to look up, when it is `settling`)."""

    publication_id: int
    fence: int
    attempt: int
    reply: Reply
    settling: bool


class Outbox:
    """Publications of one channel, as its publisher sees them."""

    def __init__(self, database: Database, trail: AuditTrail) -> None:
        self._database = database
        self._trail = trail

    def recover(self, channel_id: int) -> int:
        """At the start of a publisher: what the dead one was sending is uncertain now. Returns how many."""
        with self._database.write() as session:
            stuck = session.scalars(
                select(Publication).where(Publication.channel_id == channel_id, Publication.state == "sending")
            ).all()
            for publication in stuck:
                publication.state, publication.reason = "uncertain", "the publisher died while sending"
                publication.fence += 1
                publication.not_before = now() + timedelta(seconds=SETTLE_SECONDS)
                self._tell(session, publication)
            return len(stuck)

    def next(self, channel_id: int) -> Job | None:
        """Take the next publication that is due and may be sent, or the next uncertain one that can be settled."""
        with self._database.write() as session:
            while (due := self._due(session, channel_id)) is not None:
                if due.state == "uncertain":
                    return self._settling(session, due)
                if (job := self._sending(session, due)) is not None:
                    return job
            return None

    def _due(self, session: Session, channel_id: int) -> Publication | None:
        waits = or_(
            Publication.state == "queued",
            (Publication.state == "uncertain") & Publication.needs_person.is_(False),
        )
        return session.scalar(
            select(Publication)
            .where(Publication.channel_id == channel_id, waits, Publication.not_before <= now())
            .order_by(Publication.not_before, Publication.id)
            .limit(1)
            .with_for_update()
        )

    def _sending(self, session: Session, publication: Publication) -> Job | None:
        """The attempt to make now; None where the publication is held back, and is therefore no longer due."""
        decision = session.get_one(Decision, publication.decision_id)
        agent = session.get_one(Account, decision.agent_id)
        if decision.revoked_at is not None or agent.disabled_at is not None:
            self._hold_back(session, publication, decision, "its agent was disabled before it was sent")
            return None
        if not _as_decided(publication, decision):
            self._hold_back(session, publication, decision, "its text is no longer the one that was decided")
            return None
        publication.state = "sending"
        publication.fence += 1
        publication.attempt += 1
        publication.first_attempt_at = publication.first_attempt_at or now()
        session.add(
            DeliveryAttempt(publication_id=publication.id, attempt=publication.attempt, fence=publication.fence)
        )
        self._tell(session, publication)
        return self._job(session, publication, decision, settling=False)

    def _hold_back(self, session: Session, publication: Publication, decision: Decision, reason: str) -> None:
        """Do not send it; the case comes back to the queue, where another person can answer."""
        publication.reason = reason
        if self._may_be_there(session, publication):
            publication.state, publication.needs_person = "uncertain", True
            publication.reason = f"{reason}; an earlier attempt may have arrived: please look whether it is there"
            self._tell(session, publication)
            return
        publication.state, publication.needs_person = "retracted", False
        decision.revoked_at = decision.revoked_at or now()
        case = session.get_one(Case, decision.case_id)
        if case.state == "waiting_customer":
            move(session, case, "needs_reply", PUBLISHER, decision=decision.id)
        self._trail.add(session, PUBLISHER, "publication.retracted", f"publication:{publication.id}", reason)
        self._tell(session, publication)

    def _may_be_there(self, session: Session, publication: Publication) -> bool:
        unclear = or_(DeliveryAttempt.outcome.is_(None), DeliveryAttempt.outcome != "not_sent")
        attempts = select(DeliveryAttempt.attempt).where(DeliveryAttempt.publication_id == publication.id, unclear)
        return session.scalar(attempts.limit(1)) is not None

    def _settling(self, session: Session, publication: Publication) -> Job:
        publication.fence += 1
        decision = session.get_one(Decision, publication.decision_id)
        return self._job(session, publication, decision, settling=True)

    def _job(self, session: Session, publication: Publication, decision: Decision, *, settling: bool) -> Job:
        message = session.get_one(Message, decision.message_id)
        reply = Reply(
            text=decision.final_text,
            key=publication.idem_key,
            thread_key=message.conversation.thread_key,
            parent_external_id=message.external_id,
            public=decision.audience == "public",
            author=session.get_one(Channel, publication.channel_id).name,
        )
        return Job(publication.id, publication.fence, publication.attempt, reply, settling)

    def finish(self, job: Job, delivery: Delivery) -> None:
        """Write down what an attempt did. A late answer of an older fence changes nothing."""
        with self._database.write() as session:
            publication = self._fenced(session, job)
            if publication is None:
                return
            attempt = session.get_one(DeliveryAttempt, (publication.id, job.attempt))
            attempt.ended_at, attempt.outcome = now(), delivery.outcome
            attempt.http_status, attempt.detail = delivery.status, delivery.detail[:400]
            if delivery.outcome == "sent" and delivery.external_id:
                self._sent(session, publication, delivery.external_id)
            elif delivery.outcome == "not_sent":
                self._not_sent(publication, delivery)
            else:
                publication.state, publication.reason = "uncertain", delivery.detail
                publication.not_before = now() + timedelta(seconds=SETTLE_SECONDS)
                publication.needs_person = False
            self._tell(session, publication)

    def settle(self, job: Job, found: str | None, *, idempotent: bool) -> None:
        """Write down what looking it up gave: an id, None (not there) or `unknown`."""
        with self._database.write() as session:
            publication = self._fenced(session, job)
            if publication is None:
                return
            spent = publication.attempt >= MAX_ATTEMPTS
            if found is not None and found != "unknown":
                self._sent(session, publication, found)
            elif (found is None or idempotent) and not spent:
                # It is not there, or the network itself drops a second copy: trying again is safe.
                publication.state = "queued"
                publication.not_before = now() + _backoff(publication.attempt)
            else:
                publication.needs_person = True
                publication.reason = f"{publication.reason}; please look whether it is there"[:400]
            self._tell(session, publication)

    def _fenced(self, session: Session, job: Job) -> Publication | None:
        publication = session.get_one(Publication, job.publication_id)
        return publication if publication.fence == job.fence else None

    def _not_sent(self, publication: Publication, delivery: Delivery) -> None:
        publication.reason = delivery.detail
        if delivery.retry and publication.attempt < MAX_ATTEMPTS:
            publication.state = "queued"
            publication.not_before = now() + _backoff(publication.attempt)
        else:
            publication.state = "failed"

    def _sent(self, session: Session, publication: Publication, external_id: str) -> None:
        publication.state, publication.external_id, publication.sent_at = "sent", external_id, now()
        publication.needs_person, publication.reason = False, ""
        decision = session.get_one(Decision, publication.decision_id)
        case = session.get_one(Case, decision.case_id)
        case.first_reply_at = case.first_reply_at or now()
        _add_brand_message(session, decision, publication)
        correction_sent(session, decision, PUBLISHER)
        self._trail.add(
            session, PUBLISHER, "publication.sent", f"publication:{publication.id}", publication.body_sha256
        )

    def _tell(self, session: Session, publication: Publication) -> None:
        decision = session.get_one(Decision, publication.decision_id)
        message = session.get_one(Message, decision.message_id)
        record(
            session, f"publication.{publication.state}", PUBLISHER, conversation_id=message.conversation_id,
            case_id=decision.case_id, message_id=message.id, publication=publication.id,
            needs_person=publication.needs_person, reason=publication.reason,
        )  # fmt: skip

    def settled_by(
        self, principal: Principal, publication_id: int, *, there: bool, external_id: str | None
    ) -> Publication:
        """A person has looked at the network: the reply is there, or it is not and is sent again.

        Raises:
            Refused: 404, 409 `not_uncertain` or `text_erased`.
        """
        principal.require("decide")
        account, _ = principal.person()
        with self._database.write() as session:
            publication = self._held(session, publication_id)
            if publication.state != "uncertain":
                raise conflict("not_uncertain", f"the reply is {publication.state}", state=publication.state)
            if not there:
                self._require_as_decided(session, publication)
            publication.fence += 1
            if there:
                publication.confirmed_by = account.id
                self._sent(session, publication, external_id or f"confirmed:{publication.id}")
            else:
                publication.state, publication.needs_person = "queued", False
                publication.not_before = now()
            self._trail.add(session, account.login, "publication.settled", f"publication:{publication.id}", str(there))
            self._tell(session, publication)
            return publication

    def retry(self, principal: Principal, publication_id: int) -> Publication:
        """Send a failed reply again. Raises: Refused: 404, 409 `not_failed` or `text_erased`."""
        principal.require("decide")
        account, _ = principal.person()
        with self._database.write() as session:
            publication = self._held(session, publication_id)
            if publication.state != "failed":
                raise conflict("not_failed", f"the reply is {publication.state}", state=publication.state)
            self._require_as_decided(session, publication)
            publication.state, publication.not_before = "queued", now()
            self._trail.add(session, account.login, "publication.retried", f"publication:{publication.id}")
            self._tell(session, publication)
            return publication

    def _require_as_decided(self, session: Session, publication: Publication) -> None:
        if not _as_decided(publication, session.get_one(Decision, publication.decision_id)):
            raise conflict("text_erased", "its text has been erased: it cannot be sent any more")

    def _held(self, session: Session, publication_id: int) -> Publication:
        publication = session.get(Publication, publication_id)
        if publication is None:
            raise not_found("publication")
        return publication


def _as_decided(publication: Publication, decision: Decision) -> bool:
    return hashlib.sha256(decision.final_text.encode()).hexdigest() == publication.body_sha256


def _backoff(attempt: int) -> timedelta:
    return timedelta(seconds=min(300.0, 0.5 * 2 ** min(attempt, 10)))


def _add_brand_message(session: Session, decision: Decision, publication: Publication) -> None:
    """Show our own reply in the conversation, once, even when the network also delivers it as an event."""
    target = session.get_one(Message, decision.message_id)
    known = session.scalar(
        select(Message.id).where(
            Message.channel_id == publication.channel_id, Message.external_id == publication.external_id
        )
    )
    if known is not None:
        return
    conversation = session.get_one(Conversation, target.conversation_id)
    conversation.last_seq += 1
    message = Message(
        channel_id=publication.channel_id,
        conversation_id=conversation.id,
        parent_id=target.id,
        parent_external_id=target.external_id,
        participant_id=_brand(session, conversation).id,
        case_id=decision.case_id,
        external_id=publication.external_id or "",
        role="brand",
        audience=decision.audience,
        seq=conversation.last_seq,
        text=decision.final_text,
        language=target.language,
        posted_at=now(),
    )
    session.add(message)
    session.flush()
    session.add(MessageRevision(message_id=message.id, revision=1, text=message.text))


def _brand(session: Session, conversation: Conversation) -> Participant:
    channel = conversation.channel
    author = Author(id=channel.brand_author or f"brand:{channel.key}", name=channel.name)
    participant = participant_of(session, channel, conversation, author)
    participant.role = "brand"
    return participant
