"""A folder (or ZIP) of Markdown files in and out: front matter, then the answer. Foreign ones need no front matter."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from knowledge.article_text import ArticleText
from knowledge.exchange.encoding import decoded
from knowledge.exchange.gather import rows_of
from knowledge.exchange.markup import has_markup, plain, without_script_links
from knowledge.exchange.names import language_of, slug
from knowledge.exchange.records import Place, Reading, Row, Rows
from knowledge.exchange.source import Member, Source
from knowledge.files import FileProblem
from knowledge.yaml_files import dump_yaml, load_yaml

MAX_BYTES: Final = 2 * 1024 * 1024
_FRONT: Final = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_HEADING: Final = re.compile(r"^(#{1,4})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE: Final = re.compile(r"^\s*(```|~~~)")


def read_markdown(source: Source, reading: Reading) -> Rows:
    """One row per file, or one per question where a file is a list of questions as headings."""
    for member in source.having(".md", ".markdown") or source.members:
        place = Place(member.shown)
        try:
            text = decoded(member.path, member.read(MAX_BYTES), reading).removeprefix("\ufeff")
            yield from _file(member, text.replace("\r\n", "\n").replace("\r", "\n"))
        except FileProblem as problem:
            yield Row(Place(member.shown, problem.line), None, problem.problem)
        except ValueError as problem:
            yield Row(place, None, str(problem))


def write_markdown(path: Path, articles: Iterable[ArticleText]) -> int:
    """Write one file per article and language, into an empty folder or a new ZIP; returns how many articles.

    Raises:
        FileProblem: the folder holds something, which would be mixed with the export.
    """
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            return _write(
                articles,
                lambda name, text: archive.writestr(zipfile.ZipInfo(name), text.encode(), zipfile.ZIP_DEFLATED),
            )
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileProblem(path, None, "is not an empty folder")
    path.mkdir(parents=True, exist_ok=True)
    return _write(articles, lambda name, text: (path / name).write_text(text, encoding="utf-8", newline="\n"))


def _write(articles: Iterable[ArticleText], put: Any) -> int:
    count = 0
    for count, article in enumerate(articles, start=1):  # noqa: B007 - the count is the result
        for row in rows_of(article):
            answer = row.pop("answer")
            front = {
                name: row[name]
                for name in ("id", "language", "category", "question", "variants", "public")
                if row.get(name)
            }
            put(f"{quote(article.id, safe=' ')}.{row['language']}.md", f"---\n{dump_yaml(front)}---\n{answer}\n")
    return count


def _file(member: Member, text: str) -> Iterator[Row]:
    front, body = _front(member, text)
    given: dict[str, Any] = {name: front[name] for name in ("id", "category", "variants", "public") if name in front}
    if front.get("id") and "question" in front and "language" in front:  # one of ours: nothing in it is touched
        ours = {name: value for name, value in front.items() if name != "answer"}
        yield Row(Place(member.shown), {"variants": [], "public": None, **ours, "answer": body})
        return
    named = _language(member, front)
    skipped = "a draft" if front.get("draft") is True or front.get("published") is False else ""
    if isinstance(given.get("category"), list) or "category" not in given:
        given["category"] = _category(member, front)
    asked = front.get("question") or front.get("title")
    if not asked and (parts := _questions(body)):
        above = text[: len(text) - len(body)].count("\n")
        for line, question, answer in parts:
            one = {**_without_id(given), **named, "question": question, "answer": _clean(answer)}
            yield Row(Place(member.shown, line + above), one, skipped=skipped)
        return
    if not asked:
        asked, body = _titled(member, body)
    given.setdefault("id", _id(member, front))
    yield Row(Place(member.shown), {**given, **named, "question": asked, "answer": _clean(body)}, skipped=skipped)


def _front(member: Member, text: str) -> tuple[dict[str, Any], str]:
    found = _FRONT.match(text)
    if found is None:
        return {}, text
    front, _ = load_yaml(member.path, found[1])
    if front is None:
        front = {}
    if not isinstance(front, dict):
        raise FileProblem(member.path, 1, "its front matter is no list of names and values")
    return front, text[found.end() :]


def _language(member: Member, front: dict[str, Any]) -> dict[str, str]:
    """What the front matter says, else the file's name (`late-fee.pl.md`), else a folder (`pl/late-fee.md`)."""
    said = next((front[name] for name in ("language", "lang", "locale") if name in front), None)
    if said is not None:
        return {"language": language_of(said) or str(said)}
    path = PurePosixPath(member.name)
    for part in (PurePosixPath(path.stem).suffix.removeprefix("."), *reversed(path.parts[:-1])):
        if len(part) in (2, 5) and (found := language_of(part)):
            return {"language": found}
    return {}


def _category(member: Member, front: dict[str, Any]) -> str:
    said = front.get("category") or front.get("categories") or front.get("section")
    said = said[0] if isinstance(said, list) and said else said
    folders = [part for part in PurePosixPath(member.name).parts[:-1] if not language_of(part)]
    return str(said or (folders[-1] if folders else ""))


def _id(member: Member, front: dict[str, Any]) -> str:
    if front.get("slug"):
        return str(front["slug"]).strip("/").replace("/", "-")
    stem = PurePosixPath(member.name).stem
    base = PurePosixPath(stem)
    return slug(base.stem if language_of(base.suffix.removeprefix(".")) else stem) or slug(member.name)


def _titled(member: Member, body: str) -> tuple[str, str]:
    """The first heading and what follows; without one, the file's name."""
    lines = body.strip().split("\n")
    if heading := _HEADING.match(lines[0]):
        return heading[2], "\n".join(lines[1:])
    return PurePosixPath(member.name).stem.replace("-", " ").replace("_", " "), body


def _questions(body: str) -> list[tuple[int, str, str]]:
    """A page of questions as headings: line, question, answer. Empty where it is one article."""
    headings: list[tuple[int, int, str]] = []
    lines, fenced = body.split("\n"), False
    for number, line in enumerate(lines):
        fenced ^= bool(_FENCE.match(line))
        if not fenced and (heading := _HEADING.match(line)):
            headings.append((number, len(heading[1]), heading[2]))
    asked = [held for held in headings if held[2].rstrip("*_ ").endswith("?")]
    if len(asked) < 2 or len({level for _, level, _ in asked}) > 1:
        return []
    level = asked[0][1]
    found = []
    for number, _, question in asked:
        end = next((at for at, deep, _ in headings if at > number and deep <= level), len(lines))
        found.append((number + 1, question.strip("*_ "), "\n".join(lines[number + 1 : end])))
    return found


def _clean(text: str) -> str:
    """Foreign Markdown: HTML in it becomes text, links to scripts lose their address."""
    text = without_script_links(text)
    return plain(text) if has_markup(text) and not re.search(r"```|~~~", text) else text


def _without_id(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in ("id", "variants", "public")}
