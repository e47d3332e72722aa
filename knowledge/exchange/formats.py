"""The formats of an exchange: their names, how each is recognised, read and written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, Literal

from knowledge.article_files import write_folder
from knowledge.article_text import ArticleText
from knowledge.exchange.article_folder import read_articles
from knowledge.exchange.chatwoot import is_chatwoot, read_chatwoot
from knowledge.exchange.faqpage import read_faqpage, write_faqpage
from knowledge.exchange.gather import Gathered, gather
from knowledge.exchange.json_files import MAX_BYTES
from knowledge.exchange.jsonl import read_jsonl, write_jsonl
from knowledge.exchange.markdown import read_markdown, write_markdown
from knowledge.exchange.rasa import is_rasa, read_rasa, write_rasa
from knowledge.exchange.records import Reading, Rows
from knowledge.exchange.source import Member, Source, open_source
from knowledge.exchange.table_csv import read_csv, write_csv
from knowledge.exchange.table_xlsx import read_xlsx, write_xlsx
from knowledge.exchange.zendesk import is_zendesk, read_zendesk
from knowledge.files import FileProblem

Format = Literal["jsonl", "csv", "xlsx", "markdown", "yaml", "faqpage", "rasa", "zendesk", "chatwoot"]
FORMATS: Final[tuple[Format, ...]] = (
    "jsonl", "csv", "xlsx", "markdown", "yaml", "faqpage", "rasa", "zendesk", "chatwoot",
)  # fmt: skip
WRITTEN: Final[tuple[Format, ...]] = ("jsonl", "csv", "xlsx", "markdown", "yaml", "faqpage", "rasa")
SUFFIXES: Final[dict[Format, str]] = {
    "jsonl": ".jsonl", "csv": ".csv", "xlsx": ".xlsx", "markdown": ".zip", "faqpage": ".html", "rasa": ".yml",
}  # fmt: skip
"""What a file of each format is called where it is one file."""

_READERS: Final[dict[Format, Callable[[Source, Reading], Rows]]] = {
    "jsonl": read_jsonl, "csv": read_csv, "xlsx": read_xlsx, "markdown": read_markdown, "yaml": read_articles,
    "faqpage": read_faqpage, "rasa": read_rasa, "zendesk": read_zendesk, "chatwoot": read_chatwoot,
}  # fmt: skip
_BY_SUFFIX: Final[dict[str, Format]] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".xlsx": "xlsx",
    ".xlsm": "xlsx", ".md": "markdown", ".markdown": "markdown", ".html": "faqpage", ".htm": "faqpage",
    ".xhtml": "faqpage", ".jsonld": "faqpage",
}  # fmt: skip
_WRITTEN_AS: Final[dict[str, Format]] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".xlsx": "xlsx", ".html": "faqpage",
    ".jsonld": "faqpage", ".yml": "rasa", ".yaml": "rasa", ".zip": "markdown",
}  # fmt: skip


def named_format(path: Path, named: str) -> Format:
    """The format of this name. Raises FileProblem."""
    for known in FORMATS:
        if named == known:
            return known
    raise FileProblem(path, None, f"no format {named!r}; there are {', '.join(FORMATS)}")


def read_base(path: Path, named: str | None, reading: Reading) -> tuple[Format, Gathered]:
    """Recognise the format, unless it is named, and read all of it; what is wrong with single rows is in the result.

    Raises:
        FileProblem: nothing of it can be used.
    """
    with open_source(path) as source:
        kind = named_format(path, named) if named else recognised(source)
        return kind, gather(str(path), _READERS[kind](source, reading), reading)


def recognised(source: Source) -> Format:
    """What a source looks like, by the names and the beginnings of its files. Raises FileProblem."""
    if not source.members:
        raise FileProblem(source.path, None, "there is no file in it")
    kinds: dict[Format, Member] = {}
    for member in source.members:
        kind = _of_member(member) if len(kinds) < 2 else None
        if kind is not None:
            kinds.setdefault(kind, member)
    if "rasa" in kinds:  # a bot's folder holds settings beside its training data
        kinds.pop("yaml", None)
    if len(kinds) == 1:
        return next(iter(kinds))
    if source.kind == "file" and source.path.suffix.lower() in (".xls", ".doc", ".docx", ".pdf", ".ods"):
        raise FileProblem(source.path, None, "is not read; save it as .xlsx or .csv")
    if not kinds:
        raise FileProblem(source.path, None, f"name its format: {', '.join(FORMATS)}")
    found = ", ".join(f"{kind} ({member.name})" for kind, member in kinds.items())
    raise FileProblem(source.path, None, f"holds several formats, {found}; name one")


def write_base(path: Path, named: str | None, articles: Iterable[ArticleText]) -> int:
    """Write articles; a file is written aside and then put in place whole. Returns how many. Raises FileProblem."""
    kind = written_format(path, named)
    try:
        if kind == "yaml":
            return write_folder(path, articles)
        if kind == "markdown" and path.suffix.lower() != ".zip":
            return write_markdown(path, articles)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{os.getpid()}.{path.name}")
        try:
            count = _write_file(kind, aside, articles)
            aside.replace(path)
        finally:
            if aside.is_dir():
                shutil.rmtree(aside)
            aside.unlink(missing_ok=True)
    except OSError as problem:
        raise FileProblem(path, None, problem.strerror or "cannot be written") from problem
    return count


def written_format(path: Path, named: str | None) -> Format:
    """The format of an export: the one named, or the one of the file's name. Raises FileProblem."""
    if named is not None:
        kind = named_format(path, named)
        if kind not in WRITTEN:
            raise FileProblem(path, None, f"{kind} is read but not written; there are {', '.join(WRITTEN)}")
        return kind
    if path.is_dir() or path.suffix == "":
        return "yaml"
    if path.suffix.lower() not in _WRITTEN_AS:
        raise FileProblem(path, None, f"name its format: {', '.join(WRITTEN)}")
    return _WRITTEN_AS[path.suffix.lower()]


def _write_file(kind: Format, path: Path, articles: Iterable[ArticleText]) -> int:
    if kind == "xlsx":
        with path.open("wb") as file:
            return write_xlsx(file, articles)
    if kind == "markdown":
        return write_markdown(path, articles)
    if kind == "rasa":
        return write_rasa(path, articles)
    # The mark at its start makes spreadsheets read a CSV as UTF-8.
    with path.open("w", encoding="utf-8-sig" if kind == "csv" else "utf-8", newline="") as text:
        if kind == "faqpage":
            return write_faqpage(text, articles, page=path.suffix.lower() not in (".json", ".jsonld"))
        return write_csv(text, articles) if kind == "csv" else write_jsonl(text, articles)


def _of_member(member: Member) -> Format | None:
    if member.suffix in _BY_SUFFIX:
        return _BY_SUFFIX[member.suffix]
    if member.suffix in (".yml", ".yaml"):
        with member.open() as file:
            # A file of examples may begin with pages of comments; a longer one is still looked through whole.
            return "rasa" if is_rasa(file.read(4 * 1024 * 1024).decode("utf-8", "replace")) else "yaml"
    if member.suffix == ".json":
        return _of_json(member)
    return None


def _of_json(member: Member) -> Format | None:
    raw = member.read(MAX_BYTES)
    try:
        document: Any = json.loads(raw)
    except RecursionError as problem:
        raise FileProblem(member.path, None, "not JSON: nested too deeply") from problem
    except ValueError:
        try:
            document = json.loads(raw.splitlines()[0])
        except (ValueError, IndexError, RecursionError):
            return "jsonl"  # whose reader says what is wrong, line by line
    if is_zendesk(document):
        return "zendesk"
    if is_chatwoot(document):
        return "chatwoot"
    first = document[0] if isinstance(document, list) and document else document
    if isinstance(first, dict) and {"@context", "@graph", "@type"} & first.keys():
        return "faqpage"
    return "jsonl" if isinstance(document, dict) else None
