"""What each kind of channel allows: how long a text may be, counted its own way, and whether it has a private side."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

Counter = Literal["characters", "weighted", "bytes", "links_as_23"]
Audience = Literal["public", "private"]

_LINK_LENGTH: Final = 23
# A link as the networks see it: with a scheme, or a bare domain name with a known-looking ending.
_LINK: Final = re.compile(r"(?:https?://[^\s]+)|(?:\b(?:[a-z0-9-]+\.)+[a-z]{2,}\b(?:/[^\s]*)?)", re.IGNORECASE)
# Ranges that weigh one on X (twitter-text configuration v3); everything else weighs two.
_LIGHT: Final = ((0x0, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))


class UnknownChannelKind(ValueError):
    """No limits are known for this kind of channel."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The longest text, in units of its counter."""

    most: int
    counter: Counter = "characters"


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """What one kind of channel allows. `private` is None where the kind has no private side."""

    public: Limit
    private: Limit | None

    def limit(self, audience: Audience) -> Limit:
        """The limit for one audience; the public one where there is no private side."""
        return self.private if audience == "private" and self.private else self.public


# Facebook, Telegram and Reddit figures are from general knowledge, the rest from the networks' own pages.
KINDS: Final[dict[str, ChannelLimits]] = {
    "facebook": ChannelLimits(Limit(8000), Limit(2000)),
    "instagram": ChannelLimits(Limit(2200), Limit(1000, "bytes")),
    "x": ChannelLimits(Limit(280, "weighted"), Limit(10_000)),
    "telegram": ChannelLimits(Limit(4096), Limit(4096)),
    "vk": ChannelLimits(Limit(9000), Limit(9000)),
    "mastodon": ChannelLimits(Limit(500, "links_as_23"), Limit(500, "links_as_23")),
    "reddit": ChannelLimits(Limit(10_000), Limit(10_000)),
    "email": ChannelLimits(Limit(20_000), Limit(20_000)),
    "chatwoot": ChannelLimits(Limit(4000), Limit(4000)),
    "webhook": ChannelLimits(Limit(4000), Limit(4000)),
    "sandbox": ChannelLimits(Limit(2000), Limit(2000)),
}


def limits(kind: str) -> ChannelLimits:
    """The limits of a kind of channel.

    Raises:
        UnknownChannelKind: the kind is not in `KINDS`.
    """
    try:
        return KINDS[kind]
    except KeyError:
        raise UnknownChannelKind(f"unknown kind of channel {kind!r}; known: {', '.join(KINDS)}") from None


def length(text: str, kind: str, audience: Audience = "public") -> int:
    """Length of `text` as the network counts it: characters, bytes, or weighted with links as 23."""
    return count(text, limits(kind).limit(audience).counter)


def fits(text: str, kind: str, audience: Audience = "public") -> bool:
    """Whether the network would take `text` whole."""
    limit = limits(kind).limit(audience)
    return count(text, limit.counter) <= limit.most


def count(text: str, counter: Counter) -> int:
    """Length of `text` in the units of `counter`."""
    if counter == "bytes":
        return len(text.encode("utf-8"))
    if counter == "characters":
        return len(text)
    text = unicodedata.normalize("NFC", text)
    links = _LINK.findall(text)
    rest = _LINK.sub("", text)
    return len(links) * _LINK_LENGTH + (sum(map(_weight, rest)) if counter == "weighted" else len(rest))


def _weight(character: str) -> int:
    point = ord(character)
    return 1 if any(low <= point <= high for low, high in _LIGHT) else 2
