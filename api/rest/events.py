"""Live updates by server-sent events: one watcher of the event table per process, many listeners."""

from __future__ import annotations

import json
import queue
import threading
import weakref
from collections.abc import Iterator
from typing import Any, Final

import structlog
from flask import Blueprint, Response, current_app, request
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from api.problems import Refused
from api.rest.access import need, workspace
from api.tables import Event
from api.workspace import Workspace

log = structlog.get_logger()

blueprint = Blueprint("events", __name__, url_prefix="/api")

POLL_SECONDS: Final = 0.4
COMMENT_SECONDS: Final = 10.0
MAX_BEHIND: Final = 2000
BATCH: Final = 500


class Watcher:
    """Reads new events once and hands them to every listener. A listener that falls behind is told to come again."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._listeners: weakref.WeakSet[queue.Queue[dict[str, Any] | None]] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._started = False
        self._stopped = threading.Event()

    def listen(self) -> queue.Queue[dict[str, Any] | None]:
        """A queue that gets each event from now on; None means: too far behind, connect again."""
        listener: queue.Queue[dict[str, Any] | None] = queue.Queue(MAX_BEHIND)
        with self._lock:
            self._listeners.add(listener)
            if not self._started:
                # Read here, not in the thread: what happens before the thread runs must not fall between.
                with self._workspace.database.read() as session:
                    last = session.scalar(select(func.max(Event.id))) or 0
                self._started = True
                threading.Thread(target=self._watch, args=(last,), name="event-watcher", daemon=True).start()
        return listener

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def _watch(self, last: int) -> None:
        while not self._stopped.is_set():
            self._workspace.nudge.wait("events", POLL_SECONDS)
            try:
                fresh = events_after(self._workspace, last)
            except SQLAlchemyError as error:
                log.warning("events could not be read", error=type(error).__name__)
                continue
            for event in fresh:
                last = event["id"]
                self._hand_out(event)

    def _hand_out(self, event: dict[str, Any]) -> None:
        with self._lock:
            for listener in list(self._listeners):
                try:
                    listener.put_nowait(event)
                except queue.Full:
                    self._listeners.discard(listener)
                    listener.get_nowait()
                    listener.put_nowait(None)


def watcher_of(app_workspace: Workspace, extensions: dict[str, Any]) -> Watcher:
    """The watcher of this application."""
    watcher = extensions.setdefault("odzew.watcher", Watcher(app_workspace))
    if not isinstance(watcher, Watcher):
        raise TypeError("the extension odzew.watcher is something else")
    return watcher


@blueprint.get("/events")
def stream() -> Response:
    """What happens, as it happens. `Last-Event-ID` (or `?after=`) goes on where a connection was lost."""
    need("read")
    watcher = watcher_of(workspace(), current_app.extensions)
    if watcher.listeners >= workspace().settings.threads - 6:
        raise Refused(503, "too_many_streams", "too many live connections: the page asks again by itself")
    after = request.headers.get("Last-Event-ID") or request.args.get("after", "")
    listener = watcher.listen()
    start = int(after) if after.isdecimal() and len(after) < 10 else None
    return Response(
        _lines(workspace(), listener, start),
        content_type="text/event-stream",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )


def events_after(space: Workspace, last: int) -> list[dict[str, Any]]:
    """The events after one, oldest first, at most a batch."""
    with space.database.read() as session:
        rows = session.scalars(select(Event).where(Event.id > last).order_by(Event.id).limit(BATCH)).all()
    return [as_dict(row) for row in rows]


def as_dict(event: Event) -> dict[str, Any]:
    """An event as the console gets it."""
    return {
        "id": event.id,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "actor": event.actor,
        "conversation_id": event.conversation_id,
        "case_id": event.case_id,
        "message_id": event.message_id,
        "data": event.data,
    }


def _lines(space: Workspace, listener: queue.Queue[dict[str, Any] | None], start: int | None) -> Iterator[str]:
    yield "retry: 1500\n\n"
    sent = start or 0
    if start is not None:
        while missed := events_after(space, sent):
            for event in missed:
                sent = event["id"]
                yield _line(event)
    while True:
        try:
            fresh = listener.get(timeout=COMMENT_SECONDS)
        except queue.Empty:
            yield ": still here\n\n"
            continue
        if fresh is None:
            return
        if fresh["id"] > sent:
            sent = fresh["id"]
            yield _line(fresh)


def _line(event: dict[str, Any]) -> str:
    return f"id: {event['id']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"
