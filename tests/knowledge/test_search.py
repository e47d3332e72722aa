"""Search over the database, with the real encoder on six small articles."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import func, select, update

from knowledge.article_text import checked
from knowledge.database import Database
from knowledge.search import KnowledgeBase
from knowledge.store import restore, retire, save_article
from knowledge.tables import Embedding
from knowledge.vectors import vectors_for
from tests.knowledge.articles import ASKED, Remembering, article, encoder, team


@pytest.fixture
def base(filled: Database) -> KnowledgeBase:
    return KnowledgeBase(filled, team())


def change(database: Database, *given: object, **languages: object) -> None:
    with database.write() as session:
        save_article(session, article(*given, **languages), by="test")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("od rana nie mam zasiegu w telefonie", "pl", "no-signal"),
        ("i forgot to pay and now there is a reminder fee??", "en", "late-fee"),
        ("nuk e mbaj mend fjalekalimin", "sq", "password-reset"),
        ("we are moving to another flat next month", "en", "moving-home"),
        ("как активировать esim", "ru", "esim-activation"),
        ("zawiesil mi sie dekoder", None, "tv-box-frozen"),
    ],
)
def test_the_right_article_comes_first(base: KnowledgeBase, text: str, language: str | None, wanted: str) -> None:
    hits = base.search(text, language=language, audience="public", channel_kind="facebook", k=3)
    assert hits[0].article == wanted
    assert hits[0].phrasing in [asked for texts in ASKED[wanted].values() for asked in texts]
    assert 1 >= hits[0].probability > hits[1].probability >= 0
    assert len(hits) == 3


def test_the_answer_is_in_the_language_of_the_message_where_there_is_one(base: KnowledgeBase) -> None:
    def top(text: str, language: str) -> tuple[str, str]:
        hit = base.search(text, language=language, audience="public", k=1)[0]
        return hit.language, hit.answer

    assert top("brak zasięgu", "pl") == ("pl", "no-signal pl: answer.")
    assert top("nuk kam sinjal në telefon", "sq") == ("en", "no-signal en: answer.")
    assert top("i forgot my password", "en") == ("pl", "password-reset pl: answer.")


def test_a_public_message_never_gets_a_private_text(filled: Database) -> None:
    change(filled, "no-signal", en=None, pl={"answer": "Proszę podać numer.", "public": "Proszę napisać prywatnie."})
    base = KnowledgeBase(filled, team())
    public = base.search("brak zasięgu", language="pl", audience="public", k=1)[0]
    private = base.search("brak zasięgu", language="pl", audience="private", k=1)[0]
    assert (public.audience, public.answer) == ("public", "Proszę napisać prywatnie.")
    assert (private.audience, private.answer) == ("private", "Proszę podać numer.")
    other = base.search("skąd opłata za monit", language="pl", audience="private", k=1)[0]
    assert (other.article, other.audience) == ("late-fee", "public")


def test_an_edited_answer_is_right_at_once(filled: Database, base: KnowledgeBase) -> None:
    old = base.search("brak zasięgu", language="pl", audience="public", k=1)[0]
    change(filled, "no-signal", pl={"answer": "Nowa odpowiedź."})
    new = base.search("brak zasięgu", language="pl", audience="public", k=1)[0]
    assert (new.answer, new.number) == ("Nowa odpowiedź.", 2)
    assert new.version != old.version


def test_a_retired_article_is_gone_at_once_and_comes_back(filled: Database, base: KnowledgeBase) -> None:
    def found() -> list[str]:
        return [hit.article for hit in base.search("brak zasięgu", language="pl", audience="public", k=2)]

    assert found()[0] == "no-signal"
    with filled.write() as session:
        retire(session, "no-signal")
    assert "no-signal" not in found()
    assert len(found()) == 2
    assert base.wait_until_current(60)
    assert "no-signal" not in found()
    with filled.write() as session:
        restore(session, "no-signal")
    assert base.wait_until_current(60)
    assert found()[0] == "no-signal"


def test_a_new_article_is_found_soon_while_the_old_ones_answer(filled: Database, base: KnowledgeBase) -> None:
    fresh = checked(
        {"id": "quiz", "languages": {"en": {"question": "How do I enter the pineapple quiz?", "answer": "By post."}}}
    )
    before = base.revision
    with filled.write() as session:
        save_article(session, fresh, by="test")
    assert base.search("no network on my phone", language="en", audience="public", k=1)[0].article == "no-signal"
    assert base.wait_until_current(60)
    assert base.revision == before + 1
    hit = base.search("pineapple quiz", language="en", audience="public", k=1)[0]
    assert (hit.article, hit.answer) == ("quiz", "By post.")
    assert not base.refresh()


def test_only_changed_phrasings_are_fitted_anew(
    filled: Database, base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("knowledge.search.Ranker.fit", None)
        change(filled, "no-signal", pl={"answer": "Nowa odpowiedź."})
        with filled.write() as session:
            retire(session, "late-fee")
        assert base.refresh()
        with filled.write() as session:
            restore(session, "late-fee")
        assert base.refresh()
    change(filled, "no-signal", pl={"variants": ["nic nie łapie"], "answer": "Nowa odpowiedź."})
    assert base.refresh()
    assert base.phrasings == sum(len(texts) for said in ASKED.values() for texts in said.values()) - 1


def test_an_article_without_an_answer_is_not_found(filled: Database) -> None:
    change(filled, "no-signal", en=None, pl={"answer": ""})
    base = KnowledgeBase(filled, team())
    assert "no-signal" not in {hit.article for hit in base.search("brak zasięgu", language="pl", audience="private")}


def test_an_empty_base_and_an_empty_text_find_nothing(database: Database) -> None:
    base = KnowledgeBase(database, team())
    assert base.search("brak zasięgu", language="pl", audience="public") == []
    change(database, "no-signal")
    assert base.refresh()
    assert base.search(" ", language="pl", audience="public") == []
    assert base.search("brak zasięgu", language="pl", audience="public")[0].article == "no-signal"


def test_a_failing_refit_leaves_the_old_one_answering(
    filled: Database, base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr("knowledge.search.views_for", broken)
    change(filled, "no-signal", pl={"variants": ["nic nie łapie"]})
    for _ in range(3):
        assert base.search("brak zasięgu", language="pl", audience="public", k=1)[0].article == "no-signal"
    assert not base.wait_until_current(0.5)
    monkeypatch.undo()
    assert base.refresh()


def test_many_threads_search_while_the_base_changes(filled: Database, base: KnowledgeBase) -> None:
    wrong: list[object] = []

    def search() -> None:
        for _ in range(10):
            hits = base.search("brak zasięgu", language="pl", audience="public", k=1)
            if [hit.article for hit in hits] != ["no-signal"]:
                wrong.append(hits)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(3):
        change(filled, "late-fee", pl={"answer": f"Odpowiedź {number}."})
    for thread in threads:
        thread.join()
    assert wrong == []


def test_nothing_is_embedded_twice(database: Database) -> None:
    remembering = Remembering(encoder())
    first = vectors_for(database, ["raz", "dwa", "raz"], remembering)
    assert first.shape == (3, remembering.dimension)
    assert np.array_equal(first[0], first[2])
    assert sorted(remembering.asked) == ["dwa", "raz"]
    again = vectors_for(database, ["dwa", "trzy"], remembering)
    assert np.array_equal(again[0], first[1])
    assert sorted(remembering.asked) == ["dwa", "raz", "trzy"]
    assert vectors_for(database, [], remembering).shape == (0, remembering.dimension)


def test_a_damaged_vector_is_made_anew(database: Database) -> None:
    first = vectors_for(database, ["raz", "dwa"], encoder())
    with database.write() as session:
        session.execute(update(Embedding).values(vector=b"\x00\x01"))
    assert np.allclose(vectors_for(database, ["raz", "dwa"], encoder()), first)
    with database.write() as session:
        session.execute(update(Embedding).values(vector=np.full(encoder().dimension, 7, "<f4").tobytes()))
    assert np.allclose(vectors_for(database, ["raz", "dwa"], encoder()), first)


def test_a_start_that_is_broken_off_goes_on(database: Database) -> None:
    class Failing(Remembering):
        def phrasings(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if self.asked:  # whichever of the two batches comes second
                raise KeyboardInterrupt
            return super().phrasings(texts)

    texts = [f"tekst {number}" for number in range(80)]
    with pytest.raises(KeyboardInterrupt):
        vectors_for(database, texts, Failing(encoder()))
    with database.read() as session:
        kept = session.scalar(select(func.count()).select_from(Embedding))
    assert kept in (64, 16)
    remembering = Remembering(encoder())
    told: list[tuple[int, int]] = []
    vectors_for(database, texts, remembering, lambda done, of: told.append((done, of)))
    assert len(remembering.asked) == 80 - kept
    assert told[0] == (kept, 80)
    assert told[-1] == (80, 80)
