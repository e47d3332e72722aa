"""Chatwoot: articles of its help centre and canned responses, as its API gives them."""

from __future__ import annotations

import re
from typing import Any, Final

from knowledge.article_text import MAX_CATEGORY
from knowledge.exchange.json_files import documents, texts
from knowledge.exchange.markup import has_markup, plain, without_script_links
from knowledge.exchange.names import language_of, slug
from knowledge.exchange.records import Place, Reading, Row, Rows
from knowledge.exchange.source import Source

_STATES: Final = {"0": "draft", "1": "published", "2": "archived"}
_PLACEHOLDER: Final = re.compile(r"\{\{\s*[\w.]+[^{}]{0,80}\}\}")


def is_chatwoot(document: Any) -> bool:
    """Whether a JSON document looks like Chatwoot's."""
    if isinstance(document, dict):
        document = document.get("payload")
        document = document.get("articles") if isinstance(document, dict) else document
    first = document[0] if isinstance(document, list) and document else None
    return isinstance(first, dict) and (
        {"short_code", "content"} <= first.keys() or {"title", "content", "status"} <= first.keys()
    )


def read_chatwoot(source: Source, reading: Reading) -> Rows:
    """One row per article or canned response. Drafts and archived articles are left out, with the reason."""
    held: list[tuple[Place, dict[str, Any]]] = []
    for member, where, document in documents(source, reading):
        listed = document.get("payload", document) if isinstance(document, dict) else document
        listed = listed.get("articles", listed) if isinstance(listed, dict) else listed
        for at, one in enumerate(listed if isinstance(listed, list) else [listed]):
            place = Place(member.shown, item=":".join(part for part in (where, f"[{at}]") if part))
            if isinstance(one, dict) and ("short_code" in one or "title" in one):
                held.append((place, one))
            else:
                yield Row(place, None, "is neither an article nor a canned response of Chatwoot")
    roots = _roots([one for _, one in held])
    for place, one in held:
        yield _canned(place, one, reading) if "short_code" in one else _article(place, one, roots)


def _roots(articles: list[dict[str, Any]]) -> dict[str, str]:
    """The article that each translation belongs to."""
    roots = {}
    for one in articles:
        key = texts(one.get("id"))
        if root := texts(one.get("associated_article_id")):
            roots[key] = root
        for other in one.get("associated_articles") or []:
            if isinstance(other, dict) and not texts(one.get("associated_article_id")):
                roots.setdefault(texts(other.get("id")), key)
    return roots


def _article(place: Place, one: dict[str, Any], roots: dict[str, str]) -> Row:
    key = texts(one.get("id")) or slug(texts(one.get("slug") or one.get("title")))
    said = one.get("category")
    category = said if isinstance(said, dict) else {}
    given: dict[str, Any] = {"id": f"chatwoot-{roots.get(key, key)}"}
    locale = texts(one.get("locale") or category.get("locale"))
    if locale:
        given["language"] = language_of(locale) or locale
        if language_of(locale) is None:
            return Row(place, given, skipped=f"in {locale!r}, a language the product does not speak")
    state = _STATES.get(texts(one.get("status")), texts(one.get("status")))
    if state in ("draft", "archived"):
        return Row(place, given, skipped="a draft in Chatwoot" if state == "draft" else "archived in Chatwoot")
    try:
        given |= {"question": texts(one.get("title")), "answer": _text(texts(one.get("content")))}
    except ValueError as problem:
        return Row(place, given, f"content: {problem}", field="content")
    if not given["answer"]:
        return Row(place, given, skipped="has no content")
    if name := texts(category.get("name")):
        given["category"] = " ".join(name.split())[:MAX_CATEGORY].strip()
    return Row(place, given)


def _canned(place: Place, one: dict[str, Any], reading: Reading) -> Row:
    code, content = texts(one.get("short_code")), texts(one.get("content"))
    given: dict[str, Any] = {"id": f"canned-{slug(code)}", "category": "canned"}
    if found := _PLACEHOLDER.search(content):
        return Row(
            place, given, field="content",
            skipped=f"holds the placeholder {found[0]}, which nobody fills in here; write it without",
        )  # fmt: skip
    try:
        given |= {"question": re.sub(r"[-_/]+", " ", code).strip(), "answer": _text(content)}
    except ValueError as problem:
        return Row(place, given, f"content: {problem}", field="content")
    return Row(place, given) if content.strip() else Row(place, given, skipped="has no content")


def _text(content: str) -> str:
    """Chatwoot keeps Markdown; HTML in it becomes text, links to scripts lose their address."""
    content = without_script_links(content)
    return plain(content) if has_markup(content) else content
