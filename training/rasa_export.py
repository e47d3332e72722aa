"""Approved examples as Rasa training data. Customers wrote these texts, so nothing in them may act as markup.

What Rasa 3.6 reads into a text, found by trying: `[x](y)`, `[x]{..}` and `[x][..]` make entities, a leading `/` names
an intent, a line break of any alphabet's kind ends the example, `\\u000a` is a line break in a file of plain ASCII.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from training.records import Labelled

MAX_CHARACTERS: Final = 1000
_MARKUP: Final = str.maketrans(dict.fromkeys("[]{}\\", " "))
_JOINERS: Final = frozenset("\u200c\u200d")
_STAND_INS: Final = {
    "[email]": "name@example.com",
    "[phone]": "600 000 000",
    "[iban]": "PL00 0000 0000 0000 0000 0000 0000",
    "[card]": "0000 0000 0000 0000",
    "[national_id]": "00000000000",
    "[customer_number]": "00000000",
}
"""Customers write numbers, not `[phone]`: the model must meet in training what it will meet in service."""

# The dash keeps the file out of Rasa's unescaping, which it applies to files of plain ASCII only.
_HEAD: Final = (
    'version: "3.1"\n# Written by Odzew from the approved examples of one run – changes here are lost.\nnlu:\n'
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: how many examples, how many were left out as empty, and the SHA-256 of it all."""

    examples: int
    left_out: int
    sha256: str


def export(examples: Iterable[Labelled], folder: Path) -> Exported:
    """Write one nlu.yml file per language. The same examples give the same bytes, in whatever order they come.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given = list(examples)
    cleaned = {Labelled(plain(row.text), row.language, row.intent) for row in given}
    kept = sorted((row for row in cleaned if row.text), key=lambda row: (row.language, row.intent, row.text))
    digest = hashlib.sha256()
    for language, rows in groupby(kept, key=lambda row: row.language):
        content = (_HEAD + "".join(_blocks(rows))).encode()
        digest.update(content)
        _write(folder / f"{language}.yml", content)
    return Exported(len(kept), len(given) - len(kept), digest.hexdigest())


def plain(text: str) -> str:
    """A text on one line, without anything that Rasa or YAML would read as more than text; may come out empty."""
    for masked, stand_in in _STAND_INS.items():
        text = text.replace(masked, stand_in)
    shown = "".join(" " if _is_control(letter) else letter for letter in text.translate(_MARKUP))
    return " ".join(shown.split()).lstrip("/ ")[:MAX_CHARACTERS].rstrip()


def _is_control(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category in {"Zl", "Zp"} or (category[0] == "C" and letter not in _JOINERS)


def _blocks(rows: Iterable[Labelled]) -> Iterable[str]:
    for intent, examples in groupby(rows, key=lambda row: row.intent):
        yield f"- intent: {intent}\n  examples: |\n"
        for example in examples:
            yield f"    - {example.text}\n"


def _write(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(content)
    aside.replace(path)
