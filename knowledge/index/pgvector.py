"""The engine beyond one machine: PostgreSQL with pgvector, one index in the database that every process shares.

Same calls as the local engine. Each search sees what any process has applied; whoever is first to see a change of the
base applies it for all, inside the database's one writing transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from knowledge.database import Database
from knowledge.index.engine import EVERYTHING, NOWHERE, Allowed, Change, Ids, Label, Scores, Vectors
from knowledge.index.local import EXACT_UP_TO

LINKS: Final = 32
BUILD_EFFORT: Final = 64
EFFORT: Final = 200
SCANNED: Final = 100_000
"""How many rows a filtered walk may look at before it gives up looking for more."""
AT_ONCE: Final = 1_000


class NoPgvector(RuntimeError):
    """This database has no pgvector; the message says what to do."""


class PgvectorEngine:
    """Vectors of one space in a table of their own, searched exactly, or by an HNSW index where they are many."""

    def __init__(self, database: Database, space: str, dimension: int, *, exact_up_to: int = EXACT_UP_TO) -> None:
        """Make the table where it is missing.

        Raises:
            NoPgvector: not PostgreSQL, or the extension is neither there nor may be made.
        """
        if database.is_sqlite:
            raise NoPgvector("pgvector needs PostgreSQL; with SQLite the index is the local one")
        self.dimension = dimension
        self._database = database
        self._exact_up_to = exact_up_to
        self._table = f"index_vectors_{hashlib.sha256(space.encode()).hexdigest()[:16]}"
        self._make()

    def __len__(self) -> int:
        with self._database.read() as session:
            return int(session.scalar(text(f"SELECT count(*) FROM {self._table}")) or 0)  # noqa: S608

    @property
    def position(self) -> int:
        with self._database.read() as session:
            return _position(session.connection(), self._table)

    def apply(self, change: Change) -> None:
        with self._database.write() as session:
            connection = session.connection()
            if change.upto < _position(connection, self._table):
                return
            self._remove(connection, change.removed)
            self._put(connection, change)
            self._relabel(connection, change.relabelled, change.new_labels)
            connection.execute(
                text("UPDATE index_vectors SET position = :upto WHERE name = :name"),
                {"upto": change.upto, "name": self._table},
            )

    def search(self, vectors: Vectors, k: int, allowed: Allowed = EVERYTHING) -> tuple[Ids, Scores]:
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise ValueError(f"expected queries of shape (n, {self.dimension}), got {rows.shape}")
        ids = np.full((len(rows), k), NOWHERE, dtype=np.int64)
        scores = np.full((len(rows), k), -np.inf, dtype=np.float32)
        statement = text(self._nearest(allowed))
        given = {"languages": sorted(allowed.languages or ()), "places": sorted(allowed.places or ()), "k": k}
        with self._database.read() as session:
            connection = session.connection()
            connection.execute(_walk_settings())
            for number, row in enumerate(rows):
                found = connection.execute(statement, {**given, "query": _literal(row)}).all()
                ids[number, : len(found)] = [key for key, _ in found]
                scores[number, : len(found)] = [score for _, score in found]
        return ids, scores

    def make_graph(self) -> bool:
        """Make the HNSW index if the rows are many and it is not there; True when it was made. Takes minutes."""
        if len(self) <= self._exact_up_to:
            return False
        name = f"{self._table}_graph"
        with self._database.read() as session:
            if session.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None:
                return False
        # Not in a writing transaction: searches and edits go on meanwhile.
        with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(
                text(
                    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {self._table} "
                    f"USING hnsw (vector halfvec_ip_ops) WITH (m = {LINKS}, ef_construction = {BUILD_EFFORT})"
                )
            )
        return True

    def _make(self) -> None:
        try:
            with self._database.write() as session:
                connection = session.connection()
                connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
                connection.execute(
                    text(
                        "CREATE TABLE IF NOT EXISTS index_vectors "
                        "(name text PRIMARY KEY, position bigint NOT NULL DEFAULT 0)"
                    )
                )
                connection.execute(
                    text(
                        f"CREATE TABLE IF NOT EXISTS {self._table} (id bigint PRIMARY KEY, "
                        f"vector halfvec({self.dimension}) NOT NULL, language text NOT NULL, reach text[] NOT NULL)"
                    )
                )
                connection.execute(
                    text("INSERT INTO index_vectors (name) VALUES (:name) ON CONFLICT DO NOTHING"),
                    {"name": self._table},
                )
        except DBAPIError as problem:
            reason = " ".join(str(problem.orig).split())
            raise NoPgvector(f"this PostgreSQL has no pgvector that may be used here: {reason}") from problem

    def _nearest(self, allowed: Allowed) -> str:
        conditions = []
        if allowed.languages is not None:
            conditions.append("language = ANY(CAST(:languages AS text[]))")
        if allowed.places is not None:
            conditions.append("reach && CAST(:places AS text[])")
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        distance = f"vector <#> CAST(:query AS halfvec({self.dimension}))"
        return f"SELECT id, -({distance}) FROM {self._table} {where}ORDER BY {distance} LIMIT :k"  # noqa: S608

    def _remove(self, connection: Connection, ids: Ids) -> None:
        if len(ids):
            connection.execute(
                text(f"DELETE FROM {self._table} WHERE id = ANY(CAST(:ids AS bigint[]))"),  # noqa: S608
                {"ids": ids.tolist()},
            )

    def _put(self, connection: Connection, change: Change) -> None:
        statement = text(
            f"INSERT INTO {self._table} (id, vector, language, reach) VALUES (:id, :vector, :language, :reach) "  # noqa: S608
            "ON CONFLICT (id) DO UPDATE SET vector = excluded.vector, language = excluded.language, "
            "reach = excluded.reach"
        )
        rows: list[dict[str, Any]] = [
            {"id": key, "vector": _literal(vector), "language": label.language, "reach": list(label.reach)}
            for key, vector, label in zip(change.added.tolist(), change.vectors, change.labels, strict=True)
        ]
        for start in range(0, len(rows), AT_ONCE):
            connection.execute(statement, rows[start : start + AT_ONCE])

    def _relabel(self, connection: Connection, ids: Ids, labels: Sequence[Label]) -> None:
        rows = [
            {"id": key, "language": label.language, "reach": list(label.reach)}
            for key, label in zip(ids.tolist(), labels, strict=True)
        ]
        statement = text(f"UPDATE {self._table} SET language = :language, reach = :reach WHERE id = :id")  # noqa: S608
        for start in range(0, len(rows), AT_ONCE):
            connection.execute(statement, rows[start : start + AT_ONCE])


def _walk_settings() -> Any:
    return text(
        f"SELECT set_config('hnsw.ef_search', '{EFFORT}', true), "
        "set_config('hnsw.iterative_scan', 'strict_order', true), "
        f"set_config('hnsw.max_scan_tuples', '{SCANNED}', true)"
    )


def _position(connection: Connection, table: str) -> int:
    held = connection.execute(text("SELECT position FROM index_vectors WHERE name = :name"), {"name": table})
    return int(held.scalar_one())


def _literal(vector: Vectors) -> str:
    return f"[{','.join(map(repr, vector.tolist()))}]"
