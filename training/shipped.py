"""The examples that come with the product: Rasa nlu.yml files, one per language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from bot.rasa_home import PROJECT
from training.records import Labelled, Split

FOLDERS: Final[dict[Split, Path]] = {"held_out": PROJECT / "tests" / "heldout", "train": PROJECT / "data" / "nlu"}
"""Where the examples of each split lie; a file is named after its language."""


class ExampleFileProblem(ValueError):
    """A file of examples that cannot be read; the message names it and says what is wrong."""


def read_shipped(split: Split, folder: Path | None = None) -> list[Labelled]:
    """All shipped examples of a split, in the order of the files.

    Raises:
        ExampleFileProblem: there is no file, or one is not a Rasa nlu.yml file.
    """
    place = folder or FOLDERS[split]
    paths = sorted(place.glob("*.yml"))
    if not paths:
        raise ExampleFileProblem(f"{place}: no .yml files in it")
    return [example for path in paths for example in read_nlu(path)]


def read_nlu(path: Path) -> Iterator[Labelled]:
    """The examples of one nlu.yml file, whose name is its language.

    Raises:
        ExampleFileProblem: the file is not what Rasa calls NLU training data.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise ExampleFileProblem(f"{path}: {' '.join(str(problem).split())}") from problem
    blocks = content.get("nlu") if isinstance(content, dict) else None
    if not isinstance(blocks, list):
        raise ExampleFileProblem(f"{path}: it has no list under `nlu`")
    for block in blocks:
        yield from _block(path, block)


def _block(path: Path, block: Any) -> Iterator[Labelled]:
    if not isinstance(block, dict) or not all(isinstance(block.get(key), str) for key in ("intent", "examples")):
        raise ExampleFileProblem(f"{path}: an entry without the texts `intent` and `examples`")
    for line in block["examples"].splitlines():
        if not line.startswith("-"):
            raise ExampleFileProblem(f"{path}: {block['intent']}: an example must start with `-`: {line!r}")
        yield Labelled(text=line[1:].strip(), language=path.stem, intent=block["intent"])
