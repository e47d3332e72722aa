"""Rows that are only ever added: the database refuses to change or remove them.

Revision: 0002, after 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FROZEN_VERSION = "OLD.text <> NEW.text OR OLD.text_sha256 <> NEW.text_sha256 OR OLD.variant_id <> NEW.variant_id"

DECISION_KEPT = (
    "id", "case_id", "message_id", "draft_id", "agent_id", "actor_kind", "login_session_id", "audience", "kind",
    "final_sha256", "reason", "target_revision_seen", "subtree_seq_seen", "idempotency_key", "at",
)  # fmt: skip


def upgrade() -> None:
    for table, condition in _rules():
        for act, when in condition.items():
            _refuse(table, act, when)


def downgrade() -> None:
    for table, condition in _rules():
        for act in condition:
            name = f"{table}_no_{act.lower()}"
            suffix = "" if op.get_bind().dialect.name == "sqlite" else f" ON {table}"
            op.execute(f"DROP TRIGGER {name}{suffix}")


def _rules() -> list[tuple[str, dict[str, str]]]:
    distinct = "IS NOT" if op.get_bind().dialect.name == "sqlite" else "IS DISTINCT FROM"
    changed = " OR ".join(f"OLD.{column} {distinct} NEW.{column}" for column in DECISION_KEPT)
    revoked = f"OLD.revoked_at IS NOT NULL AND OLD.revoked_at {distinct} NEW.revoked_at"
    erased = f"OLD.final_text {distinct} NEW.final_text AND NEW.final_text <> '[erased]'"
    return [
        ("audit", {"UPDATE": "", "DELETE": ""}),
        ("event", {"UPDATE": "", "DELETE": ""}),
        ("decision", {"UPDATE": f"{changed} OR ({revoked}) OR ({erased})", "DELETE": ""}),
        ("delivery_attempt", {"DELETE": ""}),
        ("version", {"UPDATE": FROZEN_VERSION, "DELETE": ""}),
    ]


def _refuse(table: str, act: str, when: str) -> None:
    name = f"{table}_no_{act.lower()}"
    message = f"{table}: rows are only ever added"
    condition = f"WHEN ({when}) " if when else ""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {act} ON {table} {condition}BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION odzew_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '%: rows are only ever added', TG_TABLE_NAME "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {condition}EXECUTE FUNCTION odzew_refuse()")
