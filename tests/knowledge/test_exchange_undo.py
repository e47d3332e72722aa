"""An import as a whole: its plan adds up, it is all or nothing even when killed, and it can be undone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from knowledge.article_text import ArticleText
from knowledge.database import Database
from knowledge.exchange import PlanChanged, Undone, import_base, imports, undo_import
from knowledge.store import article_text, retire, save_article
from knowledge.tables import Article
from tests.fixtures.database import sqlite_only
from tests.knowledge.articles import article
from tests.knowledge.test_exchange import ROW, jsonl


def state(database: Database) -> dict[str, ArticleText | None]:
    """What each active article says."""
    with database.read() as session:
        ids = session.scalars(select(Article.id).where(Article.state == "active")).all()
        return {key: article_text(session, key) for key in ids}


def undo(database: Database, number: int | None, *, rest: bool = False) -> Undone:
    assert number is not None
    with database.write() as session:
        return undo_import(session, number, by="giulia", rest=rest)


@pytest.fixture
def base(database: Database) -> Database:
    with database.write() as session:
        for key in ("no-signal", "late-fee", "moving-home"):
            save_article(session, article(key), by="giulia")
        retire(session, "moving-home")
    return database


def test_every_row_has_its_fate_and_the_counts_add_up(base: Database, tmp_path: Path) -> None:
    same = {"id": "late-fee", "language": "pl", "category": "service"}
    held = article("late-fee").languages["pl"]
    path = jsonl(
        tmp_path / "b.jsonl", ROW, ROW, {"id": "no-signal", "language": "pl", "question": "Inaczej?", "answer": "Tak."},
        {**same, "question": held.question, "variants": held.variants, "answer": held.answer},
        {"id": "moving-home", "language": "pl", "question": "Inaczej?"}, {**ROW, "language": "de"}, "{\n",
        {"id": "late-fee", "language": "it", "question": "Nuovo?"},
    )  # fmt: skip
    report = import_base(base, path, by="x", dry_run=True)
    fates = [(line.place.line, line.fate) for line in report.lines]
    assert fates == [
        (1, "create"), (2, "skipped"), (3, "change"), (4, "unchanged"), (5, "skipped"), (6, "refused"), (7, "refused"),
        (8, "create"),
    ]  # fmt: skip
    assert sum(report.counts.values()) == len(report.lines) == 8
    assert report.lines[2].changes["question"] == (article().languages["pl"].question, "Inaczej?")
    assert report.lines[5].named == "language"
    json.dumps(report.as_dict())
    before = state(base)
    assert not import_base(base, path, by="x").stored
    assert state(base) == before
    stored = import_base(base, path, by="x", skip_refused=True)
    assert stored.stored
    assert stored.counts == report.counts


def test_what_a_row_does_not_speak_of_stays_as_it_is(base: Database, tmp_path: Path) -> None:
    with base.write() as session:
        save_article(session, article("no-signal", pl={"public": "Krótko."}), by="giulia")
    path = tmp_path / "b.csv"
    path.write_text("id,language,question,answer\nno-signal,pl,Inaczej?,Tylko prywatnie.\n", encoding="utf-8")
    report = import_base(base, path, by="x")
    assert set(report.lines[0].changes) == {"question", "answer"}
    said = state(base)["no-signal"]
    assert said is not None
    assert said.languages["pl"].answers == {"private": "Tylko prywatnie.", "public": "Krótko."}
    assert said.languages["pl"].variants == article().languages["pl"].variants
    jsonl(tmp_path / "b.jsonl", {"id": "no-signal", "language": "pl", "question": "Inaczej?"})
    assert import_base(base, tmp_path / "b.jsonl", by="x").unchanged == ["no-signal"]


def test_an_import_is_undone_as_a_whole_and_can_be_made_again(base: Database, tmp_path: Path) -> None:
    before = state(base)
    changed = {"id": "no-signal", "language": "pl", "category": "other", "question": "Inaczej?", "answer": "Tak."}
    path = jsonl(tmp_path / "b.jsonl", ROW, changed, {"id": "late-fee", "language": "it", "question": "Nuovo?"})
    for _ in range(2):
        report = import_base(base, path, by="x")
        after = state(base)
        assert set(after) - set(before) == {"a"}
        outcome = undo(base, report.import_id)
        assert (outcome.removed, sorted(outcome.restored), outcome.done) == (["a"], ["late-fee", "no-signal"], True)
        assert state(base) == before
    again = undo(base, report.import_id)
    assert (again.removed, again.restored, again.blocked) == ([], [], {})
    with base.read() as session:
        assert [(one.state, one.articles, one.undone) for one in imports(session)] == [("undone", 3, 3)] * 2


def test_what_was_edited_since_is_left_alone(base: Database, tmp_path: Path) -> None:
    changed = {"id": "no-signal", "language": "pl", "question": "Inaczej?", "answer": "Tak."}
    report = import_base(base, jsonl(tmp_path / "b.jsonl", ROW, changed), by="x")
    with base.write() as session:
        save_article(session, article("no-signal", pl={"answer": "Poprawione."}), by="agata")
    edited = state(base)
    outcome = undo(base, report.import_id)
    assert not outcome.done
    assert "edited since (last by agata" in outcome.blocked["no-signal"]
    assert state(base) == edited
    outcome = undo(base, report.import_id, rest=True)
    assert (outcome.done, outcome.removed, list(outcome.blocked)) == (True, ["a"], ["no-signal"])
    assert state(base) == {key: said for key, said in edited.items() if key != "a"}
    with base.read() as session:
        assert imports(session)[0].state == "partly_undone"


def test_a_plan_that_nobody_has_seen_is_not_carried_out(base: Database, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "b.jsonl", {"id": "no-signal", "language": "pl", "question": "Inaczej?", "answer": "Tak."})
    seen = import_base(base, path, by="x", dry_run=True).digest
    with base.write() as session:
        save_article(session, article("no-signal", pl={"question": "Zmienione?"}), by="agata")
    before = state(base)
    with pytest.raises(PlanChanged):
        import_base(base, path, by="x", expected=seen)
    assert state(base) == before
    assert import_base(base, path, by="x", expected=import_base(base, path, by="x", dry_run=True).digest).stored


IMPORTING = """
import sys
from pathlib import Path
from knowledge.database import Database
from knowledge.exchange import import_base
database = Database(sys.argv[1])
print("go", flush=True)
import_base(database, Path(sys.argv[2]), by="x")
print("done", flush=True)
"""


@pytest.mark.parametrize("wait", [0.05, 0.4, 0.9, 1.6])
def test_an_import_that_is_killed_leaves_the_base_as_before_or_as_after(
    base: Database, database_url: str, tmp_path: Path, wait: float
) -> None:
    rows = [{**ROW, "id": f"n{number}"} for number in range(400)]
    path = jsonl(tmp_path / "b.jsonl", *rows, {"id": "no-signal", "language": "pl", "question": "Inaczej?"})
    before = state(base)
    child = subprocess.Popen([sys.executable, "-c", IMPORTING, database_url, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"go\n"
    time.sleep(wait)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    after = state(base)
    assert after == before or len(after) == len(before) + 400
    with base.read() as session:
        assert len(imports(session)) == (0 if after == before else 1)
    report = import_base(base, path, by="x")  # and it can simply be made again
    assert report.stored
    assert len(state(base)) == len(before) + 400


ids = st.sampled_from(["a", "b", "no-signal", "late-fee", "moving-home"])
rows = st.fixed_dictionaries(
    {"id": ids, "language": st.sampled_from(["pl", "en", "xx"]), "question": st.sampled_from(["", "Q?", "R?"])},
    optional={"answer": st.sampled_from(["", "A.", "B."]), "category": st.sampled_from(["c", "d"])},
)


@sqlite_only
def test_any_import_is_counted_whole_and_undone_whole(base: Database, tmp_path: Path) -> None:
    before = state(base)

    @settings(max_examples=40)
    @given(st.lists(rows, min_size=1, max_size=8))
    def check(held: list[dict[str, str]]) -> None:
        path = jsonl(tmp_path / "b.jsonl", *held)
        report = import_base(base, path, by="x", skip_refused=True)
        assert sum(report.counts.values()) == len(held)
        if report.import_id is not None:
            assert undo(base, report.import_id).done
        assert state(base) == before

    check()
