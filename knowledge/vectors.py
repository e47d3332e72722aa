"""Stored vectors: every text is embedded once for each model, and kept in the database by the text's hash."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from knowledge.background import Background, background_lines
from knowledge.database import Database
from knowledge.encoder import Encoder
from knowledge.shipped_vectors import shipped, shipped_models
from knowledge.store import text_hash
from knowledge.tables import Article, Embedding, PhrasingRow
from knowledge.team import Member, Team, Views

Vectors = NDArray[np.float32]
Task = Literal["phrasing", "query"]
Progress = Callable[[int, int], None]
BATCH: Final = 64
LOOK_UP: Final = 500
PAGE: Final = 5_000
_STORED: Final = np.dtype("<f4")


def vectors_for(
    database: Database,
    texts: Sequence[str],
    encoder: Encoder,
    progress: Progress | None = None,
    *,
    task: Task = "phrasing",
) -> Vectors:
    """Vectors of texts, in the order given: (n, dimension) float32, each of length 1.

    What is not stored yet is embedded in batches, each committed by itself, so a start that is broken off goes on
    where it was. `progress` is told (texts done, texts in all). A stored vector that is damaged is made anew.
    """
    wanted = {text_hash(text): text for text in texts}
    model = f"{encoder.version}:{task}"
    encode = encoder.phrasings if task == "phrasing" else encoder.queries
    found = _stored(database, wanted, model, encoder.dimension)
    ready = shipped((key for key in wanted if key not in found), model)
    _keep(database, ready, model)
    found |= ready
    missing = [key for key in wanted if key not in found]
    batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
    # Two processes that start together would otherwise embed the same batch at the same time, all the way down.
    random.shuffle(batches)
    for batch in batches:
        if progress:
            progress(len(found), len(wanted))
        by_now = _stored(database, batch, model, encoder.dimension)
        fresh = [key for key in batch if key not in by_now]
        made = dict(zip(fresh, encode([wanted[key] for key in fresh]), strict=True))
        _keep(database, made, model)
        found |= by_now | made
    if progress:
        progress(len(wanted), len(wanted))
    if not texts:
        return np.zeros((0, encoder.dimension), dtype=np.float32)
    return np.stack([found[text_hash(text)] for text in texts]).astype(np.float32, copy=False)


def adopt_shipped(database: Database) -> int:
    """Store the shipped vectors that fit texts of this base, without loading an encoder. Returns how many are new."""
    with database.read() as session:
        wanted = set(session.scalars(select(PhrasingRow.text_sha256)))
    wanted |= {text_hash(text) for _, text in background_lines()}
    adopted = 0
    for model in shipped_models():
        ready = shipped(wanted, model)
        dimension = len(next(iter(ready.values()), ()))
        held = _stored(database, ready, model, dimension)
        fresh = {key: vector for key, vector in ready.items() if key not in held}
        _keep(database, fresh, model)
        adopted += len(fresh)
    return adopted


def embed_missing(database: Database, team: Team, progress: Progress | None = None) -> int:
    """Embed what is not stored yet of the active articles' phrasings and of the everyday lines, a page at a time.

    Returns how many phrasings the active articles have.
    """
    background_for(database, team)
    lacking = [_lacking(member) for member in team.members]
    with database.read() as session:
        total = sum(session.scalar(select(func.count()).select_from(one.subquery())) or 0 for one in lacking)
    before = 0
    for member, statement in zip(team.members, lacking, strict=True):
        after = -1
        while rows := _page(database, statement, after):

            def tell(done: int, _of: int, before: int = before) -> None:
                if progress:
                    progress(min(before + done, total), total)

            vectors_for(database, [text for _, text in rows], member.encoder, tell)
            before, after = before + len(rows), rows[-1][0]
    with database.read() as session:
        active = select(Article.id).where(Article.state == "active")
        return (
            session.scalar(select(func.count()).select_from(PhrasingRow).where(PhrasingRow.article_id.in_(active))) or 0
        )


def views_for(
    database: Database,
    texts: Sequence[str],
    languages: Sequence[str],
    team: Team,
    progress: Progress | None = None,
) -> Views:
    """Views of phrasings by every member of a team, (n, its dimension) each, from stored vectors.

    A member is asked about the languages it knows only. `progress` is told (texts done, texts in all).
    """
    known = [[row for row, language in enumerate(languages) if member.knows(language)] for member in team.members]
    total, before = sum(map(len, known)), 0
    views = []
    for member, rows in zip(team.members, known, strict=True):

        def tell(done: int, of: int, before: int = before, rows: list[int] = rows) -> None:
            if progress:
                progress(before + len(rows) * done // max(of, 1), total)

        vectors = np.zeros((len(texts), member.encoder.dimension), dtype=np.float32)
        if rows:
            vectors[rows] = vectors_for(database, [texts[row] for row in rows], member.encoder, tell)
        views.append(vectors)
        before += len(rows)
    return tuple(views)


def background_for(database: Database, team: Team) -> Background:
    """The everyday lines that the ranker is calibrated on, from stored vectors: a later start embeds nothing."""
    languages, texts = zip(*background_lines(), strict=True)
    asked = tuple(vectors_for(database, texts, member.encoder, task="query") for member in team.members)
    return Background(languages, texts, asked, views_for(database, texts, languages, team))


def _lacking(member: Member) -> Select[int, str]:
    """The phrasings of active articles that a member knows the language of, and has no stored vector of."""
    stored = select(Embedding.model).where(
        Embedding.text_sha256 == PhrasingRow.text_sha256, Embedding.model == f"{member.encoder.version}:phrasing"
    )
    statement = (
        select(PhrasingRow.id, PhrasingRow.text)
        .join(Article, Article.id == PhrasingRow.article_id)
        .where(Article.state == "active", ~stored.exists())
        .order_by(PhrasingRow.id)
    )
    return statement if member.languages is None else statement.where(PhrasingRow.language.in_(member.languages))


def _page(database: Database, statement: Select[int, str], after: int) -> list[tuple[int, str]]:
    with database.read() as session:
        rows = session.execute(statement.where(PhrasingRow.id > after).limit(PAGE))
        return [(row.id, row.text) for row in rows]


def _stored(database: Database, keys: Iterable[str], model: str, dimension: int) -> dict[str, Vectors]:
    found: dict[str, Vectors] = {}
    with database.read() as session:
        for key, raw in _rows(session, list(keys), model):
            vector = np.frombuffer(raw, dtype=_STORED) if len(raw) == _STORED.itemsize * dimension else None
            if vector is not None and abs(float(vector @ vector) - 1) < 1e-3:
                found[key] = vector
    return found


def _rows(session: Session, keys: list[str], model: str) -> Iterator[tuple[str, bytes]]:
    for start in range(0, len(keys), LOOK_UP):
        chosen = Embedding.text_sha256.in_(keys[start : start + LOOK_UP])
        rows = session.execute(select(Embedding.text_sha256, Embedding.vector).where(Embedding.model == model, chosen))
        yield from ((row.text_sha256, row.vector) for row in rows)


def _keep(database: Database, made: dict[str, Vectors], model: str) -> None:
    if not made:
        return
    rows = [
        {"text_sha256": key, "model": model, "vector": vector.astype(_STORED).tobytes()} for key, vector in made.items()
    ]
    insert: Any = sqlite.insert if database.is_sqlite else postgresql.insert
    statement = insert(Embedding)
    statement = statement.on_conflict_do_update(
        index_elements=["text_sha256", "model"], set_={"vector": statement.excluded.vector}
    )
    with database.write() as session:
        session.execute(statement, rows)
