"""A network as a walk sees it: what its readers see, and what happens to the next post."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from typing import Final, Literal

from api.channels.outlets import Delivery, Reply
from tests.fixtures.workspace import BLIND, KEY, READBACK, Policy

POLICIES: Final = {policy.name: policy for policy in (KEY, READBACK, BLIND)}
Happening = Literal["well", "refused", "busy", "lost", "unclear", "dies before", "dies after"]


HAPPENINGS: Final[tuple[Happening, ...]] = typing.get_args(Happening)


class Died(BaseException):
    """The process ended here, as kill -9 ends it: nothing after this line runs."""


@dataclass
class Wire:
    """The network of one channel: what its readers see, and what happens to the next post."""

    policy: Policy
    posts: list[Reply] = field(default_factory=list)
    next: Happening = "well"

    def send(self, reply: Reply) -> Delivery:
        happening, self.next = self.next, "well"
        if happening == "dies before":
            raise Died
        if happening in ("refused", "busy"):
            return Delivery("not_sent", status=422 if happening == "refused" else 429, retry=happening == "busy")
        if happening == "lost":
            return Delivery("ambiguous", detail="reset")
        if not (self.policy.honours_keys and any(post.key == reply.key for post in self.posts)):
            self.posts.append(reply)
        if happening == "dies after":
            raise Died
        return (
            Delivery("ambiguous", detail="500") if happening == "unclear" else Delivery("sent", f"id-{reply.key}", 201)
        )

    def find(self, reply: Reply) -> str | None:
        if not self.policy.readback:
            return "unknown"
        return f"id-{reply.key}" if any(post.key == reply.key for post in self.posts) else None
