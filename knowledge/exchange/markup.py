"""HTML to the plain text that articles are: paragraphs, lists and links stay readable, everything else goes.

nh3 parses as a browser does and throws away what can act; what is left is walked once, into text. Both could be made
slow by a page built for it (by its depth, by comments that never end), so length and depth are bounded first.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

import nh3

MAX_HTML: Final = 500_000
MAX_DEPTH: Final = 2_000
SAFE_LINKS: Final = ("http", "https", "mailto", "tel")
_SILENT: Final = frozenset(
    [
        "script",
        "style",
        "template",
        "svg",
        "math",
        "iframe",
        "object",
        "title",
        "noscript",
        "select",
        "textarea",
        "button",
    ]
)
_BLOCKS: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "caption",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "ul",
    ]
)
_ITEMS: Final = frozenset(("li", "tr", "br"))
_KEPT: Final = set(_BLOCKS | _ITEMS | {"a", "td", "th", "span", "meta", "link", "time", "b", "strong", "i", "em"})
_TAG: Final = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,2000}|!--|!\[CDATA\[)")
_ESCAPED_TAG: Final = re.compile(r"&lt;/?[a-zA-Z][a-zA-Z0-9]{0,15}(?:\s|/|&gt;)")
_OPENING: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_VOID: Final = frozenset(("br", "hr", "img", "input", "meta", "link", "wbr", "col", "source", "area", "embed", "track"))
_SCRIPT_LINK: Final = re.compile(
    r"\]\(\s*<?(?:javascript|data|vbscript|file)\s*:(?:[^()]|\([^()]*\))*\)", re.IGNORECASE
)
_DATA_URL: Final = re.compile(r"""(=\s*["'])data:[^"'<>]{100,}(["'])""")


def has_markup(text: str) -> bool:
    """Whether a text is HTML rather than plain."""
    return bool(_TAG.search(text))


def plain(text: str) -> str:
    """The readable text of a piece of HTML, or of a text with entities in it.

    Raises:
        ValueError: it is longer than half a million characters, pictures not counted, or nested too deep.
    """
    if len(text) > MAX_HTML:
        text = _DATA_URL.sub(r"\1\2", text)  # pictures pasted into an article
    if len(text) > MAX_HTML:
        raise ValueError(f"has {len(text)} characters of HTML, at most {MAX_HTML} are read")
    if not has_markup(text):
        if not _ESCAPED_TAG.search(text):
            return "\n".join(_squeezed(line) for line in html.unescape(text).splitlines()).strip()
        text = html.unescape(text)  # escaped twice on its way
    writer = _Writer()
    writer.feed(cleaned(text, {"a": {"href"}}))
    writer.close()
    return writer.text()


def cleaned(text: str, attributes: dict[str, set[str]]) -> str:
    """HTML as a browser would build it, well formed, without anything that acts.

    Raises:
        ValueError: it is nested deeper than two thousand elements.
    """
    _check_depth(text)
    return nh3.clean(
        text, tags=_KEPT, clean_content_tags=set(_SILENT), attributes=attributes, link_rel=None,
        url_schemes=set(SAFE_LINKS),
    )  # fmt: skip


def _check_depth(text: str) -> None:
    depth = 0
    for closing, tag in _OPENING.findall(text):
        if tag.lower() in _VOID:
            continue
        depth += -1 if closing and depth else 0 if closing else 1
        if depth > MAX_DEPTH:
            raise ValueError(f"its HTML is nested deeper than {MAX_DEPTH} elements")


def without_script_links(text: str) -> str:
    """Markdown whose links to scripts have lost their address."""
    return _SCRIPT_LINK.sub("]", text)


def safe_link(address: str) -> str | None:
    """An address that may be shown to a customer; None for scripts, data, and addresses within another site."""
    address = "".join(letter for letter in address.strip() if letter.isprintable() and letter != " ")
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme.lower() not in SAFE_LINKS or not (parts.netloc or parts.path):
        return None
    return address


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[list[str]] = [[]]
        self._silent: list[str] = []
        self._lists: list[int | None] = []
        self._link: tuple[str, int] | None = None
        self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._silent:
            self._silent += [tag] if tag == self._silent[0] else []
            return
        if tag in _SILENT:
            self._silent.append(tag)
        elif tag in _BLOCKS:
            self._break(2 if not self._lists else 1)
            self._pre += tag == "pre"
            if tag in ("ul", "ol"):
                self._lists.append(0 if tag == "ol" else None)
        elif tag in _ITEMS:
            self._item(tag)
        elif tag in ("td", "th") and self._here():
            self._lines[-1].append(" | ")
        elif tag == "a":
            self._end_link()
            address = safe_link(dict(attrs).get("href") or "")
            self._link = (address, len("".join(self._lines[-1]))) if address else None

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("br", "hr", "img", "input", "meta", "link", "wbr"):
            self.handle_starttag(tag, attrs)
        elif tag not in _SILENT:  # HTML does not know <p/>, but pages hold it: an element without content
            self.handle_starttag(tag, attrs)
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag == self._silent[0]:
                self._silent.pop()
        elif tag == "a":
            self._end_link()
        elif tag in _BLOCKS:
            if tag in ("ul", "ol") and self._lists:
                self._lists.pop()
            self._pre = max(self._pre - (tag == "pre"), 0)
            self._break(2 if not self._lists else 1)

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._pre:
            first, *rest = data.split("\n")
            self._lines[-1].append(first)
            self._lines += [[line] for line in rest]
            return
        said = re.sub(r"\s+", " ", data)
        if said != " " or self._here():
            self._lines[-1].append(said)

    def text(self) -> str:
        """What has been read."""
        self._end_link()
        lines = ["".join(parts).rstrip() for parts in self._lines]
        return re.sub(
            r"\n{3,}", "\n\n", "\n".join(line if self._indented(line) else line.strip() for line in lines)
        ).strip()

    @staticmethod
    def _indented(line: str) -> bool:
        return bool(re.match(r" +(?:- |\d+\. )", line))

    def _here(self) -> bool:
        return any(part.strip() for part in self._lines[-1])

    def _break(self, lines: int) -> None:
        self._end_link()
        bare = re.fullmatch(r"\s*(?:-|\d+\.)\s*", "".join(self._lines[-1]))
        if self._here() and not bare:
            self._lines += [[] for _ in range(lines)]
        elif lines == 2 and not bare and len(self._lines) > 1 and any(self._lines[-2]):
            self._lines.append([])

    def _item(self, tag: str) -> None:
        self._end_link()
        if tag == "br":
            self._lines.append([])
            return
        self._break(1)
        if tag == "li":
            number = None
            if self._lists and self._lists[-1] is not None:
                number = self._lists[-1] = self._lists[-1] + 1
            self._lines[-1] = ["  " * min(max(len(self._lists) - 1, 0), 6), f"{number}. " if number else "- "]

    def _end_link(self) -> None:
        if self._link is None:
            return
        address, start = self._link
        self._link = None
        said = "".join(self._lines[-1])[start:].strip()
        bare = address.removeprefix("mailto:").removeprefix("tel:")
        if said and bare.rstrip("/") not in (said, said.rstrip("/"), f"https://{said}", f"http://{said}"):
            self._lines[-1].append(f" ({bare})")
        elif not said:
            self._lines[-1].append(bare)


def _squeezed(line: str) -> str:
    return re.sub(r"[ \t\u00a0]+", " ", line).strip()
