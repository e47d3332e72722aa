"""What the desk (the right pane) shows of a case: the drafts as tabs, sentence by sentence, and what may be done."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _

from api.accounts import Principal
from api.console import history, words
from api.tables.conversations import CLOSED
from knowledge.database import now

SENT: Final = ("accepted", "edited", "written")


def context(view: dict[str, Any], asking: Principal, claim_seconds: float) -> dict[str, Any]:
    """What the templates of a case need beside the case itself."""
    case, target = view["case"], view["target"]
    account = asking.account
    holder = case["holder"]
    mine = holder is not None and account is not None and holder["id"] == account.id
    standing = _standing(view)
    is_open = case["state"] not in CLOSED
    can_decide = "decide" in asking.permissions and asking.is_person
    answered = standing is not None and standing["kind"] in SENT and not view["correction"]
    return {
        "can_decide": can_decide,
        "held_by_me": mine,
        "held_by_other": holder["name"] if holder and not mine else None,
        "claim_seconds": claim_seconds,
        "standing": standing,
        "is_open": is_open,
        "writing": can_decide and is_open and target is not None and not answered,
        "undo": _undo(standing, account.id if account else None),
        "tabs": [_tab(draft, target) for draft in view["drafts"]],
        "rows": _rows(view),
        "history": history.lines(view),
        "notes": _notes(view),
    }


def _standing(view: dict[str, Any]) -> dict[str, Any] | None:
    """The newest decision on the target that still holds, a rejected draft aside."""
    target = view["target"]["id"] if view["target"] else None
    for decision in view["decisions"]:
        if decision["message"] == target and not decision["undone"] and decision["kind"] != "rejected":
            return dict(decision)
    return None


def _undo(standing: dict[str, Any] | None, account_id: int | None) -> dict[str, Any] | None:
    publication = standing["publication"] if standing else None
    if standing is None or publication is None or publication["state"] != "queued":
        return None
    left = (datetime.fromisoformat(publication["not_before"]) - now()).total_seconds()
    if left <= 0 or standing["agent_id"] != account_id:
        return None
    return {"decision": standing["id"], "seconds": round(left, 1)}


def _tab(draft: dict[str, Any], target: dict[str, Any] | None) -> dict[str, Any]:
    probability = draft["probability"]
    fits = target is None or draft["audience"] == target["audience"]
    return {
        **draft,
        "key": f"{draft['stance']}-{draft['audience']}",
        "segments": segments(draft),
        "sure": words.sure(probability) if probability is not None else None,
        "per_cent": round(probability * 100) if probability is not None else None,
        "fits_audience": fits,
        "stale": any(not item["current"] for item in draft["evidence"]),
        "old_translation": any(item["stale"] for item in draft["evidence"]),
        "sources": len({item["article"] for item in draft["evidence"] if item["article"]}),
    }


def segments(draft: dict[str, Any]) -> list[dict[str, Any]]:
    """The text cut at its sentences; what lies between them has no evidence. Joined, it is the text, byte for byte."""
    text, at = draft["text"], 0
    found: list[dict[str, Any]] = []
    for item in draft["evidence"]:
        start = text.find(item["sentence"], at)
        if start < 0 or not item["sentence"]:
            continue
        if start > at:
            found.append({"text": text[at:start], "evidence": None})
        at = start + len(item["sentence"])
        found.append({"text": text[start:at], "evidence": item})
    if at < len(text):
        found.append({"text": text[at:], "evidence": None})
    return found


def _rows(view: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversation's messages; `other` marks what is neither this case's nor on the way to its target."""
    by_id = {row["id"]: row for row in view["messages"]}
    path: set[int] = set()
    step = by_id.get(view["target"]["id"]) if view["target"] else None
    while step is not None and step["id"] not in path:
        path.add(step["id"])
        step = by_id.get(step["parent"])
    return [
        {**row, "other": not (row["in_case"] or row["id"] in path), "indent": min(row["depth"], 5)}
        for row in view["messages"]
    ]


def _notes(view: dict[str, Any]) -> list[str]:
    """What the agent has to know about how the drafts came to be."""
    preparation = view["preparation"]
    if preparation is None:
        return []
    notes: list[str] = []
    if preparation["intents_missing"]:
        notes.append(_("The intent model did not answer; the message was judged by rules."))
    return notes
