"""What saving an article comes to: which texts are taken away, which go on their way, which have to be written.

The steps that one article (`store`) and thousands at once (`bulk`) have in common, so that both keep the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.orm import Session

from knowledge import life
from knowledge.article_text import ArticleText, LanguageText
from knowledge.languages import LANGUAGES, Language
from knowledge.life import State
from knowledge.policy import keeping_policy
from knowledge.tables import Article, Variant

AUDIENCES: Final = ("private", "public")

Variants = dict[tuple[str, str], Variant]
"""An article's variants for any channel, by language and audience."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How changed answers are to be written."""

    article: Article
    by: str
    why: str
    state: State
    four_eyes: bool
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """The languages in which an article differs: at all, and in what it is asked for by."""

    languages: list[Language]
    asked: list[Language]
    replaced: list[Language]
    """Those of `asked` that were asked for in other words before."""


def change(held: ArticleText | None, wanted: ArticleText) -> Change:
    """What differs between an article as it is, None where there is none, and as it is to be."""
    before = held.languages if held else {}
    changed = [language for language in LANGUAGES if before.get(language) != wanted.languages.get(language)]
    asked = [lang for lang in changed if _asked(before.get(lang)) != _asked(wanted.languages.get(lang))]
    return Change(changed, asked, [language for language in asked if language in before])


def asks_four_eyes(article: Article, wanted: ArticleText) -> bool:
    """Whether policy asks for four eyes before the change or after it."""
    # A change of the category must not be a way around a second person.
    return life.asks_four_eyes(article) or keeping_policy().asks_four_eyes(wanted.category, article.tags)


def take_away(session: Session, wanted: ArticleText, changed: list[Language], variants: Variants, plan: Plan) -> bool:
    """Silence what is said and no longer wanted; whether there was any.

    Raises:
        WrongMove: `draft_takes_away` for a draft that would take a text away.
    """
    taken = [
        variant
        for (language, audience), variant in variants.items()
        if language in changed and variant.current and audience not in _answers(wanted, language)
    ]
    if taken and plan.state != "approved":
        raise life.WrongMove("draft_takes_away", "a draft cannot take a text away: retire that text, or save for good")
    life.silence(session, plan.article, taken, by=plan.by, why=plan.why)
    return bool(taken)


def texts_to_write(
    session: Session, wanted: ArticleText, languages: list[Language], variants: Variants, plan: Plan
) -> tuple[list[life.Wanted], bool]:
    """The texts that no version says yet, and whether an open one that says it went on its way.

    A variant that is missing is made and put among `variants`; storing it is the caller's.
    """
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
    return texts, advanced


def _source(variants: Variants, variant: Variant, plan: Plan) -> int | None:
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
