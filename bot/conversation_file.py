"""Reads a conversation from a JSON file and makes the request for one of its messages."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot import channels
from bot.records import Audience, Request, ThreadMessage
from knowledge.languages import Language


class WrongConversation(ValueError):
    """The file is no conversation, or the message asked for is not in it; the message names the place."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    id: str = Field(min_length=1)
    parent: str | None = None
    author: str
    role: Literal["customer", "brand"]
    text: str
    at: datetime | None = None
    followers: int = Field(0, ge=0)


class _Conversation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    channel: str = "webhook"
    public: bool = True
    messages: list[_Message] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.channel not in channels.KINDS:
            raise ValueError(f"channel: unknown kind {self.channel!r}; known: {', '.join(channels.KINDS)}")
        seen: set[str] = set()
        for number, message in enumerate(self.messages):
            if message.id in seen:
                raise ValueError(f"messages.{number}.id: {message.id!r} stands twice")
            if message.parent is not None and message.parent not in seen:
                raise ValueError(f"messages.{number}.parent: no earlier message {message.parent!r}")
            seen.add(message.id)
        timed = [message.at for message in self.messages if message.at is not None]
        if len({at.tzinfo is None for at in timed}) > 1:
            raise ValueError("messages: some times have a time zone and some have none")
        return self


def read_conversation(
    path: Path, message_id: str | None = None, *, language: Language | None = None, initials: str = ""
) -> Request:
    """The request for `message_id`; for the last customer message where None.

    The file: `{"channel", "public"?, "messages": [{"id", "parent", "author", "role", "text", "at", "followers"?}]}`.

    Raises:
        WrongConversation: the file is missing, is not such JSON, or has no such customer message.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        conversation = _Conversation.model_validate(data)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise WrongConversation(f"{path}: {where + ': ' if where else ''}{message}") from None
    except OSError as wrong:
        raise WrongConversation(f"{path}: {wrong.strerror}") from None
    except ValueError as wrong:
        raise WrongConversation(f"{path}: not JSON in UTF-8: {wrong}") from None
    return _request(path, conversation, message_id, language, initials)


def _request(
    path: Path, conversation: _Conversation, message_id: str | None, language: Language | None, initials: str
) -> Request:
    customers = [message for message in conversation.messages if message.role == "customer"]
    chosen = [message for message in customers if message_id is None or message.id == message_id]
    if not chosen:
        what = "has no customer message" if message_id is None else f"has no customer message {message_id!r}"
        raise WrongConversation(f"{path}: {what}")
    target = chosen[-1]
    audience: Audience = "public" if conversation.public else "private"
    return Request(
        text=target.text,
        channel_kind=conversation.channel,
        audience=audience,
        author=target.author,
        followers=target.followers,
        language=language,
        thread=tuple(ThreadMessage(**message.model_dump()) for message in conversation.messages),
        target=target.id,
        initials=initials,
    )
