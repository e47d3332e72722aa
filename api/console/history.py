"""The history of a case in sentences."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from api.console import words

ACTORS: Final = {
    "intake": lazy_gettext("the channel"),
    "assistant": lazy_gettext("the assistant"),
    "publisher": lazy_gettext("the publisher"),
}

KINDS: Final = {
    "case.opened": lazy_gettext("Case opened"),
    "case.claimed": lazy_gettext("Taken in hand"),
    "case.released": lazy_gettext("Released"),
    "message.created": lazy_gettext("New message"),
    "message.edited": lazy_gettext("Message edited by its author"),
    "message.hidden": lazy_gettext("Message hidden on the network"),
    "message.deleted": lazy_gettext("Message deleted by its author"),
    "message.restored": lazy_gettext("Message restored"),
    "message.prepared": lazy_gettext("Drafts prepared"),
    "message.preparation_failed": lazy_gettext("Drafts could not be prepared"),
    "decision.undone": lazy_gettext("Decision taken back"),
    "publication.queued": lazy_gettext("Reply waits to be sent"),
    "publication.sending": lazy_gettext("Reply is being sent"),
    "publication.sent": lazy_gettext("Reply sent"),
    "publication.failed": lazy_gettext("Reply could not be sent"),
    "publication.uncertain": lazy_gettext("Unclear whether the reply was sent"),
    "publication.retracted": lazy_gettext("Reply taken back before it was sent"),
}


def lines(view: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a case as lines to read, newest first."""
    return [{"at": event["at"], "text": _text(event), "actor": _actor(event["actor"])} for event in view["events"]]


def _text(event: dict[str, Any]) -> str:
    kind, data = str(event["kind"]), event["data"] or {}
    if kind == "case.moved":
        before, after = words.say("state", data.get("before")), words.say("state", data.get("after"))
        return str(_("State: %(before)s → %(after)s", before=before, after=after))
    known = KINDS.get(kind)
    if known is not None:
        return str(known)
    if kind.startswith("decision."):
        return words.say("decision", kind.removeprefix("decision."))
    return kind.replace(".", ": ").replace("_", " ")


def _actor(actor: str) -> str:
    known = ACTORS.get(actor)
    return str(known) if known is not None else actor
