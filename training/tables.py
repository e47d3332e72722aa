"""Examples, runs and model versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, now


class Example(Base):
    """A labelled message with its provenance. Only approved ones are trained on."""

    __tablename__ = "example"
    __table_args__ = (
        UniqueConstraint("text_sha256", "language"),
        CheckConstraint("state IN ('proposed','approved','withdrawn')", name="state"),
        CheckConstraint("split IN ('train','held_out')", name="split"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    text_sha256: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(8))
    intent: Mapped[str] = mapped_column(String(60))
    source: Mapped[str] = mapped_column(String(20))
    """Where it comes from: `shipped` (the demo) or `corrected` (a person relabelled a message)."""
    split: Mapped[str] = mapped_column(String(10), default="train")
    state: Mapped[str] = mapped_column(String(20), default="proposed")
    message_id: Mapped[int | None]
    """The message it was taken from, so that erasing the person finds it."""
    model_intent: Mapped[str | None] = mapped_column(String(60))
    labelled_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Run(Base):
    """One training run, with its declared inputs and its report."""

    __tablename__ = "run"
    __table_args__ = (CheckConstraint("state IN ('running','done','failed')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default="running")
    started_by: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    progress: Mapped[str] = mapped_column(String(120), default="")
    inputs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str | None] = mapped_column(Text)


class ModelVersion(Base):
    """The result of a run. Its archive is named and hashed here; an archive that differs is never loaded."""

    __tablename__ = "model_version"
    __table_args__ = (
        CheckConstraint("state IN ('candidate','refused','approved','retired')", name="state"),
        UniqueConstraint("kind", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(60))
    path: Mapped[str] = mapped_column(String(400))
    """Relative to the home folder."""
    sha256: Mapped[str] = mapped_column(String(64))
    report: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(20), default="candidate")
    created_at: Mapped[datetime] = mapped_column(default=now)
    promoted_at: Mapped[datetime | None]


class ModelInService(Base):
    """Which version answers, per kind, and which one did before (for the road back)."""

    __tablename__ = "model_in_service"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_version.id"))
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("model_version.id"))
    changed_at: Mapped[datetime] = mapped_column(default=now)
    changed_by: Mapped[str] = mapped_column(String(80))
