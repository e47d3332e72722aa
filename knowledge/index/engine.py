"""What an engine of the index does, whichever it is: FAISS on this machine, or pgvector beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Scores = NDArray[np.float32]
Ids = NDArray[np.int64]
Audience = Literal["public", "private"]

NOWHERE = -1
"""The id where fewer phrasings were found than asked for; its score is minus infinity."""


class Label(NamedTuple):
    """What decides whether a phrasing may be found: its language, and where its article may be said."""

    language: str
    reach: tuple[str, ...]
    """`audience/channel kind` of every approved text of the article, sorted; empty when it may be said nowhere."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which phrasings may be found. Without an audience those of retired articles are found too."""

    languages: frozenset[str] | None = None
    audience: Audience | None = None
    channel_kind: str = ""

    @property
    def places(self) -> frozenset[str] | None:
        """The reaches that will do, as in `Label.reach`; None: any, or none at all."""
        if self.audience is None:
            return None
        audiences = ("public",) if self.audience == "public" else ("public", "private")
        return frozenset(f"{audience}/{kind}" for audience in audiences for kind in ("", self.channel_kind))

    def admits(self, label: Label) -> bool:
        """Whether phrasings with this label may be found."""
        places = self.places
        spoken = self.languages is None or label.language in self.languages
        return spoken and (places is None or not places.isdisjoint(label.reach))


EVERYTHING = Allowed()


def no_ids() -> Ids:
    """No phrasing."""
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Change:
    """What an engine has to do to hold the base as it was after change `upto`. Doing it twice changes nothing."""

    upto: int
    removed: Ids = field(default_factory=no_ids)
    """Phrasings that are gone."""
    added: Ids = field(default_factory=no_ids)
    """Phrasings that are new or have another text; what was held under the same id is replaced."""
    vectors: Vectors = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    """Unit vectors of `added`: (added, dimension)."""
    labels: Sequence[Label] = ()
    """Of `added`."""
    relabelled: Ids = field(default_factory=no_ids)
    """Phrasings that may have been held before, whose label is now another."""
    new_labels: Sequence[Label] = ()
    """Of `relabelled`."""

    def __post_init__(self) -> None:
        if not len(self.added) == len(self.vectors) == len(self.labels):
            raise ValueError(f"{len(self.added)} ids, {len(self.vectors)} vectors, {len(self.labels)} labels")
        if len(self.relabelled) != len(self.new_labels):
            raise ValueError(f"{len(self.relabelled)} ids, {len(self.new_labels)} labels")
        if len(np.unique(self.added)) != len(self.added):
            raise ValueError("a phrasing may be added only once")

    @cached_property
    def is_empty(self) -> bool:
        """Whether it only moves the position."""
        return not (len(self.removed) or len(self.added) or len(self.relabelled))


class Engine(Protocol):
    """Unit vectors by phrasing id, kept in step with the base. Searched from any thread, also during a change."""

    dimension: int

    def __len__(self) -> int:
        """How many phrasings are held."""

    @property
    def position(self) -> int:
        """The last change of the base that is held."""

    def apply(self, change: Change) -> None:
        """Make one change, whole; later searches see it. A change that is not ahead of `position` is ignored."""

    def search(self, vectors: Vectors, k: int, allowed: Allowed = EVERYTHING) -> tuple[Ids, Scores]:
        """The k nearest phrasings of every query (m, dimension): ids and inner products, both (m, k), best first."""
