"""The tables: from nothing to the newest shape, the same on both databases, as the models say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import api.tables  # noqa: F401 - registers every table
from api import migrate
from knowledge.database import SQLITE_PRAGMAS, Base, Database
from tests.fixtures.database import sqlite_only


def differences(database: Database) -> list[object]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found: list[object] = compare_metadata(context, Base.metadata)
    return found


def test_the_migrations_make_what_the_models_say(bare_database: Database) -> None:
    assert not migrate.is_current(bare_database)
    migrate.upgrade(bare_database)
    assert migrate.is_current(bare_database)
    assert differences(bare_database) == []


def test_a_second_upgrade_changes_nothing(database: Database) -> None:
    before = _schema(database)
    migrate.upgrade(database)
    assert _schema(database) == before


def test_two_upgrades_at_once_make_one_schema(bare_database: Database) -> None:
    # Each its own engine, as two processes that start at once have.
    databases = [Database(bare_database.url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, databases))
    for one in databases:
        one.close()
    assert migrate.is_current(bare_database)
    assert differences(bare_database) == []


def test_every_migration_can_be_taken_back(database: Database) -> None:
    from alembic import command

    with database.engine.execution_options(odzew_writes=True).begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert not migrate.is_current(database)
    migrate.upgrade(database)
    assert differences(database) == []


@sqlite_only
def test_every_sqlite_connection_has_the_safe_settings(database: Database) -> None:
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 10000}
    assert set(expected) == set(SQLITE_PRAGMAS)
    connections = [database.engine.connect() for _ in range(12)]
    for connection in connections:
        held = {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in expected}
        assert held == expected
        connection.close()


def test_writers_wait_for_each_other_instead_of_failing(database: Database) -> None:
    """Read, then write, from many threads: with deferred transactions this ends in "database is locked"."""
    with database.write() as session:
        session.execute(text("INSERT INTO team (key, name) VALUES ('count', '0')"))

    def count_up(_number: int) -> None:
        with database.write() as session:
            held = int(session.execute(text("SELECT name FROM team WHERE key = 'count'")).scalar_one())
            session.execute(text("UPDATE team SET name = :value WHERE key = 'count'"), {"value": str(held + 1)})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(80)))
    with database.read() as session:
        assert session.execute(text("SELECT name FROM team WHERE key = 'count'")).scalar_one() == "80"


def test_what_a_reader_changes_is_thrown_away(database: Database) -> None:
    with database.read() as session:
        session.execute(text("INSERT INTO team (key, name) VALUES ('ghost', 'Ghost')"))
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM team")).scalar_one() == 0


@sqlite_only
def test_the_last_event_of_a_kind_is_found_without_reading_the_log(database: Database) -> None:
    with database.read() as session:
        asked = "EXPLAIN QUERY PLAN SELECT * FROM event WHERE kind = 'x' ORDER BY id DESC LIMIT 1"
        steps = [row.detail for row in session.execute(text(asked))]
    assert len(steps) == 1
    assert "USING INDEX ix_event_kind" in steps[0]


def _schema(database: Database) -> list[str]:
    catalogue = (
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
        if database.is_sqlite
        else "SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY 1"
    )
    with database.engine.connect() as connection:
        return list(connection.execute(text(catalogue)).scalars())
