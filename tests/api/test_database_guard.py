"""The database itself refuses what no person decided, whoever writes to it and however."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.tables import Publication
from knowledge.database import Database
from tests.fixtures.story import Story

PUBLICATION = {
    "decision_id": 1, "body_sha256": "", "publishes": 1, "channel_id": 1, "idem_key": "k-new", "state": "queued",
    "needs_person": False, "fence": 0, "attempt": 0, "not_before": "2026-01-01 00:00:00+00", "reason": "",
    "created_at": "2026-01-01 00:00:00+00",
}  # fmt: skip


def sha256(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


def run(database: Database, statement: str, values: Mapping[str, Any] | None = None) -> None:
    with database.engine.execution_options(odzew_writes=True).begin() as connection:
        connection.execute(text(statement), dict(values or {}))


def insert(table: str, values: Mapping[str, Any]) -> str:
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(':' + name for name in values)})"


def refused(database: Database, statement: str, values: Mapping[str, Any] | None = None) -> None:
    with pytest.raises(DBAPIError) as caught:
        run(database, statement, values)
    # A statement that is merely wrong would prove nothing.
    assert "syntax" not in str(caught.value.orig).lower()
    assert "does not exist" not in str(caught.value.orig).lower()
    assert "no such" not in str(caught.value.orig).lower()


@pytest.fixture
def decided(story: Story) -> Story:
    """One rejection (decision 1) and one undone, written answer (decision 2), whose publication row is gone."""
    message = story.asked()
    draft = story.draft(message)
    story.decides(message, act="reject", draft_id=draft.id, reason="tone", text="")
    done = story.decides(message, text="Yes")
    run(story.workspace.database, "DELETE FROM publication WHERE decision_id = :id", {"id": done.decision.id})
    assert done.decision.id == 2
    return story


UNDECIDED: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("no decision", {"decision_id": 999, "body_sha256": sha256("Yes")}),
    ("a rejection", {"decision_id": 1, "body_sha256": sha256("")}),
    ("a rejection that says it publishes", {"decision_id": 1, "body_sha256": sha256("Yes")}),
    ("another text", {"decision_id": 2, "body_sha256": sha256("No")}),
    ("an empty hash", {"decision_id": 2, "body_sha256": ""}),
    ("not publishing", {"decision_id": 2, "body_sha256": sha256("Yes"), "publishes": 0}),
    ("not publishing, of a rejection", {"decision_id": 1, "body_sha256": sha256(""), "publishes": 0}),
    ("publishing twice", {"decision_id": 2, "body_sha256": sha256("Yes"), "publishes": 2}),
    ("no decision at all", {"decision_id": None, "body_sha256": sha256("Yes")}),
    ("no hash at all", {"decision_id": 2, "body_sha256": None}),
    ("nothing about publishing", {"decision_id": 2, "body_sha256": sha256("Yes"), "publishes": None}),
    ("an unknown state", {"decision_id": 2, "body_sha256": sha256("Yes"), "state": "approved"}),
    ("sent without proof", {"decision_id": 2, "body_sha256": sha256("Yes"), "state": "sent"}),
)


def test_no_publication_without_a_publishing_decision_of_that_very_text(decided: Story) -> None:
    database = decided.workspace.database
    for what, row in UNDECIDED:
        refused(database, insert("publication", PUBLICATION | row), PUBLICATION | row)
        assert decided.count(Publication) == 0, what
    good = PUBLICATION | {"decision_id": 2, "body_sha256": sha256("Yes")}
    run(database, insert("publication", good), good)
    refused(database, insert("publication", good | {"idem_key": "k2"}), good | {"idem_key": "k2"})
    assert decided.count(Publication) == 1


NOT_A_PERSONS: Final[tuple[dict[str, Any], ...]] = (
    {"actor_kind": "bot"}, {"actor_kind": "assistant"}, {"actor_kind": None}, {"login_session_id": None},
    {"login_session_id": "made-up"}, {"agent_id": None}, {"agent_id": 999}, {"kind": "approved"}, {"kind": None},
    {"audience": "everybody"}, {"final_text": ""}, {"kind": "accepted", "draft_id": None}, {"message_id": 999},
    {"request_sha256": None}, {"idempotency_key": None}, {"target_revision_seen": None},
)  # fmt: skip


def test_only_a_person_with_a_log_in_decides(decided: Story) -> None:
    good = {
        "case_id": 1, "message_id": 1, "draft_id": None, "agent_id": 1, "actor_kind": "person", "audience": "public",
        "login_session_id": _session(decided), "kind": "written", "final_text": "x", "final_sha256": sha256("x"),
        "reason": "", "target_revision_seen": 2, "subtree_seq_seen": 1, "idempotency_key": "raw",
        "request_sha256": "r", "at": "2026-01-01 00:00:00+00",
    }  # fmt: skip
    for row in NOT_A_PERSONS:
        refused(decided.workspace.database, insert("decision", good | row), good | row)
    run(decided.workspace.database, insert("decision", good), good)


CHANGES: Final = (
    "kind = 'accepted'", "kind = 'rejected'", "final_sha256 = 'other'", "final_text = 'No'", "agent_id = 2",
    "actor_kind = 'bot'", "login_session_id = 'x'", "message_id = 1", "audience = 'private'", "reason = 'because'",
    "target_revision_seen = 9", "idempotency_key = 'x'", "at = '2020-01-01'", "final_text = ''", "case_id = 1",
)  # fmt: skip


def test_a_decision_never_changes(story: Story) -> None:
    story.writes("another message", author="jan", thread="u")
    done = story.decides(story.asked(), text="Yes")
    assert (done.decision.message_id, done.decision.case_id) == (2, 2)
    for change in CHANGES:
        refused(story.workspace.database, f"UPDATE decision SET {change}")


def test_what_decided_it_can_be_erased_but_not_replaced(story: Story) -> None:
    database = story.workspace.database
    done = story.decides(story.asked(), text="Yes")
    run(database, f"UPDATE decision SET final_text = '[erased]' WHERE id = {done.decision.id}")
    refused(database, f"UPDATE decision SET final_text = 'Yes' WHERE id = {done.decision.id}")


def test_an_undone_decision_stays_undone(story: Story) -> None:
    done = story.decides(story.asked(), text="Yes")
    story.workspace.desk.undo(story.people["agata"], done.decision.id)
    for change in ("revoked_at = NULL", "revoked_at = '2020-01-01 00:00:00+00'"):
        refused(story.workspace.database, f"UPDATE decision SET {change}")


def test_history_is_never_deleted_or_rewritten(story: Story) -> None:
    story.decides(story.asked(), text="Yes")
    assert story.outbox.next(story.channel.id) is not None
    for table in ("decision", "audit", "event", "delivery_attempt"):
        refused(story.workspace.database, f"DELETE FROM {table}")
    for change in ("audit SET actor = 'eve'", "audit SET hash = 'x'", "event SET actor = 'eve'"):
        refused(story.workspace.database, f"UPDATE {change}")


def test_a_publication_keeps_the_text_that_was_decided(story: Story) -> None:
    message = story.asked()
    story.decides(message, act="reject", draft_id=story.draft(message).id, reason="tone", text="")
    story.decides(message, text="Yes")
    for change in ("decision_id = 1", "body_sha256 = 'x'", "publishes = 0"):
        refused(story.workspace.database, f"UPDATE publication SET {change}")


def test_two_answers_to_one_revision_are_refused(decided: Story) -> None:
    columns = (
        "case_id, message_id, agent_id, actor_kind, login_session_id, audience, kind, final_text, final_sha256, "
        "reason, target_revision_seen, subtree_seq_seen, request_sha256, at"
    )
    copy = f"INSERT INTO decision ({columns}, idempotency_key) SELECT {columns}, 'again' FROM decision WHERE id = 2"
    refused(decided.workspace.database, copy)


def _session(story: Story) -> str:
    return story.people["agata"].login_session_id or ""
