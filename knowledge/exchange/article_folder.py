"""Our own folder of YAML files, one article each, as rows."""

from __future__ import annotations

from knowledge.article_files import MAX_BYTES, article_of
from knowledge.exchange.gather import rows_of
from knowledge.exchange.records import Place, Reading, Row, Rows
from knowledge.exchange.source import Source
from knowledge.files import FileProblem


def read_articles(source: Source, reading: Reading) -> Rows:
    """One row per article and language; a file that is wrong is one refused row."""
    places: dict[str, str] = {}
    for member in source.having(".yml", ".yaml") or (source.members if source.kind == "file" else ()):
        try:
            article = article_of(member.path, member.read(MAX_BYTES))
        except FileProblem as problem:
            field = problem.problem.partition(":")[0] if ": " in problem.problem else ""
            yield Row(Place(member.shown, problem.line), None, problem.problem, field=field)
            continue
        if article.id in places:
            yield Row(Place(member.shown), None, f"article {article.id!r} is already in {places[article.id]}")
            continue
        places[article.id] = member.name
        for row in rows_of(article):
            yield Row(Place(member.shown, item=f"languages.{row['language']}"), row)
