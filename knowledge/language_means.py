"""Where each language lies in an encoder's space: the mean vector of many texts in it, of queries and of phrasings.

The means come with the product, made of the demo's phrasings and the everyday lines, some 660 texts a language; `make
vectors` makes them anew. For any other encoder there are the everyday lines alone, 40 a language: enough, but across
languages a point of recall worse.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.team import Member

Vectors = NDArray[np.float32]
FILE: Final = Path(__file__).parent / "language_means.npz"


@dataclass(frozen=True, slots=True)
class LanguageMeans:
    """Mean vectors (dimension,) by language, of texts encoded as queries (`asked`) and as phrasings (`told`)."""

    asked: dict[str, Vectors]
    told: dict[str, Vectors]

    @classmethod
    def of(cls, queries: Vectors, phrasings: Vectors, languages: Sequence[str]) -> LanguageMeans:
        """The means of texts with these vectors, (texts, dimension) each."""
        spoken = np.array(languages)
        codes = sorted(set(languages))
        return cls(
            {code: queries[spoken == code].mean(axis=0) for code in codes},
            {code: phrasings[spoken == code].mean(axis=0) for code in codes},
        )


def shipped_means(version: str) -> LanguageMeans | None:
    """The means that come with the product for an encoder of this version, if they do."""
    return _read().get(version)


@cache
def _read() -> dict[str, LanguageMeans]:
    if not FILE.exists():
        return {}
    with np.load(FILE, allow_pickle=False) as file:
        found = {}
        for n, version in enumerate(file["versions"]):
            codes = [str(code) for code in file[f"languages{n}"]]
            asked, told = file[f"asked{n}"], file[f"told{n}"]
            found[str(version)] = LanguageMeans(
                dict(zip(codes, asked, strict=True)), dict(zip(codes, told, strict=True))
            )
        return found


def write(members: Sequence[Member], texts: Sequence[tuple[str, str]]) -> None:
    """Write the means of these texts, (language, text) each, by these encoders. Takes minutes."""
    arrays: dict[str, NDArray[np.generic]] = {
        "versions": np.array([member.encoder.version for member in members]),
        "made_of": np.array(digest(texts)),
    }
    for n, member in enumerate(members):
        known = [(language, text) for language, text in texts if member.knows(language)]
        languages, said = zip(*known, strict=True)
        means = LanguageMeans.of(member.encoder.queries(said), member.encoder.phrasings(said), languages)
        arrays[f"languages{n}"] = np.array(list(means.asked))
        arrays[f"asked{n}"] = np.stack(list(means.asked.values()))
        arrays[f"told{n}"] = np.stack(list(means.told.values()))
    np.savez(FILE, **arrays)  # type: ignore[arg-type]


def digest(texts: Sequence[tuple[str, str]]) -> str:
    """A hash of texts, by which a file tells what it was made of."""
    return hashlib.sha256(repr(sorted(texts)).encode()).hexdigest()


def made_of() -> str:
    """The hash of the texts that the file was made of."""
    with np.load(FILE, allow_pickle=False) as file:
        return str(file["made_of"])


def usual_texts() -> list[tuple[str, str]]:
    """Language and text of the everyday lines and of the demo's phrasings."""
    from knowledge.background import background_lines
    from knowledge.demo_articles import demo_articles

    asked = [
        (language, text)
        for article in demo_articles()
        for language, texts in article.languages.items()
        for text in texts.phrasings
    ]
    return [*background_lines(), *asked]


def main() -> None:
    """`python -m knowledge.language_means`: make the file anew from the demo."""
    from knowledge.team import load_team

    texts = usual_texts()
    write(load_team().members, texts)
    print(f"the means of {len(texts)} texts written to {FILE}", file=sys.stderr)


if __name__ == "__main__":
    main()
