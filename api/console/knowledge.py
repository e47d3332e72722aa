"""The knowledge pages: the list of articles with its two searches, and the editor of one article."""

from __future__ import annotations

from typing import Any, Final

from flask import render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.console import words
from api.console.editor_words import limits, sentences
from api.console.frame import blueprint, may, reader_language
from api.knowledge_service import knowledge_service
from api.problems import not_found
from api.rest.access import need, needs, workspace
from api.tables import Account, Decision, Finding, Message
from bot.channels import KINDS
from knowledge import life, store
from knowledge.about import VariantState, variants_of
from knowledge.article_files import as_plain
from knowledge.article_text import MAX_ANSWER, MAX_CATEGORY, MAX_ID, MAX_PHRASING
from knowledge.catalogue import STANDINGS, Entry, Filters, standings_of
from knowledge.languages import LANGUAGES, is_language
from knowledge.tables import Article, ArticleEvent, SavedView
from knowledge.text_diff import word_diff

CATEGORIES: Final = {
    "billing": _("Bills and payments"),
    "network": _("Mobile network"),
    "internet": _("Home internet"),
    "tv": _("Television"),
    "contract": _("Contract and plan"),
    "device": _("Devices"),
    "account": _("Account"),
    "security": _("Security"),
    "service": _("Service"),
}
"""Names of the demo's categories; any other category is shown as it is written."""

HITS: Final = 5
EVENTS: Final = 60
MOST: Final = {"id": MAX_ID, "category": MAX_CATEGORY, "question": MAX_PHRASING, "answer": MAX_ANSWER}


@blueprint.get("/knowledge")
@needs("read")
def show_knowledge() -> str:
    """The list; with `?part=list` only its rows, with `?part=meaning` only what the search by meaning found."""
    part = request.args.get("part", "")
    context: dict[str, Any] = {"q": _given("q"), "service": knowledge_service()}
    if part != "meaning":
        context |= _list()
    if part != "list":
        context["found"] = _by_meaning(context["q"])
    template = {"list": "knowledge/_list.html", "meaning": "knowledge/_meaning.html"}.get(part, "knowledge/page.html")
    return render_template(template, category_name=category_name, question_of=question_of, **context)


@blueprint.get("/knowledge/<article_id>")
@needs("read")
def show_article(article_id: str) -> str:
    """The editor of one article; for those who may not write, the same to read."""
    with workspace().database.read() as session:
        article = session.get(Article, article_id)
        text = store.article_text(session, article_id)
        if article is None or text is None:
            raise not_found("article")
        context = _life(session, article)
    plain = _with_open(as_plain(text), context["variants"])
    title = plain["languages"].get(reader_language(), next(iter(plain["languages"].values())))["question"]
    return _editor(article=article, plain=plain, title=title, **context)


@blueprint.get("/knowledge/new/article")
@needs("knowledge")
def show_new_article() -> str:
    """The editor of an article that is not there yet. No id holds a slash, so its address can be no article's."""
    plain = {"id": "", "category": "", "languages": _of_gap(request.args.get("gap", ""))}
    return _editor(article=None, plain=plain, title="", history=[], variants=[], story=[], owners=[], four_eyes=False)


def _of_gap(given: str) -> dict[str, Any]:
    """What the editor begins with when an article is made of a gap: the messages, and what an agent wrote to them."""
    if not given.isdecimal() or len(given) > 9:
        return {}
    with workspace().database.read() as session:
        row = session.get(Finding, int(given))
        if row is None or row.board != "gaps":
            return {}
        asked = session.scalars(select(Message).where(Message.id.in_(row.data["messages"])).order_by(Message.id)).all()
        wrote = session.scalars(select(Decision.final_text).where(Decision.id.in_(row.data["decisions"]))).all()
        language = row.data["language"]
        texts = [" ".join(message.text.split()) for message in asked if (message.language or language) == language]
    if not texts:
        return {}
    return {
        language: {"question": texts[0], "variants": texts[1:], "answer": wrote[0] if wrote else "", "public": None}
    }


def _life(session: Session, article: Article) -> dict[str, Any]:
    people = session.execute(select(Account.login, Account.name).where(Account.disabled_at.is_(None)))
    variants = variants_of(session, article.id)
    return {
        "history": store.history(session, article.id),
        "variants": variants,
        "newest": lambda one: _newest(variants, one)[1],
        "newest_id": lambda one: _newest(variants, one)[0],
        "story": [_told(event) for event in life.events(session, article.id)[:EVENTS]],
        "owners": sorted((login, name) for login, name in people),
        "four_eyes": life.asks_four_eyes(article),
    }


def _newest(variants: list[VariantState], one: VariantState) -> tuple[int, str]:
    """What the source of a stale translation says now: its version and its text."""
    said = [other for other in variants if other.language == one.source_language and other.current]
    same = [other for other in said if other.audience == one.audience and not other.channel_kind] or said
    version = same[0].current if same else one.source
    return (version.id, version.text) if version else (0, "")


def _with_open(plain: dict[str, Any], variants: list[VariantState]) -> dict[str, Any]:
    """What nobody may say yet stands in the fields where nothing else does."""
    for one in variants:
        said = plain["languages"].get(one.language)
        if said and one.open and not one.current and not one.channel_kind and not said["answer"]:
            said["answer"] = one.open.text
    return plain


def _told(event: ArticleEvent) -> dict[str, Any]:
    """One line of an article's story."""
    if event.kind in ("version", "article"):
        before, after = (words.say(event.kind, code) if code else "" for code in (event.before, event.after))
        text = f"{before} → {after}" if before else str(after)
    elif event.kind == "phrasings":
        text = str(gettext("Phrasings changed: %(languages)s", languages=event.after.upper()))
    else:
        text = str(gettext("Owner, tags or dates changed"))
    return {"at": event.at, "actor": event.actor, "why": event.why, "text": text, "version": event.version_id}


def category_name(category: str) -> str:
    """The name of a category in the reader's language."""
    return str(CATEGORIES.get(category, category))


def question_of(entry: Entry) -> tuple[str, str]:
    """An article's question in the reader's language, else in English, else in any; with its language."""
    for language in (reader_language(), "en", *LANGUAGES):
        if is_language(language) and language in entry.questions:
            return language, entry.questions[language]
    return "", entry.id


def _editor(*, article: Article | None, **context: Any) -> str:
    return render_template(
        "knowledge/article.html",
        article=article,
        languages=LANGUAGES,
        first=_first_tab(context["plain"]["languages"]),
        categories=CATEGORIES,
        category_name=category_name,
        writable=may("knowledge"),
        most=MOST,
        limits=limits(),
        sentences=sentences(),
        kinds=tuple(KINDS),
        me=need("read").name,
        word_diff=word_diff,
        **context,
    )


def _first_tab(held: dict[str, Any]) -> str:
    reader = reader_language()
    return reader if reader in held or not held else next(language for language in LANGUAGES if language in held)


def _list() -> dict[str, Any]:
    names = ("q", "language", "missing", "category", "state", "owner", "tag", "standing", "page")
    given = {name: _given(name) for name in names}
    number = given.pop("page")
    page = min(int(number), 100_000) if number.isascii() and number.isdecimal() and len(number) < 7 else 1
    given["state"] = given["state"] if given["state"] in ("active", "retired", "all") else "active"
    filters = Filters(**given, page=max(page, 1))
    with workspace().database.read() as session:
        mine = select(SavedView).where(SavedView.login == need("read").name).order_by(SavedView.name)
        views = list(session.scalars(mine))
    return {
        "listed": knowledge_service().catalogue.page(filters),
        "filters": filters,
        "languages": LANGUAGES,
        "standings": STANDINGS,
        "standings_of": standings_of,
        "views": views,
    }


def _by_meaning(q: str) -> dict[str, Any] | None:
    """What the search by meaning says; None where nothing is asked."""
    service = knowledge_service()
    if not q:
        service.start()
        return None
    if not service.ready:
        service.start()
        return {"hits": [], "waiting": service.progress, "failure": service.failure}
    hits = service.base().search(q, language=None, audience="private", k=HITS)
    entries = {entry.id: entry for entry in service.catalogue.entries([hit.article for hit in hits])}
    return {"hits": [(hit, entries[hit.article]) for hit in hits if hit.article in entries], "waiting": None}


def _given(name: str) -> str:
    return request.args.get(name, "").strip()[:200]
