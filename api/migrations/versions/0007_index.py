"""The index: its pointer, and the base's changes as triggers write them.

Revision: 0007, after 0006

A later migration that makes one of the watched tables anew (as SQLite needs for some alterations) loses its triggers
and has to call `watch` again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WATCHED = {
    "phrasing": ("{row}.article_id", "{row}.id"),
    "variant": ("{row}.article_id", "NULL"),
    "version": ("(SELECT article_id FROM variant WHERE id = {row}.variant_id)", "NULL"),
    "article": ("{row}.id", "NULL"),
}
"""Which article, and which phrasing, a changed row of each table speaks of."""


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "index_change",
        sa.Column("seq", number, nullable=False),
        sa.Column("article_id", sa.String(120), nullable=False),
        sa.Column("phrasing_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_index_change"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "index_pointer",
        sa.Column("space", sa.String(200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("seq", number, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("space", name="pk_index_pointer"),
    )
    for table in WATCHED:
        watch(table)


def downgrade() -> None:
    for table in WATCHED:
        _forget(table)
    op.drop_table("index_pointer")
    op.drop_table("index_change")


def watch(table: str) -> None:
    """Have every row that is added, changed or removed written down as a change."""
    article, phrasing = WATCHED[table]
    for act, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        noted = (
            "INSERT INTO index_change (article_id, phrasing_id) "  # noqa: S608 - names from the table above
            f"VALUES ({article.format(row=row)}, {phrasing.format(row=row)});"
        )
        name = f"{table}_noted_{act.lower()}"
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"CREATE TRIGGER {name} AFTER {act} ON {table} BEGIN {noted} END")
        else:
            op.execute(
                f"CREATE FUNCTION odzew_{name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {noted} RETURN NULL; END $$"
            )
            op.execute(f"CREATE TRIGGER {name} AFTER {act} ON {table} FOR EACH ROW EXECUTE FUNCTION odzew_{name}()")


def _forget(table: str) -> None:
    for act in ("insert", "update", "delete"):
        name = f"{table}_noted_{act}"
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"DROP TRIGGER {name}")
        else:
            op.execute(f"DROP TRIGGER {name} ON {table}")
            op.execute(f"DROP FUNCTION odzew_{name}()")
