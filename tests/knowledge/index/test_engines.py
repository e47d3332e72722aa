"""What every engine does, put to each: FAISS exactly, FAISS in cells, pgvector exactly and as a graph."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge.database import Database
from knowledge.index.engine import EVERYTHING, NOWHERE, Allowed, Change, Engine, Label
from knowledge.index.generation import Contents, open_verified, write
from knowledge.index.local import LocalEngine, coded
from knowledge.index.part import Labels
from knowledge.index.pgvector import NoPgvector, PgvectorEngine
from tests.fixtures.database import TEMPLATE, sqlite_only
from tests.fixtures.postgresql import PostgreSQL

DIMENSION = 32
PUBLIC_PL, PUBLIC_EN = Label("pl", ("public/",)), Label("en", ("public/",))
PRIVATE_PL, SILENT_PL = Label("pl", ("private/",)), Label("pl", ())
FACEBOOK_PL = Label("pl", ("public/facebook",))

Start = Callable[[Change], Engine]
_names = itertools.count()


def local(tmp_path: Path, exact_up_to: int) -> Start:
    def start(change: Change) -> Engine:
        labels = Labels()
        numbers = labels.numbers(change.labels)
        contents = Contents(coded(change.vectors, exact_up_to), change.added, numbers, labels.held, change.upto)
        return LocalEngine(DIMENSION, open_verified(tmp_path, 1, write(tmp_path, "s", 1, contents), "s"))

    return start


@pytest.fixture(params=["faiss exact", "faiss cells", "faiss delta", "pgvector", "pgvector graph"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Starts the engine with some phrasings in its base."""
    if request.param.startswith("faiss"):
        if request.param == "faiss delta":
            yield lambda change: applied(LocalEngine(DIMENSION), change)
        else:
            yield local(tmp_path, 10**6 if request.param == "faiss exact" else 0)
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    name = f"engine_{next(_names)}"
    server.create(name, template=TEMPLATE)
    database = Database(server.url(name))

    def on_postgresql(change: Change) -> Engine:
        engine = PgvectorEngine(database, "s", DIMENSION, exact_up_to=0)
        engine.apply(change)
        if request.param == "pgvector graph":
            assert engine.make_graph()
            assert not engine.make_graph()
        return engine

    yield on_postgresql
    database.close()
    server.drop(name)


def applied(engine: Engine, change: Change) -> Engine:
    engine.apply(change)
    return engine


def unit(n: int, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((n, DIMENSION)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def ids(*given: int) -> np.ndarray:
    return np.array(given, dtype=np.int64)


def base(n: int = 400) -> Change:
    labels = [(PUBLIC_PL, PUBLIC_EN, PRIVATE_PL, SILENT_PL, FACEBOOK_PL)[i % 5] for i in range(n)]
    return Change(upto=7, added=np.arange(n) * 3, vectors=unit(n), labels=labels)


def test_it_finds_the_nearest(start: Start) -> None:
    engine, held = start(base()), base().vectors
    assert len(engine) == 400 and engine.position == 7
    queries = unit(30, seed=1)
    found, scores = engine.search(queries, 10)
    truth = np.argsort(-(queries @ held.T), axis=1)[:, :10] * 3
    hits = sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist(), strict=True))
    assert hits >= 0.97 * 300
    expected = np.take_along_axis(queries @ held.T, found // 3, axis=1)
    np.testing.assert_allclose(scores, expected, atol=0.02)
    assert (np.diff(scores, axis=1) <= 0).all()


@pytest.mark.parametrize(
    ("allowed", "admitted"),
    [
        (EVERYTHING, {0, 1, 2, 3, 4}),
        (Allowed(audience="public"), {0, 1}),
        (Allowed(audience="private"), {0, 1, 2}),
        (Allowed(audience="public", channel_kind="facebook"), {0, 1, 4}),
        (Allowed(languages=frozenset({"en"})), {1}),
        (Allowed(languages=frozenset({"en", "pl"}), audience="private", channel_kind="x"), {0, 1, 2}),
        (Allowed(languages=frozenset({"sq"})), set()),
    ],
)
def test_it_finds_only_what_is_allowed(start: Start, allowed: Allowed, admitted: set[int]) -> None:
    engine = start(base())
    found, _ = engine.search(unit(5, seed=2), 400, allowed)
    for row in found:
        assert {int(key) for key in row if key != NOWHERE} == {3 * i for i in range(400) if i % 5 in admitted}


def test_what_is_removed_is_gone_and_what_is_added_is_found(start: Start) -> None:
    engine, fresh = start(base()), unit(2, seed=3)
    engine.apply(
        Change(upto=8, removed=ids(0, 3, 998), added=ids(6, 5000), vectors=fresh, labels=[PUBLIC_PL, PUBLIC_EN])
    )
    assert engine.position == 8 and len(engine) == 399
    found, scores = engine.search(fresh, 1)
    assert found[:, 0].tolist() == [6, 5000]
    np.testing.assert_allclose(scores[:, 0], 1, atol=0.01)
    everyone = engine.search(base().vectors[:3], 400)[0]
    assert not {0, 3} & set(everyone.ravel().tolist())
    assert (np.unique(everyone[0], return_counts=True)[1] == 1).sum() >= 399  # 6 is there once, not twice


def test_another_label_counts_at_once(start: Start) -> None:
    engine, only_public = start(base()), Allowed(audience="public")
    target = base().vectors[:1]
    assert engine.search(target, 1, only_public)[0][0, 0] == 0
    engine.apply(Change(upto=8, relabelled=ids(0, 77777), new_labels=[SILENT_PL, PUBLIC_PL]))
    assert engine.search(target, 1, only_public)[0][0, 0] != 0
    assert engine.search(target, 1)[0][0, 0] == 0
    engine.apply(Change(upto=9, relabelled=ids(0), new_labels=[Label("cs", ("public/",))]))
    assert engine.search(target, 1, only_public)[0][0, 0] == 0
    assert engine.search(target, 1, Allowed(languages=frozenset({"cs"})))[0][0].tolist() == [0]


def test_the_same_change_again_changes_nothing_and_an_old_one_is_ignored(start: Start) -> None:
    engine = start(base())
    change = Change(upto=9, removed=ids(0), added=ids(5000), vectors=unit(1, seed=3), labels=[PUBLIC_PL])
    engine.apply(change)
    before = engine.search(unit(5, seed=4), 400)
    engine.apply(change)
    engine.apply(Change(upto=8, removed=ids(5000, 3, 6)))
    after = engine.search(unit(5, seed=4), 400)
    assert engine.position == 9 and len(engine) == 400
    np.testing.assert_array_equal(before[0], after[0])


def test_queries_of_a_wrong_shape_are_refused(start: Start) -> None:
    with pytest.raises(ValueError, match=r"shape \(n, 32\)"):
        start(base()).search(np.zeros((1, 5), np.float32), 3)


@sqlite_only
def test_pgvector_says_that_it_needs_postgresql(database: Database) -> None:
    with pytest.raises(NoPgvector, match="PostgreSQL"):
        PgvectorEngine(database, "s", DIMENSION)
