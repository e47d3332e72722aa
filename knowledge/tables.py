"""The knowledge base's tables: articles, their variants and immutable versions, phrasings, stored vectors.

Which state may follow which is in `knowledge.life`, what may be said now in `knowledge.current`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

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
    owner: Mapped[str] = mapped_column(String(80), default="")
    """The log-in of who keeps it right; empty: nobody in particular."""
    tags: Mapped[list[Any]] = mapped_column(default=list)
    source_language: Mapped[str] = mapped_column(String(8), default="")
    """The language it is written in first, from which the others are translated; empty: none leads."""
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    """From when (inclusive) until when (exclusive) it may be said; None: without end."""
    review_at: Mapped[datetime | None]
    """When somebody is to look at it again. A passed date is shown, and changes nothing by itself."""
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

    @property
    def open(self) -> Version | None:
        """The version being written or reviewed; at most one (the database sees to it)."""
        return next((version for version in self.versions if version.state in ("draft", "in_review")), None)


class Version(Base):
    """The immutable text of a variant. The database refuses any change but a move of its state."""

    __tablename__ = "version"
    __table_args__ = (
        UniqueConstraint("variant_id", "number"),
        CheckConstraint("state IN ('draft','in_review','approved','retired')", name="state"),
        CheckConstraint(
            "NOT (four_eyes AND state = 'approved' AND (approved_by IS NULL OR approved_by = written_by))",
            name="four_eyes",
        ),
        Index(
            "one_open",
            "variant_id",
            unique=True,
            sqlite_where=text("state IN ('draft', 'in_review')"),
            postgresql_where=text("state IN ('draft', 'in_review')"),
        ),
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
    why: Mapped[str] = mapped_column(String(400), default="")
    translated_from: Mapped[int | None] = mapped_column(ForeignKey("version.id"))
    """The version in another language that this text says again; None: it is no translation."""
    four_eyes: Mapped[bool] = mapped_column(default=False)
    """Whether somebody else than its author has to approve it; the database holds everybody to that."""
    written_by: Mapped[str] = mapped_column(String(80))
    approved_by: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    approved_at: Mapped[datetime | None]

    variant: Mapped[Variant] = relationship(back_populates="versions")


class ArticleEvent(Base):
    """What happened to an article or to one of its versions: who, when, why. Rows are only ever added."""

    __tablename__ = "article_event"
    __table_args__ = (Index("ix_article_event_article", "article_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[str] = mapped_column(ForeignKey("article.id"))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("version.id"))
    kind: Mapped[str] = mapped_column(String(20))
    """`version` or `article` for a move of a state, `about` for owner, tags and dates, `phrasings`."""
    before: Mapped[str] = mapped_column(String(400), default="")
    after: Mapped[str] = mapped_column(String(400), default="")
    actor: Mapped[str] = mapped_column(String(80))
    why: Mapped[str] = mapped_column(String(400), default="")
    at: Mapped[datetime] = mapped_column(default=now)


class SavedView(Base):
    """A list of articles somebody comes back to: the filters as they stand in the address."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("login", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(80))
    query: Mapped[str] = mapped_column(String(400))


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
