"""Alembic's environment. The address comes from the running product, never from a file."""

from alembic import context

import api.tables  # noqa: F401  registers every table
from knowledge.database import Base, Database


def main() -> None:
    """Run the migrations inside one transaction, on the connection the caller gives or one of our own."""
    given = context.config.attributes.get("connection")
    if given is not None:
        _run(given)
        return
    database = Database(context.config.attributes["url"])
    with database.engine.execution_options(odzew_writes=True).begin() as connection:
        _run(connection)
    database.close()


def _run(connection: object) -> None:
    context.configure(
        connection=connection,  # type: ignore[arg-type]
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


main()
