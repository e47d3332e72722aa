"""Putting the assistant together from a workspace: knowledge base, intents, scenarios, policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.assistant import Assistant
from bot.scenarios import load_scenarios

from api.rasa_address import FollowingIntents
from api.workspace import Workspace
from bot.policy import load_policy
from bot.ports import IntentUnderstander
from knowledge.encoder import load_encoder
from knowledge.search import KnowledgeBase

SCENARIOS = Path(__file__).parent.parent / "bot" / "demo" / "scenarios"


def build_assistant(
    workspace: Workspace, progress: Callable[[int, int], None] | None = None, *, store: bool = True
) -> Assistant:
    """The assistant of a workspace. Loads the encoder and fits the ranker: seconds, the first time longer.

    Without `store` nothing is written: vectors that are missing are made for this process alone.
    """
    encoder = load_encoder(workspace.settings.embedding_model)
    base = KnowledgeBase(workspace.database, encoder, progress=progress, store=store)
    return Assistant(
        base,
        build_intents(workspace),
        load_scenarios(SCENARIOS),
        load_policy(),
        workspace.settings.draft_threshold,
    )


def build_intents(workspace: Workspace) -> IntentUnderstander | None:
    """Whoever names intents; None where Rasa is switched off."""
    if workspace.settings.rasa == "off":
        return None
    return FollowingIntents(workspace.settings)
