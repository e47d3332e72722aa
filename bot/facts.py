"""The fact check: numbers, prices, links and addresses in a draft must stand in the texts it is drawn from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_FACT: Final = re.compile(
    r"https?://[^\s<>\"')\]]+"  # links
    r"|[\w.+-]{1,64}@[\w.-]+"  # mail addresses
    r"|(?:[^\W_][\w-]*\.)+[a-z]{2,}(?:/[\w./#?=&%-]*)?"  # domain names, with a path
    r"|[*#]+\d[\d*#]*"  # codes: *500#, ##002#
    r"|\d+(?:[.,:/]\d+)*",  # numbers, times, dates, prices, fractions
    re.IGNORECASE,
)


class UnsupportedFact(ValueError):
    """A draft states something that stands in none of its sources."""


def facts(text: str) -> list[str]:
    """The numbers, links and addresses in `text`, in order, without the punctuation that ends a sentence."""
    return [found.group().rstrip(".,:/").lower() for found in _FACT.finditer(text)]


def unsupported(text: str, sources: Iterable[str]) -> list[str]:
    """Facts of `text` that are in none of `sources`; compared whole, so `50` is not supported by `500`."""
    known = {fact for source in sources for fact in facts(source)}
    return [fact for fact in facts(text) if fact not in known]


def check(text: str, sources: Iterable[str]) -> None:
    """Refuse a text with a fact from nowhere.

    Raises:
        UnsupportedFact: names the first such fact.
    """
    if missing := unsupported(text, sources):
        raise UnsupportedFact(f"no source for {missing[0]!r}")
