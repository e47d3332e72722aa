"""Decisions: a person's act, once, with its publication and its audit entry."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from api.decide import Desk, Done
from api.history import AuditVerdict
from api.problems import Refused
from api.tables import Decision, Handoff, Publication
from knowledge.database import now
from knowledge.settings import Settings
from tests.fixtures.database import sqlite_only
from tests.fixtures.story import Story


def verdict(story: Story) -> AuditVerdict:
    with story.workspace.database.read() as session:
        return story.workspace.trail.verify(session)


def test_an_accepted_draft_waits_in_the_outbox_byte_for_byte(story: Story) -> None:
    story.assistant.text = "Zażółć gęślą jaźń 🙂 \u200f"
    message = story.asked()
    draft = story.draft(message)
    done = story.decides(message, draft_id=draft.id, text=draft.text)
    publication = story.publication(done)
    assert (done.decision.kind, done.decision.similarity, done.decision.final_text) == ("accepted", 1.0, draft.text)
    assert publication.body_sha256 == hashlib.sha256(draft.text.encode()).hexdigest()
    assert (publication.state, story.case(message).state) == ("queued", "waiting_customer")
    assert story.case(message).claimed_by is None
    assert verdict(story).first_bad is None


def test_an_edited_draft_says_how_much_of_it_stayed(story: Story) -> None:
    message = story.asked()
    draft = story.draft(message)
    done = story.decides(message, draft_id=draft.id, text=draft.text + " AK")
    assert done.decision.kind == "edited"
    assert 0.9 < (done.decision.similarity or 0) < 1


def test_an_answer_can_be_written_where_the_assistant_abstained(story: Story) -> None:
    story.assistant.text = ""
    message = story.asked()
    done = story.decides(message, text="Written by hand")
    assert (done.decision.kind, done.decision.draft_id, done.decision.similarity) == ("written", None, None)


@sqlite_only
def test_a_rejection_needs_a_draft_and_a_known_reason_and_leaves_the_case_open(story: Story) -> None:
    message = story.asked()
    draft = story.draft(message)
    story.refuses("bad_reason", message, act="reject", draft_id=draft.id, reason="ugly", text="")
    story.refuses("no_draft", message, act="reject", reason="tone", text="")
    done = story.decides(message, act="reject", draft_id=draft.id, reason="tone", text="")
    assert (done.decision.kind, done.publication, done.decision.final_text) == ("rejected", None, "")
    assert story.case(message).state == "needs_reply"
    with pytest.raises(LookupError):
        story.draft(message)


@sqlite_only
def test_a_hand_off_names_a_team_and_a_reason(story: Story) -> None:
    message = story.asked()
    story.refuses("no_reason", message, act="hand_off", text="", team="billing")
    story.refuses("no_team", message, act="hand_off", text="", team="nobody", reason="theirs")
    done = story.decides(message, act="hand_off", text="", team="billing", reason="theirs")
    assert (done.decision.kind, done.publication) == ("handed_off", None)
    assert (story.case(message).state, story.count(Handoff)) == ("waiting_internal", 1)


@sqlite_only
@pytest.mark.parametrize("act", ["no_reply", "hide"])
def test_no_reply_is_a_decision_with_a_reason(story: Story, act: str) -> None:
    message = story.asked()
    story.refuses("no_reason", message, act=act, text="")
    done = story.decides(message, act=act, text="ignored", reason="the community answered")
    assert (done.decision.kind, done.decision.final_text, done.publication) == (act, "", None)
    assert story.case(message).state == "no_reply"


def test_a_decision_is_undone_while_it_waits_and_the_message_can_be_answered_again(story: Story) -> None:
    message = story.asked()
    done = story.decides(message)
    undone = story.workspace.desk.undo(story.people["agata"], done.decision.id)
    assert (undone.state, story.case(message).state) == ("retracted", "needs_reply")
    assert story.workspace.desk.undo(story.people["agata"], done.decision.id).state == "retracted"
    again = story.decides(message, "besnik", text="Better")
    assert story.publication(again).state == "queued"
    assert verdict(story).first_bad is None


@sqlite_only
def test_only_who_decided_can_undo_and_only_before_it_is_sent(story: Story) -> None:
    done = story.decides(story.asked())
    with pytest.raises(Refused, match="only the person who decided"):
        story.workspace.desk.undo(story.people["besnik"], done.decision.id)
    assert story.outbox.next(story.channel.id) is not None
    with pytest.raises(Refused) as caught:
        story.workspace.desk.undo(story.people["agata"], done.decision.id)
    assert caught.value.code == "too_late"


def test_the_same_key_decides_once_and_another_wish_under_it_is_refused(story: Story) -> None:
    message = story.asked()
    wish = story.wish(message)
    first = story.workspace.desk.decide(story.people["agata"], wish, "key")
    second = story.workspace.desk.decide(story.people["agata"], wish, "key")
    assert (second.repeated, second.decision.id) == (True, first.decision.id)
    for other in (replace(wish, text="Something else"), replace(wish, claim_token=wish.claim_token + 1)):
        with pytest.raises(Refused) as caught:
            story.workspace.desk.decide(story.people["agata"], other, "key")
        assert (caught.value.status, caught.value.code) == (422, "key_reused")
    with pytest.raises(Refused):
        story.workspace.desk.decide(story.people["besnik"], wish, "key")
    assert (story.count(Decision), story.count(Publication)) == (1, 1)


def test_a_double_click_decides_once(story: Story) -> None:
    messages = [story.asked(author=f"c{number}", thread=f"t{number}") for number in range(8)]
    wishes = [story.wish(message) for message in messages]
    agata, barrier = story.people["agata"], threading.Barrier(16)

    def click(number: int) -> Done:
        barrier.wait()
        return story.workspace.desk.decide(agata, wishes[number % 8], f"click-{number % 8}")

    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(click, range(16)))
    assert sorted(one.repeated for one in done) == [False] * 8 + [True] * 8
    assert (story.count(Decision), story.count(Publication)) == (8, 8)


def test_two_agents_at_once_give_one_answer(story: Story) -> None:
    message = story.asked()
    barrier = threading.Barrier(2)

    def answer(login: str) -> str:
        barrier.wait()
        try:
            story.decides(message, login, key=login)
        except Refused as refusal:
            return refusal.code
        return "decided"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(answer, ["agata", "besnik"]))
    assert outcomes[1] == "decided"
    assert outcomes[0] in ("claimed", "already_answered", "claim_lost")
    assert story.count(Publication) == 1


@sqlite_only
@pytest.mark.parametrize("role", ["agent", "admin"])
def test_a_token_can_never_decide(story: Story, role: str) -> None:
    message = story.asked()
    wish = story.wish(message)
    machine = story.people.machine(role)
    for act in (
        lambda: story.workspace.desk.decide(machine, wish, "key"),
        lambda: story.workspace.desk.undo(machine, 1),
    ):
        with pytest.raises(Refused) as caught:
            act()
        assert (caught.value.status, caught.value.code) == (403, "people_only")
    assert story.count(Decision) == 0


@sqlite_only
def test_a_message_is_answered_once_and_again_only_when_it_was_edited(story: Story) -> None:
    message = story.asked(id_="m1")
    story.decides(message)
    story.refuses("already_answered", message, login="besnik", text="Another answer")
    story.happens("edited", "m1", "Now it is worse")
    assert story.decides(message, "besnik", text="We see that it is worse").publication is not None


@sqlite_only
def test_an_empty_reply_or_a_message_of_another_case_is_refused(story: Story) -> None:
    message, other = story.asked(), story.asked(author="jan", thread="u")
    story.refuses("empty_text", message, text=" \n")
    story.refuses("not_found", message, message_id=other.id)
    story.refuses("not_found", message, draft_id=story.draft(other).id)


def test_the_undo_window_is_ten_seconds_unless_set(story: Story) -> None:
    standard = Settings.load(_env_file=None).undo_seconds
    assert standard == 10
    desk = Desk(story.workspace.database, story.workspace.trail, standard)
    done = desk.decide(story.people["agata"], story.wish(story.asked()), "key")
    assert done.publication is not None
    assert timedelta(seconds=8) < done.publication.not_before - now() < timedelta(seconds=10.1)
    assert story.outbox.next(story.channel.id) is None
