"""What the assistant needs from outside: a search over the articles and an understander of intents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from knowledge.hits import Hit


class KnowledgeSearch(Protocol):
    """Finds articles for a message. `revision` counts up with every published change of the base."""

    @property
    def revision(self) -> int:
        """Counts up with every published change of the base."""
        ...

    @property
    def encoder_version(self) -> str:
        """Which encoder made the vectors."""
        ...

    def search(
        self,
        text: str,
        *,
        language: str | None,
        audience: Literal["public", "private"],
        channel_kind: str,
        k: int = 5,
    ) -> list[Hit]:
        """The best `k` articles, best first; empty when the base holds none for this audience."""
        ...


class ParsedIntent(Protocol):
    """One intent with its probability, 0 to 1."""

    @property
    def name(self) -> str:
        """The intent's name."""
        ...

    @property
    def probability(self) -> float:
        """P(the message means this), 0 to 1."""
        ...


class ParsedIntents(Protocol):
    """Intents of one text, likeliest first, and the model that named them."""

    @property
    def intents(self) -> Sequence[ParsedIntent]:
        """Likeliest first."""
        ...

    @property
    def model(self) -> str:
        """Which model named them."""
        ...


class IntentUnderstander(Protocol):
    """Names the intents of a text. Raises `bot.intents.IntentsUnavailable` when it cannot."""

    def parse(self, text: str) -> ParsedIntents:
        """The intents of one text."""
        ...
