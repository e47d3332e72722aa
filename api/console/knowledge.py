"""The knowledge pages: the list of articles with its two searches, and the editor of one article."""

from __future__ import annotations

from typing import Any, Final

from flask import render_template, request
from flask_babel import lazy_gettext as _

from api.console import words
from api.console.frame import blueprint, may, reader_language
from api.knowledge_service import knowledge_service
from api.problems import not_found
from api.rest.access import needs, workspace
from bot.channels import KINDS
from knowledge import store
from knowledge.article_files import as_plain
from knowledge.article_text import MAX_ANSWER, MAX_CATEGORY, MAX_ID, MAX_PHRASING
from knowledge.catalogue import Entry, Filters
from knowledge.languages import LANGUAGES, is_language
from knowledge.tables import Article

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
        history = store.history(session, article_id)
    plain = as_plain(text)
    title = plain["languages"].get(reader_language(), next(iter(plain["languages"].values())))["question"]
    return _editor(article=article, plain=plain, history=history, title=title)


@blueprint.get("/knowledge/new/article")
@needs("knowledge")
def show_new_article() -> str:
    """The editor of an article that is not there yet. No id holds a slash, so its address can be no article's."""
    return _editor(article=None, plain={"id": "", "category": "", "languages": {}}, history=[], title="")


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
        limits=_limits(),
        sentences=_sentences(),
        **context,
    )


def _first_tab(held: dict[str, Any]) -> str:
    reader = reader_language()
    return reader if reader in held or not held else next(language for language in LANGUAGES if language in held)


def _list() -> dict[str, Any]:
    given = {name: _given(name) for name in ("q", "language", "missing", "category", "state", "page")}
    number = given.pop("page")
    page = min(int(number), 100_000) if number.isascii() and number.isdecimal() and len(number) < 7 else 1
    given["state"] = given["state"] if given["state"] in ("active", "retired", "all") else "active"
    filters = Filters(**given, page=max(page, 1))
    return {"listed": knowledge_service().catalogue.page(filters), "filters": filters, "languages": LANGUAGES}


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


def _limits() -> list[dict[str, Any]]:
    """What each kind of channel takes, for the counters: `{name, public: [most, counter], private: ...}`."""
    return [
        {
            "name": str(words.say("channel", kind)),
            "public": [limits.public.most, limits.public.counter],
            "private": [limits.limit("private").most, limits.limit("private").counter],
        }
        for kind, limits in KINDS.items()
    ]


def _sentences() -> dict[str, str]:
    """What the editor's script says."""
    said = {
        "saved": _("Saved. The search knows it in a second or two."),
        "unchanged": _("Nothing has changed."),
        "retired": _("Retired: it is not found any more."),
        "restored": _("The article is back."),
        "conflict": _(
            "Somebody has saved this article since you opened it. "
            "Both texts are put together; look at the marked fields, then save again."
        ),
        "both_changed": _("Both of you changed this. Theirs:"),
        "take_theirs": _("Take theirs"),
        "question_missing": _("This language needs a question."),
        "answer_missing": _("A public text needs the full answer beside it."),
        "id_missing": _("The article needs an id."),
        "language_missing": _("Write at least one language."),
        "id_taken": _("There is an article with this id already."),
        "bad_article": _("This cannot be stored:"),
        "characters": _("characters: {count}"),
        "too_long_for": _("too long for {channels}: later sentences are left out there"),
        "taken": _("The older text is in the field. Save to make it the current one."),
        "nothing_found": _("Nothing found."),
        "waiting": _("The search by meaning is getting ready…"),
        "here": _("this article"),
        "is_dirty": _("not saved"),
        "is_has": _("answered"),
        "is_asks": _("no answer yet"),
        "is_missing": _("missing"),
    }
    return {name: str(sentence) for name, sentence in said.items()}
