"""schema.org FAQPage in and out: HTML pages with JSON-LD or microdata as sites really hold them, or bare JSON-LD."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, TextIO

from knowledge.article_text import ArticleText
from knowledge.exchange.encoding import decoded
from knowledge.exchange.markup import plain
from knowledge.exchange.microdata import microdata
from knowledge.exchange.names import language_of
from knowledge.exchange.records import Place, Reading, Row, Rows
from knowledge.exchange.source import Member, Source
from knowledge.languages import LANGUAGES

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_NODES: Final = 200_000
_CHARSET: Final = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-zA-Z0-9_-]{2,30})""", re.IGNORECASE)
_LANG: Final = re.compile(
    r"""<html\b[^>]{0,500}?\blang\s*=\s*["']?([a-zA-Z]{2,3}(?:[-_][a-zA-Z]{2,4})?)""", re.IGNORECASE
)


def read_faqpage(source: Source, reading: Reading) -> Rows:
    """One row per question of every page. Blocks that cannot be read, and questions elsewhere, are rows too."""
    for member in source.having(".html", ".htm", ".xhtml", ".json", ".jsonld") or source.members:
        raw = member.read(MAX_BYTES)
        charset = _CHARSET.search(raw[:4096])
        page = Reading(encoding=reading.encoding or _charset(charset, raw), remarks=reading.remarks)
        text = decoded(member.path, raw, page)
        if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
            yield from _blocks(member, [(1, text)], [], "")
            continue
        language = _LANG.search(text[:20_000])
        try:
            items = microdata(text) if "itemprop" in text else []
        except ValueError as problem:
            yield Row(Place(member.shown), None, f"its microdata: {problem}")
            items = []
        yield from _blocks(member, _scripts(text), items, language[1] if language else "")


def write_faqpage(file: TextIO, articles: Iterable[ArticleText], *, page: bool) -> int:
    """Write the public texts of articles, one FAQPage per language, as a page or as bare JSON-LD.

    Returns:
        How many articles have an answer in it.
    """
    pages: dict[str, list[dict[str, Any]]] = {}
    written = set()
    for article in articles:
        for language in LANGUAGES:
            said = article.languages.get(language)
            if said is None or not said.answer:
                continue
            written.add(article.id)
            text = html.escape(said.public or said.answer, quote=False)
            answer = "<p>" + text.replace("\n\n", "</p><p>").replace("\n", "<br>") + "</p>"
            question = {"@type": "Question", "@id": f"#{article.id}", "name": said.question}
            pages.setdefault(language, []).append({**question, "acceptedAnswer": {"@type": "Answer", "text": answer}})
    graph = [{"@type": "FAQPage", "inLanguage": language, "mainEntity": held} for language, held in pages.items()]
    data = json.dumps({"@context": "https://schema.org", "@graph": graph}, ensure_ascii=False, indent=1)
    # A `</script>` in a text must not end the block.
    data = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    head = '<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>FAQ</title>\n'
    head += '<script type="application/ld+json">\n'
    file.write(f"{head}{data}\n</script>\n</head>\n<body></body>\n</html>\n" if page else f"{data}\n")
    return len(written)


def _charset(found: re.Match[bytes] | None, raw: bytes) -> str | None:
    if found is None or raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return None
    name = found[1].decode("ascii").lower()
    try:
        raw.decode("utf-8")
        return None  # a page that is UTF-8 but says otherwise was converted without its header
    except UnicodeDecodeError:
        pass
    try:
        raw.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None
    return name


def _scripts(text: str) -> list[tuple[int, str]]:
    """The JSON-LD blocks of a page, each with its line. Walked by hand: a pattern would be slow on hostile pages."""
    found, at, low = [], 0, text.lower()
    while (start := low.find("<script", at)) >= 0:
        inside = low.find(">", start)
        end = low.find("</script", inside)
        if inside < 0 or end < 0:
            break
        if "ld+json" in low[start:inside][:500]:
            found.append((text.count("\n", 0, inside) + 1, text[inside + 1 : end]))
        at = end + 8
    return found


def _blocks(member: Member, blocks: list[tuple[int, str]], items: list[dict[str, Any]], language: str) -> Rows:
    roots: list[tuple[Place, Any]] = []
    for line, text in blocks:
        place = Place(member.shown, line)
        try:
            roots.append((place, _json(text)))
        except ValueError as problem:
            if "FAQPage" in text or "Question" in text:
                yield Row(place, None, f"JSON-LD that is no JSON: {problem}")
            else:
                yield Row(place, None, skipped=f"JSON-LD that is no JSON, and holds no questions: {problem}")
    roots += [(Place(member.shown, item="microdata"), item) for item in items]
    nodes = [(place, node) for place, root in roots for node in _nodes(root)]
    pages = [(place, node) for place, node in nodes if _is(node, "FAQPage")]
    if not pages:
        yield Row(Place(member.shown), None, "there is no schema.org FAQPage in it")
        return
    known = {node["@id"]: node for _, node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    taken: set[int] = set()
    for place, page in pages:
        spoken = _text(page.get("inLanguage")) or language
        for node in _list(page.get("mainEntity")) + _list(page.get("hasPart")):
            question = known.get(str(node.get("@id")), node) if isinstance(node, dict) else None
            if question is not None and id(question) not in taken:
                taken.add(id(question))
                yield _question(place, question, spoken)
    for place, node in nodes:
        if _is(node, "Question") and id(node) not in taken:
            yield Row(place, None, skipped=f"a Question outside of the FAQPage: {_text(node.get('name'))[:80]}")


def _question(place: Place, node: dict[str, Any], language: str) -> Row:
    number = _text(node.get("name") or node.get("text"))[:60]
    place = Place(place.file, place.line, item=place.item or f"“{number}”")
    answers = _list(node.get("acceptedAnswer")) or _list(node.get("suggestedAnswer"))
    said = [_text(answer.get("text")) if isinstance(answer, dict) else _text(answer) for answer in answers]
    spoken = (
        _text(node.get("inLanguage"))
        or next((_text(a.get("inLanguage")) for a in answers if isinstance(a, dict) and a.get("inLanguage")), "")
        or language
    )
    try:
        given: dict[str, Any] = {
            "question": " ".join(plain(_text(node.get("name") or node.get("text"))).split()),
            "answer": "\n\n".join(part for part in map(plain, said) if part),
        }
    except ValueError as problem:
        return Row(place, None, f"answer: {problem}", field="answer")
    anchor = str(node.get("@id") or "").rpartition("#")[2]
    if re.fullmatch(r"[^/:?&=]{1,100}", anchor):
        given["id"] = anchor
    if spoken:
        given["language"] = language_of(spoken) or spoken
        if language_of(spoken) is None:
            return Row(place, given, skipped=f"in {spoken[:20]!r}, a language the product does not speak")
    if not given["answer"]:
        return Row(place, given, skipped="has no answer")
    return Row(place, given)


def _json(text: str) -> Any:
    text = text.strip().removeprefix("\ufeff")
    text = re.sub(r"\A(?:<!--|/\*\s*<!\[CDATA\[\s*\*/|//\s*<!\[CDATA\[|<!\[CDATA\[)\s*", "", text)
    text = re.sub(r"\s*(?:-->|/\*\s*\]\]>\s*\*/|//\s*\]\]>|\]\]>)\s*\Z", "", text)
    try:
        return json.loads(text, strict=False)  # raw line ends in texts are common
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _nodes(root: Any) -> Iterator[dict[str, Any]]:
    """Every object in it, in the order of the page."""
    waiting, count = [root], 0
    while waiting:
        node = waiting.pop()
        count += 1
        if count > MAX_NODES:
            return
        if isinstance(node, dict):
            yield node
            waiting += reversed(list(node.values()))
        elif isinstance(node, list):
            waiting += reversed(node)


def _is(node: dict[str, Any], kind: str) -> bool:
    return any(isinstance(said, str) and re.split(r"[/:#]", said)[-1] == kind for said in _list(node.get("@type")))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, dict) and "@list" in value:
        return _list(value["@list"])
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(part for part in map(_text, value[:50]) if part)
    if isinstance(value, dict):
        return _text(value.get("@value") or value.get("name") or value.get("alternateName"))
    return value if isinstance(value, str) else ""
