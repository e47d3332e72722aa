"""Channels, conversations as trees of messages, the people in them, and the case of each participant."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from knowledge.database import Base, now

CLOSED = ("resolved", "no_reply", "merged", "closed", "void")


class Channel(Base):
    """One account on one network."""

    __tablename__ = "channel"
    __table_args__ = (
        CheckConstraint("idempotency IN ('key','none')", name="idempotency"),
        CheckConstraint("outlet IN ('sandbox','webhook','none')", name="outlet"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    """The kind of network (facebook, x, telegram, ...), whose limits its drafts obey."""
    name: Mapped[str] = mapped_column(String(120))
    outlet: Mapped[str] = mapped_column(String(20), default="none")
    idempotency: Mapped[str] = mapped_column(String(10), default="key")
    publish_url: Mapped[str] = mapped_column(String(500), default="")
    readback_url: Mapped[str] = mapped_column(String(500), default="")
    """Where posts can be looked up after an unclear answer; empty: nowhere."""
    brand_author: Mapped[str] = mapped_column(String(200), default="")
    """The brand's own author id there, so that its posts are not taken for a customer's."""
    reply_minutes: Mapped[int] = mapped_column(default=60)
    enabled: Mapped[bool] = mapped_column(default=True)


class ChannelSecret(Base):
    """A signing secret of a channel. Up to two are live at once, so that one can be rotated."""

    __tablename__ = "channel_secret"

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    secret: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]


class InboundEvent(Base):
    """What a channel delivered, byte for byte; unique, so that a repeated delivery has one effect."""

    __tablename__ = "inbound_event"
    __table_args__ = (UniqueConstraint("channel_id", "external_event_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    external_event_id: Mapped[str] = mapped_column(String(200))
    type: Mapped[str] = mapped_column(String(20))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    raw_sha256: Mapped[str] = mapped_column(String(64))
    effect: Mapped[str] = mapped_column(String(20))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    received_at: Mapped[datetime] = mapped_column(default=now)


class Customer(Base):
    """A person known to the brand, with one or more identities."""

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    pseudonym: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)

    identities: Mapped[list[Identity]] = relationship(back_populates="customer")


class Identity(Base):
    """One author on one channel."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("channel_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    external_id: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    followers: Mapped[int] = mapped_column(default=0)

    customer: Mapped[Customer] = relationship(back_populates="identities")


class Conversation(Base):
    """One thread on a channel, public or private."""

    __tablename__ = "conversation"
    __table_args__ = (UniqueConstraint("channel_id", "thread_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    thread_key: Mapped[str] = mapped_column(String(200))
    public: Mapped[bool]
    last_seq: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)

    channel: Mapped[Channel] = relationship(lazy="joined")
    messages: Mapped[list[Message]] = relationship(back_populates="conversation", order_by="Message.seq")


class Participant(Base):
    """One author in one conversation."""

    __tablename__ = "participant"
    __table_args__ = (UniqueConstraint("conversation_id", "identity_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"))
    role: Mapped[str] = mapped_column(String(20), default="customer")

    identity: Mapped[Identity] = relationship(lazy="joined")


class Message(Base):
    """One post. `seq` orders a conversation by arrival; `revision` rises with each edit by its author."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("channel_id", "external_id"),
        UniqueConstraint("conversation_id", "seq"),
        CheckConstraint("role IN ('customer','brand')", name="role"),
        CheckConstraint("remote_state IN ('seen','edited','hidden','deleted','restored')", name="remote_state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    parent_external_id: Mapped[str | None] = mapped_column(String(200))
    """The parent's id as the channel names it, kept because a child may arrive before its parent."""
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    external_id: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    audience: Mapped[str] = mapped_column(String(10))
    seq: Mapped[int]
    revision: Mapped[int] = mapped_column(default=1)
    remote_state: Mapped[str] = mapped_column(String(20), default="seen")
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(8))
    posted_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(default=now)

    conversation: Mapped[Conversation] = relationship(back_populates="messages")
    participant: Mapped[Participant] = relationship(lazy="joined")


class MessageRevision(Base):
    """What a message said at one revision."""

    __tablename__ = "message_revision"

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=now)


class Case(Base):
    """One customer's problem. The service-level clock, the claim and the decisions belong to it."""

    __tablename__ = "cases"
    __table_args__ = (
        Index(
            "one_open_case",
            "conversation_id",
            "participant_id",
            unique=True,
            sqlite_where=text("state NOT IN ('resolved','no_reply','merged','closed','void')"),
            postgresql_where=text("state NOT IN ('resolved','no_reply','merged','closed','void')"),
        ),
        Index("ix_cases_queue", "state", "priority"),
        CheckConstraint(
            "state IN ('new','triaged','needs_reply','no_reply','watch','hide_proposed','working',"
            "'waiting_customer','waiting_internal','waiting_approval','moved_private','resolved','reopened',"
            "'merged','closed','void')",
            name="state",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    previous_case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    state: Mapped[str] = mapped_column(String(20), default="new")
    version: Mapped[int] = mapped_column(default=1)
    outcome: Mapped[str | None] = mapped_column(String(20))
    priority: Mapped[int] = mapped_column(default=0)
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    opened_at: Mapped[datetime] = mapped_column(default=now)
    deadline_at: Mapped[datetime]
    first_reply_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    claim_token: Mapped[int] = mapped_column(default=0)
    claim_expires_at: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship(lazy="joined")
    participant: Mapped[Participant] = relationship(lazy="joined")
