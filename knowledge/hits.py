"""A hit: an article found for a message, with the text that would answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Hit:
    """One article found for a message."""

    article: str
    category: str
    probability: float
    """P(this article is the right one), 0 to 1; the shares of one search sum to at most 1."""
    language: str
    """Language of `answer`: the asked one where the article has it, else another."""
    audience: Literal["public", "private"]
    version: int
    """Row id of the immutable version whose text `answer` is."""
    number: int
    """The version's number within its variant, counted from 1."""
    answer: str
    phrasing: str
    """The stored phrasing that matched best."""
    private_steps: bool = False
    """Whether the article also has a longer text for private conversations (it asks for account details)."""
    stale: bool = False
    """Whether `answer` is the translation of a text that has been replaced since."""
