"""The records of training: what goes into a run and what is refused."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from knowledge.folding import fold

Split = Literal["train", "held_out"]
State = Literal["proposed", "approved", "withdrawn"]

OnProgress = Callable[[str, int, int], None]
"""Called with stage, done, of."""

INTENTS: Final = "intents"
"""The kind of run and model that this product trains with Rasa."""

_WORDS: Final = re.compile(r"\w+")


class Refusal(ValueError):
    """Something was asked that is not done. `code` is stable, the message is for a person."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text in a language with its intent."""

    text: str
    language: str
    intent: str


def key_of(text: str) -> str:
    """SHA-256 of what two texts must share to count as the same: their words without case, accents, punctuation.

    "Dzięki!!" and "dzieki" are one example, and one that was learned must not be examined.
    """
    words = " ".join(_WORDS.findall(fold(text)))
    return hashlib.sha256((words or text.strip()).encode("utf-8", "surrogatepass")).hexdigest()
