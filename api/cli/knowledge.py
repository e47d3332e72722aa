"""`odzew knowledge import | export | search`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer
from sqlalchemy.orm import Session

from api.boards import job
from api.cli.frame import BadInput, CheckFailed, Json, answer, progress, table, workspace
from api.workspace import Workspace
from bot.language import detect
from knowledge.exchange import Report, export_base, import_base
from knowledge.languages import LANGUAGES, is_language
from knowledge.search import KnowledgeBase
from knowledge.team import load_team

app = typer.Typer(help="The question-and-answer base.", no_args_is_help=True)

Format = Annotated[str | None, typer.Option("--format", help="jsonl, csv or yaml; without: by the file's name")]
BY = "command-line"


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument()],
    format_: Format = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would change")] = False,
    as_json: Json = False,
) -> None:
    """Import articles. Nothing is stored unless every row is good."""
    with workspace(make=True) as space, progress("importing") as count:
        report = import_base(
            space.database, path, by=BY, format=format_, dry_run=dry_run, progress=count,
            on_stored=lambda session, _report: _note(space, session, path),
        )  # fmt: skip
        space.nudge.send("work")
    answer(as_json, report.as_dict(), lambda: _show(report, dry_run))
    if report.problems:
        more = f" (and {len(report.problems) - 1} more)" if len(report.problems) > 1 else ""
        raise BadInput(f"nothing was imported: {report.problems[0]}{more}")


def _note(space: Workspace, session: Session, path: Path) -> None:
    space.trail.add(session, BY, "knowledge.imported", f"file:{path.name}"[:120])


def _show(report: Report, dry_run: bool) -> None:
    words = "would be " if dry_run else ""
    print(
        f"{len(report.new)} {words}new, {len(report.changed)} {words}changed, {len(report.unchanged)} unchanged, "
        f"{len(report.retired)} retired"
    )


@app.command()
def export(path: Annotated[Path, typer.Argument()], format_: Format = None, as_json: Json = False) -> None:
    """Export the articles as they are now."""
    with workspace() as space, progress("exporting") as count:
        written = export_base(space.database, path, format=format_, progress=count)
    answer(as_json, {"articles": written, "path": str(path)}, lambda: print(f"{written} articles in {path}"))


@app.command()
def boards(as_json: Json = False) -> None:
    """Compute the boards of the knowledge managers now: gaps, duplicates, contradictions, and the rest."""
    with workspace() as space:
        job.ask(space.database, BY)
        counted = job.run(space)
    if counted is None:
        raise CheckFailed("another process is computing the boards: look again in a moment")
    answer(as_json, counted, lambda: table("", ["board", "open"], list(counted.items())))


@app.command()
def search(
    text: Annotated[str, typer.Argument()],
    language: Annotated[str | None, typer.Option(help="the language of the text; without: as detected")] = None,
    audience: Annotated[Literal["public", "private"], typer.Option()] = "public",
    k: Annotated[int, typer.Option("-k", min=1, max=100)] = 5,
    as_json: Json = False,
) -> None:
    """Search by meaning."""
    if language is not None and not is_language(language):
        raise BadInput(f"--language is one of {', '.join(LANGUAGES)}, not {language!r}")
    with workspace() as space, progress("loading") as count:
        base = KnowledgeBase(space.database, load_team(space.settings.embedding_model), count)
        hits = base.search(text, language=language or detect(text).language, audience=audience, k=k)
    rows = [asdict(hit) for hit in hits]
    shown = [(f"{hit.probability:.2f}", hit.article, hit.language, hit.phrasing) for hit in hits]
    answer(as_json, rows, lambda: table("", ["probability", "article", "language", "nearest phrasing"], shown))
