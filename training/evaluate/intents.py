"""`odzew evaluate intents`: learn intents from one file, name them in another."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from bot.intents import IntentsUnavailable
from bot.rasa_home import RasaMissing
from bot.rasa_process import RasaFailed, RasaProcess
from bot.rasa_training import TrainingFailed, train_model
from knowledge.encoder import BATCH, Encoder, Vectors, load_encoder
from knowledge.files import FileProblem, IntentRow, read_intents
from training.head import IntentHead, OneIntent
from training.rasa_export import export
from training.records import Labelled
from training.scores import measure

Progress = Callable[[int, int], None]
Engine = Literal["head", "rasa"]
Named = tuple[list[str], dict[str, Any]]


def evaluate_intents(
    train: Path, test: Path, engine: Engine = "head", progress: Progress | None = None
) -> dict[str, Any]:
    """Learn the intents of `train` and name those of `test`.

    Args:
        train: an intents file, see `knowledge.files`.
        test: the same, with texts that are not in `train`.
        engine: `head` learns in this process on the default encoder, `rasa` trains and serves Rasa.
        progress: called with texts done and texts in all.

    Returns:
        `accuracy, macro_f1` (over all intents of the test file and all that were named), `train_seconds` (reading and
        embedding included), `ms_per_text`, `per_language`, counts, and `unknown_intents`: how many test rows have an
        intent that the train file does not.

    Raises:
        FileProblem: a file cannot be used, or Rasa cannot learn from it or is not there.
    """
    learn, asked = read_intents(train), read_intents(test)
    if len({row.label for row in learn}) < 2:
        raise FileProblem(train, None, "it must hold examples of at least two intents")
    count = _Count(len(learn) + len(asked), progress)
    try:
        named, figures = (_with_head if engine == "head" else _with_rasa)(learn, asked, count)
    except (OneIntent, RasaMissing, RasaFailed, TrainingFailed, IntentsUnavailable) as problem:
        raise FileProblem(train, None, str(problem)) from problem
    scores = measure(_labelled(asked), named)
    known = {row.label for row in learn}
    return {
        "engine": engine,
        **{key: scores[key] for key in ("accuracy", "macro_f1")},
        **figures,
        "train_examples": len(learn),
        "test_examples": len(asked),
        "intents": len(known),
        "unknown_intents": sum(row.label not in known for row in asked),
        "per_language": scores["per_language"],
    }


class _Count:
    """Counts texts over both files."""

    def __init__(self, of: int, progress: Progress | None) -> None:
        self._done, self._of, self._progress = 0, of, progress

    def add(self, texts: int) -> None:
        self._done += texts
        if self._progress is not None:
            self._progress(self._done, self._of)


def _with_head(learn: Sequence[IntentRow], asked: Sequence[IntentRow], count: _Count) -> Named:
    encoder = load_encoder()
    encoder.queries(["warm"])  # loading the model is not training
    began = time.perf_counter()
    texts = [row.text for row in learn]
    head = IntentHead.fit(texts, _vectors(encoder, texts, count), [row.label for row in learn])
    fitted = time.perf_counter()
    questions = [row.text for row in asked]
    named = head.name(questions, _vectors(encoder, questions, count))
    return named, _figures(fitted - began, time.perf_counter() - fitted, len(asked))


def _vectors(encoder: Encoder, texts: Sequence[str], count: _Count) -> Vectors:
    import numpy as np

    parts = []
    for start in range(0, len(texts), BATCH):
        parts.append(encoder.queries(texts[start : start + BATCH]))
        count.add(len(parts[-1]))
    return np.vstack(parts)


def _with_rasa(learn: Sequence[IntentRow], asked: Sequence[IntentRow], count: _Count) -> Named:
    # Rasa reads some characters of an intent's name as syntax, so it gets numbers.
    labels = sorted({row.label for row in learn})
    number = {label: f"i{index}" for index, label in enumerate(labels)}
    with tempfile.TemporaryDirectory(prefix="odzew-intents-") as folder:
        data, archive = Path(folder) / "data", Path(folder) / "model.tar.gz"
        export((Labelled(row.text, row.language, number[row.label]) for row in learn), data)
        trained = train_model(data, archive, lambda _stage, _done, _of: None)
        count.add(len(learn))
        with RasaProcess() as server:
            server.start(archive, SecretStr(secrets.token_urlsafe(32)), sha256=trained.sha256)
            server.client.wait_ready(timeout=120)  # no smoke test: these are not the product's own intents
            began = time.perf_counter()
            named = []
            for row in asked:
                intents = server.client.parse(row.text).intents
                named.append(labels[int(intents[0].name[1:])] if intents else "")
                count.add(1)
            return named, _figures(trained.seconds, time.perf_counter() - began, len(asked))


def _figures(train_seconds: float, test_seconds: float, texts: int) -> dict[str, Any]:
    return {"train_seconds": round(train_seconds, 3), "ms_per_text": round(test_seconds / texts * 1000, 3)}


def _labelled(rows: Sequence[IntentRow]) -> list[Labelled]:
    return [Labelled(row.text, row.language, row.label) for row in rows]
