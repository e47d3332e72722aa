"""A person's decisions and what follows from them: publications, delivery attempts, hand-offs.

The composite foreign key from publication to decision is what makes "nothing is published without a
person's decision, and only that text" a property of the database.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, now

_FIRST = text("kind IN ('accepted','edited','written') AND revoked_at IS NULL AND corrects IS NULL")

KINDS = ("accepted", "edited", "written", "rejected", "handed_off", "no_reply", "hide")
PUBLISHING = ("accepted", "edited", "written")


class Decision(Base):
    """A person's immutable act on a message. Only `revoked_at` may change, once."""

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("id", "final_sha256", "publishes"),
        CheckConstraint("actor_kind = 'person'", name="actor_kind"),
        CheckConstraint("audience IN ('public','private')", name="audience"),
        CheckConstraint(
            "kind IN ('accepted','edited','written','rejected','handed_off','no_reply','hide')", name="kind"
        ),
        CheckConstraint("kind NOT IN ('accepted','edited','written') OR length(final_text) > 0", name="final_text"),
        CheckConstraint("kind NOT IN ('accepted','edited') OR draft_id IS NOT NULL", name="draft"),
        Index(
            "one_publish",
            "message_id",
            "audience",
            "target_revision_seen",
            unique=True,
            sqlite_where=text("kind IN ('accepted','edited','written') AND revoked_at IS NULL AND corrects IS NULL"),
            postgresql_where=text(
                "kind IN ('accepted','edited','written') AND revoked_at IS NULL AND corrects IS NULL"
            ),
        ),
        Index(
            "one_correcting",
            "corrects",
            unique=True,
            sqlite_where=text("corrects IS NOT NULL AND revoked_at IS NULL"),
            postgresql_where=text("corrects IS NOT NULL AND revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    draft_id: Mapped[int | None] = mapped_column(ForeignKey("draft.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    actor_kind: Mapped[str] = mapped_column(String(10), default="person")
    login_session_id: Mapped[str] = mapped_column(ForeignKey("login_session.id"))
    audience: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(20))
    publishes: Mapped[int] = mapped_column(
        Computed("CASE WHEN kind IN ('accepted','edited','written') THEN 1 ELSE 0 END", persisted=True)
    )
    final_text: Mapped[str] = mapped_column(Text, default="")
    final_sha256: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(400), default="")
    similarity: Mapped[float | None]
    """Normalised Levenshtein similarity of the final text to the draft, 0 to 1."""
    seconds_to_decide: Mapped[float | None]
    target_revision_seen: Mapped[int]
    subtree_seq_seen: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(String(200), unique=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]
    corrects: Mapped[int | None]
    """The id of the publication that this one puts right: an answered message may be answered again so."""


class Publication(Base):
    """An outbox row: one decided text on its way to one channel."""

    __tablename__ = "publication"
    __table_args__ = (
        ForeignKeyConstraint(
            ["decision_id", "body_sha256", "publishes"],
            ["decision.id", "decision.final_sha256", "decision.publishes"],
            name="fk_publication_decision",
        ),
        UniqueConstraint("channel_id", "external_id"),
        CheckConstraint("publishes = 1", name="publishes"),
        CheckConstraint("state IN ('queued','sending','sent','failed','uncertain','retracted')", name="state"),
        CheckConstraint(
            "state <> 'sent' OR external_id IS NOT NULL OR confirmed_by IS NOT NULL", name="sent_has_proof"
        ),
        Index("ix_publication_next", "state", "not_before"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(unique=True)
    body_sha256: Mapped[str] = mapped_column(String(64))
    publishes: Mapped[int] = mapped_column(default=1)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    idem_key: Mapped[str] = mapped_column(String(80), unique=True)
    state: Mapped[str] = mapped_column(String(20), default="queued")
    needs_person: Mapped[bool] = mapped_column(default=False)
    fence: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    first_attempt_at: Mapped[datetime | None]
    external_id: Mapped[str | None] = mapped_column(String(200))
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str] = mapped_column(String(400), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]


class DeliveryAttempt(Base):
    """One try at sending, with what the network said."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (CheckConstraint("outcome IS NULL OR outcome IN ('sent','not_sent','ambiguous')", name="outcome"),)

    publication_id: Mapped[int] = mapped_column(ForeignKey("publication.id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    fence: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    http_status: Mapped[int | None]
    outcome: Mapped[str | None] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(String(400), default="")


class Handoff(Base):
    """A case given to a team, with a reason and a summary."""

    __tablename__ = "handoff"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"), unique=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    reason: Mapped[str] = mapped_column(String(400))
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=now)


class SandboxPost(Base):
    """A post on the sandbox wall, which plays the part of a network: its own rows, its own ids."""

    __tablename__ = "sandbox_post"

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(60), unique=True)
    thread_key: Mapped[str] = mapped_column(String(200))
    parent_external_id: Mapped[str | None] = mapped_column(String(60))
    author: Mapped[str] = mapped_column(String(120))
    by_brand: Mapped[bool] = mapped_column(default=False)
    public: Mapped[bool] = mapped_column(default=True)
    text: Mapped[str] = mapped_column(Text)
    idem_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    at: Mapped[datetime] = mapped_column(default=now)
