"""Intake: an event from a channel becomes rows, in one transaction and without a model."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.cases import open_case_for, void_if_empty
from api.history import record
from api.tables import (
    Case,
    Channel,
    Conversation,
    Customer,
    Draft,
    Identity,
    InboundEvent,
    Message,
    MessageRevision,
    Participant,
    Work,
)
from api.tables.conversations import CLOSED
from knowledge.database import Database, now

INTAKE = "intake"
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def _plain(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must not hold control characters or lone surrogates")
    return value


def storable(text: str) -> str:
    """The text with what no database can hold (NUL, lone surrogates) shown as U+FFFD; the raw event keeps it."""
    return _UNSTORABLE.sub("\ufffd", text)


def _aware(value: datetime) -> datetime:
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the calendar") from None


Id = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_plain)]
# Before, not after: pydantic refuses a lone surrogate as no text at all.
_Storable = BeforeValidator(lambda value: storable(value) if isinstance(value, str) else value)
Name = Annotated[str, StringConstraints(max_length=200), _Storable]
Text = Annotated[str, StringConstraints(max_length=50_000), _Storable]
Moment = Annotated[datetime, AfterValidator(_aware)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=False)


class Author(_Strict):
    """Who wrote a message, as the channel names them."""

    id: Id
    name: Name = ""
    followers: Annotated[int, Field(ge=0, le=2_000_000_000)] = 0


class MessageBody(_Strict):
    """A message of an event. Text, author and time may be left out where they did not change."""

    id: Id
    parent: Id | None = None
    author: Author | None = None
    text: Text | None = None
    at: Moment | None = None


class ChannelEvent(_Strict):
    """One delivery of a channel. A time without an offset is UTC."""

    event_id: Id
    type: Literal["created", "edited", "hidden", "deleted", "restored"]
    conversation: Id
    public: bool
    message: MessageBody

    @model_validator(mode="after")
    def _complete(self) -> ChannelEvent:
        if self.type == "created" and (self.message.author is None or self.message.text is None):
            raise ValueError("a created message needs its author and its text")
        if self.type == "edited" and self.message.text is None:
            raise ValueError("an edited message needs its text")
        return self


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an event did: `stored`, `changed`, `repeated` (seen before) or `ignored` (an unknown message)."""

    effect: str
    message_id: int | None


def take_in(database: Database, channel_id: int, event: ChannelEvent, raw: bytes, *, urgency: int = 1) -> Receipt:
    """Store an event and what follows from it. Committed when this returns; a repeated event does nothing."""
    with database.write() as session:
        return take_in_session(session, channel_id, event, raw, urgency=urgency)


def take_in_session(session: Session, channel_id: int, event: ChannelEvent, raw: bytes, *, urgency: int = 1) -> Receipt:
    """The same inside a transaction of the caller (the sandbox stores its own post with it)."""
    seen = session.scalar(
        select(InboundEvent).where(
            InboundEvent.channel_id == channel_id, InboundEvent.external_event_id == event.event_id
        )
    )
    if seen is not None:
        return Receipt("repeated", seen.message_id)
    channel = session.get_one(Channel, channel_id)
    receipt = _apply(session, channel, event, urgency)
    session.add(
        InboundEvent(
            channel_id=channel_id,
            external_event_id=event.event_id,
            type=event.type,
            raw=raw,
            raw_sha256=hashlib.sha256(raw).hexdigest(),
            effect=receipt.effect,
            message_id=receipt.message_id,
        )
    )
    return receipt


def _apply(session: Session, channel: Channel, event: ChannelEvent, urgency: int) -> Receipt:
    held = session.scalar(
        select(Message).where(Message.channel_id == channel.id, Message.external_id == event.message.id)
    )
    if held is None:
        if event.type in ("created", "edited") and event.message.author is not None:
            return Receipt("stored", _create(session, channel, event, urgency).id)
        return Receipt("ignored", None)
    if event.type == "created":
        return Receipt("repeated", held.id)
    if event.type == "edited":
        _edit(session, held, event.message, urgency)
    else:
        _change_state(session, held, event.type, urgency)
    return Receipt("changed", held.id)


def _create(session: Session, channel: Channel, event: ChannelEvent, urgency: int) -> Message:
    body = event.message
    if body.author is None or body.text is None:  # ChannelEvent has checked it; this is for the type checker
        raise ValueError("a new message needs its author and its text")
    conversation = _conversation(session, channel, event)
    participant = participant_of(session, channel, conversation, body.author)
    conversation.last_seq += 1
    message = Message(
        channel_id=channel.id,
        conversation_id=conversation.id,
        parent_id=_parent(session, conversation, body.parent),
        parent_external_id=body.parent,
        participant_id=participant.id,
        external_id=body.id,
        role=participant.role,
        audience="public" if event.public else "private",
        seq=conversation.last_seq,
        remote_state="edited" if event.type == "edited" else "seen",
        text=body.text,
        posted_at=min(body.at or now(), now() + timedelta(minutes=5)),
    )
    session.add(message)
    session.flush()
    _adopt_children(session, message)
    session.add(MessageRevision(message_id=message.id, revision=1, text=body.text))
    if message.role == "customer":
        case = open_case_for(session, channel, conversation, participant, message)
        message.case_id = case.id
        session.add(Work(message_id=message.id, revision=1, urgency=urgency))
    record(
        session, "message.created", INTAKE, conversation_id=conversation.id, case_id=message.case_id,
        message_id=message.id, role=message.role,
    )  # fmt: skip
    return message


def _edit(session: Session, message: Message, body: MessageBody, urgency: int) -> None:
    if body.text is None or body.text == message.text:
        return
    message.text = body.text
    message.revision += 1
    removed = message.remote_state in ("deleted", "hidden")  # events may come late: an edit brings nothing back
    message.remote_state = message.remote_state if removed else "edited"
    session.add(MessageRevision(message_id=message.id, revision=message.revision, text=body.text))
    _supersede_drafts(session, message)
    if message.role == "customer" and not removed:
        _reopen_if_closed(session, message)
        session.add(Work(message_id=message.id, revision=message.revision, urgency=urgency))
    _changed(session, message, "message.edited")


def _reopen_if_closed(session: Session, message: Message) -> None:
    """What was closed as needing no reply may say something else now."""
    if message.case_id is None or session.get_one(Case, message.case_id).state in CLOSED:
        case = open_case_for(session, message.conversation.channel, message.conversation, message.participant, message)
        message.case_id = case.id


def _change_state(session: Session, message: Message, state: str, urgency: int) -> None:
    if message.remote_state == state:
        return
    message.remote_state = state
    if state == "deleted":
        _supersede_drafts(session, message)
        void_if_empty(session, message)
    if state == "restored" and message.role == "customer":
        message.revision += 1
        session.add(MessageRevision(message_id=message.id, revision=message.revision, text=message.text))
        case = open_case_for(session, message.conversation.channel, message.conversation, message.participant, message)
        message.case_id = case.id
        session.add(Work(message_id=message.id, revision=message.revision, urgency=urgency))
    _changed(session, message, f"message.{state}")


def _changed(session: Session, message: Message, kind: str) -> None:
    record(
        session, kind, INTAKE, conversation_id=message.conversation_id, case_id=message.case_id,
        message_id=message.id, revision=message.revision,
    )  # fmt: skip


def _supersede_drafts(session: Session, message: Message) -> None:
    for draft in session.scalars(select(Draft).where(Draft.message_id == message.id, Draft.superseded_at.is_(None))):
        draft.superseded_at = now()


def _conversation(session: Session, channel: Channel, event: ChannelEvent) -> Conversation:
    held = session.scalar(
        select(Conversation).where(Conversation.channel_id == channel.id, Conversation.thread_key == event.conversation)
    )
    if held is None:
        held = Conversation(channel_id=channel.id, thread_key=event.conversation, public=event.public)
        session.add(held)
        session.flush()
    return held


def participant_of(session: Session, channel: Channel, conversation: Conversation, author: Author) -> Participant:
    """The author's place in this conversation, made with identity and customer at their first message."""
    identity = session.scalar(
        select(Identity).where(Identity.channel_id == channel.id, Identity.external_id == author.id)
    )
    if identity is None:
        customer = Customer(pseudonym=f"c-{secrets.token_hex(6)}", name=author.name or author.id)
        identity = Identity(
            customer=customer, channel_id=channel.id, external_id=author.id, name=author.name or author.id,
            followers=author.followers,
        )  # fmt: skip
        session.add_all([customer, identity])
        session.flush()
    else:
        identity.name = author.name or identity.name
        identity.followers = author.followers or identity.followers
    held = session.scalar(
        select(Participant).where(
            Participant.conversation_id == conversation.id, Participant.identity_id == identity.id
        )
    )
    if held is None:
        role = "brand" if channel.brand_author and author.id == channel.brand_author else "customer"
        held = Participant(conversation_id=conversation.id, identity_id=identity.id, role=role)
        session.add(held)
        session.flush()
    return held


def _parent(session: Session, conversation: Conversation, external_id: str | None) -> int | None:
    if external_id is None:
        return None
    return session.scalar(
        select(Message.id).where(Message.conversation_id == conversation.id, Message.external_id == external_id)
    )


def _adopt_children(session: Session, message: Message) -> None:
    """Join the children that arrived before their parent."""
    orphans = select(Message).where(
        Message.conversation_id == message.conversation_id,
        Message.parent_id.is_(None),
        Message.parent_external_id == message.external_id,
        Message.id != message.id,
    )
    for orphan in session.scalars(orphans):
        orphan.parent_id = message.id
