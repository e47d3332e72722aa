"""Imports of the knowledge base, with what is needed to undo them.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from knowledge.database import UTCDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "knowledge_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("format", sa.String(20), nullable=False),
        sa.Column("counts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("undone_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(80), nullable=True),
        sa.CheckConstraint("state IN ('stored','undone','partly_undone')", name=op.f("ck_knowledge_import_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_import")),
    )
    op.create_table(
        "knowledge_import_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.String(120), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["knowledge_import.id"], name=op.f("fk_knowledge_import_change_import_id_knowledge_import")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_import_change")),
        sa.UniqueConstraint("import_id", "article_id", name=op.f("uq_knowledge_import_change_import_id_article_id")),
    )
    op.create_index(op.f("ix_knowledge_import_change_article_id"), "knowledge_import_change", ["article_id"])


def downgrade() -> None:
    op.drop_table("knowledge_import_change")
    op.drop_table("knowledge_import")
