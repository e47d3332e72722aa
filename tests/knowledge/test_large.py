"""A base beyond the limit: searched by way of its index on disk, with what the ranker can do on the candidates alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from knowledge.article_text import checked
from knowledge.database import Database
from knowledge.demo_articles import demo_articles
from knowledge.index.tables import IndexChange, IndexPointer
from knowledge.index.upkeep import damages, trim
from knowledge.large import ending_in
from knowledge.ranking import Phrasing
from knowledge.search import KnowledgeBase
from knowledge.store import restore, retire, save_article
from knowledge.tables import Variant
from knowledge.vectors import vectors_for
from tests.fixtures.database import sqlite_only
from tests.knowledge.articles import ASKED, encoder, team

SAME_FIRST = 0.93
"""Where they differ, both are right about as often: two articles that say nearly the same."""


@pytest.fixture
def base(filled: Database, home: Path) -> Iterator[KnowledgeBase]:
    made = KnowledgeBase(filled, team(), folder=home / "index", large_from=10)
    yield made
    made.close()


def first(base: KnowledgeBase, text: str, language: str = "en") -> str:
    hits = base.search(text, language=language, audience="public", k=1)
    return hits[0].article if hits else ""


def changes(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(IndexChange)) or 0


def pointers(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(IndexPointer)) or 0


@sqlite_only
@pytest.mark.slow
def test_it_finds_what_the_ranker_in_memory_finds(database: Database, home: Path) -> None:
    """On the demo's three thousand phrasings, asked with phrasings that were taken out."""
    asked = []
    with database.write() as session:
        for number, one in enumerate(demo_articles()):
            code = ("pl", "en", "it", "cs", "ru", "sq")[number % 6]
            said = one.languages[code]
            asked.append((said.variants[-1], code, one.id))
            kept = said.model_copy(update={"variants": said.variants[:-1]})
            save_article(session, one.model_copy(update={"languages": {**one.languages, code: kept}}), by="test")
    in_memory = KnowledgeBase(database, team())
    by_index = KnowledgeBase(database, team(), folder=home / "index", large_from=500)
    try:
        assert pointers(database) == 1
        assert in_memory.phrasings == by_index.phrasings > 2_500
        pairs = [
            [base.search(text, language=code, audience="public", k=3) for base in (in_memory, by_index)]
            for text, code, _ in asked
        ]
        same = sum(one[0].article == other[0].article for one, other in pairs) / len(pairs)
        assert same >= SAME_FIRST, same
        right = [
            sum(pair[way][0].article == wanted for pair, (_, _, wanted) in zip(pairs, asked, strict=True))
            for way in (0, 1)
        ]
        assert right[1] >= right[0] - 2, right
        apart = sum(abs(one[0].probability - other[0].probability) for one, other in pairs) / len(pairs)
        assert apart < 0.1, apart
    finally:
        by_index.close()


def test_an_edit_is_found_by_the_next_search(filled: Database, base: KnowledgeBase) -> None:
    said = {"question": "How do I enter the pineapple quiz?", "answer": "By post."}
    vectors_for(filled, [said["question"]], encoder())
    with filled.write() as session:
        save_article(session, checked({"id": "quiz", "languages": {"en": said}}), by="test")
    hit = base.search("the pineapple quiz", language="en", audience="public", k=1)[0]
    assert (hit.article, hit.answer, hit.phrasing) == ("quiz", "By post.", said["question"])
    with filled.write() as session:
        save_article(session, checked({"id": "quiz", "languages": {"en": {**said, "answer": "In a shop."}}}), by="test")
    assert base.search("the pineapple quiz", language="en", audience="public", k=1)[0].answer == "In a shop."


def test_what_has_to_be_embedded_first_is_found_soon(filled: Database, base: KnowledgeBase) -> None:
    fresh = {"en": {"question": "Where do I borrow a submarine?", "answer": "Nowhere."}}
    with filled.write() as session:
        save_article(session, checked({"id": "submarine", "languages": fresh}), by="test")
    assert base.wait_until_current(60)
    assert first(base, "borrow a submarine") == "submarine"


def test_a_retired_article_is_gone_at_once_and_back_at_once(filled: Database, base: KnowledgeBase) -> None:
    for _ in range(2):
        assert first(base, "no network on my phone") == "no-signal"
        with filled.write() as session:
            retire(session, "no-signal")
        hits = base.search("no network on my phone", language="en", audience="public", k=10)
        assert hits and "no-signal" not in {hit.article for hit in hits}
        with filled.write() as session:
            restore(session, "no-signal")


def test_a_private_text_is_for_private_messages(filled: Database, base: KnowledgeBase) -> None:
    secret = {"id": "vip", "languages": {"en": {"question": "Where is the golden lounge?", "answer": "Floor nine."}}}
    with filled.write() as session:
        save_article(session, checked(secret), by="test")
        session.execute(update(Variant).where(Variant.article_id == "vip").values(audience="private"))
    assert base.wait_until_current(60)
    assert first(base, "golden lounge") != "vip"
    hit = base.search("golden lounge", language="en", audience="private", k=1)[0]
    assert (hit.article, hit.audience) == ("vip", "private")


def test_trying_an_edit_out_stores_nothing(filled: Database, base: KnowledgeBase) -> None:
    before = changes(filled)
    wording = [Phrasing("late-fee", "en", "when does the ferry leave")]
    tried = base.imagine("late-fee", wording, "the ferry", language="en", allowed=set(ASKED), k=2)
    assert (tried[0][0].article, tried[0][1]) == ("late-fee", wording[0].text)
    assert changes(filled) == before
    assert base.imagine("late-fee", wording, "?!", language="en", allowed=set(ASKED)) == []


def test_a_base_that_grows_over_the_limit_and_back_goes_on_answering(filled: Database, home: Path) -> None:
    count = sum(len(texts) for said in ASKED.values() for texts in said.values())
    base = KnowledgeBase(filled, team(), folder=home / "index", large_from=count + 1)
    assert pointers(filled) == 0
    fresh = {"id": "quiz", "languages": {"en": {"question": "pineapple quiz", "answer": "By post."}}}
    with filled.write() as session:
        save_article(session, checked(fresh), by="test")
    assert base.refresh()
    assert pointers(filled) == 1
    assert base.phrasings == count + 1
    assert first(base, "pineapple quiz") == "quiz"
    assert first(base, "no network on my phone") == "no-signal"
    base.close()


def test_a_damaged_index_is_named_and_made_anew(filled: Database, base: KnowledgeBase, home: Path) -> None:
    base.close()
    folder = home / "index"
    ending = ending_in(folder)
    assert ending is not None
    assert damages(filled, folder, ending) == (1, [])
    codes = next(folder.glob("*/gen-*/codes.faiss"))
    raw = bytearray(codes.read_bytes())
    raw[len(raw) // 2] ^= 1
    codes.write_bytes(raw)
    many, found = damages(filled, folder, ending)
    assert many == 1 and len(found) == 1 and "codes.faiss" in found[0]
    again = KnowledgeBase(filled, team(), folder=folder, large_from=10)
    assert first(again, "no network on my phone") == "no-signal"
    assert damages(filled, folder, ending) == (1, [])
    again.close()


def test_two_folders_at_one_database_have_an_index_each(filled: Database, base: KnowledgeBase, home: Path) -> None:
    other = KnowledgeBase(filled, team(), folder=home / "elsewhere", large_from=10)
    assert pointers(filled) == 2
    assert first(other, "no network on my phone") == first(base, "no network on my phone") == "no-signal"
    other.close()


def test_changes_are_forgotten_where_no_index_needs_them(filled: Database) -> None:
    base = KnowledgeBase(filled, team())
    assert changes(filled) > 30
    base.maintain()
    assert changes(filled) == 1
    assert trim(filled) == 0


def test_changes_that_an_index_needs_stay_until_it_is_far_behind(filled: Database, base: KnowledgeBase) -> None:
    with filled.write() as session:
        retire(session, "no-signal")
    before = changes(filled)
    assert before > 1
    base.maintain()
    assert 1 < changes(filled) <= before
    assert first(base, "no network on my phone") != "no-signal"
    base.close()
    assert trim(filled, kept=0) > 0
    assert (pointers(filled), changes(filled)) == (0, 1)


def test_an_index_whose_pointer_was_dropped_is_made_anew(filled: Database, base: KnowledgeBase, home: Path) -> None:
    base.close()
    with filled.write() as session:
        retire(session, "no-signal")
    trim(filled, kept=0)
    assert first(base, "no network on my phone") != "no-signal"  # still open, and up to date by itself
    again = KnowledgeBase(filled, team(), folder=home / "index", large_from=10)
    assert pointers(filled) == 1
    assert first(again, "why did you charge me a late fee") == "late-fee"
    again.close()
