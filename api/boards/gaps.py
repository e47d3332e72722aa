"""Gaps: messages without a good article, gathered by what they are about, each with what agents wrote to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

ALIKE: Final = 0.92
"""Cosine to a cluster's middle from which a message belongs to it."""
AT_LEAST: Final = 2
"""People who must have asked before it counts as a gap."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that no article answered, who wrote it, and what an agent wrote to it (empty: nothing yet)."""

    message: int
    language: str
    author: int
    text: str
    written: str
    decision: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages about one thing, the most typical first."""

    messages: tuple[Asked, ...]
    people: int

    @property
    def language(self) -> str:
        """The language most of them are in."""
        return Counter(one.language for one in self.messages).most_common(1)[0][0]

    @property
    def written(self) -> tuple[Asked, ...]:
        """Those an agent has answered by hand."""
        return tuple(one for one in self.messages if one.written)


def clusters(asked: list[Asked], vectors: NDArray[np.float32]) -> list[Gap]:
    """Gather messages, oldest first, around moving middles; `vectors` (n, d) of length 1, in the same order."""
    middles: list[NDArray[np.float32]] = []
    members: list[list[int]] = []
    for place, vector in enumerate(vectors):
        if middles:
            likeness = np.stack(middles) @ vector
            best = int(likeness.argmax())
            if likeness[best] >= ALIKE:
                members[best].append(place)
                middle = vectors[members[best]].mean(axis=0)
                middles[best] = (middle / np.linalg.norm(middle)).astype(np.float32)
                continue
        middles.append(vector)
        members.append([place])
    found = []
    for middle, places in zip(middles, members, strict=True):
        people = len({asked[place].author for place in places})
        if people >= AT_LEAST:
            order = sorted(places, key=lambda place: -float(vectors[place] @ middle))
            found.append(Gap(tuple(asked[place] for place in order), people))
    return sorted(found, key=lambda gap: -gap.people)
