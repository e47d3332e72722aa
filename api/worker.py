"""The worker: prepares messages. Each piece of work is a row with a lease; the next worker takes over a dead one's."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from api.assembly import base_of, build_assistant
from api.boards import job
from api.cases import move
from api.history import record
from api.lifeline import Beat
from api.logs import set_up
from api.tables import Case, Conversation, Decision, Draft, Event, Message, Preparation, Team, Work
from api.tables.conversations import CLOSED
from api.workspace import Workspace
from bot.assistant import Assistant
from bot.records import Prepared, Request, ThreadMessage
from knowledge.database import now
from knowledge.search import KnowledgeBase
from knowledge.settings import Settings, WrongSettings

log = structlog.get_logger()

ASSISTANT: Final = "assistant"
MAX_ATTEMPTS: Final = 3
POLL_SECONDS: Final = 0.5
LOOK_AT_BOARDS_SECONDS: Final = 300.0
LOOK_AT_BASE_SECONDS: Final = 30.0
THREAD_LIMIT: Final = 200
"""How many messages of a long thread the assistant looks at: the newest ones."""

STATE_OF: Final = {
    "answer": "needs_reply", "answer_for_all": "needs_reply", "go_private": "needs_reply", "none": "no_reply",
    "leave_to_community": "no_reply", "watch": "watch", "hide": "hide_proposed",
}  # fmt: skip
"""Where triage leads a case."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work under this worker's lease."""

    work_id: int
    message_id: int
    revision: int


class Worker:
    """Takes the most urgent work, prepares it, saves it, tells the console."""

    def __init__(self, workspace: Workspace, assistant: Assistant, base: KnowledgeBase | None = None) -> None:
        """`base` is the one to keep in order beside the work."""
        self._workspace = workspace
        self._assistant = assistant
        self._base = base
        self._tending: threading.Thread | None = None
        self._look_at_base = time.monotonic()
        self._look_at_boards = time.monotonic() + LOOK_AT_BOARDS_SECONDS
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"

    def run(self, stopped: Callable[[], bool]) -> None:
        """Go on until told to stop; the message in hand is finished first."""
        beat = Beat(self._workspace.settings.home, "worker")
        while not stopped():
            beat.mark()
            if not self.step():
                self._start_boards()
                self._tend_base()
                self._workspace.nudge.wait("work", POLL_SECONDS)
                if self._base is not None:
                    self._base.nudge()

    def _start_boards(self) -> None:
        """Have the boards computed when that is due, in a process of its own: messages never wait for it."""
        if time.monotonic() < self._look_at_boards:
            return
        self._look_at_boards = time.monotonic() + LOOK_AT_BOARDS_SECONDS
        if job.due(self._workspace.database):
            job.ask(self._workspace.database, ASSISTANT)
            job.launch(self._workspace.settings)

    def _tend_base(self) -> None:
        """Keep the index of the base in order, in a thread of its own: messages never wait for it."""
        base, busy = self._base, self._tending is not None and self._tending.is_alive()
        if base is None or busy or time.monotonic() < self._look_at_base:
            return
        self._look_at_base = time.monotonic() + LOOK_AT_BASE_SECONDS
        self._tending = threading.Thread(target=_tend, args=(base,), name="knowledge-upkeep", daemon=True)
        self._tending.start()

    def step(self) -> bool:
        """Prepare one message; False when there is nothing to do."""
        job = self._take()
        if job is None:
            return False
        try:
            request = self._request(job)
            if request is None:
                self._skip(job)
            else:
                self._save(job, self._assistant.prepare(request))
        except Exception as error:  # whatever went wrong, the message stays and a person can see why
            log.error("a message could not be prepared", message=job.message_id, exc_info=error)
            self._put_back(job, error)
        self._workspace.nudge.send("events")
        return True

    def _take(self) -> Job | None:
        with self._workspace.database.read() as session:  # most looks find nothing: they need no writer's place
            if session.scalar(select(Work.id).where(_due()).limit(1)) is None:
                return None
        with self._workspace.database.write() as session:
            work = session.scalar(
                select(Work)
                .where(_due())
                .order_by(Work.urgency.desc(), Work.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if work is None:
                return None
            work.state, work.lease_owner = "running", self._name
            work.lease_until = now() + timedelta(seconds=self._workspace.settings.lease_seconds)
            work.attempts += 1
            return Job(work.id, work.message_id, work.revision)

    def _request(self, job: Job) -> Request | None:
        """The message as the assistant takes it; None when it has been edited or removed since."""
        with self._workspace.database.read() as session:
            message = session.get_one(Message, job.message_id)
            if message.revision != job.revision or message.remote_state == "deleted" or message.case_id is None:
                return None
            conversation = session.get_one(Conversation, message.conversation_id)
            return Request(
                text=message.text,
                channel_kind=conversation.channel.kind,
                audience="public" if message.audience == "public" else "private",
                author=message.participant.identity.name,
                followers=message.participant.identity.followers,
                thread=tuple(_thread(session, conversation)),
                target=str(message.id),
            )

    def _save(self, job: Job, prepared: Prepared) -> None:
        with self._workspace.database.write() as session:
            work = session.get_one(Work, job.work_id)
            message = session.get_one(Message, job.message_id)
            if work.lease_owner != self._name:
                return  # another worker took over; its result stands
            if message.revision == job.revision and message.case_id is not None:
                case = session.get_one(Case, message.case_id)
                _store(session, message, case, prepared)
            work.state, work.lease_until, work.last_error = "done", None, None

    def _skip(self, job: Job) -> None:
        with self._workspace.database.write() as session:
            work = session.get_one(Work, job.work_id)
            work.state, work.lease_until = "done", None

    def _put_back(self, job: Job, error: Exception) -> None:
        with self._workspace.database.write() as session:
            work = session.get_one(Work, job.work_id)
            if work.lease_owner != self._name:
                return
            last = work.attempts >= MAX_ATTEMPTS
            work.state = "failed" if last else "queued"
            work.lease_until = None
            work.not_before = now() + timedelta(seconds=2**work.attempts)
            work.last_error = f"{type(error).__name__}: {error}"[:1000]
            if last:
                _give_to_a_person(session, session.get_one(Message, job.message_id))


def _tend(base: KnowledgeBase) -> None:
    try:
        base.maintain()
    except Exception as error:  # searches go on with what there is; the next round tries again
        log.error("the index could not be kept in order", exc_info=error)


def _due() -> ColumnElement[bool]:
    moment = now()
    return or_(
        (Work.state == "queued") & (Work.not_before <= moment),
        (Work.state == "running") & (Work.lease_until < moment),
    )


def _thread(session: Session, conversation: Conversation) -> list[ThreadMessage]:
    rows = session.scalars(
        select(Message)
        .where(Message.conversation_id == conversation.id, Message.remote_state.not_in(("deleted", "hidden")))
        .order_by(Message.seq.desc())
        .limit(THREAD_LIMIT)
    ).all()
    return [
        ThreadMessage(
            id=str(row.id),
            parent=str(row.parent_id) if row.parent_id else None,
            author=row.participant.identity.external_id,
            role="brand" if row.role == "brand" else "customer",
            text=row.text,
            at=row.posted_at,
            followers=row.participant.identity.followers,
        )
        for row in reversed(rows)
    ]


def _store(session: Session, message: Message, case: Case, prepared: Prepared) -> None:
    number = 1 + (
        session.scalar(
            select(func.max(Preparation.number)).where(
                Preparation.message_id == message.id, Preparation.revision == message.revision
            )
        )
        or 0
    )
    preparation = Preparation(
        message_id=message.id,
        revision=message.revision,
        number=number,
        language=prepared.language,
        intents=[asdict(intent) for intent in prepared.intents],
        intents_missing=prepared.intents_missing,
        outcome=prepared.triage.outcome,
        priority=prepared.triage.priority,
        reasons=list(prepared.triage.reasons),
        team=prepared.triage.team,
        abstained=prepared.abstained,
        abstain_reason=prepared.reason,
        nearest=[asdict(near) for near in prepared.nearest],
        outlook=asdict(prepared.outlook),
        versions=prepared.versions,
        took_ms=prepared.took_ms,
    )
    session.add(preparation)
    session.flush()
    _store_drafts(session, message, case, preparation, prepared)
    message.language = prepared.language
    _triage_case(session, message, case, preparation)


def _store_drafts(session: Session, message: Message, case: Case, preparation: Preparation, prepared: Prepared) -> None:
    for old in session.scalars(select(Draft).where(Draft.message_id == message.id, Draft.superseded_at.is_(None))):
        old.superseded_at = now()
    for position, draft in enumerate(prepared.drafts):
        session.add(
            Draft(
                preparation_id=preparation.id,
                message_id=message.id,
                case_id=case.id,
                target_revision=message.revision,
                position=position,
                stance=draft.stance,
                audience=draft.audience,
                language=draft.language,
                text=draft.text,
                text_sha256=hashlib.sha256(draft.text.encode()).hexdigest(),
                probability=draft.probability,
                evidence=[asdict(item) for item in draft.evidence],
                notes=list(draft.notes),
            )
        )


def _triage_case(session: Session, message: Message, case: Case, preparation: Preparation) -> None:
    state = STATE_OF[preparation.outcome]
    newest = session.scalar(select(func.max(Message.seq)).where(Message.case_id == case.id, Message.role == "customer"))
    # A thank-you that follows a question does not take the question off the list; nor does an older message.
    keeps = case.state == "needs_reply" and state in ("no_reply", "watch")
    if message.seq == newest and not keeps and not _decided(session, message, case):
        case.outcome, case.reasons = preparation.outcome, preparation.reasons
        case.priority = max(preparation.priority, case.priority if case.state == "needs_reply" else 0)
        if case.team_id is None and preparation.team:
            case.team_id = session.scalar(select(Team.id).where(Team.key == preparation.team))
        move(session, case, state, ASSISTANT, message=message.id, outcome=preparation.outcome)
    record(
        session, "message.prepared", ASSISTANT, conversation_id=message.conversation_id, case_id=case.id,
        message_id=message.id, abstained=preparation.abstained, outcome=preparation.outcome,
    )  # fmt: skip


def _decided(session: Session, message: Message, case: Case) -> bool:
    """Whether a person was quicker: then the case stays where they put it."""
    if case.state in CLOSED or case.state in ("waiting_internal", "waiting_approval"):
        return True
    decided = select(Decision.id).where(
        Decision.message_id == message.id,
        Decision.target_revision_seen >= message.revision,
        Decision.kind != "rejected",
        Decision.revoked_at.is_(None),
    )
    return session.scalar(decided.limit(1)) is not None


def _give_to_a_person(session: Session, message: Message) -> Event | None:
    if message.case_id is None:
        return None
    case = session.get_one(Case, message.case_id)
    if case.state == "new":
        case.reasons = [{"code": "preparation_failed", "detail": ""}]
        move(session, case, "needs_reply", ASSISTANT, message=message.id, outcome="preparation_failed")
    return record(
        session, "message.preparation_failed", ASSISTANT, conversation_id=message.conversation_id, case_id=case.id,
        message_id=message.id,
    )  # fmt: skip


def main() -> None:
    """`python -m api.worker`: run until SIGTERM."""
    try:
        settings = Settings.load()
    except WrongSettings as wrong:
        sys.exit(str(wrong))
    set_up(settings, "worker")
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    workspace = Workspace.open(settings)
    assistant = build_assistant(workspace)
    Worker(workspace, assistant, base_of(assistant)).run(lambda: bool(stopping))
    workspace.close()


if __name__ == "__main__":
    main()
