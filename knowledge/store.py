"""Articles as their keepers write them: made, edited, retired, restored, always inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from knowledge import life
from knowledge.article_text import ArticleProblem, ArticleText, LanguageText
from knowledge.languages import LANGUAGES, Language
from knowledge.life import State, text_hash
from knowledge.policy import keeping_policy
from knowledge.tables import Article, KnowledgeState, PhrasingRow, Variant, Version

Outcome = Literal["new", "changed", "unchanged"]
AUDIENCES: Final = ("private", "public")


class NoSuchArticle(LookupError):
    """There is no article with this id."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving did. `revision` is the article's, for the next If-Match."""

    id: str
    outcome: Outcome
    revision: int


@dataclass(frozen=True, slots=True)
class Past:
    """One version in an article's history."""

    id: int
    language: str
    audience: str
    number: int
    state: str
    text: str
    written_by: str
    created_at: datetime
    channel_kind: str
    why: str
    approved_by: str | None
    approved_at: datetime | None
    translated_from: int | None
    four_eyes: bool


def current_revision(session: Session) -> int:
    """The number every change of the base raises; 0 for a base that has never held anything."""
    return session.scalar(select(KnowledgeState.revision).where(KnowledgeState.id == 1)) or 0


def article_text(session: Session, article_id: str) -> ArticleText | None:
    """What an article says now; None when there is no such article."""
    article = session.get(Article, article_id)
    if article is None:
        return None
    asked: dict[str, list[str]] = {}
    for row in session.scalars(
        select(PhrasingRow).where(PhrasingRow.article_id == article_id).order_by(PhrasingRow.position, PhrasingRow.id)
    ):
        asked.setdefault(row.language, []).append(row.text)
    said = _approved(session, article_id)
    languages = {
        language: {
            "question": phrasings[0],
            "variants": phrasings[1:],
            "answer": said.get((language, "private"), said.get((language, "public"), "")),
            "public": said.get((language, "public")),
        }
        for language, phrasings in asked.items()
    }
    return ArticleText.model_validate({"id": article.id, "category": article.category, "languages": languages})


def merged(held: ArticleText | None, given: ArticleText) -> ArticleText:
    """`given`, with the languages (and the category) that only `held` has."""
    if held is None:
        return given
    category = given.category or held.category
    return given.model_copy(update={"category": category, "languages": {**held.languages, **given.languages}})


def outcome_of(held: ArticleText | None, wanted: ArticleText) -> Outcome:
    """What saving `wanted` over `held` would do."""
    if held is None:
        return "new"
    return "unchanged" if held == wanted else "changed"


def save_article(
    session: Session, wanted: ArticleText, *, by: str, keep_other_languages: bool = False, state: State = "approved",
    why: str = "", sources: Mapping[str, str] | None = None, four_eyes: bool | None = None,
) -> Saved:  # fmt: skip
    """Store an article as it is to be from now on. Saving the same again changes nothing.

    Phrasings are replaced at once. A changed answer becomes a new version in `state`; under four eyes (None: as policy
    asks) one that would be approved goes into review, and what is said stays as it is until then. A language that
    `wanted` does not have is taken away, unless `keep_other_languages`.

    `sources` says which language each changed translation was made from. A language that is not named there keeps the
    source it had, so that a corrected comma does not pass for a renewed translation.

    Raises:
        WrongMove: `draft_takes_away` for a draft that would take a text away.
    """
    held = article_text(session, wanted.id)
    if keep_other_languages:
        wanted = merged(held, wanted)
    if held == wanted:
        return Saved(wanted.id, "unchanged", session.get_one(Article, wanted.id).revision)
    article, asks = _opened(session, held, wanted, sources)
    plan = _Plan(article, by, why, state, asks if four_eyes is None else four_eyes, dict(sources or {}))
    before = held.languages if held else {}
    changed = [language for language in LANGUAGES if before.get(language) != wanted.languages.get(language)]
    asked = [lang for lang in changed if _asked(before.get(lang)) != _asked(wanted.languages.get(lang))]
    _ask(session, wanted, [language for language in asked if language in before], asked)
    wrote = _answer(session, wanted, changed, plan)
    if held is None:
        life.raise_revision(session)
        return Saved(article.id, "new", article.revision)
    if asked:
        life.note_phrasings(session, article, asked, by=by, why=why)
    if not (asked or wrote or article.category != wanted.category):
        return Saved(article.id, "unchanged", article.revision)
    article.category = wanted.category
    life.changed(session, article, said=bool(asked) or state == "approved")
    return Saved(article.id, "changed", article.revision)


def _opened(
    session: Session, held: ArticleText | None, wanted: ArticleText, sources: Mapping[str, str] | None
) -> tuple[Article, bool]:
    """The article's row, and whether policy asks for four eyes before the change or after it."""
    if held is None:
        leads = next(iter(sources.values()), "") if sources else ""
        article = Article(id=wanted.id, category=wanted.category, tags=[], source_language=leads, revision=1)
        session.add(article)
        return article, life.asks_four_eyes(article)
    article = session.get_one(Article, wanted.id)
    # A change of the category must not be a way around a second person.
    return article, life.asks_four_eyes(article) or keeping_policy().asks_four_eyes(wanted.category, article.tags)


def retire(session: Session, article_id: str, *, by: str = "system", why: str = "") -> Article:
    """Take an article out of every search at once. Its texts and history stay. Raises NoSuchArticle."""
    return _set_state(session, article_id, "retired", by, why)


def restore(session: Session, article_id: str, *, by: str = "system", why: str = "") -> Article:
    """Bring a retired article back as it was. Raises NoSuchArticle."""
    return _set_state(session, article_id, "active", by, why)


def history(session: Session, article_id: str) -> list[Past]:
    """Every version of every text of an article, the newest first. Raises NoSuchArticle."""
    _held(session, article_id)
    rows = session.execute(
        select(Variant, Version)
        .join(Version, Version.variant_id == Variant.id)
        .where(Variant.article_id == article_id)
        .order_by(Version.id.desc())
    )
    return [
        Past(
            version.id, variant.language, variant.audience, version.number, version.state, version.text,
            version.written_by, version.created_at, variant.channel_kind, version.why, version.approved_by,
            version.approved_at, version.translated_from, version.four_eyes,
        )
        for variant, version in rows
    ]  # fmt: skip


def _approved(session: Session, article_id: str) -> dict[tuple[str, str], str]:
    rows = session.execute(
        select(Variant.language, Variant.audience, Version.text)
        .join(Version, Version.variant_id == Variant.id)
        .where(Variant.article_id == article_id, Variant.channel_kind == "", Version.state == "approved")
    )
    return {(language, audience): text for language, audience, text in rows}


def _ask(session: Session, wanted: ArticleText, replaced: list[Language], changed: list[Language]) -> None:
    if replaced:
        session.execute(
            delete(PhrasingRow)
            .where(PhrasingRow.article_id == wanted.id, PhrasingRow.language.in_(replaced))
            .execution_options(synchronize_session=False)
        )
    session.add_all(
        PhrasingRow(article_id=wanted.id, language=language, position=position, text=text, text_sha256=text_hash(text))
        for language in changed
        if language in wanted.languages
        for position, text in enumerate(wanted.languages[language].phrasings)
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """How changed answers are to be written."""

    article: Article
    by: str
    why: str
    state: State
    four_eyes: bool
    sources: dict[str, str]


_Variants = dict[tuple[str, str], Variant]


def _answer(session: Session, wanted: ArticleText, changed: list[Language], plan: _Plan) -> bool:
    """Write the answers that differ; whether any did."""
    rows = session.scalars(
        select(Variant)
        .where(Variant.article_id == wanted.id, Variant.channel_kind == "")
        .options(selectinload(Variant.versions))
    )
    variants = {(row.language, row.audience): row for row in rows}
    taken = [
        variant
        for (language, audience), variant in variants.items()
        if language in changed and variant.current and audience not in _answers(wanted, language)
    ]
    if taken and plan.state != "approved":
        raise life.WrongMove("draft_takes_away", "a draft cannot take a text away: retire that text, or save for good")
    life.silence(session, plan.article, taken, by=plan.by, why=plan.why)
    wrote = bool(taken)
    # A language that others are translated from goes first, so that they can name its new version.
    leading = set(plan.sources.values())
    for group in ([each for each in changed if each in leading], [each for each in changed if each not in leading]):
        wrote = _write(session, wanted, group, variants, plan) or wrote
    return wrote


def _write(session: Session, wanted: ArticleText, languages: list[Language], variants: _Variants, plan: _Plan) -> bool:
    """Write the texts of these languages that no version says yet; an open one that says it goes on its way."""
    texts: list[life.Wanted] = []
    advanced = False
    for language in languages:
        for audience, text in sorted(_answers(wanted, language).items()):
            variant = variants.get((language, audience))
            if variant is None:
                variant = Variant(article_id=wanted.id, language=language, audience=audience)
                variants[language, audience] = variant
            elif variant.current and variant.current.text == text:
                continue
            elif variant.open and variant.open.text == text:
                advanced = (
                    life.advance(session, plan.article, variant.open, plan.state, by=plan.by, why=plan.why) or advanced
                )
                continue
            texts.append(life.Wanted(variant, text, _source(variants, variant, plan)))
    life.write(session, plan.article, texts, by=plan.by, why=plan.why, state=plan.state, four_eyes=plan.four_eyes)
    return bool(texts) or advanced


def _source(variants: _Variants, variant: Variant, plan: _Plan) -> int | None:
    """What a new text is a translation of: as the plan says, else as before, else the leading language's version."""
    said = variant.open or variant.current
    language = plan.sources.get(variant.language)
    if language is None and said is not None:
        return said.translated_from
    language = language or plan.article.source_language
    for audience in (variant.audience, *AUDIENCES):
        source = variants.get((language, audience))
        version = (source.open or source.current) if source else None
        if version is not None and language != variant.language:
            return version.id
    return None


def _answers(text: ArticleText, language: Language) -> dict[str, str]:
    return text.languages[language].answers if language in text.languages else {}


def _asked(text: LanguageText | None) -> tuple[str, ...]:
    return text.phrasings if text else ()


def _held(session: Session, article_id: str) -> Article:
    article = session.get(Article, article_id)
    if article is None:
        raise NoSuchArticle(article_id)
    return article


def _set_state(session: Session, article_id: str, state: str, by: str, why: str) -> Article:
    article = _held(session, article_id)
    life.set_article(session, article, state, by=by, why=why)
    return article


__all__ = [
    "ArticleProblem", "ArticleText", "NoSuchArticle", "Past", "Saved", "article_text", "current_revision", "history",
    "merged", "outcome_of", "restore", "retire", "save_article", "text_hash",
]  # fmt: skip
