"""The person's gate: what was seen is what is decided, once, by the one who holds the case."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from api.decide import Done
from api.history import AuditVerdict
from api.problems import Refused
from api.tables import Audit, Decision, Handoff, Publication
from bot.records import Evidence
from knowledge.article_text import checked
from knowledge.database import now
from knowledge.store import retire, save_article
from tests.fixtures.database import sqlite_only
from tests.fixtures.story import Story


def refused(story: Story, code: str, **given: object) -> Refused:
    """The refusal of a decision, after which nothing is stored."""
    before = (story.count(Decision), story.count(Publication), story.count(Audit))
    with pytest.raises(Refused) as caught:
        story.decides(**given)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert (story.count(Decision), story.count(Publication), story.count(Audit)) == before
    return caught.value


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
    refused(story, "bad_reason", message=message, act="reject", draft_id=draft.id, reason="ugly", text="")
    refused(story, "no_draft", message=message, act="reject", reason="tone", text="")
    done = story.decides(message, act="reject", draft_id=draft.id, reason="tone", text="")
    assert (done.decision.kind, done.publication, done.decision.final_text) == ("rejected", None, "")
    assert story.case(message).state == "needs_reply"
    with pytest.raises(LookupError):
        story.draft(message)


@sqlite_only
def test_a_hand_off_names_a_team_and_a_reason(story: Story) -> None:
    message = story.asked()
    refused(story, "no_reason", message=message, act="hand_off", text="", team="billing")
    refused(story, "no_team", message=message, act="hand_off", text="", team="nobody", reason="theirs")
    done = story.decides(message, act="hand_off", text="", team="billing", reason="theirs")
    assert (done.decision.kind, done.publication) == ("handed_off", None)
    assert (story.case(message).state, story.count(Handoff)) == ("waiting_internal", 1)


@sqlite_only
@pytest.mark.parametrize("act", ["no_reply", "hide"])
def test_no_reply_is_a_decision_with_a_reason(story: Story, act: str) -> None:
    message = story.asked()
    refused(story, "no_reason", message=message, act=act, text="")
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
def test_a_stale_claim_decides_nothing(story: Story) -> None:
    message = story.asked()
    token = story.claims(message.case_id or 0, seconds=-1)
    assert refused(story, "claim_lost", message=message, claim_token=token).status == 409
    newer = story.claims(message.case_id or 0)
    assert newer > token
    refused(story, "claim_lost", message=message, claim_token=token)
    with pytest.raises(Refused) as caught:
        story.claims(message.case_id or 0, "besnik")
    assert (caught.value.code, caught.value.extra["holder"]) == ("claimed", "Agata Kowalska")
    refused(story, "claimed", message=message, login="besnik", claim_token=newer)


@sqlite_only
def test_an_edit_of_the_target_voids_what_was_seen(story: Story) -> None:
    message = story.asked(id_="m1")
    wish = story.wish(message)
    story.happens("edited", "m1", "It works again, never mind")
    refusal = refused(story, "target_edited", message=message, **_seen(wish))
    assert refusal.extra == {"revision": 2, "text": "It works again, never mind"}


@sqlite_only
@pytest.mark.parametrize("state", ["deleted", "hidden"])
def test_a_removed_target_is_not_answered(story: Story, state: str) -> None:
    message = story.asked(id_="m1")
    story.writes("another of mine keeps the case open", thread="t")
    wish = story.wish(message)
    story.happens(state, "m1")  # type: ignore[arg-type]
    refused(story, f"target_{state}", message=message, **_seen(wish))


def test_a_new_message_under_the_target_voids_what_was_seen(story: Story) -> None:
    message = story.asked(id_="m1")
    wish = story.wish(message)
    reply = story.writes("same here", author="jan", parent="m1")
    refusal = refused(story, "new_messages", message=message, **_seen(wish))
    assert [new["id"] for new in refusal.extra["messages"]] == [reply.id]
    wish = story.wish(message)
    story.writes("deep below", author="eva", parent=reply.external_id)
    refused(story, "new_messages", message=message, **_seen(wish))
    wish = story.wish(message)
    story.writes("one more thing", thread="t")
    refused(story, "new_messages", message=message, **_seen(wish))


def test_a_message_elsewhere_in_a_public_thread_changes_nothing(story: Story) -> None:
    message = story.asked(id_="m1")
    wish = story.wish(message)
    story.writes("my own problem", author="jan")
    assert story.workspace.desk.decide(story.people["agata"], wish, "key").publication is not None


@sqlite_only
def test_in_private_every_later_message_counts(story: Story) -> None:
    message = story.asked(public=False)
    wish = story.wish(message)
    story.writes("I am the husband", author="jan", public=False)
    refused(story, "new_messages", message=message, **_seen(wish))


def test_a_draft_whose_evidence_changed_is_not_sent_as_it_is(story: Story) -> None:
    article = checked({"id": "router", "languages": {"en": {"question": "Router?", "answer": "Restart it."}}})
    with story.workspace.database.write() as session:
        version = save_article(session, article, by="giulia") and _version_of(session)
    story.assistant.text = "Restart it."
    story.assistant.evidence = (Evidence("Restart it.", "router", version),)
    message = story.asked()
    draft = story.draft(message)
    with story.workspace.database.write() as session:
        retire(session, "router")
    refusal = refused(story, "evidence_changed", message=message, draft_id=draft.id, text=draft.text)
    assert refusal.extra == {"article": "router", "version": version}
    done = story.decides(message, draft_id=draft.id, text="We will come back to you.")
    assert done.decision.kind == "edited"


@sqlite_only
@pytest.mark.parametrize(
    "text", ["Write to jan.kowalski@gmail.com", "Your number is +48 601 234 567", "PL61109010140000071219812874"]
)
def test_a_public_reply_holds_no_personal_data(story: Story, text: str) -> None:
    message = story.asked()
    refusal = refused(story, "personal_data_in_public", message=message, text=text)
    assert refusal.extra["found"]
    private = story.asked(public=False, thread="p")
    assert story.decides(private, text=text).publication is not None


@sqlite_only
def test_a_reply_is_not_longer_than_its_network_takes(story: Story) -> None:
    message = story.asked()
    refusal = refused(story, "too_long", message=message, text="a" * 4001)
    assert refusal.extra == {"length": 4001, "limit": 4000}
    assert story.decides(message, text="a" * 4000).publication is not None


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
    refused(story, "already_answered", message=message, login="besnik", text="Another answer")
    story.happens("edited", "m1", "Now it is worse")
    assert story.decides(message, "besnik", text="We see that it is worse").publication is not None


@sqlite_only
def test_an_empty_reply_or_a_message_of_another_case_is_refused(story: Story) -> None:
    message, other = story.asked(), story.asked(author="jan", thread="u")
    refused(story, "empty_text", message=message, text=" \n")
    refused(story, "not_found", message=message, message_id=other.id)
    refused(story, "not_found", message=message, draft_id=story.draft(other).id)


def test_the_undo_window_is_ten_seconds_unless_set(story: Story) -> None:
    from api.decide import Desk
    from knowledge.settings import Settings

    standard = Settings.load(_env_file=None).undo_seconds
    assert standard == 10
    desk = Desk(story.workspace.database, story.workspace.trail, standard)
    done = desk.decide(story.people["agata"], story.wish(story.asked()), "key")
    assert done.publication is not None
    assert timedelta(seconds=8) < done.publication.not_before - now() < timedelta(seconds=10.1)
    assert story.outbox.next(story.channel.id) is None


def _seen(wish: object) -> dict[str, object]:
    return {name: getattr(wish, name) for name in ("claim_token", "target_revision", "subtree_seq")}


def _version_of(session: object) -> int:
    from sqlalchemy import select

    from knowledge.tables import Version

    return session.scalars(select(Version.id)).one()  # type: ignore[attr-defined, no-any-return]
