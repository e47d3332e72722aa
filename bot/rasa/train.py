"""Train the intent model: `python train.py --data FOLDER --out MODEL.tar.gz [--progress]`, under Rasa's own Python.

FOLDER holds Rasa nlu.yml files (it may also be one file). With --progress every step is one JSON line on standard
output, `{"stage": "encode", "done": 64, "of": 1800}`; stages come in the order of `STAGES`. The last line, printed
with or without --progress, is `{"stage": "done", "model": id, "path": ..., "examples": n}`. Everything else that is
said goes to standard error. Exit status: 0 trained, 2 the data or the arguments are wrong (one line), 1 anything else.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, TextIO

from surroundings import PROJECT, die_with_parent, fail, prepare

STAGES = ("load", "read", "encode", "fit", "pack", "done")


class Progress(logging.Handler):
    """Turns what the training says in its logs into lines for the parent process. Never carries a text."""

    def __init__(self, out: TextIO, shown: bool) -> None:
        super().__init__()
        self._out = out
        self._shown = shown
        self._encoded = False

    def emit(self, record: logging.LogRecord) -> None:
        """Report encoded batches once, and the start and end of the classifier's training."""
        if record.name == "odzew.rasa.encode" and not self._encoded:
            done, of = int(vars(record)["done"]), int(vars(record)["of"])
            self._encoded = done >= of
            self.say("encode", done, of)
        elif "train" in (said := record.getMessage()) and "LogisticRegressionClassifier" in said:
            self.say("fit", 0 if said.startswith("Starting") else 1, 1)

    def say(self, stage: str, done: int, of: int) -> None:
        """One step, when progress was asked for."""
        if self._shown:
            self.line({"stage": stage, "done": done, "of": of})

    def line(self, content: dict[str, Any]) -> None:
        """One JSON line, at once."""
        print(json.dumps(content), file=self._out, flush=True)


def main() -> None:
    """Read the arguments and train."""
    asked = argparse.ArgumentParser(description="Train the intent model.")
    asked.add_argument("--data", type=Path, required=True)
    asked.add_argument("--out", type=Path, required=True)
    asked.add_argument("--progress", action="store_true")
    asked.add_argument("--parent", type=int, help="end when this process does")
    given = asked.parse_args()
    if not given.out.name.endswith(".tar.gz"):
        fail(f"--out must end in .tar.gz, it is {given.out}")
    if not given.data.exists():
        fail(f"--data {given.data} does not exist")
    if given.parent is not None:
        die_with_parent(given.parent)
    prepare(encoder_threads=os.cpu_count() or 1)
    progress = Progress(_keep_stdout(), given.progress)
    progress.say("load", 0, 1)
    train(given.data.resolve(), given.out.resolve(), progress)


def train(data: Path, out: Path, progress: Progress) -> None:
    """Train on `data` and put the finished archive at `out` in one step."""
    examples = _examples(data, progress)
    _listen(progress)
    from rasa.model_training import train_nlu

    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".training-") as folder:
        made = train_nlu(
            config=str(PROJECT / "config.yml"),
            domain=str(PROJECT / "domain.yml"),
            nlu_data=str(data),
            output=folder,
            fixed_model_name="model.tar.gz",
        )
        if made is None:
            fail(f"{data} holds no examples that Rasa can train on")
        progress.say("pack", 1, 1)
        archive = Path(made)
        model = _model_id(archive)
        archive.replace(out)
    progress.line({"stage": "done", "model": model, "path": str(out), "examples": examples})


def _examples(data: Path, progress: Progress) -> int:
    progress.say("read", 0, 1)
    from rasa.shared.exceptions import RasaException
    from rasa.shared.importers.utils import training_data_from_paths
    from rasa.shared.nlu.training_data.training_data import TrainingData

    paths = sorted(str(path) for path in data.rglob("*.yml")) if data.is_dir() else [str(data)]
    try:
        content: TrainingData = training_data_from_paths(paths, language="xx")
    except (RasaException, ValueError) as wrong:
        fail(f"{data}: {wrong}")
    if len(content.intents) < 2:
        fail(f"{data} must hold examples of at least two intents, it holds {len(content.intents)}")
    progress.say("read", 1, 1)
    return len(content.intent_examples)


def _listen(progress: Progress) -> None:
    for name, level in (("odzew.rasa.encode", logging.DEBUG), ("rasa.engine.training.hooks", logging.INFO)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.addHandler(progress)


def _model_id(archive: Path) -> str:
    from rasa.engine.storage.local_model_storage import LocalModelStorage

    return str(LocalModelStorage.metadata_from_archive(archive).model_id)


def _keep_stdout() -> TextIO:
    # Rasa prints banners on standard output, which here belongs to the parent's parser.
    kept = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return kept


if __name__ == "__main__":
    main()
