"""A search over the demo articles without a database or an encoder: rapidfuzz over the phrasings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from rapidfuzz import fuzz

from bot.language import fold
from knowledge.hits import Hit

ARTICLES = Path(__file__).parents[2] / "knowledge" / "demo" / "articles"


@dataclass
class DemoSearch:
    """Scores are similarity of letters, 0 to 1: enough to choose an article in tests, not a probability."""

    revision: int = 1
    encoder_version: str = "rapidfuzz"
    only: str | None = None
    """Language the base is in; None: all six."""

    def search(
        self,
        text: str,
        *,
        language: str | None,
        audience: Literal["public", "private"],
        channel_kind: str,
        k: int = 5,
    ) -> list[Hit]:
        best: dict[str, tuple[float, str]] = {}
        asked = fold(text)
        wanted = self.only or language
        for article, phrased_in, phrasing, folded in _folded():
            if wanted not in (None, phrased_in):
                continue
            score = fuzz.token_set_ratio(asked, folded) * 0.3 + fuzz.ratio(asked, folded) * 0.7
            if score > best.get(article, (0.0, ""))[0]:
                best[article] = (score, phrasing)
        ranked = sorted(best.items(), key=lambda item: -item[1][0])[:k]
        return [self._hit(a, score / 100, phrasing, wanted or "en", audience) for a, (score, phrasing) in ranked]

    def _hit(
        self, article: str, score: float, phrasing: str, language: str, audience: Literal["public", "private"]
    ) -> Hit:
        data = articles()[article]
        texts = data["languages"][language]
        private = "public" in texts
        shown = texts["public"] if private and audience == "public" else texts["answer"]
        version = sorted(articles()).index(article) * 10 + 1
        return Hit(article, data["category"], score, language, audience, version, 1, shown, phrasing, private)


@lru_cache(maxsize=1)
def articles() -> dict[str, Any]:
    """All demo articles by id."""
    read = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(ARTICLES.glob("*.yml")))
    return {article["id"]: article for article in read}


@lru_cache(maxsize=1)
def phrasings() -> tuple[tuple[str, str, str], ...]:
    """(article, language, phrasing) of every question and variant."""
    return tuple(_phrasings())


@lru_cache(maxsize=1)
def _folded() -> tuple[tuple[str, str, str, str], ...]:
    return tuple((article, language, phrasing, fold(phrasing)) for article, language, phrasing in phrasings())


def _phrasings() -> Iterator[tuple[str, str, str]]:
    for article, data in articles().items():
        for language, texts in data["languages"].items():
            for phrasing in (texts["question"], *texts["variants"]):
                yield article, language, phrasing
