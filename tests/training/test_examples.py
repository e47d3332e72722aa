"""Examples: loading the shipped ones, what a person corrects, and that nothing leaks into the held-out set."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from knowledge.database import Database
from tests.fixtures.database import sqlite_only
from training.examples import (
    Wanted,
    add_correction,
    approved,
    find_examples,
    known_intents,
    load_shipped_examples,
    set_state,
)
from training.records import Labelled, Refusal, key_of
from training.shipped import ExampleFileProblem, read_nlu, read_shipped
from training.tables import Example

LANGUAGES = {"pl", "ru", "it", "cs", "sq", "en"}


def write_nlu(folder: Path, language: str, *pairs: tuple[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    blocks = "".join(f"- intent: {intent}\n  examples: |\n    - {text}\n" for intent, text in pairs)
    path = folder / f"{language}.yml"
    path.write_text(f'version: "3.1"\nnlu:\n{blocks}', encoding="utf-8")
    return path


INTENTS = ("complaint", "follow_up", "praise", "question", "request_person", "spam", "thanks")


@pytest.fixture
def loaded(database: Database, tmp_path: Path) -> Database:
    """A database with a few examples of every language, loaded as the shipped ones are."""
    for language in LANGUAGES:
        for folder, count in (("train", 3), ("held", 4)):
            pairs = [(intent, f"{folder} {language} {intent} {n}") for intent in INTENTS for n in range(count)]
            write_nlu(tmp_path / folder, language, *pairs)
    load_shipped_examples(database, train=tmp_path / "train", held_out=tmp_path / "held")
    return database


def test_the_shipped_examples_cover_every_intent_in_every_language() -> None:
    learn, held_out = read_shipped("train"), read_shipped("held_out")
    for rows, least in ((learn, 15), (held_out, 4)):
        counts: dict[tuple[str, str], int] = {}
        for row in rows:
            counts[row.language, row.intent] = counts.get((row.language, row.intent), 0) + 1
        assert {language for language, _ in counts} == LANGUAGES
        assert len({intent for _, intent in counts}) >= 14
        assert min(counts.values()) >= least
        assert len(counts) == 6 * len({intent for _, intent in counts})


def test_no_shipped_held_out_text_is_learned() -> None:
    learn = {key_of(row.text) for row in read_shipped("train")}
    assert not [row for row in read_shipped("held_out") if key_of(row.text) in learn]


@sqlite_only
def test_loading_twice_adds_nothing_and_undoes_nothing(database: Database) -> None:
    assert load_shipped_examples(database) > 2000
    with database.write() as session:
        first = session.scalars(select(Example).where(Example.split == "train")).first()
        assert first is not None
        set_state(session, first.id, "withdrawn")
        before = session.scalar(select(func.count()).select_from(Example))
    assert load_shipped_examples(database) == 0
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Example)) == before
        assert session.get_one(Example, first.id).state == "withdrawn"
        assert {row.split for row in session.scalars(select(Example))} == {"train", "held_out"}


def test_a_shipped_leak_is_refused(database: Database, tmp_path: Path) -> None:
    write_nlu(tmp_path / "train", "pl", ("thanks", "Dzięki!!"), ("spam", "kup teraz"))
    write_nlu(tmp_path / "held", "pl", ("thanks", "dzieki"), ("spam", "tanie kredyty"))
    with pytest.raises(Refusal) as refusal:
        load_shipped_examples(database, train=tmp_path / "train", held_out=tmp_path / "held")
    assert refusal.value.code == "leakage"
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Example)) == 0


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    for content in (
        "nlu: 7",
        "- : [",
        "nlu:\n- intent: x\n",
        "nlu:\n- intent: x\n  examples: |\n    no dash\n",
        "\x00",
    ):
        path = tmp_path / "pl.yml"
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ExampleFileProblem, match=r"pl\.yml"):
            list(read_nlu(path))
    with pytest.raises(ExampleFileProblem):
        read_shipped("train", tmp_path / "nothing")


def test_a_correction_is_masked_and_keeps_its_provenance(loaded: Database) -> None:
    text = "Oddzwońcie do mnie: +48 601 234 567, jan.kowalski@poczta.example"
    with loaded.write() as session:
        example = add_correction(
            session, Labelled(text, "pl", "request_person"), "timur", message_id=7, model_intent="question"
        )
    with loaded.read() as session:
        kept = session.get_one(Example, example.id)
    assert "601" not in kept.text and "kowalski" not in kept.text
    assert "[phone]" in kept.text and "[email]" in kept.text
    assert (kept.source, kept.state, kept.split, kept.labelled_by) == ("corrected", "approved", "train", "timur")
    assert (kept.message_id, kept.model_intent) == (7, "question")


def test_a_second_opinion_relabels_the_same_text(loaded: Database) -> None:
    with loaded.write() as session:
        first = add_correction(session, Labelled("Gdzie jest moja paczka, Lumo?", "pl", "question"), "timur")
        second = add_correction(session, Labelled("gdzie jest MOJA paczka lumo", "pl", "follow_up"), "admin")
        assert first.id == second.id
    with loaded.read() as session:
        kept = session.get_one(Example, first.id)
    assert (kept.intent, kept.labelled_by) == ("follow_up", "admin")


def test_a_held_out_text_is_never_learned(loaded: Database) -> None:
    with loaded.read() as session:
        held = approved(session, "held_out")[0]
    with loaded.write() as session, pytest.raises(Refusal) as refusal:
        add_correction(session, Labelled(held.text.upper() + "!", "en", held.intent), "timur")
    assert refusal.value.code == "leakage"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (Labelled("  \n ", "pl", "thanks"), "empty"),
        (Labelled("x" * 3000, "pl", "thanks"), "too_long"),
        (Labelled("hallo", "de", "thanks"), "bad_language"),
        (Labelled("witam", "pl", "no_such_intent"), "unknown_intent"),
        (Labelled("witam", "pl", "thanks\n- intent: x"), "unknown_intent"),
    ],
)
def test_what_cannot_be_an_example_is_refused(loaded: Database, given: Labelled, code: str) -> None:
    with loaded.write() as session, pytest.raises(Refusal) as refusal:
        add_correction(session, given, "timur")
    assert refusal.value.code == code


def test_only_approved_examples_are_learned(loaded: Database) -> None:
    with loaded.write() as session:
        made = add_correction(session, Labelled("zupełnie nowy tekst", "pl", "thanks"), "timur")
        assert Labelled("zupełnie nowy tekst", "pl", "thanks") in approved(session, "train")
        set_state(session, made.id, "withdrawn")
        assert Labelled("zupełnie nowy tekst", "pl", "thanks") not in approved(session, "train")
    assert made.id


def test_held_out_examples_are_frozen(loaded: Database) -> None:
    with loaded.write() as session:
        held = session.scalars(select(Example).where(Example.split == "held_out")).first()
        assert held is not None
        with pytest.raises(Refusal) as refusal:
            set_state(session, held.id, "withdrawn")
    assert refusal.value.code == "frozen"


def test_examples_are_found_by_filters(loaded: Database) -> None:
    with loaded.write() as session:
        add_correction(session, Labelled("100% nowy_tekst", "sq", "praise"), "timur")
    with loaded.read() as session:
        rows, total = find_examples(session, Wanted(q="0% nowy_"))
        assert (total, rows[0].language) == (1, "sq")
        assert find_examples(session, Wanted(q="%"))[1] == find_examples(session, Wanted(q="%"), page=2)[1]
        rows, total = find_examples(session, Wanted(language="cs", intent="spam", split="held_out"), page_size=2)
        assert len(rows) == 2 and total == 4
        assert "complaint" in known_intents(session)
