"""What the index is made from: phrasings, labels and stored vectors, as the database has them at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from knowledge.index.engine import Change, Ids, Label, Vectors
from knowledge.index.tables import IndexChange
from knowledge.tables import Article, Embedding, PhrasingRow, Variant, Version

T = TypeVar("T")
Prepare = Callable[[Vectors, Sequence[str]], Vectors]
LOOK_UP: Final = 500
READ_AT_ONCE: Final = 20_000
_STORED: Final = np.dtype("<f4")
_Phrasing = Row[int, str, str, str]


class Behind(Exception):
    """Changes that are needed are no longer kept: start from the generation in service."""


def _as_stored(vectors: Vectors, _languages: Sequence[str]) -> Vectors:
    return vectors


@dataclass(frozen=True)
class Source:
    """One vector space over the base.

    `space` names everything the indexed vectors depend on; another name is another index. `model` is under what the
    stored vectors are kept (`encoder.version + ":phrasing"`). `prepare` turns stored vectors (n, dimension) with the
    languages of their phrasings into the unit vectors that are indexed, row by row.
    """

    space: str
    model: str
    dimension: int
    prepare: Prepare = _as_stored


@dataclass(frozen=True, slots=True)
class Wanted:
    """A phrasing that has no stored vector yet."""

    id: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is to be indexed, ordered by id, as it was after change `upto`."""

    upto: int
    ids: Ids
    vectors: Vectors
    labels: Sequence[Label]
    awaiting: Sequence[Wanted]


def newest_change(session: Session) -> int:
    """The number of the last change of the base; 0 when there was none."""
    # Every search asks this, so not by way of a statement that has to be put together.
    return session.connection().exec_driver_sql("SELECT max(seq) FROM index_change").scalar() or 0


def changes_after(
    session: Session, source: Source, position: int, again: Iterable[int] = ()
) -> tuple[Change, list[Wanted]]:
    """What an engine at `position` has to do to be where the database is, and which phrasings lack a vector.

    `again` are phrasings that lacked one before. The cost is that of the change, whatever the size of the base.

    Raises:
        Behind: the changes after `position` are no longer all there.
    """
    oldest = session.scalar(select(func.min(IndexChange.seq)))
    upto = newest_change(session)
    if upto > position and oldest is not None and oldest > position + 1:
        raise Behind(f"change {position + 1} is gone, the oldest kept is {oldest}")
    rows = session.execute(
        select(IndexChange.article_id, IndexChange.phrasing_id).where(IndexChange.seq > position).distinct()
    ).all()
    touched = {phrasing for _, phrasing in rows if phrasing is not None} | set(again)
    found = _phrasings(session, touched)
    held = {row.id for row in found}
    vectors, lacking = _vectors(session, source, found)
    added = [row for row in found if row.id in vectors]
    others = _of_articles(session, {article for article, phrasing in rows if phrasing is None}, without=touched)
    reach = _reach(session, {row.article_id for row in (*added, *others)})
    change = Change(
        upto=upto,
        removed=_ids(touched - held | {one.id for one in lacking}),
        added=_ids(row.id for row in added),
        vectors=_prepared(source, added, vectors),
        labels=[_label(row, reach) for row in added],
        relabelled=_ids(row.id for row in others),
        new_labels=[_label(row, reach) for row in others],
    )
    return change, lacking


def snapshot(session: Session, source: Source) -> Snapshot:
    """Everything, read within one transaction. Takes some ten seconds for a million phrasings."""
    upto = newest_change(session)
    reach = _reach(session, None)
    lists: tuple[list[Ids], list[Vectors], list[Label], list[Wanted]] = [], [], [], []
    for rows in _all_phrasings(session):
        vectors, lacking = _vectors(session, source, rows)
        held = [row for row in rows if row.id in vectors]
        lists[0].append(_ids(row.id for row in held))
        lists[1].append(_prepared(source, held, vectors))
        lists[2].extend(_label(row, reach) for row in held)
        lists[3].extend(lacking)
    nothing = np.zeros((0, source.dimension), dtype=np.float32)
    return Snapshot(
        upto, np.concatenate([_ids(()), *lists[0]]), np.concatenate([nothing, *lists[1]]), lists[2], lists[3]
    )


def forget_changes(session: Session, upto: int) -> None:
    """Remove the changes that every generation in service holds; the newest stays, so that numbers go on."""
    newest = newest_change(session)
    session.query(IndexChange).where(IndexChange.seq <= min(upto, newest - 1)).delete(synchronize_session=False)


def _phrasings(session: Session, ids: Iterable[int]) -> list[_Phrasing]:
    rows: list[_Phrasing] = []
    for some in _pieces(sorted(ids)):
        rows += session.execute(_PHRASING.where(PhrasingRow.id.in_(some))).all()
    return sorted(rows, key=lambda row: row.id)


def _of_articles(session: Session, articles: Iterable[str], without: set[int]) -> list[_Phrasing]:
    rows: list[_Phrasing] = []
    for some in _pieces(sorted(articles)):
        rows += session.execute(_PHRASING.where(PhrasingRow.article_id.in_(some))).all()
    return sorted((row for row in rows if row.id not in without), key=lambda row: row.id)


def _all_phrasings(session: Session) -> Iterator[Sequence[_Phrasing]]:
    after = -1
    while rows := session.execute(
        _PHRASING.where(PhrasingRow.id > after).order_by(PhrasingRow.id).limit(READ_AT_ONCE)
    ).all():
        yield rows
        after = rows[-1].id


_PHRASING = select(PhrasingRow.id, PhrasingRow.article_id, PhrasingRow.language, PhrasingRow.text_sha256)


def _reach(session: Session, articles: set[str] | None) -> Mapping[str, tuple[str, ...]]:
    """Where each article may be said, as in `Label.reach`."""
    statement = (
        select(Variant.article_id, Variant.audience, Variant.channel_kind)
        .join(Version, Version.variant_id == Variant.id)
        .join(Article, Article.id == Variant.article_id)
        .where(Version.state == "approved", Article.state == "active")
        .distinct()
    )
    asked = [statement] if articles is None else [
        statement.where(Variant.article_id.in_(some)) for some in _pieces(sorted(articles))
    ]  # fmt: skip
    places: dict[str, set[str]] = {}
    for one in asked:
        for article, audience, kind in session.execute(one):
            places.setdefault(article, set()).add(f"{audience}/{kind}")
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    return {article: shared.setdefault(key := tuple(sorted(held)), key) for article, held in places.items()}


def _label(row: _Phrasing, reach: Mapping[str, tuple[str, ...]]) -> Label:
    return Label(row.language, reach.get(row.article_id, ()))


def _vectors(session: Session, source: Source, rows: Sequence[_Phrasing]) -> tuple[dict[int, Vectors], list[Wanted]]:
    """Stored vectors by phrasing, and the phrasings that have none, or none that could be one."""
    held: dict[str, Vectors] = {}
    for some in _pieces(sorted({row.text_sha256 for row in rows})):
        stored = select(Embedding.text_sha256, Embedding.vector).where(
            Embedding.model == source.model, Embedding.text_sha256.in_(some)
        )
        for key, raw in session.execute(stored):
            vector = np.frombuffer(raw, dtype=_STORED) if len(raw) == _STORED.itemsize * source.dimension else None
            if vector is not None and abs(float(vector @ vector) - 1) < 1e-3:
                held[key] = vector
    found = {row.id: held[row.text_sha256] for row in rows if row.text_sha256 in held}
    missing = [row.id for row in rows if row.id not in found]
    return found, wanted_again(session, missing)


def wanted_again(session: Session, ids: Sequence[int]) -> list[Wanted]:
    """These phrasings, as far as they are still there."""
    named = select(PhrasingRow.id, PhrasingRow.text, PhrasingRow.language)
    return [Wanted(*row) for some in _pieces(ids) for row in session.execute(named.where(PhrasingRow.id.in_(some)))]


def _prepared(source: Source, rows: Sequence[_Phrasing], vectors: Mapping[int, Vectors]) -> Vectors:
    if not rows:
        return np.zeros((0, source.dimension), dtype=np.float32)
    return source.prepare(np.stack([vectors[row.id] for row in rows]), [row.language for row in rows])


def _ids(ids: Iterable[int]) -> Ids:
    return np.array(sorted(ids), dtype=np.int64)


def _pieces(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), LOOK_UP):
        yield items[start : start + LOOK_UP]
