"""Examples: labelled messages with their provenance. Only approved ones are trained on.

The column `text_sha256` holds `key_of(text)`, so the table itself takes a text once per language, and the check for
leakage is a look-up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot.privacy import mask
from knowledge.database import Database
from knowledge.languages import is_language
from training.records import Labelled, Refusal, Split, State, key_of
from training.shipped import read_shipped
from training.tables import Example

SHIPPED: Final = "shipped"
CORRECTED: Final = "corrected"
MAX_TEXT: Final = 2000
_INTENT: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which examples to list; an empty field does not narrow."""

    language: str = ""
    intent: str = ""
    state: str = ""
    split: str = ""
    source: str = ""
    q: str = ""


def load_shipped_examples(database: Database, *, train: Path | None = None, held_out: Path | None = None) -> int:
    """Load the shipped examples that are missing; returns how many are new.

    A second call adds nothing and undoes nothing that a person has decided since.

    Raises:
        ExampleFileProblem: a file cannot be read.
        Refusal: `leakage` where a held-out text is also among those to train on.
    """
    files: dict[Split, list[Labelled]] = {
        "held_out": read_shipped("held_out", held_out),
        "train": read_shipped("train", train),
    }
    _check_apart(files["held_out"], files["train"])
    with database.write() as session:
        return sum(_add_missing(session, split, rows) for split, rows in files.items())


def _check_apart(held_out: Sequence[Labelled], train: Sequence[Labelled]) -> None:
    learned = {key_of(row.text) for row in train}
    leaked = next((row for row in held_out if key_of(row.text) in learned), None)
    if leaked is not None:
        raise Refusal("leakage", f"{leaked.language}: {leaked.text!r} is held out and learned as well")


def _add_missing(session: Session, split: Split, rows: Sequence[Labelled]) -> int:
    held: set[tuple[str, str]] = set()
    other_split: set[str] = set()
    for key, language, of in session.execute(select(Example.text_sha256, Example.language, Example.split)):
        held.add((language, key))
        if of != split:
            other_split.add(key)
    added = 0
    for row in rows:
        key = key_of(row.text)
        # A text that a person added to the other split meanwhile stays where it is.
        if (row.language, key) in held or key in other_split:
            continue
        held.add((row.language, key))
        session.add(_row(row, split, SHIPPED, SHIPPED))
        added += 1
    session.flush()
    return added


def add_correction(
    session: Session,
    given: Labelled,
    labelled_by: str,
    *,
    message_id: int | None = None,
    model_intent: str | None = None,
) -> Example:
    """Add what a person says a message means; where its text is an example already, that one gets the new label.

    Personal data is masked before anything is stored.

    Args:
        message_id: the message it is taken from, None for a text made up as an example.
        model_intent: what the model took it for.

    Raises:
        Refusal: `bad_language`, `empty`, `too_long`, `unknown_intent`, or `leakage` for a text of a held-out set.
    """
    example = Labelled(mask(given.text, given.language).strip(), given.language, given.intent)
    _check(session, example)
    key = key_of(example.text)
    if session.scalar(select(Example.id).where(Example.text_sha256 == key, Example.split == "held_out")) is not None:
        raise Refusal("leakage", "this text is in a held-out set: it is kept for examining models, never learned")
    found = session.scalar(select(Example).where(Example.text_sha256 == key, Example.language == example.language))
    if found is None:
        found = _row(example, "train", CORRECTED, labelled_by)
        found.message_id, found.model_intent = message_id, model_intent
        session.add(found)
    elif found.intent != example.intent or found.state != "approved":
        found.intent, found.source, found.state = example.intent, CORRECTED, "approved"
        found.labelled_by, found.model_intent = labelled_by, model_intent
    session.flush()
    return found


def set_state(session: Session, example_id: int, state: State) -> Example:
    """Approve or withdraw an example.

    Raises:
        Refusal: `not_found`; `frozen` for a held-out one, because every model is measured on the same set.
    """
    example = session.get(Example, example_id)
    if example is None:
        raise Refusal("not_found", "there is no such example")
    if example.split == "held_out":
        raise Refusal("frozen", "held-out examples stay as they are, so that models can be compared")
    example.state = state
    return example


def find_examples(session: Session, wanted: Wanted, *, page: int = 1, page_size: int = 50) -> tuple[list[Example], int]:
    """A page of examples, newest first, and how many there are in all."""
    conditions = _conditions(wanted)
    total = session.scalar(select(func.count()).select_from(Example).where(*conditions)) or 0
    rows = session.scalars(
        select(Example).where(*conditions).order_by(Example.id.desc()).limit(page_size).offset((page - 1) * page_size)
    )
    return list(rows), total


def approved(session: Session, split: Split) -> list[Labelled]:
    """The approved examples of a split, in an order that depends on nothing but themselves."""
    rows = session.execute(
        select(Example.text, Example.language, Example.intent).where(
            Example.split == split, Example.state == "approved"
        )
    )
    return sorted((Labelled(*row) for row in rows), key=lambda row: (row.language, row.intent, row.text))


def known_intents(session: Session) -> list[str]:
    """The intents that the approved training examples name, in order."""
    query = select(Example.intent).where(Example.split == "train", Example.state == "approved").distinct()
    return sorted(session.scalars(query))


def _conditions(wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    columns = {
        Example.language: wanted.language,
        Example.intent: wanted.intent,
        Example.state: wanted.state,
        Example.split: wanted.split,
        Example.source: wanted.source,
    }
    narrowed: list[ColumnElement[bool]] = [column == value for column, value in columns.items() if value]
    if wanted.q:
        narrowed.append(Example.text.icontains(wanted.q, autoescape=True))
    return narrowed


def _check(session: Session, example: Labelled) -> None:
    if not is_language(example.language):
        raise Refusal("bad_language", f"{example.language!r} is not a language the product learns")
    if not example.text:
        raise Refusal("empty", "an example needs a text")
    if len(example.text) > MAX_TEXT:
        raise Refusal("too_long", f"an example has at most {MAX_TEXT} characters")
    if _INTENT.fullmatch(example.intent) is None or example.intent not in known_intents(session):
        raise Refusal("unknown_intent", f"there is no intent {example.intent[:60]!r}")


def _row(example: Labelled, split: Split, source: str, labelled_by: str) -> Example:
    return Example(
        text=example.text, text_sha256=key_of(example.text), language=example.language, intent=example.intent,
        source=source, split=split, state="approved", labelled_by=labelled_by,
    )  # fmt: skip
