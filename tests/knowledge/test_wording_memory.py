"""Remembered wording is what cutting it anew would give, is cut once, and does not grow without end."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from knowledge.lexical import HASHED, LexicalLeg
from knowledge.wording_memory import WordingMemory

LEARNED = ["Nie działa internet w Łodzi", "Где мой заказ", "Si ta ndërroj fjalëkalimin?", "my bill is too high"]
LEG = LexicalLeg.learn(LEARNED)


class Counting:
    """Cuts texts, and counts them."""

    def __init__(self) -> None:
        self.cut: list[str] = []

    def __call__(self, texts: Sequence[str]) -> csr_matrix:
        self.cut += texts
        return LEG.transform(texts)


@given(
    st.lists(
        st.lists(st.sampled_from([*LEARNED, "", "zzz", "internet", "?"]) | st.text(max_size=20), min_size=1, max_size=6)
    )
)
def test_it_gives_what_cutting_gives(batches: list[list[str]]) -> None:
    memory = WordingMemory(LEG.transform, HASHED, most=5)
    for texts in batches:
        remembered, anew = memory(texts), LEG.transform(texts)
        assert remembered.shape == anew.shape
        assert abs(remembered - anew).max() < 1e-6
        assert len(memory) <= 5


def test_a_text_is_cut_once() -> None:
    cutting = Counting()
    memory = WordingMemory(cutting, HASHED)
    memory(["a bill", "a bill", "another"])
    memory(["another", "a third", "a bill"])
    assert cutting.cut == ["a bill", "another", "a third"]


def test_the_one_longest_unused_is_forgotten() -> None:
    cutting = Counting()
    memory = WordingMemory(cutting, HASHED, most=2)
    for text in ("one", "two", "one", "three", "one", "two"):
        memory([text])
    assert cutting.cut == ["one", "two", "three", "two"]


def test_many_threads_get_their_own_rows() -> None:
    memory = WordingMemory(LEG.transform, HASHED, most=7)
    texts = [f"text number {number % 23} of many" for number in range(400)]
    wanted = {text: LEG.transform([text]).toarray().argmax() for text in set(texts)}
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda text: (text, int(np.argmax(memory([text]).toarray()))), texts)
        assert all(wanted[text] == place for text, place in found)


def test_a_leg_that_holds_others_finds_them_by_their_wording() -> None:
    held = LEG.holding(["Gdzie jest mój kurier", "nie działa telewizja"]).holding(["nie działa telewizja", "kurier"])
    assert held.cosines(["nie dziala tv", "kuriera"]).argmax(axis=1).tolist() == [0, 1]
