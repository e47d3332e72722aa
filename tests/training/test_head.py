"""The in-process head and `evaluate intents`: real encoder, a few sentences, files that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.files import FileProblem
from training.evaluate.intents import evaluate_intents
from training.head import IntentHead, OneIntent
from training.records import Labelled
from training.scores import measure

LEARN = {
    "thanks": ["thank you so much", "thanks a lot", "cheers, much appreciated", "dziękuję bardzo", "grazie mille"],
    "outage": [
        "my internet is down",
        "no signal since morning",
        "the wifi stopped",
        "nie działa internet",
        "la rete è giù",
    ],
    "price": ["how much is fibre", "what does it cost", "price of the plan", "ile kosztuje abonament", "quanto costa"],
}
ASKED = [
    ("thank you, you helped me", "thanks", "en"),
    ("dzięki wielkie", "thanks", "pl"),
    ("internet down again", "outage", "en"),
    ("od rana nie mam internetu", "outage", "pl"),
    ("how much would I pay", "price", "en"),
    ("quanto costa la fibra", "price", "it"),
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A train and a test file."""
    learn = [{"text": text, "label": label, "language": "en"} for label, texts in LEARN.items() for text in texts]
    asked = [{"text": text, "label": label, "language": language} for text, label, language in ASKED]
    return write(tmp_path / "train.jsonl", learn), write(tmp_path / "test.jsonl", asked)


def test_a_few_examples_are_enough_to_tell_plain_intents_apart(files: tuple[Path, Path]) -> None:
    steps: list[tuple[int, int]] = []
    data = evaluate_intents(*files, progress=lambda done, of: steps.append((done, of)))
    assert data["accuracy"] >= 5 / 6
    assert 0 <= data["macro_f1"] <= 1
    assert data["train_seconds"] > 0
    assert set(data["per_language"]) == {"en", "pl", "it"}
    assert (data["intents"], data["train_examples"], data["test_examples"], data["unknown_intents"]) == (3, 15, 6, 0)
    assert steps[-1] == (21, 21)
    json.dumps(data)


def test_an_intent_that_was_never_learned_counts_as_wrong(files: tuple[Path, Path], tmp_path: Path) -> None:
    strange = write(tmp_path / "strange.jsonl", [{"text": "no idea", "label": "unheard", "language": "en"}])
    data = evaluate_intents(files[0], strange)
    assert (data["accuracy"], data["unknown_intents"]) == (0.0, 1)


def test_files_that_cannot_be_used_are_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", [{"text": "a", "label": "x", "language": "en"}])
    broken = write(tmp_path / "broken.jsonl", [{"text": "a", "language": "en"}])
    for train, test, name in ((one, files[1], "one"), (files[0], broken, "broken"), (tmp_path / "gone", one, "gone")):
        with pytest.raises(FileProblem, match=name):
            evaluate_intents(train, test)


def test_the_same_input_gives_the_same_head() -> None:
    chance = np.random.default_rng(3)
    vectors = chance.normal(size=(40, 8)).astype(np.float32)
    texts = [f"text number {n} {'abc'[n % 3] * 4}" for n in range(40)]
    labels = ["abc"[n % 3] for n in range(40)]
    first, second = (IntentHead.fit(texts, vectors, labels) for _ in range(2))
    assert np.array_equal(first.probabilities(texts, vectors), second.probabilities(texts, vectors))
    assert first.name(texts, vectors) == labels
    assert np.allclose(first.probabilities(texts, vectors).sum(axis=1), 1)
    assert first.intents == ["a", "b", "c"]


@pytest.mark.parametrize("texts", [["😀", "👍"], ["", " "], ["a", "a"]])
def test_texts_without_letters_are_still_learned_from_their_vectors(texts: list[str]) -> None:
    vectors = np.array([[1, 0], [0, 1]], dtype=np.float32)
    assert IntentHead.fit(texts, vectors, ["x", "y"]).name(texts, vectors) == ["x", "y"]


def test_one_intent_is_nothing_to_tell_apart() -> None:
    with pytest.raises(OneIntent):
        IntentHead.fit(["a", "b"], np.eye(2, dtype=np.float32), ["x", "x"])


def test_figures_are_what_their_names_say() -> None:
    truth = [
        Labelled("", language, intent) for language, intent in (("pl", "a"), ("pl", "a"), ("cs", "b"), ("cs", "c"))
    ]
    scores = measure(truth, ["a", "b", "b", "a"])
    assert scores["accuracy"] == 0.5
    assert scores["per_language"]["pl"] == {"accuracy": 0.5, "macro_f1": pytest.approx(1 / 3), "examples": 2}
    assert scores["per_intent"]["a"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "examples": 2}
    assert scores["macro_f1"] == pytest.approx((0.5 + 2 / 3 + 0) / 3)
    assert scores["confusions"] == [
        {"intent": "a", "named": "b", "count": 1}, {"intent": "c", "named": "a", "count": 1},
    ]  # fmt: skip
    low, high = scores["accuracy_interval"]
    assert 0 < low < 0.5 < high < 1
