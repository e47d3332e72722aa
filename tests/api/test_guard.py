"""What was seen is what is decided: by who holds the case, on the message as it stood, from evidence that holds."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.decide import Wish
from api.problems import Refused
from bot.records import Evidence
from knowledge.article_text import checked
from knowledge.store import retire, save_article
from knowledge.tables import Version
from tests.fixtures.database import sqlite_only
from tests.fixtures.story import Story


@sqlite_only
def test_a_stale_claim_decides_nothing(story: Story) -> None:
    message = story.asked()
    token = story.claims(message.case_id or 0, seconds=-1)
    assert story.refuses("claim_lost", message, claim_token=token).status == 409
    newer = story.claims(message.case_id or 0)
    assert newer > token
    story.refuses("claim_lost", message, claim_token=token)
    with pytest.raises(Refused) as caught:
        story.claims(message.case_id or 0, "besnik")
    assert (caught.value.code, caught.value.extra["holder"]) == ("claimed", "Agata Kowalska")
    story.refuses("claimed", message, login="besnik", claim_token=newer)


@sqlite_only
def test_an_edit_of_the_target_voids_what_was_seen(story: Story) -> None:
    message = story.asked(id_="m1")
    wish = story.wish(message)
    story.happens("edited", "m1", "It works again, never mind")
    refusal = story.refuses("target_edited", message, **_seen(wish))
    assert refusal.extra == {"revision": 2, "text": "It works again, never mind"}


@sqlite_only
@pytest.mark.parametrize("state", ["deleted", "hidden"])
def test_a_removed_target_is_not_answered(story: Story, state: str) -> None:
    message = story.asked(id_="m1")
    story.writes("another of mine keeps the case open", thread="t")
    wish = story.wish(message)
    story.happens(state, "m1")  # type: ignore[arg-type]
    story.refuses(f"target_{state}", message, **_seen(wish))


def test_a_new_message_under_the_target_voids_what_was_seen(story: Story) -> None:
    message = story.asked(id_="m1")
    wish = story.wish(message)
    reply = story.writes("same here", author="jan", parent="m1")
    refusal = story.refuses("new_messages", message, **_seen(wish))
    assert [new["id"] for new in refusal.extra["messages"]] == [reply.id]
    wish = story.wish(message)
    story.writes("deep below", author="eva", parent=reply.external_id)
    story.refuses("new_messages", message, **_seen(wish))
    wish = story.wish(message)
    story.writes("one more thing", thread="t")
    story.refuses("new_messages", message, **_seen(wish))


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
    story.refuses("new_messages", message, **_seen(wish))


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
    refusal = story.refuses("evidence_changed", message, draft_id=draft.id, text=draft.text)
    assert refusal.extra == {"article": "router", "version": version}
    done = story.decides(message, draft_id=draft.id, text="We will come back to you.")
    assert done.decision.kind == "edited"


@sqlite_only
@pytest.mark.parametrize(
    "text", ["Write to jan.kowalski@gmail.com", "Your number is +48 601 234 567", "PL61109010140000071219812874"]
)
def test_a_public_reply_holds_no_personal_data(story: Story, text: str) -> None:
    message = story.asked()
    refusal = story.refuses("personal_data_in_public", message, text=text)
    assert refusal.extra["found"]
    private = story.asked(public=False, thread="p")
    assert story.decides(private, text=text).publication is not None


@sqlite_only
def test_a_reply_is_not_longer_than_its_network_takes(story: Story) -> None:
    message = story.asked()
    refusal = story.refuses("too_long", message, text="a" * 4001)
    assert refusal.extra == {"length": 4001, "limit": 4000}
    assert story.decides(message, text="a" * 4000).publication is not None


def _seen(wish: Wish) -> dict[str, Any]:
    return {name: getattr(wish, name) for name in ("claim_token", "target_revision", "subtree_seq")}


def _version_of(session: Session) -> int:
    return session.scalars(select(Version.id)).one()
