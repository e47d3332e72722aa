"""Cuts a text into sentences without losing a character.

spaCy's blank pipelines propose the ends; this module takes back the wrong ones: after abbreviations, ordinals
("do 15. dnia", "5., 15. nebo 25."), initials, and wherever the text runs on in lower case.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from knowledge.languages import is_language

if TYPE_CHECKING:
    from spacy.language import Language as Pipeline

ABBREVIATIONS: Final[dict[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in yaml.safe_load(
        Path(__file__).with_name("abbreviations.yml").read_text(encoding="utf-8")
    ).items()
}
_EVERY: Final = frozenset().union(*ABBREVIATIONS.values())

_LAST_WORD: Final = re.compile(r"([^\s(\[\"'„«]*)$")
_CLOSERS: Final = "\"'»”“)]"


def spans(text: str, language: str) -> list[tuple[int, int]]:
    """Start and end of each sentence, blanks after it included, so that the spans cover the text whole.

    `language` is one of the six codes; any other text is cut by the rules common to all.
    """
    if not text:
        return []
    starts = [sentence.start_char for sentence in _pipeline(language)(text).sents]
    kept = [0, *(start for start in starts[1:] if _is_start(text, start, language))]
    return [(start, end) for start, end in zip(kept, [*kept[1:], len(text)], strict=True) if end > start]


def split(text: str, language: str) -> list[str]:
    """The sentences of `text` without surrounding blanks; none is empty."""
    return [part for start, end in spans(text, language) if (part := text[start:end].strip())]


def _is_start(text: str, start: int, language: str) -> bool:
    """Whether a sentence really starts where the pipeline says so."""
    before, after = text[:start], text[start:].lstrip()
    ended = before.rstrip()
    if len(ended) == len(before) or ended.endswith((",", ";", ":")):
        return False  # no blank between, or a list goes on: "5., 15. lub 25."
    if not after or "\n\n" in before[len(ended) :]:
        return True
    if after[0].islower() or after[0] in ",;:":
        return False
    last = _LAST_WORD.search(ended.rstrip(_CLOSERS))
    word = last.group(1) if last else ""
    return not (word.endswith(".") and _runs_on(word[:-1].lower(), after, language))


def _runs_on(word: str, after: str, language: str) -> bool:
    """Whether the full stop after `word` belongs to the word."""
    if word in ABBREVIATIONS.get(language, _EVERY):
        return True
    if len(word) == 1 and word.isalpha():
        return True  # an initial
    return word.isdigit() and after[0].isdigit()  # "1. 12. 2026"


@lru_cache(maxsize=8)
def _pipeline(language: str) -> Pipeline:
    import spacy

    pipeline = spacy.blank(language if is_language(language) else "xx")
    pipeline.add_pipe("sentencizer", config={"punct_chars": [".", "!", "?", "…", "。", "！", "？", "؟", "।"]})
    return pipeline
