"""Import and export of a whole base. An import is all or nothing, and can be tried without storing anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.article_text import ArticleText
from knowledge.database import Database
from knowledge.exchange_files import FORMATS, Format, format_of, read_base, write_base
from knowledge.store import article_text, merged, outcome_of, save_article
from knowledge.tables import Article

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Report:
    """The fate of every article of a file, by id. With a problem in it, nothing was stored."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    """In the file, but retired in the base: left as they are. Restore them first to import them."""
    problems: list[str] = field(default_factory=list)
    """`file:line: what is wrong`, one per bad row."""
    ignored_fields: list[str] = field(default_factory=list)
    stored: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return asdict(self)


def import_base(
    database: Database,
    path: Path,
    *,
    by: str,
    format: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    on_stored: Callable[[Session, Report], None] | None = None,
) -> Report:
    """Import a file (JSON Lines, CSV) or a folder of YAML, in one transaction.

    A language that the file does not have stays as it is. `on_stored` runs inside the transaction, for the audit.

    Raises:
        FileProblem: the file as a whole cannot be used. Bad rows are in `Report.problems` instead.
    """
    gathered = read_base(path, format_of(path, format))
    report = Report(problems=gathered.problems, ignored_fields=sorted(gathered.ignored))
    if report.problems or dry_run:
        with database.read() as session:
            _fates(session, gathered.articles, report, progress)
        return report
    with database.write() as session:
        for fresh in _fates(session, gathered.articles, report, progress):
            save_article(session, fresh, by=by, keep_other_languages=True)
        report.stored = True
        if on_stored is not None:
            on_stored(session, report)
    return report


def export_base(database: Database, path: Path, *, format: str | None = None, progress: Progress | None = None) -> int:
    """Write the base's active articles as they are now, without history; returns how many. Raises FileProblem."""
    kind = format_of(path, format)
    with database.read() as session:
        ids = session.scalars(select(Article.id).where(Article.state == "active").order_by(Article.id)).all()
        articles = []
        for done, key in enumerate(ids, start=1):
            found = article_text(session, key)
            if found is not None:
                articles.append(found)
            if progress:
                progress(done, len(ids))
    return write_base(path, kind, articles)


def _fates(
    session: Session, articles: list[ArticleText], report: Report, progress: Progress | None
) -> list[ArticleText]:
    """Sort the articles into the report; returns those that are to be stored."""
    retired = set(session.scalars(select(Article.id).where(Article.state == "retired")))
    fresh = []
    for done, article in enumerate(articles, start=1):
        held = article_text(session, article.id)
        outcome = outcome_of(held, merged(held, article))
        if article.id in retired:
            report.retired.append(article.id)
        else:
            getattr(report, outcome).append(article.id)
            if outcome != "unchanged":
                fresh.append(article)
        if progress:
            progress(done, len(articles))
    return fresh


__all__ = ["FORMATS", "Format", "Report", "export_base", "import_base"]
