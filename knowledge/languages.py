"""The languages of the product."""

from __future__ import annotations

from typing import Final, Literal, TypeGuard

Language = Literal["pl", "ru", "it", "cs", "sq", "en"]

LANGUAGES: Final[tuple[Language, ...]] = ("pl", "ru", "it", "cs", "sq", "en")

NAMES: Final[dict[Language, str]] = {
    "pl": "polski",
    "ru": "русский",
    "it": "italiano",
    "cs": "čeština",
    "sq": "shqip",
    "en": "English",
}


def is_language(value: str | None) -> TypeGuard[Language]:
    """Whether `value` is the code of one of the product's languages."""
    return value in LANGUAGES
