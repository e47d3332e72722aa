"""What a trainer looks at first: prepared messages whose intent is unsure and was never confirmed by a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.history import AuditTrail, record
from api.problems import invalid, not_found
from api.tables import Channel, Event, Message, Preparation
from training.examples import add_correction
from training.records import Labelled, Refusal
from training.tables import Example

LABELLED: Final = "message.labelled"
LOOKED_AT: Final = 2000
"""How many of the newest messages are ranked; older ones have had their time."""
SUGGESTIONS: Final = 3
UNKNOWN: Final = 0.5
"""Where a message without intents (Rasa was away) stands among those with them."""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A message to label, with what the model took it for."""

    message: int
    case: int | None
    text: str
    language: str
    channel: str
    public: bool
    at: str
    suggestions: tuple[dict[str, Any], ...]
    """`[{"intent", "probability"}]`, the likeliest first; empty when Rasa was away."""

    @property
    def sure(self) -> float:
        return float(self.suggestions[0]["probability"]) if self.suggestions else UNKNOWN


def uncertain_messages(session: Session, limit: int, *, language: str = "") -> list[Uncertain]:
    """Customers' messages that nobody has labelled yet, the least sure first."""
    newest = (
        select(func.max(Preparation.id))
        .join(Message, (Message.id == Preparation.message_id) & (Message.revision == Preparation.revision))
        .where(Message.role == "customer", Message.remote_state.not_in(("deleted", "hidden")))
        .where(Message.id.not_in(select(Event.message_id).where(Event.kind == LABELLED)))
        .group_by(Preparation.message_id)
        .order_by(func.max(Preparation.id).desc())
        .limit(LOOKED_AT)
    )
    query = (
        select(Message, Preparation, Channel.kind)
        .join(Preparation, Preparation.message_id == Message.id)
        .join(Channel, Channel.id == Message.channel_id)
        .where(Preparation.id.in_(newest))
    )
    if language:
        query = query.where(Preparation.language == language)
    found = [_uncertain(*row) for row in session.execute(query)]
    return sorted(found, key=lambda row: (row.sure, -row.message))[:limit]


def label_message(
    session: Session, trail: AuditTrail, message_id: int, intent: str, by: str, *, language: str | None = None
) -> Example:
    """Say what a message means: it becomes an approved example and leaves the queue.

    Args:
        language: the message's language where the assistant has not told it, or told it wrong.

    Raises:
        Refused: 404, or 422 with the code of `training.examples.add_correction`.
    """
    message = session.get(Message, message_id)
    if message is None or message.role != "customer" or message.remote_state == "deleted":
        raise not_found("message")
    prepared = _newest_preparation(session, message)
    spoken = language or message.language or (prepared.language if prepared else None)
    if not spoken or spoken == "other":
        raise invalid("bad_language", "say which language this message is in")
    guessed = str(prepared.intents[0]["name"]) if prepared and prepared.intents else None
    try:
        example = add_correction(
            session, Labelled(message.text, spoken, intent), by, message_id=message.id, model_intent=guessed
        )
    except Refusal as refusal:
        raise invalid(refusal.code, str(refusal)) from refusal
    record(
        session, LABELLED, by, conversation_id=message.conversation_id, case_id=message.case_id,
        message_id=message.id, example=example.id, before=guessed, after=intent,
    )  # fmt: skip
    trail.add(session, by, "message.relabelled", f"message:{message.id}", intent)
    return example


def _newest_preparation(session: Session, message: Message) -> Preparation | None:
    return session.scalar(
        select(Preparation)
        .where(Preparation.message_id == message.id, Preparation.revision == message.revision)
        .order_by(Preparation.id.desc())
        .limit(1)
    )


def _uncertain(message: Message, preparation: Preparation, kind: str) -> Uncertain:
    return Uncertain(
        message=message.id,
        case=message.case_id,
        text=message.text,
        language=preparation.language,
        channel=kind,
        public=message.audience == "public",
        at=message.posted_at.isoformat(),
        suggestions=tuple(
            {"intent": one["name"], "probability": one["probability"]} for one in preparation.intents[:SUGGESTIONS]
        ),
    )
