"""Examining a model: it is served for a moment on a port of its own and asked for every held-out example."""

from __future__ import annotations

import hashlib
import secrets
import statistics
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from bot.intents import IntentClient, IntentsUnavailable
from bot.rasa_process import RasaProcess
from training.records import Labelled, OnProgress
from training.scores import measure

ATTEMPTS: Final = 3
REPORT_EVERY: Final = 20


def examine(archive: Path, sha256: str, examples: Sequence[Labelled], on_progress: OnProgress) -> dict[str, Any]:
    """The figures of `training.scores.measure` for a model, with `parse_ms` (p50, p99) and `set_sha256`.

    Raises:
        RasaMissing: Rasa is not installed.
        RasaFailed: the archive is damaged or does not work.
        IntentsUnavailable: it stopped answering half-way.
    """
    with RasaProcess() as server:
        on_progress("serve", 0, 1)
        server.start(archive, SecretStr(secrets.token_urlsafe(32)), sha256=sha256)
        server.wait_ready()
        on_progress("serve", 1, 1)
        named, took = _name_all(server.client, examples, on_progress)
    took.sort()
    return {
        **measure(examples, named),
        "parse_ms": {"p50": statistics.median(took), "p99": took[int(0.99 * (len(took) - 1))]},
        "set_sha256": digest(examples),
    }


def digest(examples: Iterable[Labelled]) -> str:
    """Names a set of examples: two models are compared only on the same set."""
    lines = sorted(f"{row.language}\t{row.intent}\t{row.text}" for row in examples)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _name_all(
    client: IntentClient, examples: Sequence[Labelled], on_progress: OnProgress
) -> tuple[list[str], list[float]]:
    named, took = [], []
    for number, example in enumerate(examples, start=1):
        began = time.perf_counter()
        named.append(_name(client, example.text))
        took.append((time.perf_counter() - began) * 1000)
        if number % REPORT_EVERY == 0 or number == len(examples):
            on_progress("examine", number, len(examples))
    return named, took


def _name(client: IntentClient, text: str) -> str:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            intents = client.parse(text).intents
        except IntentsUnavailable:  # a busy machine is no fault of the model
            if attempt == ATTEMPTS:
                raise
            continue
        return intents[0].name if intents else ""
    raise AssertionError("unreachable")
