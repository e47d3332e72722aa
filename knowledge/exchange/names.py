"""Ids and languages for rows that come from elsewhere."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

from knowledge.languages import Language, is_language

MOST: Final = 80


def slug(text: str) -> str:
    """An id from a text, the same every time: letters and digits of any script, joined by hyphens."""
    folded = unicodedata.normalize("NFKC", text).lower()
    made = re.sub(r"[\W_]+", "-", folded).strip("-")
    if len(made) > MOST:
        digest = hashlib.sha256(folded.encode("utf-8", "replace")).hexdigest()[:8]
        made = f"{made[:MOST].rsplit('-', 1)[0].strip('-')}-{digest}"
    return made


def language_of(locale: object) -> Language | None:
    """The product's language of a locale such as `en-us`, `pl_PL`, `cs`; None where it does not speak it."""
    if not isinstance(locale, str):
        return None
    code = re.split(r"[-_@.]", locale.strip().lower(), maxsplit=1)[0]
    code = {
        "alb": "sq",
        "sqi": "sq",
        "pol": "pl",
        "rus": "ru",
        "ita": "it",
        "ces": "cs",
        "cze": "cs",
        "cz": "cs",
        "eng": "en",
    }.get(code, code)
    return code if is_language(code) else None
