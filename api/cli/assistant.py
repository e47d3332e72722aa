"""`odzew draft | outlook`: the assistant on one text or one conversation. They read the workspace and write nothing."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from api.assembly import build_assistant
from api.cli.frame import BadInput, Json, answer, progress, workspace
from bot.assistant import Assistant
from bot.channels import KINDS
from bot.conversation_file import read_conversation
from bot.records import Prepared, Request, Turn
from knowledge.languages import LANGUAGES, is_language


def register(root: typer.Typer) -> None:
    """Add these commands to the root."""
    root.command()(draft)
    root.command()(outlook)


def draft(
    text: Annotated[str | None, typer.Argument(help="what the customer wrote")] = None,
    conversation: Annotated[Path | None, typer.Option(help="a conversation file, in place of a text")] = None,
    message: Annotated[str | None, typer.Option(help="which message of the conversation")] = None,
    channel: Annotated[str | None, typer.Option(help="kind of channel, such as facebook")] = None,
    language: Annotated[str | None, typer.Option(help="the language, where it is known")] = None,
    author: Annotated[str, typer.Option(help="who wrote it")] = "",
    as_json: Json = False,
) -> None:
    """Draft replies to a message, with evidence, or say why not."""
    request = _request(text, conversation, message, channel, language, author)
    with workspace() as space, progress("loading") as count:
        assistant = build_assistant(space, count)
        prepared = _prepare(assistant, request)
    data = _draft_json(prepared)
    answer(as_json, data, lambda: _show_draft(data))


def outlook(
    file: Annotated[Path, typer.Argument(help="a conversation file")],
    message: Annotated[str | None, typer.Option(help="which message of the conversation")] = None,
    as_json: Json = False,
) -> None:
    """Tell how a discussion may go on, and what to say in each case."""
    request = read_conversation(file, message)
    with workspace() as space, progress("loading") as count:
        assistant = build_assistant(space, count)
        prepared = _prepare(assistant, request)
    data = asdict(prepared.outlook)
    answer(as_json, data, lambda: _show_outlook(data, prepared.outlook.next))


def _request(
    text: str | None, conversation: Path | None, message: str | None, channel: str | None, language: str | None,
    author: str,
) -> Request:  # fmt: skip
    if (text is None) == (conversation is None):
        raise BadInput("give either a TEXT or --conversation FILE")
    if language is not None and not is_language(language):
        raise BadInput(f"--language is one of {', '.join(LANGUAGES)}, not {language!r}")
    if channel is not None and channel not in KINDS:
        raise BadInput(f"--channel is one of {', '.join(sorted(KINDS))}, not {channel!r}")
    if conversation is not None:
        request = read_conversation(conversation, message, language=language)
        return replace(request, channel_kind=channel or request.channel_kind)
    return Request(text=text or "", channel_kind=channel or "webhook", author=author, language=language)


def _prepare(assistant: Assistant, request: Request) -> Prepared:
    # The first sentence through the models pays for their loading, which took_ms leaves out.
    assistant.prepare(replace(request, text="warm up", thread=(), target=None))
    started = time.perf_counter()
    prepared = assistant.prepare(request)
    return replace(prepared, took_ms=round((time.perf_counter() - started) * 1000, 1))


def _draft_json(prepared: Prepared) -> dict[str, Any]:
    triage = prepared.triage
    return {
        "language": prepared.language,
        "triage": {
            "outcome": triage.outcome,
            "reasons": list(triage.reasons),
            "priority": triage.priority,
            "team": triage.team,
        },
        "abstained": prepared.abstained,
        "reason": prepared.reason,
        "drafts": [
            {
                "text": draft.text,
                "stance": draft.stance,
                "audience": draft.audience,
                "probability": draft.probability,
                "evidence": [asdict(item) for item in draft.evidence],
                "notes": list(draft.notes),
            }
            for draft in prepared.drafts
        ],
        "nearest": [asdict(near) for near in prepared.nearest],
        "took_ms": prepared.took_ms,
        "intents": [asdict(intent) for intent in prepared.intents],
        "intents_missing": prepared.intents_missing,
    }


def _show_draft(data: dict[str, Any]) -> None:
    triage = data["triage"]
    print(f"{data['language']}  {triage['outcome']}  priority {triage['priority']}  {data['took_ms']} ms")
    if data["intents_missing"]:
        print(f"no intents: {data['intents_missing']}")
    if data["abstained"]:
        print(f"no draft: {data['reason']}")
    for near in data["nearest"] if data["abstained"] else ():
        print(f"  nearest  {near['probability']:.2f}  {near['article']}")
    for one in data["drafts"]:
        sure = "" if one["probability"] is None else f"  {one['probability']:.2f}"
        print(f"\n[{one['stance']}, {one['audience']}{sure}]\n{one['text']}")
        used = {(item["article"], item["version"]) for item in one["evidence"] if item["article"]}
        for article, version in sorted(used):
            print(f"  evidence: {article}, version {version}")


def _show_outlook(data: dict[str, Any], turns: tuple[Turn, ...]) -> None:
    print(f"scenario {data['scenario']}, now: {data['situation']}")
    _show_turns(turns, 1)


def _show_turns(turns: tuple[Turn, ...], depth: int) -> None:
    for turn in turns:
        print(f"{'  ' * depth}{turn.probability:.2f}  {turn.situation} [{turn.stance}]: {turn.reply}")
        _show_turns(turn.next, depth + 1)
