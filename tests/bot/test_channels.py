"""Each kind of channel counts a text its own way."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import KINDS, UnknownChannelKind, count, fits, length, limits


def test_x_weighs_links_as_23_and_emoji_as_2() -> None:
    assert length("a" * 280, "x") == 280
    assert not fits("a" * 281, "x")
    assert length("zobacz https://lumo.example/a/very/long/path?x=1", "x") == 7 + 23
    assert length("👍", "x") == 2
    assert length("Привет, světe, përshëndetje", "x") == 27
    assert length("你好", "x") == 4


def test_x_counts_composed_letters_once() -> None:
    assert length(unicodedata.normalize("NFD", "čšžëł"), "x") == 5


def test_an_instagram_message_is_counted_in_bytes_and_a_comment_in_characters() -> None:
    assert fits("я" * 500, "instagram", "private")
    assert not fits("я" * 501, "instagram", "private")
    assert fits("я" * 501, "instagram", "public")


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(UnknownChannelKind, match="pigeon"):
        limits("pigeon")


@given(st.text(max_size=200))
def test_counting_is_never_negative_and_bytes_never_less_than_characters(text: str) -> None:
    clean = text.encode("utf-8", "ignore").decode("utf-8")
    assert count(clean, "bytes") >= count(clean, "characters")
    assert count(clean, "weighted") >= count(clean, "links_as_23") >= 0


LINKLESS = st.characters(codec="utf-8", exclude_characters="./:")


@given(st.text(alphabet=LINKLESS, max_size=400), st.sampled_from(sorted(KINDS)))
def test_what_fits_still_fits_without_its_end(text: str, kind: str) -> None:
    clean = unicodedata.normalize("NFC", text)
    if fits(clean, kind):
        assert fits(unicodedata.normalize("NFC", clean[:-1]), kind)
