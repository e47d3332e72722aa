"""Sentences are cut where they end, and cutting loses nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sentences import spans, split
from tests.bot.demo_search import articles

CODES = ["pl", "ru", "it", "cs", "sq", "en", "other"]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("pl", ["Termin można przenieść na 5., 15. lub 25. dzień miesiąca.", "Faktury wystawiamy 1. dnia."]),
        ("pl", ["Aplikacja: Faktury > Termin płatności.", "Szczegóły na lumo.example/status."]),
        ("cs", ["Splatnost lze posunout na 5., 15. nebo 25. den.", "Např. Ing. Novák volal na č. 500."]),
        ("ru", ["Доступны Visa, Apple Pay и т. д., комиссии нет.", "Срок: 2 рабочих дня!"]),
        ("it", ["Il sig. Rossi ha ragione.", "Vada su lumo.example/invoices, sezione Fatture > Scadenza."]),
        ("sq", ["P.sh. mund të paguani me kartë.", "Kontrolloni te lumo.example/status."]),
        ("en", ["It costs 1.10 euro per GB, e.g. in Rome.", "Is that clear?", "Good."]),
    ],
)
def test_cut_where_they_end(language: str, sentences: list[str]) -> None:
    assert split(" ".join(sentences), language) == sentences


def test_demo_answers_are_three_to_seven_whole_sentences() -> None:
    for article, data in articles().items():
        for language, texts in data["languages"].items():
            sentences = split(texts["answer"], language)
            assert 2 <= len(sentences) <= 8, (article, language)
            assert all(len(sentence) > 12 and sentence[-1] in ".!?:" for sentence in sentences), (article, language)


@given(st.text(alphabet=st.sampled_from("aB1.!?,; \n…>/ł'я\""), max_size=120), st.sampled_from(CODES))
@settings(max_examples=300, deadline=None)
def test_the_spans_give_the_text_back(text: str, language: str) -> None:
    assert "".join(text[start:end] for start, end in spans(text, language)) == text
    assert all(part and part == part.strip() for part in split(text, language))
