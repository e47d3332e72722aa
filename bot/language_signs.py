"""Letters and frequent words that tell the six languages from their neighbours, and the look of gibberish."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import yaml

from knowledge.languages import LANGUAGES, Language

# Letters that, among the languages told apart here, (nearly) only this one has.
_OWN_LETTERS: Final[dict[Language, str]] = {"pl": "ąęłśźżń", "ru": "ыэёъ", "it": "", "cs": "řěů", "sq": "ë", "en": ""}
_FOREIGN_LETTERS: Final = frozenset("ľĺŕôäßüöñ¿¡іїєґўőűşğãõșțăâîûêåøæđœјљњћђџѓќœĳģķņūīėųįαβγδεηικλμνοπρστω")

_WORDS: Final = yaml.safe_load(Path(__file__).with_name("language_words.yml").read_text(encoding="utf-8"))
_OWN_WORDS: Final[dict[Language, frozenset[str]]] = {code: frozenset(_WORDS["own"][code].split()) for code in LANGUAGES}
_FOREIGN_WORDS: Final = frozenset(_WORDS["foreign"].split()).difference(*_OWN_WORDS.values())

# Infinitives; Czech ends them in -t.
_SLOVAK_ENDING: Final = re.compile(r"(?:ova|ie|[^ií]i|nú)ť$")

_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю")
_NEIGHBOURS: Final = frozenset(a + b for row in _ROWS for a, b in (*pairwise(row), *pairwise(row[::-1])))
_VOWELS: Final = re.compile(r"[aeiouyąęóáéíúůýěàèìòùëêôâäöüаеёиоуыэюяіїє]")


def own(words: Sequence[str], code: Language) -> float:
    """How much speaks for `code`: its own words, and words with letters only it has."""
    letters = _OWN_LETTERS[code]
    return sum(1.0 if word in _OWN_WORDS[code] else 0.8 * any(c in letters for c in word) for word in words)


def foreign(words: Sequence[str]) -> float:
    """How much speaks for a language outside the six: letters none of them has, words of their neighbours."""
    count = 0.0
    for word in words:
        if any(c in _FOREIGN_LETTERS for c in word):
            count += 1.5
        elif word in _FOREIGN_WORDS or _SLOVAK_ENDING.search(word):
            count += 1
    return count


def gibberish(words: Sequence[str]) -> float:
    """Share of the letters, 0 to 1, in words nobody writes: keyboard runs, no vowels, one letter over and over."""
    total = sum(map(len, words))
    return sum(len(word) for word in words if _is_noise(word)) / total if total else 0.0


def _is_noise(word: str) -> bool:
    if len(word) < 4 or any(word in known for known in _OWN_WORDS.values()):
        return False
    pairs = [word[i : i + 2] for i in range(len(word) - 1)]
    if len(set(word)) <= 2:
        return True
    if sum(pair in _NEIGHBOURS for pair in pairs) / len(pairs) > 0.65:
        return True
    # Czech has words without a vowel, none of six letters without l or r; everyone shortens words of up to four.
    return len(word) >= 5 and not _VOWELS.search(word) and not ("r" in word or "l" in word)
