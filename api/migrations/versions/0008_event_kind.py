"""The last event of a kind, found without reading the whole log.

Revision: 0008, after 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_event_kind", "event", ["kind", "id"])


def downgrade() -> None:
    op.drop_index("ix_event_kind", table_name="event")
