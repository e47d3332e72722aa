from __future__ import annotations

import numpy as np
import pytest

from knowledge.folding import fold
from knowledge.lexical import LexicalLeg

TEXTS = ["Nie działa internet w Łodzi", "Где мой заказ", "Si ta ndërroj fjalëkalimin?"]


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("ŁÓDŹ", "lodz"),
        ("příliš žluťoučký KŮŇ", "prilis zlutoucky kun"),
        ("Fjalëkalimi çka", "fjalekalimi cka"),
        ("ПОЧЕМУ Ёлка", "почему елка"),
        ("Йод", "йод"),
        ("perché l’ho", "perche l'ho"),
        ("Đorđe", "dorde"),
    ],
)
def test_folding(written: str, folded: str) -> None:
    assert fold(written) == folded


def test_a_sloppy_text_finds_its_phrasing() -> None:
    leg = LexicalLeg.fit(TEXTS)
    assert leg.cosines(["nie dziala INTERNET w lodzi"])[0, 0] == pytest.approx(1, abs=1e-5)
    assert leg.cosines(["si ta nderroj fjalekalimin"])[0].argmax() == 2


def test_cosines_stay_between_0_and_1_and_unknown_wording_gives_0() -> None:
    leg = LexicalLeg.fit(TEXTS)
    found = leg.cosines(["zzz qqq", "", "где заказ мой?"])
    assert found.shape == (3, 3)
    assert found.dtype == np.float32
    assert (found[:2] == 0).all()
    assert ((found >= 0) & (found <= 1 + 1e-6)).all()
    assert found[2].argmax() == 1
