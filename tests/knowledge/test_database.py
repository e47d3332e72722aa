"""The embedded database's files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from knowledge.database import Database


@pytest.fixture(params=[0o022, 0o000])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """A careless user's."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_new_embedded_database_is_for_its_owner_alone_in_whatever_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    database = Database(f"sqlite:///{tmp_path}/odzew.db")
    with database.write() as session:
        session.execute(text("CREATE TABLE kept (id INTEGER)"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    database.close()
    assert modes == {"odzew.db": 0o600, "odzew.db-wal": 0o600, "odzew.db-shm": 0o600}


def test_the_mode_an_owner_has_given_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "odzew.db"
    file.touch(0o640)
    file.chmod(0o640)
    database = Database(f"sqlite:///{file}")
    with database.write() as session:
        session.execute(text("CREATE TABLE kept (id INTEGER)"))
    database.close()
    assert file.stat().st_mode & 0o777 == 0o640
