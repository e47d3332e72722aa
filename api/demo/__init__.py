"""The demo workspace: an invented telecom, its people, channels, knowledge and threads. Loading it is idempotent."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.accounts import add_account
from api.history import record
from api.intake import Author, ChannelEvent, MessageBody, take_in_session
from api.sandbox import SANDBOX
from api.tables import Account, Channel, ChannelSecret, Event, InboundEvent, SandboxPost, Team
from knowledge.database import Database, now
from knowledge.demo_articles import load_demo_articles
from knowledge.settings import Settings
from knowledge.vectors import adopt_shipped
from training.examples import load_shipped_examples

Progress = Callable[[str], None]

TEAMS: Final = {
    "care": "Customer care",
    "billing": "Billing",
    "technical": "Technical support",
    "sales": "Sales",
    "retention": "Retention",
    "security": "Security and privacy",
    "press": "Press office",
}

CHANNELS: Final = (
    ("sandbox", "sandbox", "Lumo", "sandbox", "lumo"),
    ("webhook", "webhook", "Lumo by webhook", "webhook", "lumo"),
    ("facebook", "facebook", "Lumo", "sandbox", "lumo"),
    ("instagram", "instagram", "Lumo", "sandbox", "lumo"),
    ("x", "x", "Lumo", "sandbox", "lumo"),
    ("telegram", "telegram", "Lumo", "sandbox", "lumo"),
    ("vk", "vk", "Lumo", "sandbox", "lumo"),
)
"""Key, kind, name, way out, the brand's own author. The demo's networks publish into the sandbox, never outside."""

PEOPLE: Final = (
    ("agata", "Agata Kowalska", ["agent"], "pl", "care"),
    ("besnik", "Besnik Hoxha", ["agent"], "sq", "care"),
    ("lucie", "Lucie Dvořáková", ["team_lead"], "cs", "care"),
    ("giulia", "Giulia Ferri", ["knowledge_manager"], "it", None),
    ("timur", "Тимур Соколов", ["trainer"], "ru", None),
    ("admin", "Alex Morgan", ["admin"], "en", None),
)
"""Log-in, name, roles, language, team."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading the demo made: passwords of new people (shown once), and how many rows of each kind are new."""

    passwords: dict[str, str]
    articles: int
    examples: int
    messages: int


def load(database: Database, settings: Settings, progress: Progress) -> Loaded:
    """Load what is missing of the demo workspace. A second call makes nothing new."""
    with database.write() as session:
        _teams_and_channels(session, settings)
        passwords = _people(session)
    progress("demo: articles")
    with database.write() as session:
        articles = len(load_demo_articles(session))
    adopt_shipped(database)
    progress("demo: intent examples")
    examples = load_shipped_examples(database)
    progress("demo: threads")
    messages = _threads(database)
    with database.write() as session:
        if not session.scalar(select(func.count()).select_from(Event).where(Event.kind == "demo.loaded")):
            record(session, "demo.loaded", "demo", articles=articles, messages=messages)
    return Loaded(passwords, articles, examples, messages)


def _teams_and_channels(session: Session, settings: Settings) -> None:
    held_teams = set(session.scalars(select(Team.key)))
    session.add_all(Team(key=key, name=name) for key, name in TEAMS.items() if key not in held_teams)
    held = set(session.scalars(select(Channel.key)))
    for key, kind, name, outlet, brand in CHANNELS:
        if key in held:
            continue
        channel = Channel(
            key=key, kind=kind, name=name, outlet=outlet, brand_author=brand, reply_minutes=settings.reply_minutes
        )
        session.add(channel)
        session.flush()
        if outlet == "webhook":
            session.add(ChannelSecret(channel_id=channel.id, secret=secrets.token_hex(32)))
    session.flush()


def _people(session: Session) -> dict[str, str]:
    held = set(session.scalars(select(Account.login)))
    return {
        login: add_account(session, login, name, roles, language=language, team=team)[1]
        for login, name, roles, language, team in PEOPLE
        if login not in held
    }


def _threads(database: Database) -> int:
    with database.read() as session:
        channels = {channel.key: channel.id for channel in session.scalars(select(Channel))}
        seen = set(session.scalars(select(InboundEvent.external_event_id)))
    made = 0
    for path in sorted((Path(__file__).parent / "threads").glob("*.yml")):
        thread = yaml.safe_load(path.read_text(encoding="utf-8"))
        for row in thread["messages"]:
            event = _event(thread, row)
            if event.event_id not in seen:
                made += _take_in(database, channels[thread["channel"]], event, on_wall=thread["channel"] == SANDBOX)
    return made


def _take_in(database: Database, channel_id: int, event: ChannelEvent, *, on_wall: bool) -> bool:
    with database.write() as session:
        receipt = take_in_session(session, channel_id, event, event.model_dump_json().encode(), urgency=0)
        if on_wall and receipt.effect == "stored":
            session.add(_post(event))
        return receipt.effect == "stored"


def _post(event: ChannelEvent) -> SandboxPost:
    body = event.message
    return SandboxPost(
        external_id=body.id, thread_key=event.conversation, parent_external_id=body.parent,
        author=body.author.name if body.author else "", by_brand=bool(body.author and body.author.id == "lumo"),
        public=event.public, text=body.text or "", at=body.at,
    )  # fmt: skip


def _event(thread: dict[str, Any], row: dict[str, Any]) -> ChannelEvent:
    return ChannelEvent(
        event_id=f"demo:{row['id']}",
        type="created",
        conversation=str(thread["key"]),
        public=thread["public"],
        message=MessageBody(
            id=str(row["id"]),
            parent=row["parent"],
            author=Author(
                id=str(row["author"]["id"]), name=row["author"]["name"], followers=row["author"].get("followers", 0)
            ),
            text=row["text"],
            at=now() - timedelta(minutes=row["minutes_ago"]),
        ),
    )
