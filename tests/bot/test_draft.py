"""Drafts: evidence for every sentence, within the channel's limit, no fact from nowhere, or a reason for none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import channels, privacy
from bot.assistant import Assistant
from bot.draft import ABSTAIN_REASONS
from bot.facts import UnsupportedFact, check, unsupported
from bot.phrasebook import OCCASIONS, choose, is_courtesy, phrases
from bot.records import Request, ThreadMessage
from knowledge.languages import LANGUAGES
from tests.bot.demo_search import articles, phrasings

Make = Callable[..., Assistant]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_known_question_gets_an_answer_in_its_language(assistant: Make, language: str) -> None:
    question = articles()["no-signal"]["languages"][language]["question"]
    prepared = assistant("question").prepare(Request(question, "facebook", initials="AK"))
    assert prepared.language == language
    main = prepared.drafts[0]
    assert (main.stance, main.language, main.audience) == ("answer", language, "public")
    assert main.evidence[0].article == "no-signal"
    assert main.evidence[-1].sentence == "^AK"
    assert main.text == " ".join(e.sentence for e in main.evidence)
    assert main.probability == pytest.approx(1.0)
    assert not prepared.abstained and prepared.reason is None


def test_drafts_differ_in_stance(assistant: Make) -> None:
    prepared = assistant("complaint").prepare(Request("SKANDAL!!! nie mam zasięgu w telefonie, co zrobić", "facebook"))
    stances = [draft.stance for draft in prepared.drafts]
    assert stances == ["answer", "go_private", "apologise"]
    assert prepared.drafts[0].text.startswith(tuple(phrases("pl")["sorry"]))


@pytest.mark.parametrize(
    ("text", "intent", "threshold", "reason"),
    [
        ("", "question", 0.6, "empty_text"),
        ("asdf qwer", "off_topic", 0.6, "other_language"),
        ("Kein Internet seit heute Morgen, wann geht das wieder?", "question", 0.6, "other_language"),
        ("jaka jutro będzie pogoda", "off_topic", 0.6, "nothing_to_answer"),
        ("czy sprzedajecie pralki i lodówki", "question", 0.9, "below_threshold"),
    ],
)
def test_abstains_with_a_reason(assistant: Make, text: str, intent: str, threshold: float, reason: str) -> None:
    prepared = assistant(intent, threshold=threshold).prepare(Request(text))
    assert (prepared.abstained, prepared.drafts, prepared.reason) == (True, (), reason)
    assert prepared.reason in ABSTAIN_REASONS
    assert len(prepared.nearest) <= 3


def test_without_intents_it_says_that_nothing_fits_not_that_nothing_was_asked(assistant: Make) -> None:
    prepared = assistant(None, threshold=0.99).prepare(Request("od wczoraj pralka nie wiruje i cieknie"))
    assert prepared.nearest
    assert prepared.reason == "below_threshold"


def test_abstains_when_the_answer_is_in_another_language(assistant: Make) -> None:
    question = "Nie mam zasięgu w telefonie, co zrobić?"
    prepared = assistant("question", threshold=0.1, only="en").prepare(Request(question, language="pl"))
    assert prepared.reason == "not_in_language"
    assert prepared.nearest


def test_an_empty_base_is_said_so(assistant: Make) -> None:
    empty = assistant("question")
    empty.search = _Nothing()
    assert empty.prepare(Request("nie mam zasięgu")).reason == "knowledge_empty"


class _Nothing:
    revision = 0
    encoder_version = "none"

    def search(self, text: str, **asked: object) -> list[object]:
        return []


@pytest.mark.parametrize(("intent", "text"), [("praise", "super obsługa, brawo!"), ("thanks", "dzięki, już działa")])
def test_praise_and_thanks_get_a_short_courtesy(assistant: Make, intent: str, text: str) -> None:
    prepared = assistant(intent, threshold=0.9).prepare(Request(text))
    assert [draft.stance for draft in prepared.drafts] == ["thank"]
    assert prepared.drafts[0].probability is None
    assert prepared.drafts[0].text in phrases("pl")[intent]  # type: ignore[index]
    assert not prepared.abstained


def test_posted_personal_data_is_answered_by_going_private(assistant: Make) -> None:
    prepared = assistant("personal_data_shared").prepare(Request("mój numer to 600 123 456 proszę oddzwonić"))
    assert prepared.drafts[0].stance == "go_private"
    assert "600" not in " ".join(draft.text for draft in prepared.drafts)


def test_the_same_courtesy_is_not_said_twice_in_a_thread() -> None:
    said: list[str] = []
    for _ in phrases("cs")["sorry"]:
        said.append(choose("sorry", "cs", "a seed", said))
    assert len(set(said)) == len(said)


def test_what_the_brand_has_said_is_not_said_again(assistant: Make) -> None:
    question = articles()["no-signal"]["languages"]["en"]["question"]
    first = assistant("question").prepare(Request(question, "facebook")).drafts[0]
    messages = (
        ThreadMessage("1", None, "Ann", "customer", question),
        ThreadMessage("2", "1", "Lumo", "brand", first.text),
        ThreadMessage("3", "1", "Bob", "customer", question),
    )
    again = assistant("question").prepare(Request(question, "facebook", author="Bob", thread=messages, target="3"))
    assert again.drafts[0].text in phrases("en")["repeat"]
    assert {"code": "said_before", "detail": ""} in again.drafts[0].notes


def test_a_long_answer_loses_whole_sentences_from_its_end(assistant: Make) -> None:
    question = articles()["no-signal"]["languages"]["ru"]["question"]
    long = assistant("question").prepare(Request(question, "facebook")).drafts[0]
    short = assistant("question").prepare(Request(question, "x")).drafts[0]
    assert long.text.startswith(short.text) and len(short.text) < len(long.text)
    assert short.notes == ({"code": "shortened", "detail": str(len(long.evidence) - len(short.evidence))},)


def test_the_fact_check_compares_whole_facts() -> None:
    sources = ["Call 500, 8:00-20:00, see lumo.example/status or write to help@lumo.example for 3 euro."]
    check("See lumo.example/status. It is 3 euro, from 8:00 on 500.", sources)
    assert unsupported("Call 50 or see lumo.example/other at 9:00, evil.example", sources) == [
        "50",
        "lumo.example/other",
        "9:00",
        "evil.example",
    ]
    with pytest.raises(UnsupportedFact, match="600"):
        check("Call 600.", sources)


def test_courtesies_are_complete_and_free_of_facts() -> None:
    for language in LANGUAGES:
        for occasion in OCCASIONS:
            sentences = phrases(language)[occasion]
            assert len(sentences) >= 3
            assert not any(char.isdigit() for sentence in sentences for char in sentence)


@given(
    phrasing=st.sampled_from(phrasings()),
    kind=st.sampled_from(sorted(channels.KINDS)),
    audience=st.sampled_from(["public", "private"]),
    intent=st.sampled_from(["question", "complaint", "outage_report", "cancellation_threat", "follow_up", None]),
    shout=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_every_draft_keeps_the_promises(
    assistant: Make, phrasing: tuple[str, str, str], kind: str, audience: str, intent: str | None, shout: bool
) -> None:
    _, language, text = phrasing
    request = Request(text + (" !!!" if shout else ""), kind, audience, "Ann", language=language, initials="AK")  # type: ignore[arg-type]
    prepared = assistant(intent).prepare(request)
    assert len({draft.stance for draft in prepared.drafts}) == len(prepared.drafts) <= 3
    versions = {d["id"]: d["languages"][language] for d in articles().values()}
    for draft in prepared.drafts:
        assert channels.fits(draft.text, kind, draft.audience)
        assert draft.text == " ".join(e.sentence for e in draft.evidence)
        sources = [t for e in draft.evidence if e.article for t in versions[e.article].values() if isinstance(t, str)]
        assert unsupported(draft.text, sources) == []
        for evidence in draft.evidence:
            if evidence.article is None:
                assert evidence.version is None
                assert evidence.sentence == "^AK" or is_courtesy(evidence.sentence)
            else:
                assert any(evidence.sentence in source for source in sources)
        if audience == "public":
            assert privacy.find(draft.text, language) == []


def test_a_sure_threat_to_leave_is_met_even_without_an_article(assistant: Make) -> None:
    request = Request("odchodzę do konkurencji, mam was dość", "facebook")
    sure = assistant("cancellation_threat", 0.9, threshold=0.9).prepare(request)
    assert [draft.stance for draft in sure.drafts] == ["go_private"]
    assert assistant("cancellation_threat", 0.6, threshold=0.9).prepare(request).reason == "below_threshold"


def test_only_what_is_broken_is_asked_about(assistant: Make) -> None:
    def stances(article: str) -> list[str]:
        question = articles()[article]["languages"]["cs"]["question"]
        return [draft.stance for draft in assistant("question").prepare(Request(question, "facebook")).drafts]

    assert "ask" in stances("no-signal")
    assert "ask" not in stances("roaming-charges-eu")
