"""The sandbox: a little network of our own, on which a newcomer can be a customer."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.intake import Author, ChannelEvent, MessageBody, storable, take_in_session
from api.problems import not_found
from api.tables import Channel, SandboxPost
from knowledge.database import Database, now

SANDBOX = "sandbox"


def post(
    database: Database, *, author: str, text: str, thread: str | None, parent: str | None, public: bool
) -> SandboxPost:
    """Post as a customer. The post and the event it raises are stored together.

    Raises:
        Refused: 404 when the thread or the post answered is not there.
    """
    with database.write() as session:
        channel = session.scalar(select(Channel).where(Channel.key == SANDBOX))
        if channel is None:
            raise not_found("sandbox (load the demo workspace first)")
        above = _parent(session, thread, parent)
        external_id = f"wall-{secrets.token_hex(8)}"
        name = " ".join(storable(author).split()) or "?"
        made = SandboxPost(
            external_id=external_id, thread_key=thread or external_id,
            parent_external_id=above.external_id if above else None, author=name, text=storable(text),
            public=above.public if above else public,
        )  # fmt: skip
        session.add(made)
        session.flush()
        event = _event(made)
        take_in_session(session, channel.id, event, event.model_dump_json().encode(), urgency=10)
        return made


def _parent(session: Session, thread: str | None, parent: str | None) -> SandboxPost | None:
    if thread is None:
        return None
    wanted = select(SandboxPost).where(SandboxPost.thread_key == thread)
    if parent is not None:
        wanted = wanted.where(SandboxPost.external_id == parent)
    found = session.scalar(wanted.order_by(SandboxPost.id).limit(1))
    if found is None:
        raise not_found("post on the wall")
    return found


def _event(made: SandboxPost) -> ChannelEvent:
    return ChannelEvent(
        event_id=f"created:{made.external_id}",
        type="created",
        conversation=made.thread_key,
        public=made.public,
        message=MessageBody(
            id=made.external_id,
            parent=made.parent_external_id,
            author=Author(id=f"wall:{made.author.casefold()}"[:200], name=made.author[:200]),
            text=made.text,
            at=made.at or now(),
        ),
    )


def threads(database: Database, *, limit: int = 30) -> list[dict[str, Any]]:
    """The wall's newest public threads, each with its number of posts."""
    with database.read() as session:
        started = select(SandboxPost.thread_key).where(
            SandboxPost.parent_external_id.is_(None), SandboxPost.by_brand.is_(False)
        )
        newest = (
            select(SandboxPost.thread_key, func.max(SandboxPost.id).label("last"), func.count().label("posts"))
            .where(SandboxPost.public, SandboxPost.thread_key.in_(started))
            .group_by(SandboxPost.thread_key)
            .order_by(func.max(SandboxPost.id).desc())
            .limit(limit)
        )
        found = session.execute(newest).all()
        return [{"thread": row.thread_key, "posts": thread(session, row.thread_key)} for row in found]


def thread(session: Session, key: str) -> list[dict[str, Any]]:
    """The posts of one thread, oldest first."""
    rows = session.scalars(select(SandboxPost).where(SandboxPost.thread_key == key).order_by(SandboxPost.id))
    return [
        {
            "id": row.external_id,
            "parent": row.parent_external_id,
            "author": row.author,
            "by_brand": row.by_brand,
            "public": row.public,
            "text": row.text,
            "at": row.at.isoformat(),
        }
        for row in rows
    ]
