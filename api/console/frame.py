"""What every page has: the blueprint, the reader's language and time zone, navigation, theme."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Blueprint, request, session
from flask.blueprints import BlueprintSetupState
from flask_babel import Babel, get_locale, lazy_gettext

from api.accounts import Permission
from api.console import words
from api.rest.access import principal
from knowledge.languages import LANGUAGES, NAMES, Language, is_language

blueprint = Blueprint("console", __name__)

LANGUAGE: Final = "language"
"""The key of the session cookie that holds the language chosen by someone who is not logged in."""

TRANSLATIONS: Final = Path(__file__).parent / "translations"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation. It is shown to those who have the permission; None: to everybody."""

    endpoint: str
    icon: str
    label: Any
    key: str
    permission: Permission | None


NAVIGATION: Final = (
    Entry("console.show_inbox", "inbox", lazy_gettext("Inbox"), "g i", "read"),
    Entry("console.show_knowledge", "book", lazy_gettext("Knowledge"), "g k", "knowledge"),
    Entry("console.show_training", "spark", lazy_gettext("Training"), "g t", "train"),
    Entry("console.show_wall", "wall", lazy_gettext("Sandbox wall"), "g w", None),
)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    Babel(
        state.app,
        default_locale="en",
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=reader_language,
        timezone_selector=reader_timezone,
    )
    state.app.jinja_env.trim_blocks = True
    state.app.jinja_env.lstrip_blocks = True


def reader_language() -> Language:
    """The language of who reads: the account's, else the one chosen here, else the browser's, else English."""
    asking = principal()
    chosen = asking.account.language if asking and asking.account else session.get(LANGUAGE)
    if is_language(chosen):
        return chosen
    best = request.accept_languages.best_match(LANGUAGES)
    return best if is_language(best) else "en"


def reader_timezone() -> str:
    """The browser's time zone, told by a cookie that the page's script sets; UTC before the first page has run."""
    name = request.cookies.get("tz", "")
    try:
        return ZoneInfo(name).key if name else "UTC"
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a cookie may hold anything
        return "UTC"


def may(permission: Permission | None) -> bool:
    """Whether the reader has a permission. Machines' tokens open no page's actions."""
    asking = principal()
    if permission is None:
        return True
    return asking is not None and asking.is_person and permission in asking.permissions


@blueprint.app_context_processor
def _context() -> dict[str, Any]:
    theme = request.cookies.get("theme", "")
    return {
        "may": may,
        "navigation": NAVIGATION,
        "language_names": NAMES,
        "language": str(get_locale()),
        "theme": theme if theme in ("light", "dark") else "auto",
        "words": words,
    }


@blueprint.app_context_processor
def _person() -> dict[str, Any]:
    asking = principal()
    return {"person": asking.account if asking else None}
