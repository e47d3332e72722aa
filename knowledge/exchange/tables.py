"""What an import did to each article, so that the whole of it can be undone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, now


class Import(Base):
    """One import that was stored. `counts` has how many rows met each fate."""

    __tablename__ = "knowledge_import"
    __table_args__ = (CheckConstraint("state IN ('stored','undone','partly_undone')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    by: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(200))
    format: Mapped[str] = mapped_column(String(20))
    counts: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20), default="stored")
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(String(80))


class ImportChange(Base):
    """One article that an import made or changed: what it said before (null: there was none) and after, as JSON."""

    __tablename__ = "knowledge_import_change"
    __table_args__ = (UniqueConstraint("import_id", "article_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("knowledge_import.id"))
    article_id: Mapped[str] = mapped_column(String(120), index=True)
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)
    undone: Mapped[bool] = mapped_column(default=False)
