"""Hostile text never becomes markup: whatever a customer wrote, Rasa reads one example of one intent, and no entity."""

from __future__ import annotations

import json
import random
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.rasa_home import ENVIRONMENT, installed
from tests.fixtures.lacking import lacks
from training.rasa_export import MAX_CHARACTERS, export, plain
from training.records import Labelled

NASTY = (
    "[here](http://spam.example)",
    '[x]{"entity": "city", "value": "Rome"}',
    '[x][{"entity": "a"}, {"entity": "b"}]',
    "/request_person",
    ' / /request_person{"a": 1}',
    "one\n- intent: spam\n  examples: |\n    - two",
    "one\r\n    - two",
    "one\u2028    - two\u0085    - three\x0b- four\x1c- five",
    r"ascii only \u000a- intent: spam",
    "${HOME} $PATH",
    "- - dash",
    "# no comment",
    "key: value",
    "'\"|>&*!%@`",
    "\ufeff\ufffe\x00\x07",
    "\ud800 half a pair",
    "👩‍👩‍👧 ❤️ :) (nice)",
    "[phone] [email] [iban] [card] [national_id] [customer_number]",
    "{{ 7*7 }}",
    "long " * 1000,
)

READ_BY_RASA = """
import json, sys
from rasa.shared.nlu.training_data.loading import load_data
data = load_data(sys.argv[1])
print(json.dumps([[m.get("intent"), m.get("text"), m.get("entities") or []] for m in data.training_examples]))
"""


def lines_of(folder: Path) -> list[tuple[str, str]]:
    """What a reader of YAML that splits examples as Rasa does finds: (intent, text)."""
    found = []
    for path in sorted(folder.glob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            for line in block["examples"].splitlines():
                assert line.startswith("-")
                found.append((block["intent"], line[1:].strip()))
    return found


@given(st.text(max_size=200) | st.sampled_from(NASTY))
def test_whatever_is_written_is_one_plain_line(text: str) -> None:
    cleaned = plain(text)
    assert len(cleaned.splitlines()) <= 1
    assert not re.search(r"[\[\]{}\\]", cleaned)
    assert not cleaned.startswith(("/", " "))
    assert len(cleaned) <= MAX_CHARACTERS
    assert plain(cleaned) == cleaned
    cleaned.encode("utf-8")


@given(st.lists(st.text(max_size=80) | st.sampled_from(NASTY), min_size=1, max_size=12))
def test_a_file_holds_what_was_put_in_and_no_more(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("export")
    given_ = [Labelled(text, "pl", ("thanks", "spam")[index % 2]) for index, text in enumerate(texts)]
    made = export(given_, folder)
    wanted = {(row.intent, plain(row.text)) for row in given_ if plain(row.text)}
    found = lines_of(folder)
    assert set(found) == wanted
    assert len(found) == made.examples


def test_the_same_examples_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    rows = [Labelled(f"text {n} ż", ("pl", "cs")[n % 2], ("thanks", "spam", "abuse")[n % 3]) for n in range(30)]
    first = export(rows, tmp_path / "a")
    random.Random(4).shuffle(rows)
    second = export(rows, tmp_path / "b")
    assert first.sha256 == second.sha256
    for name in ("pl.yml", "cs.yml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_masked_data_becomes_something_a_customer_could_write() -> None:
    assert plain("call me [phone] or [email]") == "call me 600 000 000 or name@example.com"
    assert plain("moje dane [national_id]") == "moje dane 00000000000"


def test_empty_texts_are_left_out_and_counted(tmp_path: Path) -> None:
    made = export(
        [Labelled("ok", "en", "thanks"), Labelled("[]{}", "en", "spam"), Labelled("///", "en", "spam")], tmp_path
    )
    assert (made.examples, made.left_out) == (1, 2)


def test_rasa_itself_reads_no_markup(tmp_path: Path) -> None:
    if not installed():
        lacks("Rasa's environment is not installed (bot/rasa/setup.sh)")
    rows = [Labelled(text, "en", ("thanks", "spam")[index % 2]) for index, text in enumerate(NASTY)]
    export(rows, tmp_path)
    export([Labelled(r"plain ascii \u000a- x", "it", "thanks")], tmp_path)
    read = subprocess.run(
        [ENVIRONMENT / "bin" / "python", "-W", "ignore", "-c", READ_BY_RASA, tmp_path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    messages = json.loads(read.stdout.splitlines()[-1])
    wanted = {(row.intent, plain(row.text)) for row in rows if plain(row.text)} | {
        ("thanks", plain(r"plain ascii \u000a- x"))
    }
    assert {(intent, text) for intent, text, _ in messages} == wanted
    assert all(entities == [] for *_, entities in messages)
