"""Courtesy sentences per language and occasion, and the choice among them. They hold no facts (numbers, links)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

import yaml

from knowledge.languages import LANGUAGES, Language

Occasion = Literal[
    "sorry",
    "concern",
    "for_all",
    "go_private",
    "ask",
    "thanks",
    "praise",
    "wait",
    "personal_data",
    "stay",
    "press",
    "repeat",
]
OCCASIONS: Final[tuple[Occasion, ...]] = get_args(Occasion)
_FOLDER: Final = Path(__file__).with_name("phrases")
_FACT: Final = re.compile(r"\d|://|www\.|@|\b\w+\.\w{2,}", re.UNICODE)


class WrongPhrases(ValueError):
    """A phrase file cannot be used; the message names the file and the occasion."""


@lru_cache(maxsize=None)  # noqa: UP033  # one entry per language
def phrases(language: Language) -> dict[Occasion, tuple[str, ...]]:
    """All courtesy sentences of one language.

    Raises:
        WrongPhrases: an occasion is missing, has fewer than three sentences, or a sentence holds a fact.
    """
    path = _FOLDER / f"{language}.yml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    for occasion in OCCASIONS:
        sentences = data.get(occasion, [])
        if len(set(sentences)) < 3:
            raise WrongPhrases(f"{path.name}: {occasion}: needs at least three different sentences")
        if wrong := next((s for s in sentences if _FACT.search(s)), None):
            raise WrongPhrases(f"{path.name}: {occasion}: a courtesy holds no facts: {wrong!r}")
    return {occasion: tuple(data[occasion]) for occasion in OCCASIONS}


def choose(occasion: Occasion, language: Language, seed: str, said: Sequence[str]) -> str:
    """One sentence for the occasion: the same for the same `seed`, another one when the brand has `said` it."""
    options = phrases(language)[occasion]
    fresh = [option for option in options if not any(option in text for text in said)]
    pool = fresh or list(options)
    digest = hashlib.sha256(f"{occasion}\n{seed}".encode()).digest()
    return pool[int.from_bytes(digest[:4], "big") % len(pool)]


def is_courtesy(sentence: str, languages: Iterable[Language] = LANGUAGES) -> bool:
    """Whether `sentence` is one of the phrase book's."""
    return any(sentence in options for language in languages for options in phrases(language).values())
