"""The life of an article by API: owner and dates, versions and their moves, roll-back, differences, what happened."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.problems import conflict, invalid, not_found
from api.rest.access import need, needs, workspace
from api.rest.article_view import Answer, held, shown, tell, write_down
from api.rest.knowledge_shapes import (
    AboutBody,
    ArticleSchema,
    DiffSchema,
    EventsSchema,
    MoveBody,
    VersionBody,
    WhyBody,
)
from api.tables import Account
from knowledge import life
from knowledge.about import checked_about, set_about
from knowledge.article_text import ArticleProblem, LanguageText, first_fault
from knowledge.tables import Article, Variant, Version
from knowledge.text_diff import word_diff

blueprint = Blueprint("article life", __name__, url_prefix="/api", description="Versions, review, owner and dates")


@blueprint.route("/articles/<article_id>/about", methods=["PUT"])
@needs("knowledge")
@blueprint.arguments(AboutBody)
@blueprint.response(200, ArticleSchema)
def save_about(body: dict[str, Any], article_id: str) -> Answer:
    """Set owner, tags, the leading language and the dates. 428 without If-Match; 412 when somebody was faster."""
    why = body.pop("why")
    try:
        about = checked_about(body)
    except ArticleProblem as problem:
        raise invalid("bad_about", str(problem)) from problem
    asking = need("knowledge")
    with workspace().database.write() as session:
        article = held(session, article_id, matched=True)
        if about.owner and about.owner != article.owner:
            _require_account(session, about.owner)
        if set_about(session, article, about, by=asking.name, why=why):
            write_down(session, article_id, "article.described", about.model_dump_json())
        answer = shown(session, article_id)
    tell()
    return answer


@blueprint.route("/articles/<article_id>/versions", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(VersionBody)
@blueprint.response(201, ArticleSchema)
def add_version(body: dict[str, Any], article_id: str) -> Answer:
    """Give one variant a new text: born as draft, into review, or approved (under four eyes: into review)."""
    text = _checked_text(body["text"])
    asking = need("knowledge")
    with workspace().database.write() as session:
        article = held(session, article_id, matched=True)
        variant = _variant(session, article, body)
        _require_source(session, article, body["translated_from"])
        wanted = life.Wanted(variant, text, body["translated_from"])
        made = life.write(session, article, [wanted], by=asking.name, why=body["why"], state=body["state"])
        life.changed(session, article, said=made[0].state == "approved")
        write_down(session, article_id, "version.written", text)
        answer = shown(session, article_id)
    tell()
    return answer


@blueprint.route("/versions/<int:version_id>/move", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(MoveBody)
@blueprint.response(200, ArticleSchema)
def move_version(body: dict[str, Any], version_id: int) -> Answer:
    """Move a version: to review, approved, back to draft, retired. 409 `own_text` where policy asks for another."""
    asking = need("knowledge")
    with workspace().database.write() as session:
        version, article = _version(session, version_id)
        held(session, article.id, matched=True)
        try:
            life.move(session, article, version, body["to"], by=asking.name, why=body["why"])
        except life.WrongMove as wrong:
            raise conflict(wrong.code, str(wrong), state=version.state) from wrong
        write_down(session, article.id, f"version.{body['to']}", version.text_sha256)
        answer = shown(session, article.id)
    tell()
    return answer


@blueprint.route("/versions/<int:version_id>/roll-back", methods=["POST"])
@needs("knowledge")
@blueprint.arguments(WhyBody)
@blueprint.response(201, ArticleSchema)
def roll_back(body: dict[str, Any], version_id: int) -> Answer:
    """Say an old text again: a new version with it (under four eyes it waits for somebody else)."""
    asking = need("knowledge")
    with workspace().database.write() as session:
        version, article = _version(session, version_id)
        held(session, article.id, matched=True)
        try:
            life.roll_back(session, article, version, by=asking.name, why=body["why"])
        except life.WrongMove as wrong:
            raise conflict(wrong.code, str(wrong), state=version.state) from wrong
        write_down(session, article.id, "version.rolled_back", version.text_sha256)
        answer = shown(session, article.id)
    tell()
    return answer


@blueprint.route("/versions/<int:before>/diff/<int:after>", methods=["GET"])
@needs("read")
@blueprint.response(200, DiffSchema)
def show_diff(before: int, after: int) -> dict[str, Any]:
    """What differs between any two versions of one article, word by word."""
    with workspace().database.read() as session:
        (old, one), (new, other) = _version(session, before), _version(session, after)
    if one.id != other.id:
        raise invalid("not_of_one_article", "the two versions belong to two articles")
    pieces = [asdict(piece) for piece in word_diff(old.text, new.text)]
    return {"before": before, "after": after, "pieces": pieces}


@blueprint.route("/articles/<article_id>/events", methods=["GET"])
@needs("read")
@blueprint.response(200, EventsSchema)
def list_article_events(article_id: str) -> dict[str, Any]:
    """What happened to the article and its versions: who, when, why; the newest first."""
    with workspace().database.read() as session:
        held(session, article_id)
        rows = life.events(session, article_id)
    names = ("id", "version_id", "kind", "before", "after", "actor", "why", "at")
    return {"events": [{name: getattr(row, name) for name in names} for row in rows]}


def _version(session: Session, version_id: int) -> tuple[Version, Article]:
    version = session.get(Version, version_id)
    if version is None:
        raise not_found("version")
    variant = session.get_one(Variant, version.variant_id)
    return version, session.get_one(Article, variant.article_id)


def _variant(session: Session, article: Article, body: dict[str, Any]) -> Variant:
    key = {name: body[name] for name in ("language", "audience", "channel_kind")}
    found = session.scalar(select(Variant).filter_by(article_id=article.id, **key))
    return found or Variant(article_id=article.id, **key)


def _require_source(session: Session, article: Article, version_id: int | None) -> None:
    if version_id is not None and _version(session, version_id)[1].id != article.id:
        raise invalid("bad_source", "a translation is made from a version of the same article")


def _require_account(session: Session, login: str) -> None:
    known = session.scalar(select(Account.id).where(Account.login == login, Account.disabled_at.is_(None)))
    if known is None:
        raise invalid("no_such_owner", f"there is no account {login!r}")


def _checked_text(text: str) -> str:
    from pydantic import ValidationError

    try:
        answer = LanguageText(question="?", answer=text).answer
    except ValidationError as problem:
        raise invalid("bad_text", first_fault(problem)) from problem
    if not answer:
        raise invalid("bad_text", "answer: is empty")
    return answer
