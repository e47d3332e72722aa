"""Import and export of a whole base. An import is one transaction: all of it or nothing, whatever happens meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from knowledge.article_files import as_plain
from knowledge.article_text import ArticleText
from knowledge.bulk import save_articles, set_articles
from knowledge.database import Database
from knowledge.exchange.formats import read_base, write_base
from knowledge.exchange.plan import Line, Plan, Progress, Step, plan
from knowledge.exchange.records import Reading
from knowledge.exchange.tables import Import, ImportChange
from knowledge.store import article_texts
from knowledge.tables import Article

CHUNK = 200


class PlanChanged(ValueError):
    """The base has changed since the plan was made that is to be carried out."""


@dataclass(slots=True)
class Report:
    """The fate of every row of a file, and of every article by id."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    """In the file, but retired in the base: left as they are. Restore them first to import them."""
    problems: list[str] = field(default_factory=list)
    """`file:line: what is wrong`, one per refused row."""
    ignored_fields: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    format: str = ""
    lines: list[Line] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    digest: str = ""
    stored: bool = False
    import_id: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON. The counts of `fates` add up to `read`."""
        names = ("new", "changed", "unchanged", "retired", "problems", "ignored_fields", "remarks", "format", "stored")
        return {
            **{name: getattr(self, name) for name in names},
            "read": len(self.lines), "fates": self.counts, "digest": self.digest, "import": self.import_id,
            "rows": [line.as_dict() for line in self.lines],
        }  # fmt: skip


def import_base(
    database: Database,
    path: Path,
    *,
    by: str,
    format: str | None = None,
    dry_run: bool = False,
    skip_refused: bool = False,
    expected: str | None = None,
    reading: Reading | None = None,
    progress: Progress | None = None,
    on_stored: Callable[[Session, Report], None] | None = None,
) -> Report:
    """Import a file, a folder or an archive, in one transaction.

    With a refused row nothing is stored, unless `skip_refused`. A language that the file does not have stays as it is.
    `expected` is the digest of the plan that somebody has agreed to. `on_stored` runs inside the transaction.

    Raises:
        FileProblem: the file as a whole cannot be used. Bad rows are in the report instead.
        PlanChanged: the plan is no longer the one expected.
    """
    reading = reading or Reading()
    kind, gathered = read_base(path, format, reading)
    if dry_run or (gathered.problems and not skip_refused):
        with database.read() as session:
            return _report(kind, plan(session, gathered, progress), reading, gathered.ignored)
    with database.write() as session:
        made = plan(session, gathered, progress)
        report = _report(kind, made, reading, gathered.ignored)
        if expected is not None and report.digest != expected:
            raise PlanChanged("the base has changed since this was planned; look at the plan again")
        report.import_id = _store(session, made, Import(by=by, source=path.name[:200], format=kind, counts=made.counts))
        report.stored = True
        if on_stored is not None:
            on_stored(session, report)
    return report


def export_base(database: Database, path: Path, *, format: str | None = None, progress: Progress | None = None) -> int:
    """Write the base's active articles as they are now, without history; returns how many. Raises FileProblem."""
    with database.read() as session:
        ids = session.scalars(select(Article.id).where(Article.state == "active").order_by(Article.id)).all()
        articles = []
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            found = article_texts(session, chunk)
            articles += [found[key] for key in chunk]
            if progress:
                progress(start + len(chunk), len(ids))
    return write_base(path, format, articles)


def packed(article: ArticleText) -> str:
    """An article as the JSON in which an import remembers it."""
    return json.dumps(as_plain(article), ensure_ascii=False, sort_keys=True)


def _store(session: Session, made: Plan, about: Import) -> int | None:
    """Carry out a plan and write down how it is undone; None where there was nothing to do."""
    if not made.steps:
        return None
    session.add(about)
    session.flush()
    number, by = about.id, about.by
    set_articles(session, [step.after.id for step in made.steps if step.again], "active", by=by)
    save_articles(session, [step.after for step in made.steps], by=by)
    for start in range(0, len(made.steps), CHUNK):
        rows = [_change(number, step) for step in made.steps[start : start + CHUNK]]
        session.execute(insert(ImportChange), rows)
    return number


def _change(number: int, step: Step) -> dict[str, Any]:
    before = packed(step.before) if step.before else None
    after = packed(step.after)
    return {"import_id": number, "article_id": step.after.id, "before": before, "after": after, "undone": False}


def _report(kind: str, made: Plan, reading: Reading, ignored: set[str]) -> Report:
    return Report(
        new=made.new, changed=made.changed, unchanged=made.unchanged, retired=made.retired,
        problems=[f"{line.place}: {line.reason}" for line in made.lines if line.fate == "refused"],
        ignored_fields=sorted(ignored), remarks=list(reading.remarks), format=kind, lines=made.lines,
        counts=made.counts, digest=made.digest,
    )  # fmt: skip
