"""Parts the tests of the assistant share: the shipped policy and scenarios, intents that say what they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bot.assistant import Assistant
from bot.intents import Intents, IntentsUnavailable
from bot.policy import load_policy
from bot.records import Intent
from bot.scenarios import load_scenarios
from tests.bot.demo_search import DemoSearch


@dataclass
class ToldIntents:
    """Answers with one intent, or refuses as Rasa does when it is down."""

    name: str | None
    probability: float = 0.9

    def parse(self, text: str) -> Intents:
        if self.name is None:
            raise IntentsUnavailable("Rasa is not reachable")
        return Intents((Intent(self.name, self.probability),), "told-1")


@pytest.fixture(scope="session")
def told() -> type[ToldIntents]:
    return ToldIntents


@pytest.fixture(scope="session")
def assistant() -> Callable[..., Assistant]:
    """An assistant over the demo articles: `assistant("complaint")`, `assistant(None)` with Rasa down."""
    policy, scenarios = load_policy(), load_scenarios()

    def make(
        intent: str | None = "question", probability: float = 0.9, *, threshold: float = 0.6, only: str | None = None
    ) -> Assistant:
        return Assistant(DemoSearch(only=only), ToldIntents(intent, probability), scenarios, policy, threshold)

    return make
