"""The worker keeps the index of the base in order when it has nothing else to do."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import func, select

from api import worker
from api.worker import Worker
from api.workspace import Workspace
from knowledge.index.tables import IndexChange
from knowledge.search import KnowledgeBase
from knowledge.store import save_article
from tests.fixtures.database import sqlite_only
from tests.fixtures.story import CannedAssistant
from tests.knowledge.articles import article, team


def changes(workspace: Workspace) -> int:
    with workspace.database.read() as session:
        return session.scalar(select(func.count()).select_from(IndexChange)) or 0


def idle(workspace: Workspace, base: KnowledgeBase, seconds: float) -> None:
    """Let a worker without work run until the changes are forgotten, at most so long."""
    ends = time.monotonic() + seconds
    one = Worker(workspace, CannedAssistant(), base)  # type: ignore[arg-type]
    one.run(lambda: changes(workspace) <= 1 or time.monotonic() > ends)


@sqlite_only
def test_changes_of_a_small_base_are_forgotten(workspace: Workspace) -> None:
    with workspace.database.write() as session:
        save_article(session, article("no-signal"), by="test")
    base = KnowledgeBase(workspace.database, team(), folder=workspace.settings.index_folder)
    assert changes(workspace) > 1
    idle(workspace, base, 20)
    assert changes(workspace) == 1


@sqlite_only
def test_a_round_that_fails_does_not_end_the_worker(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with workspace.database.write() as session:
        save_article(session, article("no-signal"), by="test")
    base = KnowledgeBase(workspace.database, team())
    rounds = []

    def fails_first(self: KnowledgeBase) -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise OSError("the disk is full")
        monkeypatch.undo()
        base.maintain()

    monkeypatch.setattr(KnowledgeBase, "maintain", fails_first)
    monkeypatch.setattr(worker, "LOOK_AT_BASE_SECONDS", 0.1)
    idle(workspace, base, 20)
    assert len(rounds) == 2
    assert changes(workspace) == 1
