"""Everyday lines in six languages that no base answers: how a language looks to the encoder, and what noise is."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from importlib import resources

from knowledge.team import Team, Views

_encoded: dict[str, Background] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Background:
    """The lines with their vectors by every member of a team, row by row: (lines, dimension) each."""

    languages: tuple[str, ...]
    texts: tuple[str, ...]
    queries: Views
    phrasings: Views


def background_lines() -> list[tuple[str, str]]:
    """Language and text of every line of `background.txt`."""
    raw = resources.files("knowledge").joinpath("background.txt").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in raw.splitlines() if line and not line.startswith("#")]
    return [(language, text) for language, text in rows]


def load_background(team: Team) -> Background:
    """Encode the lines, once per process and team (some seconds the first time)."""
    with _lock:
        if team.version not in _encoded:
            languages, texts = zip(*background_lines(), strict=True)
            asked = tuple(member.encoder.queries(texts) for member in team.members)
            _encoded[team.version] = Background(languages, texts, asked, team.phrasings(texts, languages))
        return _encoded[team.version]
