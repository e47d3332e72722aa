"""Training of the intent model, in a process of Rasa's own environment."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Final

from bot.rasa_home import command, last_words
from bot.rasa_process import checksum

MEMORY_MB: Final = 4096
LONGEST_SECONDS: Final = 1800.0

OnProgress = Callable[[str, int, int], None]
"""Called with stage, done, of. Stages in order: load, read, encode, fit, pack."""


class TrainingFailed(RuntimeError):
    """The training ended without a model; the message holds the last lines it wrote."""


@dataclass(frozen=True, slots=True)
class TrainResult:
    """A trained model: where it is, its checksum, Rasa's id of it, how long it took and from how many examples."""

    path: Path
    sha256: str
    model: str
    seconds: float
    examples: int


def train_model(
    data_dir: Path,
    out_path: Path,
    on_progress: OnProgress,
    *,
    memory_mb: int | None = MEMORY_MB,
    timeout: float = LONGEST_SECONDS,
) -> TrainResult:
    """Train the intent model on every nlu.yml file under a folder.

    Args:
        data_dir: the folder with the examples.
        out_path: the archive to write, ending in .tar.gz; replaced only when the training succeeds.
        on_progress: told of each step; what it raises ends the training.
        memory_mb: limit on the training's data, None for no limit.
        timeout: seconds after which the training is ended.

    Raises:
        RasaMissing: Rasa's environment is not installed.
        TrainingFailed: wrong examples, too little memory, too slow, or any other end without a model.
    """
    began = time.monotonic()
    out_path.parent.mkdir(parents=True, exist_ok=True)
    arguments = ("--data", str(data_dir.resolve()), "--out", str(out_path.resolve()), "--progress")
    line = command("train.py", *arguments)
    environment = dict(os.environ)
    if memory_mb is not None:
        environment["ODZEW_RASA_MEMORY_MB"] = str(memory_mb)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=out_path.resolve().parent,
            start_new_session=True,
            text=True,
        )
        code, last = _follow(process, on_progress, timeout)
        if code != 0 or last is None:
            raise TrainingFailed(f"the training ended with status {code}: {last_words(errors)}")
    return TrainResult(
        path=out_path,
        sha256=checksum(out_path),
        model=str(last["model"]),
        seconds=time.monotonic() - began,
        examples=int(str(last["examples"])),
    )


def _follow(
    process: subprocess.Popen[str], on_progress: OnProgress, timeout: float
) -> tuple[int, dict[str, object] | None]:
    """Pass the steps on until the process ends; its status, and its last line when it made a model."""
    last: dict[str, object] | None = None
    watchdog = Timer(timeout, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None  # noqa: S101 - opened as a pipe by the caller; tells mypy so
        for line in process.stdout:
            step = json.loads(line)
            if step["stage"] == "done":
                last = step
            else:
                on_progress(step["stage"], step["done"], step["of"])
        return process.wait(), last
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
