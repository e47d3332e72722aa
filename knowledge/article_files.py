"""Articles as YAML files, one each, in a folder. Written by people, so every complaint names the line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pydantic import ValidationError

from knowledge.article_text import ArticleText, first_fault
from knowledge.files import FileProblem
from knowledge.yaml_files import dump_yaml, line_at, load_yaml

MAX_BYTES: Final = 1_000_000


def read_folder(folder: Path) -> list[ArticleText]:
    """Read every `*.yml` of a folder, by name. Raises FileProblem for the first file that is wrong."""
    paths = article_paths(folder)
    if not paths:
        raise FileProblem(folder, None, "there is no .yml file in it")
    return [read_article(path) for path in paths]


def article_paths(folder: Path) -> list[Path]:
    """The article files of a folder, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.suffix in (".yml", ".yaml"))


def read_article(path: Path) -> ArticleText:
    """Read one article. Raises FileProblem."""
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise FileProblem(path, None, problem.strerror or "cannot be read") from problem
    return article_of(path, raw)


def article_of(path: Path, raw: bytes) -> ArticleText:
    """The article of one file's bytes. Raises FileProblem."""
    if len(raw) > MAX_BYTES:
        raise FileProblem(path, None, f"larger than {MAX_BYTES} bytes")
    try:
        given, root = load_yaml(path, raw.decode("utf-8"))
    except UnicodeDecodeError as problem:
        raise FileProblem(path, None, f"not UTF-8 at byte {problem.start}") from problem
    try:
        return ArticleText.model_validate(given)
    except ValidationError as wrong:
        place = wrong.errors(include_url=False, include_input=False)[0]["loc"]
        raise FileProblem(path, line_at(root, place), first_fault(wrong)) from None


def write_folder(folder: Path, articles: Iterable[ArticleText]) -> int:
    """Write one file per article, named by its id, into a folder that is empty or not there yet. Returns how many.

    Raises:
        FileProblem: the folder holds something, which would be mixed with the export.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileProblem(folder, None, "is not an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for article in articles:
        (folder / f"{quote(article.id, safe=' ')}.yml").write_text(
            dump_yaml(as_plain(article)), encoding="utf-8", newline="\n"
        )
        count += 1
    return count


def as_plain(article: ArticleText) -> dict[str, Any]:
    """An article as dicts, lists and strings; a public text only where there is one."""
    return {
        "id": article.id,
        "category": article.category,
        "languages": {
            language: {
                "question": said.question,
                "variants": list(said.variants),
                "answer": said.answer,
                **({"public": said.public} if said.public else {}),
            }
            for language, said in article.languages.items()
        },
    }
