"""The records that go into the assistant and come out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Outcome = Literal["answer", "answer_for_all", "go_private", "hide", "leave_to_community", "watch", "none"]
Stance = Literal["answer", "apologise", "ask", "go_private", "thank", "wait"]
Audience = Literal["public", "private"]


@dataclass(frozen=True, slots=True)
class Intent:
    """One intent with its probability, 0 to 1."""

    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """One message of the thread as the assistant sees it."""

    id: str
    parent: str | None
    author: str
    role: Literal["customer", "brand"]
    text: str
    at: datetime | None = None
    followers: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """A message to prepare, with the thread it stands in."""

    text: str
    channel_kind: str = "webhook"
    audience: Audience = "public"
    author: str = ""
    followers: int = 0
    language: str | None = None
    """Set when a person has said which language it is; otherwise it is detected."""
    thread: tuple[ThreadMessage, ...] = ()
    """The whole conversation in order, the target included."""
    target: str | None = None
    """The id of the target within `thread`."""
    initials: str = ""


@dataclass(frozen=True, slots=True)
class Triage:
    """What a message calls for, with reasons a person can read: `[{"code": ..., "detail": ...}]`."""

    outcome: Outcome
    reasons: tuple[dict[str, str], ...]
    priority: int
    """0 (can wait) to 100 (now)."""
    team: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where one sentence of a draft comes from; article and version are None for a courtesy."""

    sentence: str
    article: str | None
    version: int | None
    stale: bool = False
    """Whether it is a translation whose source has been replaced since."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposed reply."""

    text: str
    stance: Stance
    audience: Audience
    language: str
    probability: float | None
    """P(its article is the right one), calibrated; None where no article is used."""
    evidence: tuple[Evidence, ...]
    notes: tuple[dict[str, str], ...] = ()
    """What a guard removed or shortened: `[{"code": ..., "detail": ...}]`."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """A near article, shown where the assistant abstains."""

    article: str
    probability: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A likely next turn of the thread, with the reply prepared for it and what may follow."""

    situation: str
    probability: float
    reply: str
    stance: Stance
    next: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """A scenario applied to a thread: where it stands now and the likely next turns."""

    scenario: str
    situation: str
    next: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything the assistant made of one message."""

    language: str
    """One of the six codes, or `other`."""
    intents: tuple[Intent, ...]
    intents_missing: str | None
    """Why there are no intents, None when there are."""
    triage: Triage
    drafts: tuple[Draft, ...]
    abstained: bool
    reason: str | None
    """Why it abstained: a code of `bot.draft.ABSTAIN_REASONS`."""
    nearest: tuple[Nearest, ...]
    outlook: Outlook
    took_ms: float
    versions: dict[str, Any] = field(default_factory=dict)
