"""Tasks that knowledge makes for people, and decisions that correct an earlier reply.

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

from knowledge.database import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CORRECTS = sa.text("kind = 'correct' AND state <> 'dismissed'")
TRANSLATES = sa.text("kind = 'translate' AND state = 'open'")
PUBLISHES = "kind IN ('accepted','edited','written') AND revoked_at IS NULL"
FIRST = sa.text(f"{PUBLISHES} AND corrects IS NULL")
CORRECTION = sa.text("corrects IS NOT NULL AND revoked_at IS NULL")

KEPT = (
    "id", "case_id", "message_id", "draft_id", "agent_id", "actor_kind", "login_session_id", "audience", "kind",
    "final_sha256", "reason", "target_revision_seen", "subtree_seq_seen", "idempotency_key", "at",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("article_id", sa.String(length=120), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("publication_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("why", sa.String(length=400), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.String(length=80), nullable=True),
        sa.Column("closed_at", UTCDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('correct','translate')", name=op.f("ck_task_kind")),
        sa.CheckConstraint("state IN ('open','done','dismissed')", name=op.f("ck_task_state")),
        sa.CheckConstraint("kind <> 'correct' OR publication_id IS NOT NULL", name=op.f("ck_task_correct")),
        sa.CheckConstraint("state <> 'dismissed' OR length(reason) > 0", name=op.f("ck_task_reason")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_task_article_id_article")),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_task_version_id_version")),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publication.id"], name=op.f("fk_task_publication_id_publication")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_task_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    _index("one_correction", "task", ["publication_id", "version_id"], CORRECTS)
    _index("one_translation", "task", ["article_id", "language"], TRANSLATES)
    _drop_trigger()
    # Without a foreign key: publications refer to decisions already, and SQLite adds none to a table in place.
    op.add_column("decision", sa.Column("corrects", sa.Integer(), nullable=True))
    op.drop_index("one_publish", "decision")
    _index("one_publish", "decision", ["message_id", "audience", "target_revision_seen"], FIRST)
    _index("one_correcting", "decision", ["corrects"], CORRECTION)
    _trigger((*KEPT, "corrects"))


def downgrade() -> None:
    _drop_trigger()
    op.drop_index("one_correcting", "decision")
    op.drop_index("one_publish", "decision")
    op.drop_column("decision", "corrects")
    _index("one_publish", "decision", ["message_id", "audience", "target_revision_seen"], sa.text(PUBLISHES))
    _trigger(KEPT)
    op.drop_table("task")


def _index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _drop_trigger() -> None:
    op.execute(f"DROP TRIGGER decision_no_update{'' if _sqlite() else ' ON decision'}")


def _trigger(kept: tuple[str, ...]) -> None:
    distinct = "IS NOT" if _sqlite() else "IS DISTINCT FROM"
    changed = " OR ".join(f"OLD.{column} {distinct} NEW.{column}" for column in kept)
    revoked = f"OLD.revoked_at IS NOT NULL AND OLD.revoked_at {distinct} NEW.revoked_at"
    erased = f"OLD.final_text {distinct} NEW.final_text AND NEW.final_text <> '[erased]'"
    when = f"WHEN ({changed} OR ({revoked}) OR ({erased}))"
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER decision_no_update BEFORE UPDATE ON decision {when} "
            "BEGIN SELECT RAISE(ABORT, 'decision: rows are only ever added'); END"
        )
        return
    op.execute(
        f"CREATE TRIGGER decision_no_update BEFORE UPDATE ON decision FOR EACH ROW {when} "
        "EXECUTE FUNCTION odzew_refuse()"
    )
