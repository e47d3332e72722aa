"""The triage policy: editable data, checked when it is read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.records import Outcome
from knowledge.languages import Language

SHIPPED: Final = Path(__file__).with_name("policy.yml")
TEAMS: Final = ("care", "billing", "technical", "sales", "security", "retention", "press")


class WrongPolicy(ValueError):
    """A policy file cannot be used; the message names the file and the field."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IntentRule(_Strict):
    """What one intent calls for."""

    public: Outcome
    private: Outcome
    team: str | None
    points: int = Field(ge=0, le=100)


class Weights(_Strict):
    """What each circumstance adds to the priority at most."""

    urgent: int
    upset: int
    reach: int
    waiting: int
    returned: int
    pile_on: int


class Cues(_Strict):
    """Beginnings of words (lower case, without diacritics) per language."""

    upset: dict[Language, tuple[str, ...]]
    insult: dict[Language, tuple[str, ...]]
    thanks: dict[Language, tuple[str, ...]]
    praise: dict[Language, tuple[str, ...]]


class Policy(_Strict):
    """What messages call for, whose they are and how urgent."""

    id: str
    intent_counts: float = Field(ge=0, le=1)
    intent_sure: float = Field(ge=0, le=1)
    intents: dict[str, IntentRule]
    hit_overrules: tuple[str, ...]
    categories: dict[str, str]
    urgent_articles: frozenset[str]
    for_all_articles: frozenset[str]
    for_all_authors: int = Field(ge=2)
    fault_articles: frozenset[str]
    weights: Weights
    promise_minutes: int = Field(ge=1)
    wide_reach: int = Field(ge=1)
    stale_translation: Literal["warn", "withhold"]
    cues: Cues
    fingerprint: str = ""

    @property
    def version(self) -> str:
        """The policy's id with a fingerprint of its content."""
        return f"{self.id}@{self.fingerprint}"


def load_policy(path: Path = SHIPPED) -> Policy:
    """Read and check a policy.

    Raises:
        WrongPolicy: the file is missing, not YAML, or a field is wrong.
    """
    try:
        content = path.read_bytes()
        data = yaml.safe_load(content)
        policy = Policy.model_validate({**data, "fingerprint": hashlib.sha256(content).hexdigest()[:8]})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise WrongPolicy(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (OSError, yaml.YAMLError, TypeError) as wrong:
        raise WrongPolicy(f"{path.name}: {wrong}") from None
    teams = {*policy.categories.values(), *(rule.team for rule in policy.intents.values() if rule.team)}
    if unknown := teams - set(TEAMS):
        raise WrongPolicy(f"{path.name}: unknown team {sorted(unknown)[0]!r}; known: {', '.join(TEAMS)}")
    return policy
