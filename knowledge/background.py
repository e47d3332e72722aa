"""Everyday lines in six languages that no base answers: how a language looks to the encoder, and what noise is."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Encoder

Vectors = NDArray[np.float32]

_encoded: dict[str, Background] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Background:
    """The lines with their vectors, row by row: (lines, dimension)."""

    languages: tuple[str, ...]
    texts: tuple[str, ...]
    queries: Vectors
    phrasings: Vectors


def background_lines() -> list[tuple[str, str]]:
    """Language and text of every line of `background.txt`."""
    raw = resources.files("knowledge").joinpath("background.txt").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in raw.splitlines() if line and not line.startswith("#")]
    return [(language, text) for language, text in rows]


def load_background(encoder: Encoder) -> Background:
    """Encode the lines, once per process and encoder (some seconds the first time)."""
    with _lock:
        if encoder.version not in _encoded:
            languages, texts = zip(*background_lines(), strict=True)
            _encoded[encoder.version] = Background(languages, texts, encoder.queries(texts), encoder.phrasings(texts))
        return _encoded[encoder.version]
