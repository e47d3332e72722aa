"""The index's tables: which generation is in service, and what has changed in the base since it was made."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, now


class IndexChange(Base):
    """One change of the base, written by the database's own triggers, so no way of editing can forget it.

    With a phrasing, that phrasing was added, changed or removed; with an article alone, what may be said of it has
    changed. Numbers only grow and are never used twice.
    """

    __tablename__ = "index_change"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    article_id: Mapped[str] = mapped_column(String(120))
    phrasing_id: Mapped[int | None]


class IndexPointer(Base):
    """The generation in service for one vector space. Changing this row is what switches generations."""

    __tablename__ = "index_pointer"

    space: Mapped[str] = mapped_column(String(200), primary_key=True)
    number: Mapped[int]
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"))
    """The last change that the generation holds."""
    made_at: Mapped[datetime] = mapped_column(default=now)
