"""What an article says: its phrasings and answers in each language, checked and normalised. No database here.

Every way into the base (editor, import, demo) makes an `ArticleText`, so that all of them refuse the same things
and two articles that say the same are equal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from knowledge.languages import Language

MAX_ID: Final = 100
MAX_CATEGORY: Final = 60
MAX_PHRASING: Final = 2_000
MAX_PHRASINGS: Final = 500
MAX_ANSWER: Final = 10_000
_UNSTORABLE: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class ArticleProblem(ValueError):
    """An article that cannot be stored; the message says which field and why."""


def _normal(value: object) -> object:
    """NFC, Unix line ends, no tabs, no space around: the same text typed in two ways is one text."""
    if not isinstance(value, str):
        return value
    return unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")).strip()


def _one_line(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else value


def _storable(value: str) -> str:
    # PostgreSQL stores neither NUL nor half a surrogate pair, and other controls can only harm a console or a CSV.
    if found := _UNSTORABLE.search(value):
        raise ValueError(f"must not hold the character U+{ord(found[0]):04X}")
    return value


def _filled(value: str) -> str:
    if not value:
        raise ValueError("is empty")
    return value


def _at_most(most: int) -> AfterValidator:
    def check(value: str) -> str:
        if len(value) > most:
            raise ValueError(f"has {len(value)} characters, at most {most} are taken")
        return value

    return AfterValidator(check)


def _name(value: str) -> str:
    # It is part of an address and of a file's name.
    if value.startswith(".") or any(letter in "/\\" for letter in value):
        raise ValueError("must not begin with a dot or hold a slash")
    return value


Text = Annotated[str, BeforeValidator(_normal), AfterValidator(_storable)]
Line = Annotated[str, BeforeValidator(_one_line), BeforeValidator(_normal), AfterValidator(_storable)]
ArticleId = Annotated[Line, AfterValidator(_filled), AfterValidator(_name), _at_most(MAX_ID)]
Category = Annotated[Line, _at_most(MAX_CATEGORY)]
Ask = Annotated[Line, AfterValidator(_filled), _at_most(MAX_PHRASING)]
Answer = Annotated[Text, _at_most(MAX_ANSWER)]


class LanguageText(BaseModel):
    """An article in one language. An empty `answer`: there are phrasings, but nobody has written an answer yet."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    question: Ask
    variants: Annotated[tuple[Ask, ...], Field(max_length=MAX_PHRASINGS, strict=False)] = ()
    answer: Answer = ""
    public: Answer | None = None
    """The shorter text for public threads, where `answer` is for private messages only."""

    @model_validator(mode="before")
    @classmethod
    def _each_once(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        held = dict(given)
        variants = held.get("variants")
        if isinstance(variants, list | tuple):
            asked = _one_line(_normal(held.get("question")))
            wanted = [_one_line(_normal(variant)) for variant in variants]
            held["variants"] = tuple(v for i, v in enumerate(wanted) if v != asked and v not in wanted[:i])
        public = _normal(held.get("public"))
        if public in ("", _normal(held.get("answer"))):
            held["public"] = None
        return held

    @model_validator(mode="after")
    def _public_needs_answer(self) -> LanguageText:
        if self.public and not self.answer:
            raise ValueError("a public text needs an answer beside it")
        return self

    @property
    def phrasings(self) -> tuple[str, ...]:
        """The question and its variants, each once."""
        return (self.question, *self.variants)

    @property
    def answers(self) -> dict[str, str]:
        """The text for each audience. One that is fit for the public serves private messages too."""
        if self.public:
            return {"private": self.answer, "public": self.public}
        return {"public": self.answer} if self.answer else {}


class ArticleText(BaseModel):
    """An article in all its languages."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: ArticleId
    category: Category = ""
    languages: Annotated[dict[Language, LanguageText], Field(min_length=1)]


def checked(given: object) -> ArticleText:
    """Make an article of plain data.

    Raises:
        ArticleProblem: one line naming the first field that is wrong.
    """
    try:
        return ArticleText.model_validate(given)
    except ValidationError as problem:
        raise ArticleProblem(first_fault(problem)) from None


def first_fault(problem: ValidationError) -> str:
    """The first thing that is wrong, in one line: `languages.pl.question: ...`."""
    fault = problem.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"] if part != "[key]")
    said = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" if place else said
