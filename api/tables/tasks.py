"""Work that knowledge makes for people: a published reply to correct, a translation to write."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, now

_CORRECTS = text("kind = 'correct' AND state <> 'dismissed'")
_TRANSLATES = text("kind = 'translate' AND state = 'open'")


class Task(Base):
    """One thing a person is asked to do. It ends done, or dismissed with a reason; `api.tasks` moves it."""

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint("kind IN ('correct','translate')", name="kind"),
        CheckConstraint("state IN ('open','done','dismissed')", name="state"),
        CheckConstraint("kind <> 'correct' OR publication_id IS NOT NULL", name="correct"),
        CheckConstraint("state <> 'dismissed' OR length(reason) > 0", name="reason"),
        Index(
            "one_correction", "publication_id", "version_id", unique=True, sqlite_where=_CORRECTS,
            postgresql_where=_CORRECTS,
        ),
        Index(
            "one_translation", "article_id", "language", unique=True, sqlite_where=_TRANSLATES,
            postgresql_where=_TRANSLATES,
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default="open")
    article_id: Mapped[str] = mapped_column(ForeignKey("article.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id"))
    """To correct: the version that was wrong. To translate: the source text."""
    language: Mapped[str] = mapped_column(String(8))
    publication_id: Mapped[int | None] = mapped_column(ForeignKey("publication.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    why: Mapped[str] = mapped_column(String(400), default="")
    reason: Mapped[str] = mapped_column(String(400), default="")
    """Why it was dismissed."""
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    closed_by: Mapped[str | None] = mapped_column(String(80))
    closed_at: Mapped[datetime | None]
