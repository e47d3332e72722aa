"""`odzew channels ...`: the accounts on networks, their signing secrets, their ways out."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.cli.frame import BadInput, Json, answer, table, workspace
from api.tables import Channel, ChannelSecret
from bot.channels import KINDS
from knowledge.database import now

app = typer.Typer(help="Channels, their secrets and their ways out.", no_args_is_help=True)

LIVE_SECRETS = 2


@app.command("add")
def add(
    key: Annotated[str, typer.Argument(help="as in POST /webhooks/KEY")],
    kind: Annotated[str, typer.Option(help="kind of network, whose limits drafts obey")] = "webhook",
    name: Annotated[str, typer.Option()] = "",
    publish_url: Annotated[str, typer.Option(help="where replies are posted to")] = "",
    readback_url: Annotated[str, typer.Option(help="where a reply can be looked up by ?key=")] = "",
    idempotent: Annotated[bool, typer.Option(help="whether the network honours Idempotency-Key")] = True,
    brand_author: Annotated[str, typer.Option(help="the brand's own author id there")] = "",
    reply_minutes: Annotated[int | None, typer.Option(min=1)] = None,
    secret: Annotated[str | None, typer.Option(help="a signing secret of your own; else one is made")] = None,
    as_json: Json = False,
) -> None:
    """Add a webhook channel. Its signing secret is made here and shown once."""
    _check(key, kind, publish_url, readback_url)
    with workspace(make=True) as space, space.database.write() as session:
        if session.scalar(select(Channel.id).where(Channel.key == key)) is not None:
            raise BadInput(f"there is a channel {key!r} already")
        channel = Channel(
            key=key, kind=kind, name=name or key, outlet="webhook", publish_url=publish_url,
            readback_url=readback_url, idempotency="key" if idempotent else "none", brand_author=brand_author,
            reply_minutes=reply_minutes or space.settings.reply_minutes,
        )  # fmt: skip
        session.add(channel)
        session.flush()
        made = _add_secret(session, channel, secret)
        space.trail.add(session, "command-line", "channel.added", f"channel:{channel.id}", key)
    answer(as_json, {"channel": key, "secret": made}, lambda: print(f"POST /webhooks/{key}   secret: {made}"))


@app.command("set")
def change(
    key: str,
    publish_url: Annotated[str | None, typer.Option()] = None,
    readback_url: Annotated[str | None, typer.Option()] = None,
    idempotent: Annotated[bool | None, typer.Option()] = None,
    enabled: Annotated[bool | None, typer.Option()] = None,
    as_json: Json = False,
) -> None:
    """Change a channel's way out."""
    _check(key, "webhook", publish_url or "", readback_url or "")
    with workspace() as space, space.database.write() as session:
        channel = _channel(session, key)
        channel.publish_url = channel.publish_url if publish_url is None else publish_url
        channel.readback_url = channel.readback_url if readback_url is None else readback_url
        channel.enabled = channel.enabled if enabled is None else enabled
        if idempotent is not None:
            channel.idempotency = "key" if idempotent else "none"
        space.trail.add(session, "command-line", "channel.changed", f"channel:{channel.id}", key)
        data = _row(channel)
    answer(as_json, data, lambda: print(f"{key} is changed"))


@app.command("rotate")
def rotate(
    key: str,
    secret: Annotated[str | None, typer.Option(help="a secret of your own; else one is made")] = None,
    as_json: Json = False,
) -> None:
    """Make a new signing secret. The one before stays valid until the next rotation."""
    with workspace() as space, space.database.write() as session:
        channel = _channel(session, key)
        made = _add_secret(session, channel, secret)
        space.trail.add(session, "command-line", "channel.rotated", f"channel:{channel.id}", key)
    answer(as_json, {"channel": key, "secret": made}, lambda: print(made))


@app.command("list")
def list_channels(as_json: Json = False) -> None:
    """List the channels (not their secrets)."""
    with workspace() as space, space.database.read() as session:
        rows = [_row(channel) for channel in session.scalars(select(Channel).order_by(Channel.id))]
    columns = list(rows[0]) if rows else []
    answer(as_json, rows, lambda: table("Channels", columns, [list(row.values()) for row in rows]))


def _add_secret(session: Session, channel: Channel, given: str | None) -> str:
    if given is not None and len(given) < 16:
        raise BadInput("a signing secret has at least 16 characters")
    secret = given or secrets.token_hex(32)
    session.add(ChannelSecret(channel_id=channel.id, secret=secret))
    session.flush()
    live = session.scalars(
        select(ChannelSecret)
        .where(ChannelSecret.channel_id == channel.id, ChannelSecret.revoked_at.is_(None))
        .order_by(ChannelSecret.id.desc())
    ).all()
    for old in live[LIVE_SECRETS:]:
        old.revoked_at = now()
    return secret


def _check(key: str, kind: str, *urls: str) -> None:
    if not key.replace("-", "").replace("_", "").isalnum() or len(key) > 60:
        raise BadInput("a channel's key is made of letters, digits, dashes and underscores")
    if kind not in KINDS:
        raise BadInput(f"--kind is one of {', '.join(sorted(KINDS))}, not {kind!r}")
    for url in urls:
        if url and not url.startswith(("http://", "https://")):
            raise BadInput(f"{url!r} is not an http address")


def _channel(session: Session, key: str) -> Channel:
    channel = session.scalar(select(Channel).where(Channel.key == key))
    if channel is None:
        raise BadInput(f"there is no channel {key!r}")
    return channel


def _row(channel: Channel) -> dict[str, object]:
    return {
        "key": channel.key,
        "kind": channel.kind,
        "outlet": channel.outlet,
        "publish_url": channel.publish_url,
        "readback_url": channel.readback_url,
        "idempotency": channel.idempotency,
        "reply_minutes": channel.reply_minutes,
        "enabled": channel.enabled,
    }
