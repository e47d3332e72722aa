"""The inbox's read models: the order of the queue, its filters, one case whole, and no query per row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from api.inbox import Filters, case_view, counts, queue
from api.tables import Case, Message
from api.workspace import Workspace
from tests.fixtures.story import Story


def rows(story: Story, **filters: Any) -> list[dict[str, Any]]:
    with story.workspace.database.read() as session:
        return queue(session, Filters(**filters))["items"]


def view(story: Story, message: Message) -> dict[str, Any]:
    assert message.case_id is not None
    with story.workspace.database.read() as session:
        found = case_view(session, message.case_id)
    assert found is not None
    json.dumps(found)  # a program gets it as JSON
    return found


def raise_priority(story: Story, message: Message, priority: int) -> None:
    with story.workspace.database.write() as session:
        session.get_one(Case, message.case_id).priority = priority


@contextmanager
def statements(workspace: Workspace) -> Iterator[list[str]]:
    """The statements that were run meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(workspace.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(workspace.database.engine, "before_cursor_execute", note)


def test_the_most_urgent_case_comes_first_and_the_nearest_deadline_next(story: Story) -> None:
    calm, first, second = (story.writes(author=name, thread=name) for name in ("ann", "bea", "cid"))
    for message, priority in ((calm, 5), (first, 80), (second, 80)):
        raise_priority(story, message, priority)
    assert [row["id"] for row in rows(story)] == [first.case_id, second.case_id, calm.case_id]


def test_the_newest_can_come_first(story: Story) -> None:
    first, second = story.writes(author="ann", thread="a"), story.writes(author="bea", thread="b")
    raise_priority(story, first, 90)
    assert [row["id"] for row in rows(story, order="newest")] == [second.case_id, first.case_id]


def test_filters_find_what_they_say(story: Story) -> None:
    asked = story.asked("Не работает интернет", author="katya", thread="k")
    other = story.asked("where is my 100% discount_code", author="bob", thread="b")
    everybody = {asked.case_id, other.case_id}
    assert {row["id"] for row in rows(story)} == everybody
    assert [row["id"] for row in rows(story, q="не работает")] == [asked.case_id]
    assert [row["id"] for row in rows(story, q="ИНТЕРНЕТ")] == [asked.case_id]
    assert [row["id"] for row in rows(story, q="100%")] == [other.case_id]
    assert rows(story, q="100_") == []
    assert [row["id"] for row in rows(story, q=f"#{other.case_id}")] == [other.case_id]
    assert [row["id"] for row in rows(story, q="KATYA")] == [asked.case_id]
    assert {row["id"] for row in rows(story, language="en")} == everybody
    assert rows(story, language="pl") == rows(story, channel="vk") == rows(story, outcome="hide") == []
    assert {row["id"] for row in rows(story, channel="webhook", outcome="answer")} == everybody


def test_groups_of_states_and_mine(story: Story) -> None:
    asked, answered = story.asked(author="ann", thread="a"), story.asked(author="bob", thread="b")
    story.decides(answered)
    account = story.people["agata"].account
    assert account is not None
    story.claims(asked.case_id or 0)
    with story.workspace.database.read() as session:
        held = counts(session, account.id)
    assert (held["todo"], held["waiting"], held["open"], held["mine"]) == (1, 1, 2, 2)
    assert [row["id"] for row in rows(story, state="todo")] == [asked.case_id]
    assert [row["id"] for row in rows(story, state="waiting")] == [answered.case_id]
    assert [row["state"] for row in rows(story, state="waiting_customer")] == ["waiting_customer"]
    other = story.people["besnik"].account
    assert other is not None
    assert rows(story, claimed_by=other.id) == []
    assert rows(story, claimed_by=account.id)[0]["holder"] == {"id": account.id, "name": account.name}


def test_the_queue_takes_the_same_few_queries_however_long_it_is(story: Story) -> None:
    story.asked(author="ann", thread="a")
    with statements(story.workspace) as few:
        rows(story)
    for number in range(8):
        story.asked(author=f"p{number}", thread=f"t{number}")
    with statements(story.workspace) as many:
        assert len(rows(story)) == 9
    assert len(many) == len(few) <= 8


def test_the_queue_comes_in_pages(story: Story) -> None:
    for number in range(5):
        story.writes(author=f"p{number}", thread=f"t{number}")
    with story.workspace.database.read() as session:
        page = queue(session, Filters(page=2, page_size=2))
    assert (len(page["items"]), page["total"], page["page"]) == (2, 5, 2)
    everything = [row["id"] for row in rows(story)]
    assert [row["id"] for row in page["items"]] == everything[2:4]


def test_a_case_shows_its_conversation_as_a_tree(story: Story) -> None:
    root = story.writes("No internet!", "r", author="ann")
    story.writes("same here", "a", author="bob", parent="r")
    story.writes("restart it", "b", author="cid", parent="a")
    story.writes("and now?", "c", author="ann", parent="r")
    seen = view(story, root)
    assert [(row["text"], row["depth"]) for row in seen["messages"]] == [
        ("No internet!", 0), ("same here", 1), ("restart it", 2), ("and now?", 1),
    ]  # fmt: skip
    assert seen["target"]["text"] == "and now?"
    assert [row["in_case"] for row in seen["messages"]] == [True, False, False, True]
    assert seen["conversation"]["authors"] == 3


def test_the_target_is_the_newest_message_that_is_still_there(story: Story) -> None:
    first = story.writes("No internet!", "r", author="ann")
    story.writes("forget it", "c", author="ann", parent="r")
    story.happens("deleted", "c")
    assert view(story, first)["target"]["id"] == first.id
    story.happens("edited", "r", "No internet since Monday!")
    seen = view(story, first)
    assert seen["target"]["revision"] == 2
    assert seen["messages"][0]["earlier"] == ["No internet!"]
    assert seen["messages"][0]["remote_state"] == "edited"


def test_a_case_has_its_drafts_decisions_and_history(story: Story) -> None:
    asked = story.asked()
    seen = view(story, asked)
    draft = story.draft(asked)
    assert [each["id"] for each in seen["drafts"]] == [draft.id]
    assert seen["preparation"]["outcome"] == "answer"
    assert seen["target"]["limit"] == {"most": 4000, "counter": "characters"}
    story.decides(asked, draft_id=draft.id, text=draft.text)
    after = view(story, asked)
    assert [each["kind"] for each in after["decisions"]] == ["accepted"]
    assert after["decisions"][0]["publication"]["state"] == "queued"
    kinds = [line["kind"] for line in after["events"]]
    assert kinds[0] == "decision.accepted"
    assert {"case.opened", "message.prepared", "case.moved"} <= set(kinds)


def test_a_rejected_draft_is_not_offered_again(story: Story) -> None:
    asked = story.asked()
    story.decides(asked, act="reject", draft_id=story.draft(asked).id, reason="tone", text="")
    assert view(story, asked)["drafts"] == []


def test_the_customers_other_cases_are_known(story: Story) -> None:
    story.asked(author="ann", thread="a")
    second = story.asked(author="ann", thread="b")
    customer = view(story, second)["customer"]
    assert [case["id"] for case in customer["cases"]] != [second.case_id]
    assert len(customer["cases"]) == 1
    assert customer["messages"] == 2


def test_there_is_no_view_of_a_case_that_does_not_exist(story: Story) -> None:
    with story.workspace.database.read() as session:
        assert case_view(session, 4711) is None
