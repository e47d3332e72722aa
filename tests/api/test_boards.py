"""The boards: what is found, that it stays decided, that the job holds its lease, and that erasure reaches it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from api.boards import job
from api.boards.compute import findings
from api.boards.gaps import Asked, clusters
from api.boards.keeping import Found, board, decide, keep
from api.boards.pairs import differences
from api.privacy import erase
from api.problems import Refused
from api.tables import BoardRun, Case, Customer, Finding, Message, Preparation
from bot.records import Evidence
from knowledge.database import now
from knowledge.life import text_hash
from knowledge.store import save_article
from knowledge.tables import Article, Embedding, Variant, Version
from tests.fixtures.database import sqlite_only
from tests.fixtures.story import Story
from tests.fixtures.workspace import Visitor
from tests.knowledge.articles import article, encoder

PARKING = ("Where can I park at your shop?", "is there parking at the shop", "parking near your store?")


def unanswered(story: Story, text: str, author: str) -> Message:
    """A message for which there is no good article."""
    story.assistant.text = ""
    message = story.asked(text, author=author, thread=author)
    with story.workspace.database.write() as session:
        held = session.scalars(select(Preparation).where(Preparation.message_id == message.id)).one()
        held.abstained, held.abstain_reason, held.language = True, "below_threshold", "en"
    return message


def found(story: Story, name: str) -> list[Found]:
    return [one for one in findings(story.workspace.database, encoder()) if one.board == name]


def test_a_gap_gathers_who_asked_and_what_was_written(story: Story) -> None:
    messages = [unanswered(story, text, f"p{number}") for number, text in enumerate(PARKING)]
    unanswered(story, "the quick brown fox", "lonely")
    story.decides(messages[1], text="Behind the shop, two hours for free.")
    (gap,) = found(story, "gaps")
    assert set(gap.data["messages"]) == {message.id for message in messages}
    assert (gap.data["all"], gap.people, len(gap.data["decisions"])) == (3, 3 / 4, 1)
    assert not any(text in str(gap.data) for text in PARKING)


def test_one_person_asking_twice_is_no_gap(story: Story) -> None:
    for text in PARKING[:2]:
        unanswered(story, text, "same")
    assert found(story, "gaps") == []


def test_a_gap_stays_decided_though_its_cluster_moves(story: Story) -> None:
    database = story.workspace.database
    for number, text in enumerate(PARKING[:2]):
        unanswered(story, text, f"p{number}")
    first = findings(database, encoder())
    with database.write() as session:
        assert keep(session, first)["gaps"] == 1
        decide(session, board(session, "gaps")[0].id, "dismissed", "we have no shops", by="giulia")
    unanswered(story, PARKING[2], "p9")
    second = findings(database, encoder())
    with database.write() as session:
        assert keep(session, second)["gaps"] == 0
        assert [row.reason for row in board(session, "gaps", "dismissed")] == ["we have no shops"]


def test_articles_that_ask_alike_are_duplicates_or_contradict(story: Story) -> None:
    asked = {"question": "How much is the reminder fee?"}
    with story.workspace.database.write() as session:
        for key, question, answer in (
            ("moving-home", "How much is the reminder fee?", "The fee is 3 euro."),
            ("late-fee", "How much is the reminder fee now?", "The fee is 5 euro."),
            ("no-signal", "How much is the fee for a reminder?", "The fee is 3 euro."),
            ("esim-activation", "How do I activate an eSIM?", "The fee is 9 euro."),
        ):
            wanted = article(key, pl=None, en={**asked, "question": question, "variants": [], "answer": answer})
            save_article(session, wanted, by="giulia")
    apart = {tuple(one.data["articles"]): one.data["found"][0] for one in found(story, "contradictions")}
    assert set(map(frozenset, apart)) == {frozenset({"late-fee", "moving-home"}), frozenset({"late-fee", "no-signal"})}
    for one in apart.values():
        assert one["apart"] == ["numbers"]
        assert set(one["details"]) == {"The fee is 3 euro.", "The fee is 5 euro."}
    (same,) = found(story, "duplicates")
    assert set(same.data["articles"]) == {"moving-home", "no-signal"}


@pytest.mark.parametrize(
    ("language", "one", "other", "expected"),
    [
        ("en", "The fee is 3 euro.", "The fee is 5 euro.", ("numbers",)),
        ("en", "It takes 3 days.", "It takes 3 days, at most 5.", ()),
        ("en", "You can cancel online.", "You can not cancel online.", ("negation",)),
        ("pl", "Można to zmienić w aplikacji.", "Nie można to zmienić w aplikacji.", ("negation",)),
        ("ru", "Это можно сделать в приложении.", "Это нельзя сделать в приложении.", ("negation",)),
        ("it", "Puoi farlo nell'app.", "Non puoi farlo nell'app.", ("negation",)),
        ("sq", "Mund ta bëni në aplikacion.", "Nuk mund ta bëni në aplikacion.", ("negation",)),
        ("cs", "Lze to změnit v aplikaci.", "Nikdy to v aplikaci změnit lze.", ("negation",)),
    ],
)
def test_how_two_answers_part(language: str, one: str, other: str, expected: tuple[str, ...]) -> None:
    assert differences(one, other, language)[0] == expected
    assert differences(other, one, language)[0] == expected
    assert differences(one, one, language) == ((), ())


def test_what_agents_keep_rewriting_is_proposed(story: Story) -> None:
    with story.workspace.database.write() as session:
        save_article(session, article("late-fee", pl=None, en={"answer": "It is 3 euro."}), by="giulia")
        version = session.scalars(select(Version.id).join(Variant).where(Variant.language == "en")).one()
    story.assistant.text = "Sorry. It is 3 euro."
    story.assistant.evidence = (Evidence("Sorry.", None, None), Evidence("It is 3 euro.", "late-fee", version))
    for author in ("a", "b"):
        assert found(story, "rewritten") == []
        message = story.asked(author=author, thread=author)
        story.decides(message, draft_id=story.draft(message).id, text="Sorry. It is 3 euro, once a month.")
    (one,) = found(story, "rewritten")
    assert (one.data["article"], one.data["version"], one.data["times"]) == ("late-fee", version, 2)
    with story.workspace.database.write() as session:
        save_article(session, article("late-fee", pl=None, en={"answer": "It is 3 euro, once a month."}), by="giulia")
    assert found(story, "rewritten") == []  # what they rewrote is not said any more


def test_never_used_and_past_review(story: Story) -> None:
    with story.workspace.database.write() as session:
        for key in ("late-fee", "no-signal"):
            save_article(session, article(key), by="giulia")
            session.get_one(Article, key).created_at = now() - timedelta(weeks=9)
        session.get_one(Article, "no-signal").review_at = now() - timedelta(days=1)
        version = session.scalars(select(Version.id).join(Variant).where(Variant.article_id == "late-fee")).first()
    assert found(story, "never_used") == []  # nobody has answered anything yet
    story.assistant.evidence = (Evidence(story.assistant.text, "late-fee", version),)
    message = story.asked()
    story.decides(message, draft_id=story.draft(message).id, text=story.assistant.text)
    assert [one.key for one in found(story, "never_used")] == ["no-signal"]
    assert [one.data["article"] for one in found(story, "past_review")] == ["no-signal"]


def test_findings_go_and_come_back_but_decisions_stay(story: Story) -> None:
    with story.workspace.database.write() as session:
        assert (
            keep(session, [Found("duplicates", "a b", 2.0, {}), Found("duplicates", "c d", 5.0, {})])["duplicates"] == 2
        )
        assert [row.key for row in board(session, "duplicates")] == ["c d", "a b"]
        first = board(session, "duplicates")[1]
        keep(session, [Found("duplicates", "c d", 1.0, {})])
        assert (first.state, [row.key for row in board(session, "duplicates")]) == ("gone", ["c d"])
        keep(session, [Found("duplicates", "a b", 3.0, {"n": 1})])
        assert (first.state, first.people, first.data) == ("open", 3.0, {"n": 1})
        decide(session, first.id, "done", "", by="giulia")
        keep(session, [Found("duplicates", "a b", 9.0, {})])
        assert (first.state, first.people) == ("done", 3.0)
        with pytest.raises(Refused):
            decide(session, first.id, "dismissed", "x", by="giulia")


def test_the_job_has_one_runner_and_outlives_a_dead_one(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    database = story.workspace.database
    monkeypatch.setattr(job, "load_encoder", lambda _name: encoder())
    assert job.due(database)
    assert job.ask(database, "giulia") == job.ask(database, "admin")
    assert job._take(database, "dead") is not None
    assert job.run(story.workspace) is None  # it is held
    assert not job.due(database)
    with database.write() as session:
        session.scalars(select(BoardRun)).one().lease_until = now() - timedelta(seconds=1)
    assert job.due(database)
    assert job.run(story.workspace) == dict.fromkeys(
        ("gaps", "duplicates", "contradictions", "rewritten", "never_used", "past_review"), 0
    )
    assert not job.due(database)
    with database.read() as session:
        assert session.scalars(select(BoardRun)).one().state == "done"


def test_erasure_reaches_what_the_boards_keep(story: Story) -> None:
    database = story.workspace.database
    messages = [unanswered(story, text, f"p{number}") for number, text in enumerate(PARKING)]
    gathered = findings(database, encoder())
    with database.write() as session:
        keep(session, gathered)
        case = session.get_one(Case, messages[0].case_id)
        who = session.get_one(Customer, case.customer_id).pseudonym
    key = text_hash(PARKING[0])
    with database.read() as session:
        assert session.scalar(select(func.count()).where(Embedding.text_sha256 == key)) == 1
    erase(database, story.workspace.trail, who)
    with database.read() as session:
        assert session.scalar(select(func.count()).where(Embedding.text_sha256 == key)) == 0
        assert PARKING[0] not in str([row.data for row in session.scalars(select(Finding))])


@sqlite_only
def test_boards_by_api_and_page(story: Story, visitor: Callable[[], Visitor], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(job, "launch", started.append)
    for number, text in enumerate(PARKING[:2]):
        unanswered(story, text if number else "<script>alert(1)</script> " + text, f"p{number}")
    giulia, agata = visitor().log_in("giulia"), visitor().log_in("agata")
    before = giulia.get("/knowledge/board").get_data(as_text=True)
    assert "Non ancora calcolato" in before and "Qui non c’è nulla" not in before, (
        "nothing found is not nothing looked for"
    )
    assert giulia.post("/api/knowledge/boards/compute").status_code == 202
    assert giulia.post("/api/knowledge/boards/compute", json={}).get_json()["state"] == "queued"
    assert agata.post("/api/knowledge/boards/compute").status_code == 403
    assert started
    with story.workspace.database.write() as session:
        keep(session, [Found("gaps", "message:1", 2.0, {
            "language": "en", "messages": [1, 2], "all": 2, "languages": {"en": 2}, "decisions": []})])  # fmt: skip
    row = giulia.get("/api/knowledge/boards").get_json()["findings"][0]
    page = giulia.get("/knowledge/board").get_data(as_text=True)
    assert PARKING[1] in page and "<script>alert" not in page
    assert "persone alla settimana: 2,0" in page
    for name in ("duplicates", "contradictions", "rewritten", "never_used", "past_review", "rubbish"):
        assert giulia.get(f"/knowledge/board?board={name}").status_code == 200
    assert PARKING[1] in giulia.get(f"/knowledge/new/article?gap={row['id']}").get_data(as_text=True)
    path = f"/api/knowledge/findings/{row['id']}/decide"
    assert agata.post(path, json={"decision": "done"}).status_code == 403
    assert giulia.post(path, json={"decision": "dismissed"}).get_json()["code"] == "no_reason"
    assert giulia.post(path, json={"decision": "dismissed", "reason": "x"}).get_json()["state"] == "dismissed"
    assert giulia.post(path, json={"decision": "done"}).status_code == 409


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=30))
def test_every_message_is_in_at_most_one_gap(given_: list[tuple[int, int]]) -> None:
    asked = [Asked(number, "en", author, "x", "", None) for number, (_, author) in enumerate(given_)]
    vectors = np.eye(4, dtype=np.float32)[[topic for topic, _ in given_]] if given_ else np.zeros((0, 4), np.float32)
    gaps = clusters(asked, vectors)
    seen = [one.message for gap in gaps for one in gap.messages]
    assert len(seen) == len(set(seen))
    for gap in gaps:
        assert len({given_[one.message][0] for one in gap.messages}) == 1
        assert gap.people == len({one.author for one in gap.messages}) >= 2
