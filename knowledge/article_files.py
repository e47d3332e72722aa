"""Articles as YAML files, one each, in a folder. Written by people, so every complaint names the line."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import yaml
from pydantic import ValidationError

from knowledge.article_text import ArticleText, first_fault
from knowledge.files import FileProblem

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 12
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


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
    if len(raw) > MAX_BYTES:
        raise FileProblem(path, None, f"larger than {MAX_BYTES} bytes")
    try:
        root = yaml.compose(raw.decode("utf-8"), Loader=_Loader)
        _refuse_tricks(path, root)
        given = yaml.constructor.SafeConstructor().construct_document(root) if root is not None else None
    except UnicodeDecodeError as problem:
        raise FileProblem(path, None, f"not UTF-8 at byte {problem.start}") from problem
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        if isinstance(problem, FileProblem):
            raise
        raise FileProblem(path, _line_of(problem), _said(problem)) from problem
    try:
        return ArticleText.model_validate(given)
    except ValidationError as wrong:
        place = wrong.errors(include_url=False, include_input=False)[0]["loc"]
        raise FileProblem(path, _line_at(root, place), first_fault(wrong)) from None


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
        text = yaml.dump(as_plain(article), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)
        (folder / f"{quote(article.id, safe=' ')}.yml").write_text(text, encoding="utf-8", newline="\n")
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


def _refuse_tricks(path: Path, root: yaml.Node | None) -> None:
    """Aliases can blow a small file up to any size; a key given twice would lose the first one silently."""
    seen: set[int] = set()
    waiting = [(root, 0)] if root is not None else []
    while waiting:
        node, depth = waiting.pop()
        line = node.start_mark.line + 1
        if id(node) in seen:
            raise FileProblem(path, line, "aliases (&, *) are not taken here")
        if depth > MAX_DEPTH:
            raise FileProblem(path, line, "nested too deeply")
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
            if twice is not None:
                raise FileProblem(path, line, f"{twice!r} is given twice")
            waiting += [(part, depth + 1) for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(part, depth + 1) for part in node.value]


def _line_at(node: yaml.Node | None, place: tuple[Hashable, ...]) -> int | None:
    """The line of the value at a place such as `languages.pl.question`, or of the nearest thing around it."""
    if node is None:
        return None
    if place:
        step, rest = place[0], place[1:]
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == step:
                    return _line_at(value, rest)
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return _line_at(node.value[step], rest)
    return node.start_mark.line + 1


def _line_of(problem: Exception) -> int | None:
    mark = getattr(problem, "problem_mark", None)
    return mark.line + 1 if mark is not None else None


def _said(problem: Exception) -> str:
    if isinstance(problem, yaml.MarkedYAMLError):
        return problem.problem or "not YAML"
    return "nested too deeply" if isinstance(problem, RecursionError) else " ".join(str(problem).split())
