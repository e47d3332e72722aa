"""Bases of any size with made-up vectors: what the index is tested on, since it never looks at a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, update

from knowledge.database import Database, now
from knowledge.index.source import Source
from knowledge.store import text_hash
from knowledge.tables import Article, Embedding, PhrasingRow, Variant, Version

DIMENSION = 48
MODEL = "made-up:phrasing"
SOURCE = Source(space="made-up 1", model=MODEL, dimension=DIMENSION)
LANGUAGES = ("pl", "en", "it")

Vectors = NDArray[np.float32]


def vector_of(text: str) -> Vectors:
    """The vector of a text: always the same, of length 1, near to those of texts with the same first word."""
    topic, own = (np.random.default_rng(int(text_hash(part)[:8], 16)) for part in (text.partition(" ")[0], text))
    made = topic.standard_normal(DIMENSION) + 0.8 * own.standard_normal(DIMENSION)
    return (made / np.linalg.norm(made)).astype(np.float32)


def vectors_of(texts: Sequence[str]) -> Vectors:
    """The same for many: (texts, DIMENSION)."""
    return np.stack([vector_of(text) for text in texts]) if len(texts) else np.zeros((0, DIMENSION), np.float32)


def embed(database: Database, texts: Sequence[str]) -> None:
    """Store the vectors of texts, as an encoder's user would."""
    rows = [
        {"text_sha256": text_hash(t), "model": MODEL, "vector": vector_of(t).astype("<f4").tobytes()}
        for t in dict.fromkeys(texts)
    ]
    with database.write() as session:
        for row in rows:
            if session.get(Embedding, (row["text_sha256"], MODEL)) is None:
                session.execute(insert(Embedding).values(**row))


def fill(database: Database, articles: int, phrasings: int = 4, audience: str = "public") -> None:
    """Articles `a0`, `a1`, ... with phrasings `a0 0`, `a0 1`, ..., each article in one language, all embedded."""
    texts = {f"a{n}": [f"a{n} {p}" for p in range(phrasings)] for n in range(articles)}
    rows = [
        {"article_id": key, "language": LANGUAGES[n % 3], "position": p, "text": t, "text_sha256": text_hash(t)}
        for n, (key, held) in enumerate(texts.items())
        for p, t in enumerate(held)
    ]
    with database.write() as session:
        session.execute(insert(Article), [{"id": key} for key in texts])
        session.execute(insert(PhrasingRow), rows)
        for n, key in enumerate(texts):
            _say(session, key, LANGUAGES[n % 3], audience)
        session.execute(
            insert(Embedding),
            [
                {
                    "text_sha256": r["text_sha256"],
                    "model": MODEL,
                    "vector": vector_of(str(r["text"])).astype("<f4").tobytes(),
                }
                for r in rows
            ],
        )


def add_phrasing(database: Database, article: str, text: str, *, embedded: bool = True) -> int:
    """A further way to ask for an article; its id."""
    if embedded:
        embed(database, [text])
    with database.write() as session:
        language = LANGUAGES[int(article[1:]) % 3]
        row = PhrasingRow(article_id=article, language=language, position=9, text=text, text_sha256=text_hash(text))
        session.add(row)
        session.flush()
        return row.id


def reword(database: Database, phrasing: int, text: str) -> None:
    """Another text for a phrasing, under the same id."""
    embed(database, [text])
    with database.write() as session:
        session.execute(
            update(PhrasingRow).where(PhrasingRow.id == phrasing).values(text=text, text_sha256=text_hash(text))
        )


def remove_phrasing(database: Database, phrasing: int) -> None:
    with database.write() as session:
        session.execute(delete(PhrasingRow).where(PhrasingRow.id == phrasing))


def set_state(database: Database, article: str, state: str) -> None:
    with database.write() as session:
        session.execute(update(Article).where(Article.id == article).values(state=state))


def _say(session, article: str, language: str, audience: str) -> None:  # type: ignore[no-untyped-def]
    variant = Variant(article_id=article, language=language, audience=audience)
    session.add(variant)
    session.flush()
    said = f"Answer of {article}."
    session.add(
        Version(
            variant_id=variant.id,
            number=1,
            text=said,
            text_sha256=text_hash(said),
            state="approved",
            written_by="t",
            approved_by="t",
            approved_at=now(),
        )
    )
