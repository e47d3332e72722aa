"""`odzew up | demo | doctor`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api import demo as demo_workspace
from api.cli.frame import CheckFailed, Json, answer, progress, steps, table, workspace
from api.doctor import diagnose
from knowledge.search import KnowledgeBase
from knowledge.settings import Settings
from knowledge.team import load_team


def register(root: typer.Typer) -> None:
    """Add these commands to the root."""
    root.command()(up)
    root.command()(demo)
    root.command()(doctor)


def up(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="where the console listens")] = None,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="do not load the demo workspace")] = False,
    as_json: Json = False,
) -> None:
    """Run everything in the foreground: console, assistant, publisher, Rasa, Redis."""
    from api.supervisor import up as run

    given: dict[str, Any] = {} if port is None else {"port": port}
    status = run(Settings.load(**given), demo=not no_demo)
    answer(as_json, {"status": status}, lambda: None)
    if status:
        raise typer.Exit(status)


def demo(as_json: Json = False) -> None:
    """Load the demo workspace, with its vectors. Idempotent; no server needed."""
    settings = Settings.load()
    with workspace(make=True) as space:
        with steps() as step:
            loaded = demo_workspace.load(space.database, settings, step)
        encoder = load_team(settings.embedding_model)
        with progress("embedding the phrasings") as count:
            base = KnowledgeBase(space.database, encoder, count, folder=settings.index_folder)  # stores missing vectors
            base.close()
    data = {
        "articles": loaded.articles,
        "examples": loaded.examples,
        "messages": loaded.messages,
        "phrasings": base.phrasings,
        "passwords": loaded.passwords,
    }
    answer(as_json, data, lambda: _show_demo(data))


def _show_demo(data: dict[str, Any]) -> None:
    print(
        f"demo: {data['articles']} articles, {data['examples']} examples, {data['messages']} messages new; "
        f"{data['phrasings']} phrasings can be searched"
    )
    if data["passwords"]:
        table("Log-ins (shown once)", ["name", "password"], list(data["passwords"].items()))


def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="also load the embedding model")] = False, as_json: Json = False
) -> None:
    """Tell what is installed, reachable, degraded. Status 1 when the main job cannot work."""
    checks = diagnose(Settings.load(), deep=deep)
    rows = [{"name": check.name, "state": check.state, "detail": check.detail} for check in checks]
    works = all(check.state != "failed" for check in checks)
    answer(
        as_json,
        {"works": works, "checks": rows},
        lambda: table("Odzew", ["part", "state", ""], [list(row.values()) for row in rows]),
    )
    if not works:
        raise CheckFailed("the main job cannot work")
