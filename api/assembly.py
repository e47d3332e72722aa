"""Putting the assistant together from a workspace: knowledge base, intents, scenarios, policy."""

from __future__ import annotations

from collections.abc import Callable

from api.rasa_address import FollowingIntents
from api.workspace import Workspace
from bot.assistant import Assistant
from bot.policy import load_policy
from bot.ports import IntentUnderstander
from bot.scenarios import load_scenarios
from knowledge.search import KnowledgeBase
from knowledge.team import load_team


def build_assistant(workspace: Workspace, progress: Callable[[int, int], None] | None = None) -> Assistant:
    """The assistant of a workspace. Loads the encoder and fits the ranker: seconds, the first time longer."""
    encoder = load_team(workspace.settings.embedding_model)
    base = KnowledgeBase(workspace.database, encoder, progress, folder=workspace.settings.index_folder)
    assistant = Assistant(
        base,
        build_intents(workspace),
        load_scenarios(),
        load_policy(),
        workspace.settings.draft_threshold,
    )
    assistant.warm_up()
    return assistant


def base_of(assistant: Assistant) -> KnowledgeBase | None:
    """The base that an assistant searches, if it is one of ours."""
    return assistant.search if isinstance(assistant.search, KnowledgeBase) else None


def build_intents(workspace: Workspace) -> IntentUnderstander | None:
    """Whoever names intents; None where Rasa is switched off."""
    if workspace.settings.rasa == "off":
        return None
    return FollowingIntents(workspace.settings)
