"""Zendesk Help Center: pages of its articles API, with translations beside or inside, sections and categories.

The shape is that of `GET /api/v2/help_center/articles.json?include=translations,sections,categories`, page by page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from knowledge.article_text import MAX_CATEGORY
from knowledge.exchange.json_files import documents, texts
from knowledge.exchange.markup import plain
from knowledge.exchange.names import language_of
from knowledge.exchange.records import Place, Reading, Row, Rows
from knowledge.exchange.source import Source

REFUSED: Final = "is no Zendesk article"


@dataclass(slots=True)
class _Export:
    """All pages together. A text stands with its place, its article and whether it is a translation's record."""

    texts: list[tuple[Place, dict[str, Any], str]] = field(default_factory=list)
    odd: list[Place] = field(default_factory=list)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    articles: dict[str, dict[str, Any]] = field(default_factory=dict)
    said_count: int = 0
    next_pages: list[str] = field(default_factory=list)


def is_zendesk(document: Any) -> bool:
    """Whether a JSON document looks like a page of Zendesk's."""
    if isinstance(document, dict):
        listed = document.get("articles") or document.get("translations") or [document.get("article")]
        if not isinstance(listed, list) or not listed:
            return "articles" in document and "page_count" in document
        document = listed
    first = document[0] if isinstance(document, list) and document else None
    return isinstance(first, dict) and "locale" in first and bool({"body", "source_locale", "source_id"} & first.keys())


def read_zendesk(source: Source, reading: Reading) -> Rows:
    """One row per article and locale. Drafts, outdated and restricted ones are left out, with the reason."""
    export = _Export()
    for member, where, document in documents(source, reading):
        _gather(export, member.shown, where, document)
    _remarks(export, reading)
    for place in export.odd:
        yield Row(place, None, REFUSED)
    if any(held.get("label_names") for held in export.articles.values()):
        reading.remark("labels (label_names) are left out")
    seen: dict[tuple[str, str], str] = {}
    for place, held, article in export.texts:
        yield _row(export, seen, place, held, article)


def _gather(export: _Export, file: str, where: str, document: Any) -> None:
    document = {"articles": document} if isinstance(document, list) else document
    if not isinstance(document, dict):
        export.odd.append(Place(file, item=where))
        return
    lists = {name: document.get(name) for name in ("articles", "translations", "sections", "categories")}
    if isinstance(document.get("article"), dict):
        lists["articles"] = [document["article"]]
    if not any(isinstance(held, list) for held in lists.values()):
        export.odd.append(Place(file, item=where))
    for name, one in _items(lists, "sections", "categories"):
        if isinstance(one, dict) and texts(one.get("name")):
            export.names.setdefault((name, texts(one.get("id"))), texts(one["name"]))
    for at, one in enumerate(_listed(lists["articles"])):
        place = Place(file, item=":".join(part for part in (where, f"articles[{at}]") if part))
        if not isinstance(one, dict) or not texts(one.get("id")):
            export.odd.append(place)
            continue
        key = texts(one["id"])
        export.articles.setdefault(key, one)
        export.texts.append((place, one, key))
        for number, other in enumerate(_listed(one.get("translations"))):
            _translation(export, Place(file, item=f"{place.item}.translations[{number}]"), other, key)
    for at, other in enumerate(_listed(lists["translations"])):
        _translation(
            export, Place(file, item=":".join(part for part in (where, f"translations[{at}]") if part)), other, ""
        )
    export.said_count = max(export.said_count, document["count"] if isinstance(document.get("count"), int) else 0)
    if isinstance(document.get("next_page"), str):
        export.next_pages.append(document["next_page"])


def _translation(export: _Export, place: Place, held: Any, key: str) -> None:
    if not isinstance(held, dict) or held.get("source_type", "Article") != "Article":
        return  # the translation of a section's name is no article
    key = key or texts(held.get("source_id"))
    if not key:
        export.odd.append(place)
        return
    export.texts.append((place, held, key))


def _row(export: _Export, seen: dict[tuple[str, str], str], place: Place, held: dict[str, Any], key: str) -> Row:
    about = export.articles.get(key, {})
    locale = texts(held.get("locale") or held.get("source_locale"))
    language = language_of(locale)
    given: dict[str, Any] = {"id": f"zendesk-{key}", "language": language or locale}
    if reason := _left_out(held, about, locale, language):
        return Row(place, given, skipped=reason)
    earlier = seen.setdefault((key, language or ""), locale)
    if earlier != locale:
        return Row(place, given, skipped=f"{language} is taken from {earlier}, not from {locale}")
    title = texts(held.get("title") or held.get("name"))
    try:
        given |= {"question": " ".join(plain(title).split()), "answer": plain(texts(held.get("body")))}
    except ValueError as problem:
        return Row(place, given, f"body: {problem}", field="body")
    if not given["answer"]:
        return Row(place, given, skipped="has no body")
    if category := export.names.get(("sections", texts(about.get("section_id")))):
        given["category"] = " ".join(category.split())[:MAX_CATEGORY].strip()
    return Row(place, given)


def _left_out(held: dict[str, Any], about: dict[str, Any], locale: str, language: str | None) -> str:
    if language is None:
        return f"in {locale!r}, a language the product does not speak"
    if held.get("draft"):
        return "a draft in Zendesk"
    if held.get("hidden"):
        return "hidden in Zendesk"
    if held.get("outdated") or locale in (about.get("outdated_locales") or []):
        return "marked as outdated in Zendesk: the text it was translated from has changed since"
    if about.get("user_segment_id") or held.get("user_segment_id"):
        return "only for some readers in Zendesk (user_segment_id); here it would be public"
    return ""


def _remarks(export: _Export, reading: Reading) -> None:
    distinct = {(key, texts(held.get("locale"))) for _, held, key in export.texts if "source_id" not in held}
    if export.said_count > len(distinct):
        reading.remark(
            f"the export says that it has {export.said_count} articles, but {len(distinct)} are in it; "
            f"further pages (next_page) are missing"
        )
    elif export.next_pages and not export.said_count:
        reading.remark("the last page may be missing: a next_page is named")


def _items(lists: dict[str, Any], *names: str) -> Iterator[tuple[str, Any]]:
    for name in names:
        for one in _listed(lists[name]):
            yield name, one


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
