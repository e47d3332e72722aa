"""The index kept in step with the base: edits, joins, merges, several processes' views of one base."""

from __future__ import annotations

import random
import threading
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select, update

from knowledge.database import Database, now
from knowledge.index import builder
from knowledge.index.engine import NOWHERE, Allowed
from knowledge.index.local import LocalEngine
from knowledge.index.pgvector import PgvectorEngine
from knowledge.index.phrasing_index import PhrasingIndex
from knowledge.index.tables import IndexChange
from knowledge.tables import Article, PhrasingRow, Version
from tests.fixtures.database import sqlite_only
from tests.knowledge.index.bases import (
    DIMENSION,
    SOURCE,
    add_phrasing,
    embed,
    fill,
    remove_phrasing,
    reword,
    set_state,
    vector_of,
    vectors_of,
)  # fmt: skip

PUBLIC = Allowed(audience="public")


def opened(database: Database, home: Path, kind: str = "local", **given: int) -> PhrasingIndex:
    """One more process's index over the base."""
    engine = PgvectorEngine(database, SOURCE.space, DIMENSION) if kind == "pgvector" else None
    return PhrasingIndex(
        database,
        SOURCE,
        home / "index",
        embed=lambda wanted: embed(database, [one.text for one in wanted]),
        engine=engine,
        **given,
    )


@pytest.fixture(params=["local", "pgvector"])
def kind(request: pytest.FixtureRequest, database: Database) -> str:
    """Each engine on each database that can have it."""
    if request.param == "pgvector" and database.is_sqlite:
        pytest.skip("pgvector needs PostgreSQL")
    return str(request.param)


def articles(index: PhrasingIndex, database: Database, text: str, k: int = 3, allowed: Allowed = PUBLIC) -> list[str]:
    with database.read() as session:
        return [one.article for one in index.candidates(session, vector_of(text), k, allowed)]


def best(index: PhrasingIndex, database: Database, text: str) -> tuple[int, float]:
    with database.read() as session:
        ids, scores = index.search(session, vector_of(text)[None, :], 1)
    return int(ids[0, 0]), float(scores[0, 0])


def test_candidates_are_joined_to_what_is_said_now(database: Database, home: Path, kind: str) -> None:
    fill(database, 20)
    index = opened(database, home, kind)
    with database.read() as session:
        first = index.candidates(session, vector_of("a7 1"), 4, PUBLIC)
    assert [one.article for one in first] == ["a7"] * 4
    assert first[0].score > 0.99 and first[0].answer == "Answer of a7." and first[0].language == "en"
    with database.write() as session:  # retired behind the index's back: its triggers cannot be passed
        session.execute(update(Version).where(Version.id == first[0].version).values(state="retired"))
    assert "a7" not in articles(index, database, "a7 1", k=80)


def test_an_edit_is_seen_by_the_next_search_of_every_process(database: Database, home: Path, kind: str) -> None:
    fill(database, 20)
    indexes = [opened(database, home, kind) for _ in range(3)]
    added = add_phrasing(database, "a3", "other words")
    assert [best(index, database, "other words") for index in indexes] == [(added, pytest.approx(1, abs=0.01))] * 3
    reword(database, added, "quite different")
    assert all(best(index, database, "quite different")[0] == added for index in indexes)
    assert all(best(index, database, "other words")[1] < 0.9 for index in indexes)
    remove_phrasing(database, added)
    assert all(best(index, database, "quite different")[1] < 0.9 for index in indexes)


def test_a_retired_article_is_gone_at_once_and_back_at_once(database: Database, home: Path, kind: str) -> None:
    fill(database, 20)
    index = opened(database, home, kind)
    for _ in range(3):
        set_state(database, "a5", "retired")
        assert "a5" not in articles(index, database, "a5 0", k=80)
        set_state(database, "a5", "active")
        assert articles(index, database, "a5 0")[0] == "a5"


@sqlite_only
def test_an_id_that_is_used_again_never_brings_the_old_vector(database: Database, home: Path) -> None:
    """SQLite gives the id of a deleted last row to the next one."""
    fill(database, 5)
    index = opened(database, home)
    first = add_phrasing(database, "a1", "first words")
    assert best(index, database, "first words")[0] == first
    remove_phrasing(database, first)
    second = add_phrasing(database, "a2", "second words")
    assert second == first
    assert best(index, database, "first words")[1] < 0.9
    assert best(index, database, "second words")[0] == second


def test_private_articles_are_for_private_messages(database: Database, home: Path, kind: str) -> None:
    fill(database, 6, audience="private")
    index = opened(database, home, kind)
    assert articles(index, database, "a1 0") == []
    assert articles(index, database, "a1 0", allowed=Allowed(audience="private"))[0] == "a1"
    assert set(articles(index, database, "a1 0", 50, Allowed(frozenset({"pl"}), "private"))) == {"a0", "a3"}


def test_what_has_no_vector_is_embedded_in_the_background(database: Database, home: Path, kind: str) -> None:
    fill(database, 5)
    index = opened(database, home, kind)
    index.start()
    try:
        added = add_phrasing(database, "a1", "never embedded", embedded=False)
        before = time.monotonic()
        index.nudge()
        while best(index, database, "never embedded")[0] != added:
            assert time.monotonic() < before + 10
            time.sleep(0.005)
        assert index.awaiting == 0
    finally:
        index.stop()


@sqlite_only
def test_a_long_delta_becomes_a_generation_that_others_take_up(
    database: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "MERGE_ROWS", 20)
    fill(database, 30)
    writer, reader = opened(database, home), opened(database, home)
    assert not writer.maintain()
    texts = [f"more{n} words" for n in range(25)]
    added = [add_phrasing(database, f"a{n}", text) for n, text in enumerate(texts)]
    remove_phrasing(database, added.pop())
    queries = vectors_of(texts)
    with database.read() as session:
        before = writer.search(session, queries, 10)
    assert writer.maintain()
    assert not writer.maintain()
    reader.look()
    for index in (writer, reader, opened(database, home)):
        assert isinstance(index.engine, LocalEngine) and index.engine.generation is not None
        assert index.engine.generation.manifest.number == 2 and index.engine.delta_rows == 0
        with database.read() as session:
            after = index.search(session, queries, 10)
        np.testing.assert_array_equal(before[0], after[0])
        np.testing.assert_array_equal(before[1], after[1])
    assert [path.name for path in sorted((home / "index").glob("*/gen-*"))] == ["gen-000001", "gen-000002"]


@sqlite_only
def test_changes_that_every_generation_holds_are_forgotten(
    database: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "MERGE_ROWS", 5)
    fill(database, 10)
    index, slow = opened(database, home), opened(database, home)
    for turn in range(4):
        for n in range(6):
            add_phrasing(database, "a1", f"turn{turn} {n}")
        with database.read() as session:
            index.catch_up(session)
        assert index.maintain()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(IndexChange)) <= 12
    # One that slept through it all starts again from the generation in service.
    assert best(slow, database, "turn0 3")[1] > 0.99
    assert best(slow, database, "turn3 5")[1] > 0.99


@sqlite_only
def test_exact_rows_become_cells_when_they_are_many(database: Database, home: Path) -> None:
    fill(database, 100)
    index = opened(database, home, exact_up_to=300)
    assert isinstance(index.engine, LocalEngine) and index.engine.generation is not None
    assert index.engine.generation.manifest.kind == "exact"
    assert index.maintain()
    assert index.engine.generation.manifest.kind == "cells"
    assert best(index, database, "a42 3")[1] > 0.99
    again = opened(database, home, exact_up_to=300)
    assert len(again) == 400 and best(again, database, "a42 3")[1] > 0.99


@sqlite_only
def test_searches_during_edits_and_merges_never_fail_and_never_miss_what_stays(
    database: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "MERGE_ROWS", 10)
    fill(database, 40)
    index = opened(database, home)
    index.start()
    over, problems = threading.Event(), []

    def ask(n: int) -> None:
        while not over.is_set():
            for key in (f"a{n} 1", f"a{n + 4} 2"):
                found = best(index, database, key)
                if found[1] < 0.99:
                    problems.append((key, found))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    try:
        chance = random.Random(5)
        added: list[int] = []
        for turn in range(60):
            added.append(add_phrasing(database, f"a{chance.randrange(40)}", f"turn{turn} words"))
            if chance.random() < 0.4:
                remove_phrasing(database, added.pop(chance.randrange(len(added))))
            if turn % 6 == 5:
                index.maintain()
    finally:
        over.set()
        for thread in threads:
            thread.join()
        index.stop()
    assert problems == []


def edit_at_random(database: Database, chance: random.Random, edits: int, label: str) -> None:
    """Additions, other words, removals, retirements, restorations."""
    with database.read() as session:
        living = list(session.scalars(select(PhrasingRow.id)))
        names = list(session.scalars(select(Article.id)))
    for n in range(edits):
        act = chance.random()
        if act < 0.4 or not living:
            living.append(add_phrasing(database, chance.choice(names), f"{label}{chance.randrange(40)} {n}"))
        elif act < 0.65:
            reword(database, chance.choice(living), f"{label}{chance.randrange(40)} again {n}")
        elif act < 0.85:
            remove_phrasing(database, living.pop(chance.randrange(len(living))))
        else:
            set_state(database, chance.choice(names), chance.choice(["active", "retired"]))


def compare(kept: PhrasingIndex, fresh: PhrasingIndex, database: Database) -> float:
    """The share of a fresh index's ten best that the kept one finds too; 1 only if ids and scores are the same."""
    queries = vectors_of([f"{word}{n} asked" for word in ("a", "e0_", "e1_") for n in range(40)])
    same = shared = total = 0
    for allowed in (PUBLIC, Allowed(frozenset({"pl"}), "public"), Allowed()):
        with database.read() as session:
            (ids, scores), (wanted, wanted_scores) = (
                one.search(session, queries, 10, allowed) for one in (kept, fresh)
            )
        same += int((ids == wanted).all() and (scores == wanted_scores).all())
        shared += sum(len(set(a) & set(b) - {NOWHERE}) for a, b in zip(ids.tolist(), wanted.tolist(), strict=True))
        total += int((wanted != NOWHERE).sum())
    return 1.0 if same == 3 else min(shared / total, 0.999999)


@sqlite_only
@pytest.mark.parametrize("edits", [600, pytest.param(100_000, marks=pytest.mark.slow)])
def test_random_edits_leave_what_a_fresh_rebuild_would_make(
    database: Database, home: Path, edits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "MERGE_ROWS", edits // 10)
    fill(database, 200)
    kept, chance = opened(database, home), random.Random(11)
    for turn in range(10):
        edit_at_random(database, chance, edits // 10, f"e{turn % 2}_")
        with database.read() as session:
            kept.catch_up(session)
        kept.maintain()
    assert isinstance(kept.engine, LocalEngine) and kept.engine.generation is not None
    assert kept.engine.generation.manifest.number > 1
    fresh = opened(database, home / "fresh_rebuild_elsewhere")
    assert len(kept) == len(fresh)
    assert compare(kept, fresh, database) == 1.0


@sqlite_only
def test_cells_after_many_edits_find_as_much_as_fresh_ones(
    database: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "MERGE_ROWS", 100)
    fill(database, 400)
    kept, chance = opened(database, home, exact_up_to=0), random.Random(12)
    kept.maintain()
    for turn in range(6):
        edit_at_random(database, chance, 120, f"e{turn % 2}_")
        with database.read() as session:
            kept.catch_up(session)
        kept.maintain()
    fresh = opened(database, home / "fresh", exact_up_to=0)
    assert fresh.maintain()
    exact = opened(database, home / "exact")
    of_kept, of_fresh = compare(kept, exact, database), compare(fresh, exact, database)
    assert of_kept >= of_fresh - 0.005, (of_kept, of_fresh)


@sqlite_only
@pytest.mark.parametrize("column", ["valid_from", "valid_to"])
def test_dates_are_looked_at_when_it_is_asked(database: Database, home: Path, column: str) -> None:
    if not hasattr(Article, column):
        pytest.skip("articles have no dates yet")
    fill(database, 5)
    index, moment = opened(database, home), now()
    with database.write() as session:
        session.execute(update(Article).where(Article.id == "a1").values(**{column: moment}))
    with database.read() as session:
        found = [
            any(one.article == "a1" for one in index.candidates(session, vector_of("a1 0"), 20, PUBLIC, at))
            for at in (moment - timedelta(hours=1), moment + timedelta(hours=1))
        ]
    assert found == ([False, True] if column == "valid_from" else [True, False])
