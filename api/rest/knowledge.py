"""Articles: list, read, write, retire, restore, their versions, and the search by meaning."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from flask_smorest import Blueprint
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.knowledge_service import knowledge_service
from api.problems import conflict, invalid, not_found
from api.rest.access import need, needs, workspace
from api.rest.article_view import Answer, held, shown, tell, write_down
from api.rest.knowledge_shapes import (
    ArticleBody,
    ArticleSchema,
    HitsSchema,
    ListQuery,
    ListSchema,
    NewArticleBody,
    SearchQuery,
    TriedSchema,
    TryBody,
    VersionsSchema,
    ViewBody,
    ViewSchema,
    WhyBody,
)
from bot.language import detect
from knowledge import store
from knowledge.article_text import ArticleProblem, ArticleText, checked
from knowledge.catalogue import Entry, Filters
from knowledge.current import languages_of
from knowledge.life import WrongMove
from knowledge.tables import Article, SavedView

TRIED = 5
MOST_VIEWS = 50

blueprint = Blueprint("knowledge", __name__, url_prefix="/api", description="Articles and the search over them")


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
    how = _how(body)
    wanted = _checked(body)
    with workspace().database.write() as session:
        if session.get(Article, wanted.id) is not None:
            raise conflict("id_taken", f"there is an article {wanted.id!r} already", article=wanted.id)
        _saved(session, wanted, how)
        write_down(session, wanted.id, "article.added", wanted)
        answer = shown(session, wanted.id)
    tell()
    return answer[0], {**answer[1], "Location": f"/api/articles/{quote(wanted.id, safe='')}"}


@blueprint.route("/articles/<article_id>", methods=["GET"])
@needs("read")
@blueprint.response(200, ArticleSchema)
def show_article(article_id: str) -> Answer:
    """One article in all its languages; its ETag goes into the If-Match of the next PUT."""
    with workspace().database.read() as session:
        return shown(session, article_id)


@blueprint.route("/articles/<article_id>", methods=["PUT"])
@needs("knowledge")
@blueprint.arguments(ArticleBody)
@blueprint.response(200, ArticleSchema)
def save_article(body: dict[str, Any], article_id: str) -> Answer:
    """Replace what an article says. 428 without If-Match; 412 `edited_meanwhile` when it is not the newest.

    Changed answers become new versions in `state`; under four eyes, what would be approved goes into review.
    """
    how = _how(body)
    wanted = _checked({**body, "id": article_id})
    with workspace().database.write() as session:
        held(session, article_id, matched=True)
        saved = _saved(session, wanted, how)
        if saved.outcome != "unchanged":
            write_down(session, article_id, "article.saved", wanted)
        answer = shown(session, article_id)
    tell()
    return answer


@blueprint.route("/articles/<article_id>/retire", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(WhyBody, required=False)
@blueprint.response(200, ArticleSchema)
def retire_article(body: dict[str, Any], article_id: str) -> Answer:
    """Take an article out of every search, at once. Doing it twice changes nothing."""
    return _change_state(article_id, "retired", body["why"])


@blueprint.route("/articles/<article_id>/restore", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(WhyBody, required=False)
@blueprint.response(200, ArticleSchema)
def restore_article(body: dict[str, Any], article_id: str) -> Answer:
    """Bring a retired article back. Doing it twice changes nothing."""
    return _change_state(article_id, "active", body["why"])


@blueprint.route("/articles/<article_id>/versions", methods=["GET"])
@needs("read")
@blueprint.response(200, VersionsSchema)
def list_versions(article_id: str) -> dict[str, Any]:
    """Every text the article has ever had, the newest first."""
    with workspace().database.read() as session:
        held(session, article_id)
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
    with workspace().database.read() as session:
        spoken = languages_of(session, [hit.article for hit in hits])
    found = [{**asdict(hit), "exists_in": spoken[hit.article]} for hit in hits]
    return {"hits": found, "revision": base.revision, "took_ms": round(took, 2)}


@blueprint.route("/knowledge/try", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(TryBody)
@blueprint.response(200, TriedSchema)
def try_edit(body: dict[str, Any]) -> dict[str, Any]:
    """How the articles rank for a message now, and as if the edited article were saved. Nothing is saved."""
    service, text = knowledge_service(), body["text"]
    base, edited = service.base(), _checked(body["article"])
    language = body["language"] or detect(text).language
    now_found = base.search(text, language=language, audience="private", k=TRIED)
    before = [{"article": hit.article, "probability": hit.probability, "phrasing": hit.phrasing} for hit in now_found]
    after = [asdict(one) for one in service.trials().rank(text, language, edited, TRIED)]
    return {"before": before, "after": after}


@blueprint.route("/knowledge/views", methods=["GET"])
@needs("read")
@blueprint.response(200, ViewSchema(many=True))
def list_views() -> list[SavedView]:
    """The lists this person comes back to."""
    with workspace().database.read() as session:
        mine = select(SavedView).where(SavedView.login == need("read").name).order_by(SavedView.name)
        return list(session.scalars(mine))


@blueprint.route("/knowledge/views", methods=["POST"])
@needs("read")
@blueprint.arguments(ViewBody)
@blueprint.response(201, ViewSchema)
def save_view(body: dict[str, Any]) -> SavedView:
    """Keep a list under a name; the same name again replaces it."""
    login = need("read").name
    with workspace().database.write() as session:
        held = session.scalar(select(SavedView).filter_by(login=login, name=body["name"]))
        if held is None and len(session.scalars(select(SavedView.id).filter_by(login=login)).all()) >= MOST_VIEWS:
            raise conflict("too_many_views", f"at most {MOST_VIEWS} views are kept: delete one first")
        held = held or SavedView(login=login, name=body["name"])
        held.query = body["query"].lstrip("?")
        session.add(held)
        session.flush()
        return held


@blueprint.route("/knowledge/views/<int:view_id>", methods=["DELETE"])
@needs("read")
@blueprint.response(204)
def delete_view(view_id: int) -> None:
    """Forget a list of one's own."""
    with workspace().database.write() as session:
        held = session.get(SavedView, view_id)
        if held is None or held.login != need("read").name:
            raise not_found("view of yours")
        session.delete(held)


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


def _how(body: dict[str, Any]) -> dict[str, Any]:
    """Takes out of the body how it is to be saved."""
    return {name: body.pop(name) for name in ("state", "why", "sources")}


def _saved(session: Session, wanted: ArticleText, how: dict[str, Any]) -> store.Saved:
    try:
        return store.save_article(session, wanted, by=need("knowledge").name, **how)
    except WrongMove as wrong:
        raise conflict(wrong.code, str(wrong)) from wrong


def _change_state(article_id: str, state: str, why: str) -> Answer:
    change = store.retire if state == "retired" else store.restore
    with workspace().database.write() as session:
        before = held(session, article_id).state
        if before != state:
            change(session, article_id, by=need("knowledge").name, why=why)
            write_down(session, article_id, "article.retired" if state == "retired" else "article.restored", None)
        answer = shown(session, article_id)
    tell()
    return answer
