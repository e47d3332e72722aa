"""The boards of the knowledge managers: findings and the job that makes them.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from knowledge.database import UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.create_table(
        "finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("board", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("people", sa.Double(), nullable=False),
        sa.Column("data", json, nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("first_seen", UTCDateTime(timezone=True), nullable=False),
        sa.Column("last_seen", UTCDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "board IN ('gaps','duplicates','contradictions','rewritten','never_used','past_review')",
            name=op.f("ck_finding_board"),
        ),
        sa.CheckConstraint("state IN ('open','done','dismissed','gone')", name=op.f("ck_finding_state")),
        sa.CheckConstraint("state <> 'dismissed' OR length(reason) > 0", name=op.f("ck_finding_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint("board", "key", name=op.f("uq_finding_board_key")),
    )
    op.create_index("ix_finding_board", "finding", ["board", "state"])
    op.create_table(
        "board_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", UTCDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("found", json, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('queued','running','done','failed')", name=op.f("ck_board_run_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_run")),
    )


def downgrade() -> None:
    op.drop_table("board_run")
    op.drop_table("finding")
