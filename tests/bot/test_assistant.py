"""The assistant as a whole, and conversations read from files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.assistant import NOT_ASKED, Assistant
from bot.conversation_file import WrongConversation, read_conversation
from bot.records import Request
from tests.bot.demo_search import phrasings

Make = Callable[..., Assistant]


def test_everything_carries_its_versions(assistant: Make) -> None:
    prepared = assistant("question").prepare(Request("nie mam zasięgu w telefonie, co zrobić"))
    assert prepared.versions["encoder"] == "rapidfuzz"
    assert prepared.versions["knowledge"] == 1
    assert prepared.versions["intents"] == "told-1"
    assert str(prepared.versions["policy"]).startswith("lumo-1@")
    assert prepared.versions["scenarios"]
    assert prepared.took_ms > 0


def test_the_same_message_gives_the_same_proposal(assistant: Make) -> None:
    request = Request("SKANDAL, nie mam zasięgu w telefonie!!!", author="Anna")
    one, two = (replace(assistant("complaint").prepare(request), took_ms=0) for _ in range(2))
    assert one == two


def test_it_works_without_an_intent_model(assistant: Make) -> None:
    without = assistant("question")
    without.intents = None
    prepared = without.prepare(Request("nie mam zasięgu w telefonie, co zrobić"))
    assert prepared.intents_missing == NOT_ASKED
    assert prepared.drafts


HOSTILE = ["\x00\x01", "/restart", "{{7*7}}", "<script>", "\u202e" * 50, "a" * 50_000, "🤬" * 500]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_only_text(assistant: Make, hostile: str) -> None:
    for channel in ("x", "instagram", "facebook"):
        prepared = assistant("question").prepare(Request(hostile, channel))
        assert all(hostile not in draft.text for draft in prepared.drafts)


def test_all_but_search_and_intents_takes_little_time(assistant: Make) -> None:
    ready = assistant("complaint")
    ready.warm_up()
    hits = ready.search.search("nie mam zasięgu", language="pl", audience="public", channel_kind="x")
    ready.search = _Found(hits)
    texts = [text for _, language, text in phrasings() if language == "pl"][:60]
    [ready.prepare(Request(text, "facebook")) for text in texts]
    started = time.process_time()
    [ready.prepare(Request(text, "facebook")) for text in texts]
    assert (time.process_time() - started) / len(texts) < 0.06


class _Found:
    revision, encoder_version = 1, "found"

    def __init__(self, hits: list[object]) -> None:
        self.hits = hits

    def search(self, text: str, **asked: object) -> list[object]:
        return self.hits


DAY = "2026-11-22T"
CONVERSATION = {
    "channel": "facebook",
    "messages": [
        {"id": "1", "parent": None, "author": "Anna", "role": "customer", "text": "brak zasięgu", "at": f"{DAY}10:00Z"},
        {"id": "2", "parent": "1", "author": "Lumo", "role": "brand", "text": "Sprawdzamy.", "at": f"{DAY}10:05Z"},
        {"id": 3, "parent": "1", "author": "Ewa", "role": "customer", "text": "u mnie też", "at": None, "followers": 9},
    ],
}


def written(tmp_path: Path, data: object) -> Path:
    file = tmp_path / "conversation.json"
    file.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return file


def test_a_conversation_gives_the_request_for_its_last_customer_message(tmp_path: Path) -> None:
    file = written(tmp_path, CONVERSATION)
    request = read_conversation(file)
    assert (request.text, request.author, request.target, request.followers) == ("u mnie też", "Ewa", "3", 9)
    assert request.channel_kind == "facebook"
    assert len(request.thread) == 3
    assert read_conversation(file, "1", initials="AK").text == "brak zasięgu"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"channel": "pigeon"}, "pigeon"),
        ({"messages": []}, "messages"),
        ({"messages": [{**CONVERSATION["messages"][0], "role": "bot"}]}, r"messages\.0\.role"),  # type: ignore[dict-item]
        ({"messages": [{**CONVERSATION["messages"][0], "parent": "9"}]}, r"messages\.0\.parent"),  # type: ignore[dict-item]
        ({"messages": [CONVERSATION["messages"][1] | {"parent": None}]}, "no customer message"),  # type: ignore[operator]
        ({"messages": [CONVERSATION["messages"][0], CONVERSATION["messages"][0]]}, "stands twice"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_wrong_conversation_is_named_by_its_place(tmp_path: Path, change: dict[str, object], named: str) -> None:
    with pytest.raises(WrongConversation, match=named):
        read_conversation(written(tmp_path, {**CONVERSATION, **change}))


def test_no_file_no_json_no_message(tmp_path: Path) -> None:
    with pytest.raises(WrongConversation, match="No such file"):
        read_conversation(tmp_path / "nowhere.json")
    with pytest.raises(WrongConversation, match="not JSON"):
        read_conversation(written(tmp_path, "{"))
    with pytest.raises(WrongConversation, match="'2'"):
        read_conversation(written(tmp_path, CONVERSATION), "2")
