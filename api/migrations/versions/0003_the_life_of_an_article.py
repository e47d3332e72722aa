"""The life of an article: owner, tags, dates, review, four eyes, translations, and what happened to it.

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from knowledge.database import UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATES = "state IN ('draft','in_review','approved','retired')"
FOUR_EYES = "NOT (four_eyes AND state = 'approved' AND (approved_by IS NULL OR approved_by = written_by))"
OPEN = sa.text("state IN ('draft', 'in_review')")
APPROVED = sa.text("state = 'approved'")

KEPT = (
    "id", "variant_id", "number", "text", "text_sha256", "why", "translated_from", "four_eyes", "written_by", "created_at",
)  # fmt: skip
MOVES = (
    "(OLD.state = 'draft' AND NEW.state IN ('in_review','approved','retired')) OR "
    "(OLD.state = 'in_review' AND NEW.state IN ('draft','approved','retired')) OR "
    "(OLD.state = 'approved' AND NEW.state = 'retired')"
)
BEFORE = "OLD.text <> NEW.text OR OLD.text_sha256 <> NEW.text_sha256 OR OLD.variant_id <> NEW.variant_id"


def upgrade() -> None:
    _article_columns()
    _drop("version", "UPDATE")
    _drop("version", "DELETE")
    with op.batch_alter_table("version") as batch:
        batch.add_column(sa.Column("why", sa.String(400), nullable=False, server_default=""))
        batch.add_column(sa.Column("translated_from", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("four_eyes", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.drop_constraint(op.f("ck_version_state"), type_="check")
        batch.create_check_constraint(op.f("ck_version_state"), STATES)
        batch.create_check_constraint(op.f("ck_version_four_eyes"), FOUR_EYES)
        batch.create_foreign_key("fk_version_translated_from_version", "version", ["translated_from"], ["id"])
    op.create_index("one_open", "version", ["variant_id"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    distinct = "IS NOT" if _sqlite() else "IS DISTINCT FROM"
    changed = " OR ".join(f"OLD.{column} {distinct} NEW.{column}" for column in KEPT)
    _refuse("version", "UPDATE", f"{changed} OR (OLD.state <> NEW.state AND NOT ({MOVES}))")
    _refuse("version", "DELETE", "")
    op.create_table(
        "article_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.String(length=120), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("before", sa.String(length=400), nullable=False),
        sa.Column("after", sa.String(length=400), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("why", sa.String(length=400), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_article_event_article_id_article")),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_article_event_version_id_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_event")),
    )
    op.create_index("ix_article_event_article", "article_event", ["article_id"])
    _refuse("article_event", "UPDATE", "")
    _refuse("article_event", "DELETE", "")
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("query", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("login", "name", name=op.f("uq_saved_view_login_name")),
    )


def downgrade() -> None:
    op.drop_table("saved_view")
    _drop("article_event", "UPDATE")
    _drop("article_event", "DELETE")
    op.drop_table("article_event")
    _drop("version", "UPDATE")
    _drop("version", "DELETE")
    op.drop_index("one_open", "version")
    op.execute("UPDATE version SET state = 'draft' WHERE state = 'in_review'")
    with op.batch_alter_table("version") as batch:
        batch.drop_constraint("fk_version_translated_from_version", type_="foreignkey")
        batch.drop_constraint(op.f("ck_version_four_eyes"), type_="check")
        batch.drop_constraint(op.f("ck_version_state"), type_="check")
        batch.create_check_constraint(op.f("ck_version_state"), "state IN ('draft','approved','retired')")
        for column in ("four_eyes", "translated_from", "why"):
            batch.drop_column(column)
    _refuse("version", "UPDATE", BEFORE)
    _refuse("version", "DELETE", "")
    for column in ("review_at", "valid_to", "valid_from", "source_language", "tags", "owner"):
        op.drop_column("article", column)


def _article_columns() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("article", sa.Column("owner", sa.String(80), nullable=False, server_default=""))
    op.add_column("article", sa.Column("tags", json, nullable=False, server_default="[]"))
    op.add_column("article", sa.Column("source_language", sa.String(8), nullable=False, server_default=""))
    for name in ("valid_from", "valid_to", "review_at"):
        op.add_column("article", sa.Column(name, UTCDateTime(timezone=True), nullable=True))


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _drop(table: str, act: str) -> None:
    op.execute(f"DROP TRIGGER {table}_no_{act.lower()}{'' if _sqlite() else f' ON {table}'}")


def _refuse(table: str, act: str, when: str) -> None:
    name, condition = f"{table}_no_{act.lower()}", f"WHEN ({when}) " if when else ""
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {act} ON {table} {condition}"
            f"BEGIN SELECT RAISE(ABORT, '{table}: rows are only ever added'); END"
        )
        return
    op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {condition}EXECUTE FUNCTION odzew_refuse()")
