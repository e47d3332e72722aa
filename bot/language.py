"""Which of the product's six languages a text is in, or `other`.

Two steps. lingua's full models choose among the six. Whether the text is in one of them at all is asked of lingua's
small trigram models over some thirty languages, corrected by letters and frequent words that tell neighbours apart
(Czech from Slovak, Russian from Ukrainian). Full models of the neighbours were tried instead of the small ones: they
were no better beside the words, and took 400 MB more. `training.evaluate.language` measures it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from bot import language_signs
from knowledge.languages import Language, is_language

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER: Final = "other"
# Beside the six: neighbours and the languages most often written to European brands.
_OUTSIDERS: Final = (
    *("GERMAN", "SPANISH", "FRENCH", "UKRAINIAN", "SLOVAK", "CROATIAN", "PORTUGUESE", "ROMANIAN", "DUTCH", "HUNGARIAN"),
    *("TURKISH", "SWEDISH", "SLOVENE", "BULGARIAN", "BELARUSIAN", "LITHUANIAN", "FINNISH", "DANISH", "SERBIAN"),
    *("LATVIAN", "ESTONIAN", "BOKMAL", "VIETNAMESE"),
)
_SIX: Final[dict[str, Language]] = {
    "POLISH": "pl",
    "RUSSIAN": "ru",
    "ITALIAN": "it",
    "CZECH": "cs",
    "ALBANIAN": "sq",
    "ENGLISH": "en",
}
_NOISE: Final = re.compile(r"https?://\S+|\S+@\S+|[@#]\w+|\b(?:\w+\.)+[a-z]{2,}(?:/\S*)?", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_LONGEST: Final = 600
"""Characters read; more do not change the verdict and cost time."""
_SURE: Final = 0.6
"""Below this the six-language verdict counts as ambiguous, and a hint decides."""
_NONSENSE: Final = 0.5
_BRIEF: Final = 6
"""Letters up to which a text is too short to be called foreign where the thread's language is known."""


@dataclass(frozen=True, slots=True)
class _Weights:
    """Logistic regression: is the text in one of the six? Fitted on the demo's own texts and on sentences in twenty
    other languages written for the purpose; tilted (`intercept`) towards the six, whose messages must not be lost."""

    small_models: float = 0.67
    own: float = 1.06
    foreign: float = -2.41
    forty_characters: float = 2.29
    intercept: float = 0.86


_W: Final = _Weights()


@dataclass(frozen=True, slots=True)
class Detection:
    """A verdict: one of the six codes or `other`, how probable, and whether a hint had or should have the last word."""

    language: str
    probability: float
    ambiguous: bool


def detect(text: str, hint: str | None = None) -> Detection:
    """The language of `text`.

    `hint` is the language of the thread or account (one of the six codes): it decides when the text alone does not,
    as for "ok" or a bare link. A text without letters and without a hint is `other`.
    """
    letters = _NOISE.sub(" ", text[:_LONGEST]).strip()
    words = [word.lower() for word in _WORD.findall(letters)]
    known_hint = hint if is_language(hint) else None
    if not words:
        return Detection(known_hint or OTHER, 0.0, True)
    among_six = _six(letters, words)
    best = max(among_six, key=lambda code: among_six[code])
    if language_signs.gibberish(words) >= _NONSENSE:
        return Detection(OTHER, 1.0, False)
    odds = _odds_of_six(letters, words, best)
    brief = len(letters) <= _BRIEF and not language_signs.foreign(words)
    if odds < 0 and not (known_hint and (odds > -1 or brief)):
        return Detection(OTHER, 1 / (1 + math.exp(odds)), odds > -1)
    ambiguous = among_six[best] < _SURE
    if known_hint and ((ambiguous and among_six[known_hint] >= among_six[best] / 4) or (brief and odds < 0)):
        best = known_hint
    return Detection(best, among_six[best], ambiguous)


def fold(text: str) -> str:
    """Lower case without diacritics, as people type on a phone; Cyrillic й and ё become и and е."""
    plain = unicodedata.normalize("NFD", text.lower().translate(_FOLDED))
    return "".join(character for character in plain if not unicodedata.combining(character))


_FOLDED: Final = str.maketrans("łđøıŁĐØ", "ldoildo")


def _six(letters: str, words: list[str]) -> dict[Language, float]:
    """Shares of the six languages, summing to one: lingua's, weighed by telling words and letters."""
    shares = _confidences(_choice_detector(), letters)
    weighed = {
        code: (shares.get(name, 0.0) + 1e-4) * math.exp(0.9 * min(language_signs.own(words, code), 4))
        for name, code in _SIX.items()
    }
    total = sum(weighed.values())
    return {code: share / total for code, share in weighed.items()}


def _odds_of_six(letters: str, words: list[str], best: Language) -> float:
    """Log odds that the text is in one of the six languages."""
    shares = _confidences(_membership_detector(), letters)
    inside = sum(share for name, share in shares.items() if name in _SIX)
    inside = min(max(inside, 1e-3), 1 - 1e-3)
    return (
        _W.intercept
        + _W.small_models * math.log(inside / (1 - inside))
        + _W.own * min(language_signs.own(words, best), 4)
        + _W.foreign * min(language_signs.foreign(words), 4)
        + _W.forty_characters * min(len(letters), 80) / 40
    )


def _confidences(detector: Any, letters: str) -> Mapping[str, float]:
    return {value.language.name: value.value for value in detector.compute_language_confidence_values(letters)}


@lru_cache(maxsize=1)
def _choice_detector() -> Any:
    from lingua import Language as Known
    from lingua import LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_languages(*(getattr(Known, name) for name in _SIX)).build()


@lru_cache(maxsize=1)
def _membership_detector() -> Any:
    from lingua import Language as Known
    from lingua import LanguageDetectorBuilder

    names = (*_SIX, *_OUTSIDERS)
    builder = LanguageDetectorBuilder.from_languages(*(getattr(Known, name) for name in names))
    return builder.with_low_accuracy_mode().build()


def warm_up() -> None:
    """Load the models now (some seconds, 200 MB) instead of at the first message."""
    detect("Dzień dobry, mam pytanie o fakturę.")
