"""Microdata of an HTML page as the objects that JSON-LD would have been."""

from __future__ import annotations

import html
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Final

from knowledge.exchange.markup import cleaned

MAX_COPIED: Final = 64_000_000
_ATTRIBUTES: Final = {
    "*": {"itemprop", "itemscope", "itemtype", "itemid", "lang"},
    "meta": {"content"},
    "time": {"datetime"},
    "a": {"href"},
}
_EMPTY: Final = frozenset(("br", "hr", "img", "input", "meta", "link", "wbr"))


def microdata(text: str) -> list[dict[str, Any]]:
    """The top items of a page: `{"@type": ..., name: value or item or list of them}`.

    A property's value is the HTML inside its element; an answer without `text` has all of its content.

    Raises:
        ValueError: it is nested too deep to be read.
    """
    walker = _Walker()
    walker.feed(cleaned(text, _ATTRIBUTES))
    walker.close()
    return walker.items


@dataclass(slots=True)
class _Open:
    start: int
    """Where its inside begins among the pieces."""
    item: dict[str, Any] | None = None
    property: str = ""


class _Walker(HTMLParser):
    """Runs over well-formed HTML, as `cleaned` gives it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.items: list[dict[str, Any]] = []
        self._open: list[_Open] = []
        self._pieces: list[str] = []
        self._copied = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        name = next(iter(held.get("itemprop", "").split()), "")
        self._pieces.append(f'<a href="{html.escape(held["href"])}">' if tag == "a" and "href" in held else f"<{tag}>")
        if tag in _EMPTY:
            if name:
                self._put(name, held.get("content", ""))
            return
        opened = _Open(len(self._pieces), None, name)
        if "itemscope" in held:
            opened.item = {"@type": held.get("itemtype", "").split() or [""]}
            if held.get("lang"):
                opened.item["inLanguage"] = held["lang"]
            if held.get("itemid"):
                opened.item["@id"] = held["itemid"]
            if not name or not self._put(name, opened.item):
                self.items.append(opened.item)
        self._open.append(opened)

    def handle_endtag(self, tag: str) -> None:
        if tag in _EMPTY or not self._open:
            return
        closed = self._open.pop()
        if closed.item is not None:
            if not {"text", "name"} & closed.item.keys():
                closed.item["text"] = self._inside(closed)
        elif closed.property:
            self._put(closed.property, self._inside(closed))
        self._pieces.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._pieces.append(html.escape(data, quote=False))

    def _inside(self, closed: _Open) -> str:
        text = "".join(self._pieces[closed.start :])
        self._copied += len(text)
        if self._copied > MAX_COPIED:
            raise ValueError("properties within properties make it too large")
        return text

    def _put(self, name: str, value: Any) -> bool:
        holder = next((held.item for held in reversed(self._open) if held.item is not None), None)
        if holder is None:
            return False
        if name in holder:
            held = holder[name]
            holder[name] = [*held, value] if isinstance(held, list) else [held, value]
        else:
            holder[name] = value
        return True
