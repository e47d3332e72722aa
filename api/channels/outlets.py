"""The ways out: how a decided text reaches a network, and how to look whether it did.

Only the publisher imports this module.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
import socket
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import quote, urlsplit

import httpx2
from sqlalchemy import select

from api.channels.signature import HEADER, sign
from api.tables import Channel, SandboxPost
from knowledge.database import Database

DEADLINE_SECONDS = 5.0
ANSWER_LIMIT = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """A text on its way: where it goes and under which key."""

    text: str
    key: str
    thread_key: str
    parent_external_id: str
    public: bool
    author: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the network did: `sent` with its id, `not_sent` for certain, or `ambiguous`."""

    outcome: Literal["sent", "not_sent", "ambiguous"]
    external_id: str | None = None
    status: int | None = None
    detail: str = ""
    retry: bool = True
    """Whether trying again may help (false: the address or the text is refused)."""


class Outlet(Protocol):
    """One channel's way out."""

    def send(self, reply: Reply) -> Delivery:
        """Try once. Never raises for what a network can do."""
        ...

    def find(self, reply: Reply) -> str | Literal["unknown"] | None:
        """Look the reply up: its id, None when it is not there, `unknown` when that cannot be told."""
        ...


class SandboxOutlet:
    """The sandbox wall: a network in our own tables, idempotent by key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def send(self, reply: Reply) -> Delivery:
        with self._database.write() as session:
            held = session.scalar(select(SandboxPost).where(SandboxPost.idem_key == reply.key))
            if held is None:
                held = SandboxPost(
                    external_id=f"wall-{secrets.token_hex(8)}", thread_key=reply.thread_key, by_brand=True,
                    parent_external_id=reply.parent_external_id, author=reply.author, public=reply.public,
                    text=reply.text, idem_key=reply.key,
                )  # fmt: skip
                session.add(held)
            return Delivery("sent", held.external_id, 201)

    def find(self, reply: Reply) -> str | Literal["unknown"] | None:
        with self._database.read() as session:
            return session.scalar(select(SandboxPost.external_id).where(SandboxPost.idem_key == reply.key))


class WebhookOutlet:
    """A signed POST to the channel's own address, with an `Idempotency-Key`; an optional read-back by GET."""

    def __init__(self, channel: Channel, secret: str, *, private_networks: bool) -> None:
        self._channel = channel
        self._secret = secret
        self._private_networks = private_networks
        # No library retries and no redirects: each attempt is one request to the address that was set.
        self._client = httpx2.Client(timeout=DEADLINE_SECONDS, follow_redirects=False, trust_env=False)

    def send(self, reply: Reply) -> Delivery:
        refused = self._refuse(self._channel.publish_url)
        if refused:
            return Delivery("not_sent", detail=refused, retry=False)
        body = json.dumps(
            {
                "conversation": reply.thread_key,
                "parent": reply.parent_external_id,
                "public": reply.public,
                "text": reply.text,
                "key": reply.key,
            },
            ensure_ascii=False,
        ).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": reply.key,
            HEADER: sign(body, self._secret),
        }
        try:
            answer = self._client.post(self._channel.publish_url, content=body, headers=headers)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
            return Delivery("not_sent", detail=f"no connection: {type(error).__name__}")
        except httpx2.HTTPError as error:
            return Delivery("ambiguous", detail=f"no clear answer: {type(error).__name__}")
        return _read(answer)

    def find(self, reply: Reply) -> str | Literal["unknown"] | None:
        if not self._channel.readback_url or self._refuse(self._channel.readback_url):
            return "unknown"
        joint = "&" if "?" in self._channel.readback_url else "?"
        url = f"{self._channel.readback_url}{joint}key={quote(reply.key)}"
        try:
            answer = self._client.get(url, headers={HEADER: sign(b"", self._secret)})
        except httpx2.HTTPError:
            return "unknown"
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            return "unknown"
        found, external_id = _id_of(answer)
        return external_id if external_id else (None if found else "unknown")

    def _refuse(self, url: str) -> str | None:
        """Why this address may not be called; None when it may."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "the publish address cannot be read"
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return "the publish address is not an http address"
        if self._private_networks:
            return None
        try:
            found = socket.getaddrinfo(parts.hostname, port or 443, proto=socket.IPPROTO_TCP)
        except OSError:
            return "the publish address has an unknown host"
        if any(not ipaddress.ip_address(item[4][0]).is_global for item in found):
            return "the publish address lies in a private network (see ODZEW_PRIVATE_NETWORKS)"
        return None


def outlet_of(channel: Channel, database: Database, secret: str | None, *, private_networks: bool) -> Outlet | None:
    """The channel's way out; None where it has none."""
    if channel.outlet == "sandbox":
        return SandboxOutlet(database)
    if channel.outlet == "webhook" and secret:
        return WebhookOutlet(channel, secret, private_networks=private_networks)
    return None


def _read(answer: httpx2.Response) -> Delivery:
    status = answer.status_code
    if 200 <= status < 300:
        _, external_id = _id_of(answer)
        if external_id:
            return Delivery("sent", external_id, status)
        return Delivery("ambiguous", status=status, detail="accepted without an id")
    if status in (401, 404, 410, 413, 422, 400):
        return Delivery("not_sent", status=status, detail=f"refused with {status}", retry=False)
    if status == 429:
        return Delivery("not_sent", status=status, detail="too many requests")
    # 403 and 409 too: networks have answered so after posting all the same.
    return Delivery("ambiguous", status=status, detail=f"answered {status}")


def _id_of(answer: httpx2.Response) -> tuple[bool, str | None]:
    """Whether the body is a JSON object, and the `id` in it (a list means: the first of the posts found)."""
    if len(answer.content) > ANSWER_LIMIT:
        return False, None
    try:
        data = answer.json()
    except ValueError:
        return False, None
    if isinstance(data, dict) and isinstance(data.get("posts"), list):
        data = data["posts"][0] if data["posts"] else {}
    if not isinstance(data, dict):
        return False, None
    value = data.get("id")
    return True, str(value)[:200] if isinstance(value, str | int) and str(value) else None
