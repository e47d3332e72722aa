"""Personal data is found by form and checksum; the brand's own addresses, prices and dates are not personal."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.privacy import find, mask
from tests.bot.demo_search import articles


@pytest.mark.parametrize(
    ("language", "text", "masked"),
    [
        ("pl", "mój numer 600 123 456", "mój numer [phone]"),
        ("pl", "PESEL 44051401458", "PESEL [national_id]"),
        ("pl", "konto 61 1090 1014 0000 0712 1981 2874 dziękuję", "konto [iban] dziękuję"),
        ("ru", "мой номер +7 916 123-45-67", "мой номер [phone]"),
        ("it", "il mio codice RSSMRA85T10A562S grazie", "il mio codice [national_id] grazie"),
        ("it", "IBAN IT60X0542811101000000123456 grazie", "IBAN [iban] grazie"),
        ("cs", "rodné číslo 736028/5163", "rodné číslo [national_id]"),
        ("cs", "volejte +420 777 123 456", "volejte [phone]"),
        ("sq", "ID ime J10101010B", "ID ime [national_id]"),
        ("sq", "tel 069 123 4567", "tel [phone]"),
        ("en", "card 4111 1111 1111 1111", "card [card]"),
        ("en", "write to john.smith+1@gmail.com", "write to [email]"),
        ("en", "customer no 12345678, order LM-1234567", "customer no [customer_number], order [customer_number]"),
    ],
)
def test_found_and_masked(language: str, text: str, masked: str) -> None:
    assert mask(text, language) == masked


@pytest.mark.parametrize(
    "text",
    [
        "call 500 or *500# at lumo.example/status",
        "mail help@lumo.example or phishing@lumo.example, SMS to 8080, dial ##002#",
        "on 14.03.2026, 2026-03-14, 14/03/2026, from 8:00-20:00, in 8-12 or 12-16",
        "1.10 euro, 100000 zł, 3000-5000 Kč, 2 000 000 people",
        "1/30 of the fee for 24 hours",
    ],
)
def test_the_brands_own_prices_and_dates_are_not_personal(text: str) -> None:
    assert find(text, "en") == []


def test_no_demo_article_holds_personal_data() -> None:
    languages = [pair for article in articles().values() for pair in article["languages"].items()]
    texts = [(language, texts.get(key, "")) for language, texts in languages for key in ("answer", "public")]
    assert [(language, text) for language, text in texts if find(text, language)] == []


def test_wrong_checksums_are_not_taken_for_what_they_resemble() -> None:
    assert [f.kind for f in find("karta 4111 1111 1111 1112", "en")] == ["customer_number"]
    assert find("RSSMRA85T10A562T", "it") == []


@given(st.text(max_size=300), st.sampled_from(["pl", "ru", "it", "cs", "sq", "en", "other"]))
@settings(max_examples=200, deadline=None)
def test_findings_are_in_order_and_apart(text: str, language: str) -> None:
    found = find(text, language)
    assert all(0 <= f.start < f.end <= len(text) for f in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize("hostile", ["1 " * 10_000, "a@" * 10_000, "PL00 " * 4_000, "a." * 10_000 + "@", "+" * 20_000])
def test_a_hostile_text_costs_little(hostile: str) -> None:
    find("600 123 456", "pl")
    started = time.process_time()
    find(hostile, "pl")
    assert time.process_time() - started < 2
