"""Ours: the index beside a base in SQLite, which whoever starts this has made; every hit joined to its current row."""

import numpy as np
from sqlalchemy import insert, update

from knowledge.database import Database, now
from knowledge.index.engine import Allowed
from knowledge.index.phrasing_index import PhrasingIndex
from knowledge.index.source import Source
from knowledge.store import text_hash
from knowledge.tables import Article, Embedding, PhrasingRow, Variant, Version

CONFIGURATIONS = {"default": {}, "in cells from 5,000": {"exact_up_to": 5000}}
MODEL = "bench:phrasing"
AT_ONCE = 20_000


class System:
    def __init__(self, folder, settings):
        self.folder = folder
        self.settings = settings
        self.database = Database(f"sqlite:///{folder / 'odzew.db'}")

    def build(self, base):
        fill(self.database, base)
        source = Source("bench", MODEL, base.vectors.shape[1])
        self.index = PhrasingIndex(self.database, source, self.folder / "index", **self.settings)
        self.index.maintain()
        self.reading = self.database.read()

    def search(self, vector, text, language, k):
        with self.database.read() as session:
            found = self.index.candidates(session, vector, k, Allowed(frozenset({language}), "public"))
        return [(one.phrasing - 1, one.answer) for one in found]

    def edit(self, key, vector, text):
        with self.database.write() as session:
            session.execute(insert(Embedding).values(text_sha256=text_hash(text), model=MODEL, vector=vector.tobytes()))
            session.execute(
                update(PhrasingRow).where(PhrasingRow.id == key + 1).values(text=text, text_sha256=text_hash(text))
            )
        self.index.nudge()


def fill(database, base):
    """Put the made-up base into the tables, as an import would. Phrasing n has the id n + 1."""
    spoken = sorted(set(zip(base.articles.tolist(), base.codes, strict=True)))
    numbers = {one: n + 1 for n, one in enumerate(spoken)}
    moment = now()
    insert_all(database, Article, ({"id": f"a{n}"} for n in sorted(set(base.articles.tolist()))))
    insert_all(
        database,
        Variant,
        (
            {"id": n, "article_id": f"a{a}", "language": c, "audience": "public", "channel_kind": ""}
            for (a, c), n in numbers.items()
        ),
    )
    insert_all(
        database,
        Version,
        (
            {
                "variant_id": n,
                "number": 1,
                "text": f"Answer {a} in {c}.",
                "text_sha256": text_hash(f"{a} {c}"),
                "state": "approved",
                "written_by": "bench",
                "approved_by": "bench",
                "approved_at": moment,
                "created_at": moment,
            }
            for (a, c), n in numbers.items()
        ),
    )
    texts = [f"{n} {text}" for n, text in enumerate(base.texts)]
    rows = zip(texts, base.articles.tolist(), base.codes, strict=True)
    insert_all(
        database,
        PhrasingRow,
        (
            {"id": n + 1, "article_id": f"a{a}", "language": c, "position": 0, "text": t, "text_sha256": text_hash(t)}
            for n, (t, a, c) in enumerate(rows)
        ),
    )
    vectors = np.ascontiguousarray(base.vectors, dtype="<f4")
    insert_all(
        database,
        Embedding,
        (
            {"text_sha256": text_hash(t), "model": MODEL, "vector": v.tobytes()}
            for t, v in zip(texts, vectors, strict=True)
        ),
    )


def insert_all(database, table, rows):
    """Insert rows, some thousands at a time."""
    waiting = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == AT_ONCE:
            write(database, table, waiting)
            waiting = []
    if waiting:
        write(database, table, waiting)


def write(database, table, rows):
    with database.write() as session:
        session.execute(insert(table), rows)
