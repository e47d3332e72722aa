"""The words of the training page: states, stages of a run, why the gate refuses."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import format_decimal, format_percent, gettext
from flask_babel import lazy_gettext as _

MODEL_STATES: Final = {
    "candidate": _("candidate"),
    "refused": _("refused"),
    "approved": _("approved"),
    "retired": _("retired"),
}

EXAMPLE_STATES: Final = {
    "proposed": _("proposed"),
    "approved": _("approved"),
    "withdrawn": _("withdrawn"),
}

SOURCES: Final = {"shipped": _("shipped"), "corrected": _("labelled by a person")}
SPLITS: Final = {"train": _("to learn from"), "held_out": _("to examine with")}

STAGES: Final = {
    "starting": (_("Starting"), 0.0, 0.02),
    "export": (_("Writing the examples"), 0.02, 0.03),
    "load": (_("Starting Rasa"), 0.03, 0.12),
    "read": (_("Reading the examples"), 0.12, 0.14),
    "encode": (_("Understanding the examples"), 0.14, 0.58),
    "fit": (_("Learning"), 0.58, 0.66),
    "pack": (_("Packing the model"), 0.66, 0.68),
    "serve": (_("Starting the model"), 0.68, 0.85),
    "examine": (_("Examining the model"), 0.85, 1.0),
}
"""The stages of a run, with the share of its time between which each lies."""


def stage(run: dict[str, Any]) -> tuple[str, float]:
    """What a run does now, in words, and how much of it is done, 0..1."""
    name, begins, ends = STAGES.get(run["stage"] or "starting", STAGES["starting"])
    share = run["done"] / run["of"] if run["of"] else 0.0
    return str(name), begins + (ends - begins) * min(share, 1.0)


STARTERS: Final = {
    "first start": _("Started at the first start"),
    "command-line": _("Started from the command line"),
}
"""What starts a run without being a person."""


def starter(run: dict[str, Any]) -> str:
    """Who or what started a run, as a sentence."""
    by = run["started_by"]
    return str(STARTERS[by]) if by in STARTERS else str(gettext("Started by %(name)s", name=by))


def refusal(found: dict[str, Any], language: str) -> str:
    """Why the gate refuses, as a sentence; `language` is the name of the language it is about, empty for all."""
    figures = {"reached": percent(found["reached"]), "limit": percent(found["limit"]), "language": language}
    if found["code"] == "below_floor":
        if language:
            return str(gettext("%(language)s: only %(reached)s are right, at least %(limit)s are needed.", **figures))
        return str(gettext("Only %(reached)s are right, at least %(limit)s are needed.", **figures))
    if language:
        return str(gettext("%(language)s: %(reached)s are right, at least %(limit)s are expected now.", **figures))
    return str(gettext("%(reached)s are right, at least %(limit)s are expected now.", **figures))


def percent(share: float) -> str:
    """A share, 0..1, in whole percent, as the reader writes it."""
    return str(format_percent(share))


def difference(now: float, before: float) -> str:
    """The change of a share in percentage points, with its sign."""
    points = round((now - before) * 100, 1)
    return ("+" if points > 0 else "") + str(format_decimal(points)).replace("-", "−")
