"""Where a message stands in its thread: who wrote before, to whom it speaks, how long it has waited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.records import Request, ThreadMessage


@dataclass(frozen=True, slots=True)
class Place:
    """Where the target stands in its thread."""

    target: ThreadMessage | None
    earlier: tuple[ThreadMessage, ...]
    """Everything before the target, in order."""
    authors: int
    """Different customers in the thread so far, the target's author included."""
    returned: bool
    """The target's author wrote before and the brand has answered since."""
    to_customer: bool
    """The target answers another customer, not the brand and not the thread's first post."""
    brand_texts: tuple[str, ...]
    """What the brand has said in the thread already."""
    answers_to_author: int
    """How many of them answered the target's author."""
    waiting_minutes: float
    """From the target to the newest message of the thread; 0 where times are unknown."""

    @property
    def starts(self) -> bool:
        """Whether the target opens the thread."""
        return not self.earlier


def place(request: Request, now: datetime | None = None) -> Place:
    """Where the target of `request` stands. It waits until `now`, or until the thread's newest message."""
    at = next((i for i, message in enumerate(request.thread) if message.id == request.target), None)
    target = request.thread[at] if at is not None else None
    earlier = request.thread[:at] if at is not None else request.thread
    author = target.author if target else request.author
    so_far = [*earlier, target] if target else list(earlier)
    authors = {message.author for message in so_far if message.role == "customer"} | {author}
    return Place(
        target=target,
        earlier=tuple(earlier),
        authors=len(authors),
        returned=_returned(earlier, author),
        to_customer=_to_customer(target, earlier),
        brand_texts=tuple(message.text for message in request.thread if message.role == "brand"),
        answers_to_author=_answers_to(author, earlier),
        waiting_minutes=_waiting(target, request, now),
    )


def _returned(earlier: tuple[ThreadMessage, ...], author: str) -> bool:
    wrote = [i for i, message in enumerate(earlier) if message.role == "customer" and message.author == author]
    return bool(wrote) and any(message.role == "brand" for message in earlier[wrote[0] + 1 :])


def _answers_to(author: str, earlier: tuple[ThreadMessage, ...]) -> int:
    """An answer is to the author of its parent, or, where it names none, to whoever wrote last before it."""
    authors = {message.id: message.author for message in earlier if message.role == "customer"}
    count, last = 0, ""
    for message in earlier:
        if message.role == "customer":
            last = message.author
        elif (authors.get(message.parent, last) if message.parent else last) == author:
            count += 1
    return count


def _to_customer(target: ThreadMessage | None, earlier: tuple[ThreadMessage, ...]) -> bool:
    if target is None or target.parent is None:
        return False
    parent = next((message for message in earlier if message.id == target.parent), None)
    return parent is not None and parent.role == "customer" and parent.author != target.author


def _waiting(target: ThreadMessage | None, request: Request, now: datetime | None) -> float:
    if target is None or target.at is None:
        return 0.0
    newest = now or max(message.at for message in request.thread if message.at is not None)
    return max((newest - target.at).total_seconds() / 60, 0.0)
