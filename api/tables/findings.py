"""What the boards of the knowledge managers show: findings, kept until decided, and the job that makes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, now


class Finding(Base):
    """One thing to look at: a gap, a duplicate, a contradiction, ... The same thing found again is the same row."""

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("board", "key"),
        CheckConstraint(
            "board IN ('gaps','duplicates','contradictions','rewritten','never_used','past_review')", name="board"
        ),
        CheckConstraint("state IN ('open','done','dismissed','gone')", name="state"),
        CheckConstraint("state <> 'dismissed' OR length(reason) > 0", name="reason"),
        Index("ix_finding_board", "board", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    board: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(200))
    """What it is about, so that it is known again: article ids, or the message a gap was first seen in."""
    state: Mapped[str] = mapped_column(String(20), default="open")
    """`gone`: the last computation no longer finds it."""
    people: Mapped[float] = mapped_column(default=0.0)
    """How many people it touches a week: the order of the board."""
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Ids and article texts. No customer's text: messages are named by id and read where they are shown."""
    reason: Mapped[str] = mapped_column(String(400), default="")
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None]
    first_seen: Mapped[datetime] = mapped_column(default=now)
    last_seen: Mapped[datetime] = mapped_column(default=now)


class BoardRun(Base):
    """One computation of the boards, held by a lease: another process takes over from one that died."""

    __tablename__ = "board_run"
    __table_args__ = (CheckConstraint("state IN ('queued','running','done','failed')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(20), default="queued")
    asked_by: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    found: Mapped[dict[str, Any]] = mapped_column(default=dict)
    last_error: Mapped[str | None] = mapped_column(Text)
