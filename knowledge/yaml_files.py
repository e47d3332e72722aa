"""YAML that other people wrote: read without tricks, each complaint with its line."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final

import yaml

from knowledge.files import FileProblem

MAX_DEPTH: Final = 12
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def load_yaml(path: Path, text: str) -> tuple[Any, yaml.Node | None]:
    """One YAML document as plain data, and its nodes for `line_at`.

    Raises:
        FileProblem: it is no YAML, is nested deeper than 12, uses aliases or tags, or gives a key twice.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
        _refuse_tricks(path, root)
        return (yaml.constructor.SafeConstructor().construct_document(root) if root is not None else None), root
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        if isinstance(problem, FileProblem):
            raise
        raise FileProblem(path, _line_of(problem), _said(problem)) from problem


def dump_yaml(data: object) -> str:
    """Plain data as YAML, keys in their order."""
    return str(yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110))


def line_at(node: yaml.Node | None, place: tuple[Hashable, ...]) -> int | None:
    """The line of the value at a place such as `languages.pl.question`, or of the nearest thing around it."""
    if node is None:
        return None
    if place:
        step, rest = place[0], place[1:]
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == step:
                    return line_at(value, rest)
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return line_at(node.value[step], rest)
    return int(node.start_mark.line) + 1


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
            keys: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in keys:
                        raise FileProblem(path, line, f"{key.value!r} is given twice")
                    keys.add(key.value)
            waiting += [(part, depth + 1) for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(part, depth + 1) for part in node.value]


def _line_of(problem: Exception) -> int | None:
    mark = getattr(problem, "problem_mark", None)
    return mark.line + 1 if mark is not None else None


def _said(problem: Exception) -> str:
    if isinstance(problem, yaml.MarkedYAMLError):
        return problem.problem or "not YAML"
    return "nested too deeply" if isinstance(problem, RecursionError) else " ".join(str(problem).split())
