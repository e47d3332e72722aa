"""`odzew knowledge import | export | imports | undo | search`."""

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
from knowledge.exchange import (
    FORMATS,
    WRITTEN,
    NoSuchImport,
    Reading,
    Report,
    Undone,
    export_base,
    import_base,
    imports,
    undo_import,
)
from knowledge.exchange.encoding import known_encoding
from knowledge.languages import LANGUAGES, is_language
from knowledge.search import KnowledgeBase
from knowledge.team import load_team

app = typer.Typer(help="The question-and-answer base.", no_args_is_help=True)

BY = "command-line"


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="a file, a folder or a .zip")],
    format_: Annotated[str | None, typer.Option("--format", help=f"{', '.join(FORMATS)}; without: as it looks")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would happen to each row")] = False,
    skip_refused: Annotated[
        bool, typer.Option("--skip-refused", help="import the rest where rows are refused")
    ] = False,
    language: Annotated[str | None, typer.Option(help="of rows that do not say theirs; without: as detected")] = None,
    encoding: Annotated[str | None, typer.Option(help="of text files; without: as it looks")] = None,
    as_json: Json = False,
) -> None:
    """Import articles. Nothing is stored unless every row is good, or the bad ones are to be skipped."""
    if encoding is not None and not known_encoding(encoding):
        raise BadInput(f"--encoding: there is no encoding {encoding!r}")
    reading = Reading(language=_language(language), detect=_detected, encoding=encoding)
    with workspace(make=True) as space, progress("importing") as count:
        report = import_base(
            space.database, path, by=BY, format=format_, dry_run=dry_run, skip_refused=skip_refused, reading=reading,
            progress=count, on_stored=lambda session, _report: _note(space, session, "imported", f"file:{path.name}"),
        )  # fmt: skip
        space.nudge.send("work")
    answer(as_json, report.as_dict(), lambda: _show(report, dry_run))
    if report.problems and not report.stored and not (dry_run and skip_refused):
        more = f" (and {len(report.problems) - 1} more)" if len(report.problems) > 1 else ""
        raise BadInput(f"nothing was imported: {report.problems[0]}{more}")


@app.command()
def export(
    path: Annotated[Path, typer.Argument()],
    format_: Annotated[
        str | None, typer.Option("--format", help=f"{', '.join(WRITTEN)}; without: by the file's name")
    ] = None,
    as_json: Json = False,
) -> None:
    """Export the articles as they are now."""
    with workspace() as space, progress("exporting") as count:
        written = export_base(space.database, path, format=format_, progress=count)
    answer(as_json, {"articles": written, "path": str(path)}, lambda: print(f"{written} articles in {path}"))


@app.command("imports")
def list_imports(as_json: Json = False) -> None:
    """List what was imported, the newest first."""
    with workspace() as space, space.database.read() as session:
        held = imports(session)
    shown = [(one.id, f"{one.at:%Y-%m-%d %H:%M}", one.by, one.source, one.articles, one.state) for one in held]
    columns = ["number", "when (UTC)", "by", "from", "articles", "state"]
    answer(as_json, [asdict(one) for one in held], lambda: table("", columns, shown))


@app.command()
def undo(
    number: Annotated[int, typer.Argument(help="the import's number, as `imports` lists it")],
    rest: Annotated[bool, typer.Option("--rest", help="leave alone what was edited since, undo the rest")] = False,
    as_json: Json = False,
) -> None:
    """Undo a whole import."""
    with workspace() as space:
        try:
            with space.database.write() as session:
                outcome = undo_import(session, number, by=BY, rest=rest)
                if outcome.restored or outcome.removed:
                    _note(space, session, "import_undone", f"import:{number}")
        except NoSuchImport:
            raise BadInput(f"there is no import {number}") from None
        space.nudge.send("work")
    answer(as_json, asdict(outcome), lambda: _show_undone(outcome))
    if not outcome.done:
        raise CheckFailed(
            f"nothing was undone: {len(outcome.blocked)} articles have changed since; --rest undoes the others"
        )


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
    spoken = _language(language)
    with workspace() as space, progress("loading") as count:
        team = load_team(space.settings.embedding_model)
        base = KnowledgeBase(space.database, team, count, folder=space.settings.index_folder)
        hits = base.search(text, language=spoken or detect(text).language, audience=audience, k=k)
        base.close()
    rows = [asdict(hit) for hit in hits]
    shown = [(f"{hit.probability:.2f}", hit.article, hit.language, hit.phrasing) for hit in hits]
    answer(as_json, rows, lambda: table("", ["probability", "article", "language", "nearest phrasing"], shown))


def _language(given: str | None) -> str | None:
    if given is not None and not is_language(given):
        raise BadInput(f"--language is one of {', '.join(LANGUAGES)}, not {given!r}")
    return given


def _detected(text: str) -> str | None:
    return detect(text).language


def _note(space: Workspace, session: Session, act: str, what: str) -> None:
    space.trail.add(session, BY, f"knowledge.{act}", what[:120])


def _show(report: Report, dry_run: bool) -> None:
    words = "would be " if dry_run else ""
    for remark in report.remarks:
        print(f"note: {remark}")
    if dry_run:
        for line in report.lines:
            about = " ".join(part for part in (line.article, line.language) if part)
            print(f"{line.fate:9}  {line.place}  {about}{': ' if line.reason else ''}{line.reason}")
            for name, (old, new) in line.changes.items():
                print(f"           - {name}: {old!r}\n           + {name}: {new!r}")
    print(
        f"{report.format}: {len(report.lines)} rows read; articles: {len(report.new)} {words}new, "
        f"{len(report.changed)} {words}changed, {len(report.unchanged)} unchanged, {len(report.retired)} retired"
    )
    print("rows: " + ", ".join(f"{count} {fate}" for fate, count in report.counts.items()))
    if report.import_id is not None:
        print(f"import {report.import_id}; `odzew knowledge undo {report.import_id}` takes it back")


def _show_undone(outcome: Undone) -> None:
    for article, reason in outcome.blocked.items():
        print(f"left  {article}: {reason}")
    if outcome.done:
        print(f"{len(outcome.restored)} articles restored, {len(outcome.removed)} taken away")
