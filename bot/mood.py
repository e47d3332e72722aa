"""How a message sounds: upset, insulting, thankful, a question. Signs a person can point at, no model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.language import fold
from bot.policy import Cues
from knowledge.languages import is_language

_SHOUT: Final = re.compile(r"[!?]{2,}|[!?][1!?]+")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_ANGRY_FACES: Final = ("😡", "🤬", "😠", "👿", "💩", "🤦")
_GLAD_FACES: Final = ("❤", "😍", "🙏", "👏", "🥰", "💪")


@dataclass(frozen=True, slots=True)
class Mood:
    """How a message sounds. `signs` are what in the text says so."""

    upset: float
    """0 (calm) to 1 (furious)."""
    insult: bool
    thanks: bool
    praise: bool
    question: bool
    signs: tuple[str, ...]


def mood(text: str, language: str, cues: Cues) -> Mood:
    """How `text` sounds; words count only in the six languages, capitals and marks in all."""
    folded = fold(text)
    upset = _cue(folded, language, cues.upset)
    insults = _cue(folded, language, cues.insult)
    words = _WORD.findall(text)
    signs = [*upset, *insults]
    score = 0.3 * min(len(upset), 2) + (0.4 if insults else 0.0)
    if _SHOUT.search(text) and "!" in text + "!" * text.count("??"):
        score, signs = score + 0.25, [*signs, "!!!"]
    capitals = [word for word in words if word.isupper() and len(word) > 3]
    if len(capitals) >= 3 or (len(words) >= 3 and len(capitals) / len(words) > 0.5):
        score, signs = score + 0.3, [*signs, "CAPS"]
    if any(face in text for face in _ANGRY_FACES):
        score, signs = score + 0.4, [*signs, "emoji"]
    glad = any(face in text for face in _GLAD_FACES)
    return Mood(
        upset=min(score, 1.0),
        insult=bool(insults),
        thanks=bool(_cue(folded, language, cues.thanks)),
        praise=bool(_cue(folded, language, cues.praise)) or (glad and not upset),
        question="?" in text,
        signs=tuple(signs),
    )


def _cue(folded: str, language: str, cues: dict[str, tuple[str, ...]] | object) -> list[str]:
    if not is_language(language) or not isinstance(cues, dict):
        return []
    return [cue for cue in cues[language] if re.search(rf"(?<!\w){re.escape(fold(cue))}", folded)]
