"""Finds personal data in a text by its form and, where the form has one, by its checksum.

Own patterns instead of Presidio's engine, whose import alone took longer than everything else here together;
phone numbers go through `phonenumbers`. No pattern nests repetitions, so a hostile text costs linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Kind = Literal["email", "phone", "iban", "card", "national_id", "customer_number"]

# The brand's own addresses; a mail outside these domains is a person's.
BRAND_DOMAINS: Final = ("lumo.example",)

_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@((?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?![\w@])")
_IBAN: Final = re.compile(r"\b[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}\b")
_DIGIT_GROUPS: Final = re.compile(r"(?<![\w.,/#*@-])\+?\(?\d(?:[ ()/-]{0,2}\d){5,29}(?![\w#*@])")
_CZECH_BIRTH: Final = re.compile(r"(?<![\w/])\d{6}/\d{3,4}(?![\w/])")
_CODICE: Final = re.compile(r"\b[A-Za-z]{6}\d{2}[A-EHLMPR-Ta-ehlmpr-t]\d{2}[A-Za-z]\d{3}[A-Za-z]\b")
_ALBANIAN: Final = re.compile(r"\b[A-Ta-t]\d{8}[A-Wa-w]\b")
_DATE: Final = re.compile(r"^(?:\d{4}-\d{2}-\d{2}|\d{1,2}[-/]\d{1,2}[-/]\d{4})$")
_THOUSANDS: Final = re.compile(r"^\d{1,3}(?: \d{3})+$")
_MONEY: Final = re.compile(r"\s{0,2}(?:zł|zl|pln|eur\b|euro|€|\$|£|kč|kc\b|czk|руб|₽|евро|lek|usd|gbp)", re.IGNORECASE)
_LETTERED: Final = re.compile(r"\b[A-Za-z]{2,4}-?\d{6,12}\b")
_REGIONS: Final = {"pl": "PL", "ru": "RU", "it": "IT", "cs": "CZ", "sq": "AL", "en": "GB"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data in `text[start:end]`."""

    kind: Kind
    start: int
    end: int


def find(text: str, language: str) -> list[Finding]:
    """Personal data in `text`, in order, without overlap; the more specific kind wins.

    `language` (one of the six codes, else ignored) decides which country a phone number without prefix is read for.
    """
    taken: list[Finding] = []
    for seek in (_emails, _ibans, _national_ids, _numbers, _lettered):
        for found in seek(text, language):
            if all(found.end <= other.start or found.start >= other.end for other in taken):
                taken.append(found)
    return sorted(taken, key=lambda found: found.start)


def mask(text: str, language: str) -> str:
    """`text` with each finding replaced by its kind in square brackets: `call me on [phone]`."""
    parts, last = [], 0
    for found in find(text, language):
        parts += [text[last : found.start], f"[{found.kind}]"]
        last = found.end
    return "".join([*parts, text[last:]])


def _emails(text: str, language: str) -> Iterator[Finding]:
    for match in _EMAIL.finditer(text):
        domain = match.group(1).lower()
        if not any(domain == own or domain.endswith("." + own) for own in BRAND_DOMAINS):
            yield Finding("email", match.start(), match.end())


def _ibans(text: str, language: str) -> Iterator[Finding]:
    for match in _IBAN.finditer(text):
        end = _longest(match.group(), _is_iban)
        if end:
            yield Finding("iban", match.start(), match.start() + end)


def _national_ids(text: str, language: str) -> Iterator[Finding]:
    for pattern, holds in ((_CZECH_BIRTH, _is_czech_birth), (_CODICE, _is_codice), (_ALBANIAN, _is_albanian)):
        for match in pattern.finditer(text):
            if holds(match.group()):
                yield Finding("national_id", match.start(), match.end())


def _numbers(text: str, language: str) -> Iterator[Finding]:
    for match in _DIGIT_GROUPS.finditer(text):
        written = match.group()
        digits = re.sub(r"\D", "", written)
        if _DATE.match(written) or _is_amount(written, digits, text[match.end() : match.end() + 8]):
            continue
        yield Finding(_kind_of(written, digits, language), match.start(), match.end())


def _is_amount(written: str, digits: str, after: str) -> bool:
    return bool(_MONEY.match(after)) or (len(digits) <= 7 and bool(_THOUSANDS.match(written)))


def _lettered(text: str, language: str) -> Iterator[Finding]:
    for match in _LETTERED.finditer(text):
        yield Finding("customer_number", match.start(), match.end())


def _kind_of(written: str, digits: str, language: str) -> Kind:
    if 13 <= len(digits) <= 19 and luhn(digits):
        return "card"
    if len(digits) == 26 and language == "pl" and _is_iban("PL" + digits):
        return "iban"
    if is_pesel(digits):
        return "national_id"
    return "phone" if is_phone(written, language) else "customer_number"


@lru_cache(maxsize=4096)
def is_phone(written: str, language: str) -> bool:
    """Whether it is a valid telephone number, in the country of the language or with an international prefix."""
    import phonenumbers

    try:
        number = phonenumbers.parse(written, _REGIONS.get(language))
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)


def luhn(digits: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812)."""
    doubled = [int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_pesel(digits: str) -> bool:
    """The Polish personal number: eleven digits, a date, a check digit."""
    if len(digits) != 11:
        return False
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
    check = -sum(w * int(d) for w, d in zip(weights, digits, strict=False)) % 10
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    return check == int(digits[10]) and 1 <= month <= 12 and 1 <= day <= 31


def _is_czech_birth(written: str) -> bool:
    # The stroke and the date are telling enough; people mistype the check digit, and the number is theirs still.
    month, day = int(written[2:4]) % 50 % 20, int(written[4:6])
    return 1 <= month <= 12 and 1 <= day <= 31


def _is_codice(written: str) -> bool:
    text = written.upper()
    odd = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", _CODICE_ODD, strict=True))
    even = {c: int(c) if c.isdigit() else ord(c) - 65 for c in odd}
    total = sum(odd[c] if place % 2 == 0 else even[c] for place, c in enumerate(text[:15]))
    return chr(65 + total % 26) == text[15]


_CODICE_ODD: Final = (
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21),
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
)


def _is_albanian(written: str) -> bool:
    month, day = int(written[2:4]) % 50, int(written[4:6])
    return 1 <= month <= 12 and 1 <= day <= 31


def _is_iban(written: str) -> bool:
    text = re.sub(r"[ -]", "", written).upper()
    if not 15 <= len(text) <= 34 or not text.isalnum() or not text.isascii():
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def _longest(written: str, holds: Callable[[str], bool]) -> int:
    """Length of the longest beginning that holds, 0 when none does: a word may follow an IBAN after a blank."""
    ends = (end for end in range(len(written), 14, -1) if not written[end - 1].isspace())
    return next((end for end in ends if holds(written[:end])), 0)
