"""The knowledge base's tables: articles, their variants and immutable versions, phrasings, stored vectors."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from knowledge.database import Base, now


class Article(Base):
    """One answer with its phrasings, in all its languages."""

    __tablename__ = "article"
    __table_args__ = (CheckConstraint("state IN ('active','retired')", name="state"),)

    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    category: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[str] = mapped_column(String(20), default="active")
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)

    variants: Mapped[list[Variant]] = relationship(back_populates="article", order_by="Variant.id")
    phrasings: Mapped[list[PhrasingRow]] = relationship(back_populates="article", order_by="PhrasingRow.position")

    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012


class Variant(Base):
    """An article in one language for one audience. A `public` text may be used in private too, never the reverse."""

    __tablename__ = "variant"
    __table_args__ = (
        UniqueConstraint("article_id", "language", "audience", "channel_kind"),
        CheckConstraint("audience IN ('public','private')", name="audience"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[str] = mapped_column(ForeignKey("article.id"))
    language: Mapped[str] = mapped_column(String(8))
    audience: Mapped[str] = mapped_column(String(10))
    channel_kind: Mapped[str] = mapped_column(String(20), default="")
    """The kind of channel it is meant for; empty: any."""

    article: Mapped[Article] = relationship(back_populates="variants")
    versions: Mapped[list[Version]] = relationship(back_populates="variant", order_by="Version.number")

    @property
    def current(self) -> Version | None:
        """The approved version, the one that may be said; at most one (the database sees to it)."""
        return next((version for version in self.versions if version.state == "approved"), None)


class Version(Base):
    """The immutable text of a variant. The database refuses a change of its text."""

    __tablename__ = "version"
    __table_args__ = (
        UniqueConstraint("variant_id", "number"),
        CheckConstraint("state IN ('draft','approved','retired')", name="state"),
        Index(
            "one_approved",
            "variant_id",
            unique=True,
            sqlite_where=text("state = 'approved'"),
            postgresql_where=text("state = 'approved'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    variant_id: Mapped[int] = mapped_column(ForeignKey("variant.id"))
    number: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    text_sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20), default="draft")
    written_by: Mapped[str] = mapped_column(String(80))
    approved_by: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    approved_at: Mapped[datetime | None]

    variant: Mapped[Variant] = relationship(back_populates="versions")


class PhrasingRow(Base):
    """One way of asking for an article, in one language. Position 0 is its question."""

    __tablename__ = "phrasing"
    __table_args__ = (Index("ix_phrasing_article_language", "article_id", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[str] = mapped_column(ForeignKey("article.id"))
    language: Mapped[str] = mapped_column(String(8))
    position: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    text_sha256: Mapped[str] = mapped_column(String(64))

    article: Mapped[Article] = relationship(back_populates="phrasings")


class Embedding(Base):
    """A stored vector, so that nothing is embedded twice: little-endian float32, L2-normalised."""

    __tablename__ = "embedding"

    text_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(120), primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class KnowledgeState(Base):
    """One row: the revision that every change of the base raises. A searcher with another number reloads."""

    __tablename__ = "knowledge_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(default=0)
