"""An article as the routes show it, with its ETag; and what every change of one does beside the change itself."""

from __future__ import annotations

import json
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from api.history import record
from api.problems import Refused, not_found
from api.rest.access import need, workspace
from api.tasks import settle_translations
from knowledge import life, store
from knowledge.about import VariantState, variants_of
from knowledge.article_files import as_plain
from knowledge.article_text import ArticleText
from knowledge.tables import Article, Version

Answer = tuple[dict[str, Any], dict[str, str]]
"""A body with the headers that go with it."""

ABOUT = (
    "state", "revision", "created_at", "updated_at", "owner", "tags", "source_language", "valid_from", "valid_to",
    "review_at",
)  # fmt: skip


def held(session: Session, article_id: str, *, matched: bool = False) -> Article:
    """The article.

    Raises:
        Refused: 404; where the request must have `matched` the newest, 428 without If-Match, 412 `edited_meanwhile`.
    """
    article = session.get(Article, article_id)
    if article is None:
        raise not_found("article")
    if matched and not request.if_match:
        raise Refused(428, "if_match_required", "send the ETag you have read as If-Match")
    if matched and not request.if_match.contains_weak(str(article.revision)):
        raise Refused(
            412, "edited_meanwhile", "somebody has changed the article since you read it", revision=article.revision
        )
    return article


def shown(session: Session, article_id: str) -> Answer:
    """The article in all its languages, with its ETag."""
    article = held(session, article_id)
    text = store.article_text(session, article_id)
    if text is None:
        raise not_found("article")
    about = {name: getattr(article, name) for name in ABOUT}
    variants = [variant_plain(one) for one in variants_of(session, article_id)]
    body = {**as_plain(text), **about, "four_eyes": life.asks_four_eyes(article), "variants": variants}
    return body, {"ETag": f'"{article.revision}"'}


def variant_plain(one: VariantState) -> dict[str, Any]:
    """A variant as plain data."""
    source = one.source
    return {
        "id": one.id,
        "language": one.language,
        "audience": one.audience,
        "channel_kind": one.channel_kind,
        "current": _version(one.current),
        "open": _version(one.open),
        "source": {"version": source.id, "language": one.source_language, "number": source.number} if source else None,
        "stale": one.stale,
    }


def write_down(session: Session, article_id: str, action: str, content: ArticleText | str | None) -> None:
    """A link of the audit chain and an event."""
    asking = need("knowledge")
    if isinstance(content, ArticleText):
        content = json.dumps(as_plain(content), ensure_ascii=False, sort_keys=True)
    workspace().trail.add(session, asking.name, action, f"article:{article_id}", content or "")
    settle_translations(session, article_id, asking.name)
    record(session, "knowledge.changed", asking.name, article=article_id, change=action)


def tell() -> None:
    """Wake whoever waits for work or for events."""
    workspace().nudge.send("work")
    workspace().nudge.send("events")


def _version(version: Version | None) -> dict[str, Any] | None:
    if version is None:
        return None
    names = ("id", "number", "state", "text", "written_by", "why", "four_eyes")
    return {name: getattr(version, name) for name in names}
