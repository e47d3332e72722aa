"""Articles: list, read, write, retire, restore, their versions, and the search by meaning."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from flask import request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from api.history import record
from api.knowledge_service import knowledge_service
from api.problems import Refused, conflict, invalid, not_found
from api.rest.access import need, needs, workspace
from api.rest.knowledge_shapes import (
    ArticleBody,
    ArticleSchema,
    HitsSchema,
    ListQuery,
    ListSchema,
    NewArticleBody,
    SearchQuery,
    VersionsSchema,
)
from bot.language import detect
from knowledge import store
from knowledge.article_files import as_plain
from knowledge.article_text import ArticleProblem, ArticleText, checked
from knowledge.catalogue import Entry, Filters
from knowledge.tables import Article

blueprint = Blueprint("knowledge", __name__, url_prefix="/api", description="Articles and the search over them")

Answer = tuple[dict[str, Any], dict[str, str]]
"""A body with the headers that go with it."""


@blueprint.route("/articles", methods=["GET"])
@needs("read")
@blueprint.arguments(ListQuery, location="query")
@blueprint.response(200, ListSchema)
def list_articles(query: dict[str, Any]) -> dict[str, Any]:
    """Articles by words and filters. `language`: that have it; `missing`: that have no answer in it."""
    found = knowledge_service().catalogue.page(Filters(**query))
    return {
        "articles": [entry_of(entry) for entry in found.entries],
        "page": found.page,
        "pages": found.pages,
        "total": found.total,
        "categories": found.categories,
    }


@blueprint.route("/articles", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(NewArticleBody)
@blueprint.response(201, ArticleSchema)
def create_article(body: dict[str, Any]) -> Answer:
    """Make an article."""
    wanted = _checked(body)
    with workspace().database.write() as session:
        if session.get(Article, wanted.id) is not None:
            raise conflict("id_taken", f"there is an article {wanted.id!r} already", article=wanted.id)
        store.save_article(session, wanted, by=need("knowledge").name)
        _write_down(session, wanted.id, "article.added", wanted)
        answer = _shown(session, wanted.id)
    _tell()
    return answer[0], {**answer[1], "Location": f"/api/articles/{quote(wanted.id, safe='')}"}


@blueprint.route("/articles/<article_id>", methods=["GET"])
@needs("read")
@blueprint.response(200, ArticleSchema)
def show_article(article_id: str) -> Answer:
    """One article in all its languages; its ETag goes into the If-Match of the next PUT."""
    with workspace().database.read() as session:
        return _shown(session, article_id)


@blueprint.route("/articles/<article_id>", methods=["PUT"])
@needs("knowledge")
@blueprint.arguments(ArticleBody)
@blueprint.response(200, ArticleSchema)
def save_article(body: dict[str, Any], article_id: str) -> Answer:
    """Replace what an article says. 428 without If-Match; 412 `edited_meanwhile` when it is not the newest."""
    wanted = _checked({**body, "id": article_id})
    with workspace().database.write() as session:
        _require_match(_held(session, article_id))
        saved = store.save_article(session, wanted, by=need("knowledge").name)
        if saved.outcome != "unchanged":
            _write_down(session, article_id, "article.saved", wanted)
        answer = _shown(session, article_id)
    _tell()
    return answer


@blueprint.route("/articles/<article_id>/retire", methods=["POST"])
@needs("knowledge")
@blueprint.response(200, ArticleSchema)
def retire_article(article_id: str) -> Answer:
    """Take an article out of every search, at once. Doing it twice changes nothing."""
    return _change_state(article_id, "retired")


@blueprint.route("/articles/<article_id>/restore", methods=["POST"])
@needs("knowledge")
@blueprint.response(200, ArticleSchema)
def restore_article(article_id: str) -> Answer:
    """Bring a retired article back. Doing it twice changes nothing."""
    return _change_state(article_id, "active")


@blueprint.route("/articles/<article_id>/versions", methods=["GET"])
@needs("read")
@blueprint.response(200, VersionsSchema)
def list_versions(article_id: str) -> dict[str, Any]:
    """Every text the article has ever had, the newest first."""
    with workspace().database.read() as session:
        _held(session, article_id)
        return {"versions": [asdict(past) for past in store.history(session, article_id)]}


@blueprint.route("/knowledge/search", methods=["GET"])
@needs("read")
@blueprint.arguments(SearchQuery, location="query")
@blueprint.response(200, HitsSchema)
def search_knowledge(query: dict[str, Any]) -> dict[str, Any]:
    """Articles by meaning, as the assistant finds them. 503 `warming_up` with Retry-After until it is loaded."""
    base = knowledge_service().base()
    started = time.perf_counter()
    language = query["language"] or detect(query["q"]).language
    hits = base.search(
        query["q"], language=language, audience=query["audience"], channel_kind=query["channel"], k=query["k"]
    )
    took = (time.perf_counter() - started) * 1000
    return {"hits": [asdict(hit) for hit in hits], "revision": base.revision, "took_ms": round(took, 2)}


def entry_of(entry: Entry) -> dict[str, Any]:
    """An entry of the list as plain data."""
    plain = asdict(entry)
    del plain["words"]
    return plain


def _checked(given: dict[str, Any]) -> ArticleText:
    try:
        return checked(given)
    except ArticleProblem as problem:
        raise invalid("bad_article", str(problem)) from problem


def _held(session: Session, article_id: str) -> Article:
    article = session.get(Article, article_id)
    if article is None:
        raise not_found("article")
    return article


def _shown(session: Session, article_id: str) -> Answer:
    article = _held(session, article_id)
    text = store.article_text(session, article_id)
    if text is None:
        raise not_found("article")
    about = {name: getattr(article, name) for name in ("state", "revision", "created_at", "updated_at")}
    return {**as_plain(text), **about}, {"ETag": f'"{article.revision}"'}


def _require_match(article: Article) -> None:
    if not request.if_match:
        raise Refused(428, "if_match_required", "send the ETag you have read as If-Match")
    if not request.if_match.contains_weak(str(article.revision)):
        raise Refused(
            412, "edited_meanwhile", "somebody has changed the article since you read it", revision=article.revision
        )


def _change_state(article_id: str, state: str) -> Answer:
    with workspace().database.write() as session:
        before = _held(session, article_id).state
        if before != state:
            (store.retire if state == "retired" else store.restore)(session, article_id)
            _write_down(session, article_id, "article.retired" if state == "retired" else "article.restored", None)
        answer = _shown(session, article_id)
    _tell()
    return answer


def _write_down(session: Session, article_id: str, action: str, text: ArticleText | None) -> None:
    asking = need("knowledge")
    content = json.dumps(as_plain(text), ensure_ascii=False, sort_keys=True) if text else ""
    workspace().trail.add(session, asking.name, action, f"article:{article_id}", content)
    record(session, "knowledge.changed", asking.name, article=article_id, change=action)


def _tell() -> None:
    workspace().nudge.send("work")
    workspace().nudge.send("events")
