"""Scenarios: how a discussion may develop and what to say then. Data, checked when it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.records import Outcome, Stance
from knowledge.languages import LANGUAGES, Language

SHIPPED: Final = Path(__file__).parent / "demo" / "scenarios"
FALLBACK: Final = "general"
LONGEST_REPLY: Final = 280

SituationName = Literal[
    "others_join",
    "still_upset",
    "asks_when",
    "gives_data",
    "thanks",
    "escalates",
    "threatens_to_leave",
    "third_party_right",
    "third_party_wrong",
    "troll",
    "press",
    "edited_or_deleted",
    "language_switch",
    "silence",
]


class WrongScenario(ValueError):
    """A scenario file cannot be used; the message names the file and the field."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Situation(_Strict):
    """One turn the discussion may take, with the reply prepared for it."""

    id: SituationName
    weight: float = Field(gt=0, le=1)
    intents: tuple[str, ...] = ()
    stance: Stance
    reply: dict[Language, str]
    next: tuple[Situation, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for language in LANGUAGES:
            text = self.reply.get(language)
            if text is None:
                raise ValueError(f"reply.{language} is missing")
            if not text.strip() and self.stance != "wait":
                raise ValueError(f"reply.{language} is empty; only a situation that waits may say nothing")
            if len(text) > LONGEST_REPLY:
                raise ValueError(f"reply.{language} is longer than {LONGEST_REPLY} characters")
        _check_siblings(self.next)
        return self


class Stop(_Strict):
    """When to stop answering in public, and what to do then."""

    after_public_answers: int = Field(ge=1)
    then: Outcome


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a scenario is chosen by: the counting intent, the article of a sure hit, and what happens in the thread."""

    intent: str | None = None
    article: str | None = None
    upset: float = 0.0
    reach: int = 0
    returned: bool = False
    personal_data: bool = False
    public: bool = True


class When(_Strict):
    """What must hold of a message and its thread. What is left out does not matter."""

    upset_from: float | None = Field(default=None, gt=0, le=1)
    reach_from: int | None = Field(default=None, ge=1)
    """Followers of the author."""
    returned: bool | None = None
    """The author wrote before, and the brand has answered since."""
    personal_data: bool | None = None
    public: bool | None = None
    answerable: bool | None = None
    """An article answers the message surely enough for a draft."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("says nothing; leave `when` out")
        return self

    def holds(self, seen: Circumstances) -> bool:
        """Whether all of it is so."""
        facts = {
            "returned": seen.returned,
            "personal_data": seen.personal_data,
            "public": seen.public,
            "answerable": seen.article is not None,
        }
        return (
            seen.upset >= (self.upset_from or 0)
            and seen.reach >= (self.reach_from or 0)
            and all(getattr(self, name) in (None, fact) for name, fact in facts.items())
        )


class Scenario(_Strict):
    """A playbook, chosen by intents, by the article of the best hit or by `when`; lower `priority` is looked at first.

    With `when` and intents or articles, both must fit.
    """

    id: str = Field(min_length=1)
    intents: tuple[str, ...]
    articles: tuple[str, ...]
    when: When | None = None
    priority: int
    stop: Stop
    names: dict[Language, str]
    situations: tuple[Situation, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _check_siblings(self.situations)
        return self

    def fits(self, seen: Circumstances) -> bool:
        """Whether these circumstances call for it.

        A scenario bound to articles is not chosen by intent alone when the best hit points elsewhere.
        """
        if self.when is not None and not self.when.holds(seen):
            return False
        if not self.intents and not self.articles:
            return self.when is not None
        if seen.article is not None and seen.article in self.articles:
            return True
        elsewhere = seen.article is not None and bool(self.articles)
        return seen.intent is not None and seen.intent in self.intents and not elsewhere


class Playbook:
    """All scenarios in the order they are looked at, with a version that changes when any of them does."""

    def __init__(self, scenarios: Iterable[Scenario], version: str) -> None:
        self.scenarios: Final = tuple(sorted(scenarios, key=lambda scenario: (scenario.priority, scenario.id)))
        self.version: Final = version
        if self.get(FALLBACK) is None:
            raise WrongScenario(f"there is no scenario {FALLBACK!r}, which stands for everything no other fits")

    def get(self, name: str) -> Scenario | None:
        """The scenario of that id, None when there is none."""
        return next((scenario for scenario in self.scenarios if scenario.id == name), None)

    def choose(self, seen: Circumstances) -> Scenario:
        """The first scenario that the circumstances call for; the fallback where there is none."""
        for scenario in self.scenarios:
            if scenario.fits(seen):
                return scenario
        fallback = self.get(FALLBACK)
        assert fallback is not None  # noqa: S101  # the constructor has seen to it
        return fallback


def load_scenarios(folder: Path = SHIPPED) -> Playbook:
    """Read and check every `*.yml` of a folder.

    Raises:
        WrongScenario: a file is not YAML, a field is wrong, an id is taken twice, or there is no `general`.
    """
    files = sorted(folder.glob("*.yml"))
    digest = hashlib.sha256()
    found: dict[str, Scenario] = {}
    for path in files:
        digest.update(path.name.encode() + path.read_bytes())
        scenario = _read(path)
        if scenario.id in found:
            raise WrongScenario(f"{path.name}: id: {scenario.id!r} is taken by another file")
        found[scenario.id] = scenario
    return Playbook(found.values(), digest.hexdigest()[:12])


def _read(path: Path) -> Scenario:
    try:
        return Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise WrongScenario(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as wrong:
        raise WrongScenario(f"{path.name}: {wrong}") from None


def _check_siblings(siblings: tuple[Situation, ...]) -> None:
    names = [situation.id for situation in siblings]
    if len(set(names)) < len(names):
        raise ValueError("the same situation stands twice among siblings")
    if sum(situation.weight for situation in siblings) > 1.0001:
        raise ValueError("the weights of siblings sum to more than 1")
