"""How moments, numbers and names are written for the reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask.blueprints import BlueprintSetupState
from flask_babel import format_date, format_datetime, format_decimal, format_time, get_timezone

from api.console.frame import blueprint
from knowledge.database import now


def moment_short(moment: str | datetime) -> str:
    """The hour today, the day otherwise, in the reader's language and time zone."""
    at = _aware(moment)
    local, today = at.astimezone(get_timezone()), now().astimezone(get_timezone())
    if local.date() == today.date():
        return str(format_time(at, "short"))
    if abs(today - local) < timedelta(days=300):
        return str(format_date(at, "d MMM"))
    return str(format_date(at, "medium"))


def moment_full(moment: str | datetime) -> str:
    """Day and hour in full."""
    return str(format_datetime(_aware(moment), "long"))


def initials(name: str) -> str:
    """One or two letters that stand for a name."""
    parts = [part for part in name.replace("@", " ").replace("_", " ").split() if part[0].isalnum()]
    return "".join(part[0] for part in parts[:2]).upper() or "?"


def reach(followers: int) -> str:
    """A number of followers, rounded to what matters: 940, 12.4k, 1.2M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if followers >= size:
            return f"{format_decimal(round(followers / size, 1 if followers < 100 * size else 0))}{unit}"
    return str(format_decimal(followers))


def _aware(moment: str | datetime) -> datetime:
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@blueprint.record_once
def _add_filters(state: BlueprintSetupState) -> None:
    for each in (moment_short, moment_full, initials, reach):
        state.app.jinja_env.filters[each.__name__] = each
