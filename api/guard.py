"""What must hold when a reply is decided: the target is as it was seen, the evidence is current, the audience fits."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.problems import conflict, invalid
from api.tables import Draft, Message
from bot.channels import Audience, fits, length, limits
from bot.privacy import find
from knowledge.current import standings


def subtree_seq(session: Session, message: Message) -> int:
    """The newest `seq` that concerns a reply to this message.

    In public: of its answers, and of any further message by its author. In private: of the whole conversation.
    """
    rows = session.execute(
        select(Message.id, Message.parent_id, Message.participant_id, Message.seq)
        .where(Message.conversation_id == message.conversation_id)
        .order_by(Message.seq)
    ).all()
    if message.audience == "private":
        return max((row.seq for row in rows), default=message.seq)
    below, newest, grew = {message.id}, message.seq, True
    while grew:  # a child may have arrived before its parent, so one pass in order of arrival is not enough
        grew = False
        for row in rows:
            if row.id not in below and row.parent_id in below:
                below.add(row.id)
                grew = True
    for row in rows:
        if row.id in below or (row.participant_id == message.participant_id and row.seq > message.seq):
            newest = max(newest, row.seq)
    return newest


def require_unchanged(session: Session, message: Message, revision: int, seen_seq: int) -> None:
    """Raises: Refused: 409 `target_edited`, `target_deleted`, `target_hidden` or `new_messages`, with what is new."""
    if message.remote_state in ("deleted", "hidden"):
        raise conflict(f"target_{message.remote_state}", f"the message has been {message.remote_state} by now")
    if message.revision != revision:
        raise conflict(
            "target_edited", "its author has edited the message since you saw it",
            revision=message.revision, text=message.text,
        )  # fmt: skip
    newest = subtree_seq(session, message)
    if newest > seen_seq:
        fresh = session.scalars(
            select(Message)
            .where(Message.conversation_id == message.conversation_id, Message.seq > seen_seq)
            .order_by(Message.seq)
        )
        raise conflict(
            "new_messages", "there are new messages under this one",
            subtree_seq=newest,
            messages=[{"id": m.id, "author": m.participant.identity.name, "text": m.text} for m in fresh],
        )  # fmt: skip


def require_publishable(session: Session, message: Message, draft: Draft | None, text: str) -> None:
    """Raises: Refused: 409 `evidence_changed`, 422 `too_long` or `personal_data_in_public`, with what is wrong."""
    if draft is not None:
        _require_current_evidence(session, draft, text)
    kind = message.conversation.channel.kind
    audience: Audience = "public" if message.audience == "public" else "private"
    if not fits(text, kind, audience):
        has, most = length(text, kind, audience), limits(kind).limit(audience).most
        raise invalid("too_long", f"the text has {has} of {most} that {kind} takes", length=has, limit=most)
    if audience == "public":
        found = find(text, message.language or "")
        if found:
            kinds = sorted({finding.kind for finding in found})
            raise invalid(
                "personal_data_in_public", f"a public reply must not hold personal data: {', '.join(kinds)}",
                found=[{"kind": f.kind, "start": f.start, "end": f.end} for f in found],
            )  # fmt: skip


def _require_current_evidence(session: Session, draft: Draft, text: str) -> None:
    used = {item["version"] for item in draft.evidence if item["version"] and item["sentence"] in text}
    held = standings(session, used)
    for version_id in sorted(used):
        standing = held.get(version_id)
        if standing is None or not standing.current:
            raise conflict(
                "evidence_changed", "an article this draft rests on has changed since it was written",
                article=standing.article if standing else None, version=version_id,
            )  # fmt: skip
