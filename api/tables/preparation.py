"""The assistant's work on a message: the job row, what was understood, and the drafts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, now


class Work(Base):
    """A message revision to prepare. The lease lets the next worker take over from one that died."""

    __tablename__ = "work"
    __table_args__ = (
        UniqueConstraint("message_id", "revision"),
        Index("ix_work_next", "state", "not_before"),
        CheckConstraint("state IN ('queued','running','done','failed')", name="state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    revision: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default="queued")
    urgency: Mapped[int] = mapped_column(default=0)
    """Higher first: a live message goes before the demo's backlog."""
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None]
    not_before: Mapped[datetime] = mapped_column(default=now)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Preparation(Base):
    """What the assistant made of one revision of a message, with the versions that made it."""

    __tablename__ = "preparation"
    __table_args__ = (UniqueConstraint("message_id", "revision", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    revision: Mapped[int]
    number: Mapped[int] = mapped_column(default=1)
    language: Mapped[str] = mapped_column(String(8))
    intents: Mapped[list[Any]] = mapped_column(default=list)
    intents_missing: Mapped[str | None] = mapped_column(String(200))
    """Why there are no intents (Rasa is down or absent); empty when there are."""
    outcome: Mapped[str] = mapped_column(String(20))
    priority: Mapped[int]
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    team: Mapped[str | None] = mapped_column(String(40))
    abstained: Mapped[bool]
    abstain_reason: Mapped[str | None] = mapped_column(String(400))
    nearest: Mapped[list[Any]] = mapped_column(default=list)
    outlook: Mapped[dict[str, Any]] = mapped_column(default=dict)
    versions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """`{encoder, knowledge, intents, policy, scenarios}`: what produced it."""
    took_ms: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Draft(Base):
    """A proposed reply to one revision of one message."""

    __tablename__ = "draft"
    __table_args__ = (
        UniqueConstraint("preparation_id", "stance", "audience"),
        CheckConstraint("audience IN ('public','private')", name="audience"),
        CheckConstraint("stance IN ('answer','apologise','ask','go_private','thank','wait')", name="stance"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    preparation_id: Mapped[int] = mapped_column(ForeignKey("preparation.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    target_revision: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)
    stance: Mapped[str] = mapped_column(String(20))
    audience: Mapped[str] = mapped_column(String(10))
    language: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)
    text_sha256: Mapped[str] = mapped_column(String(64))
    probability: Mapped[float | None]
    evidence: Mapped[list[Any]] = mapped_column(default=list)
    """`[{sentence, article, version}]`; version is the id of a `version` row, null for a courtesy."""
    notes: Mapped[list[Any]] = mapped_column(default=list)
    """What the guards removed or shortened, told to the agent."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    superseded_at: Mapped[datetime | None]
