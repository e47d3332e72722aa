"""Small articles for the tests of the base, and an encoder that remembers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.article_text import ArticleText, checked
from knowledge.encoder import Encoder, load_encoder
from knowledge.team import Team

ASKED = {
    "no-signal": {
        "pl": ("Nie mam zasięgu, co zrobić?", "brak zasiegu!!", "telefon nie łapie sieci"),
        "en": ("I have no signal, what can I do?", "no network on my phone", "my mobile shows no bars"),
    },
    "late-fee": {
        "pl": ("Co to za opłata za przypomnienie?", "skad te 3 euro za monit", "doliczyliście mi karę za spóźnienie"),
        "en": ("What is this reminder fee?", "why did you charge me a late fee", "penalty for paying late"),
    },
    "password-reset": {
        "pl": ("Nie pamiętam hasła, jak ustawić nowe?", "zapomnialem hasla", "jak zresetować hasło do konta"),
        "sq": ("Kam harruar fjalëkalimin, si ta ndryshoj?", "harrova passwordin", "si ta rivendos fjalekalimin"),
    },
    "moving-home": {
        "pl": ("Przeprowadzam się, co z umową?", "zmieniam mieszkanie a mam u was internet", "nowy adres łącza"),
        "en": ("I am moving house, what about my contract?", "relocating my broadband", "new flat, same internet"),
    },
    "tv-box-frozen": {
        "pl": ("Dekoder się zawiesza, co zrobić?", "zawiesil sie dekoder tv", "obraz w telewizji stoi w miejscu"),
        "en": ("The TV box hangs, what can I do?", "my set-top box is frozen", "picture stuck on the telly"),
    },
    "esim-activation": {
        "pl": ("Jak włączyć eSIM?", "esim kod qr gdzie", "chcę kartę esim w telefonie"),
        "en": ("How do I activate an eSIM?", "esim qr code please", "set up a digital sim"),
    },
}
"""Six articles: id, language, the ways to ask. The first is the question."""


def article(article_id: str = "no-signal", **given: Any) -> ArticleText:
    """One of the articles above; `pl={"answer": ...}` and the like change a language, None takes it away."""
    languages: dict[str, Any] = {
        language: {"question": texts[0], "variants": list(texts[1:]), "answer": f"{article_id} {language}: answer."}
        for language, texts in ASKED[article_id].items()
    }
    for language, change in given.items():
        if change is None:
            del languages[language]
        else:
            languages[language] = {**languages.get(language, {}), **change}
    return checked({"id": article_id, "category": "service", "languages": languages})


class Remembering:
    """The real encoder, asked once for each text in the whole test run; `asked` counts what it was asked for."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[tuple[str, str], NDArray[np.float32]] = {}
        self.version = encoder.version
        self.dimension = encoder.dimension
        self.asked: list[str] = []

    def queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._remember("queries", texts)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._remember("passages", texts)

    def phrasings(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._remember("phrasings", texts)

    def _remember(self, task: str, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        fresh = [text for text in dict.fromkeys(texts) if (task, text) not in self._known]
        for text, vector in zip(fresh, getattr(self._encoder, task)(fresh), strict=True):
            self._known[task, text] = vector
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack([self._known[task, text] for text in texts])


@cache
def encoder() -> Remembering:
    """One encoder for all tests."""
    return Remembering(load_encoder())


def team() -> Team:
    """The encoder that reads all languages, by itself: quick, and what the tests of the base need."""
    return Team.of(encoder())
