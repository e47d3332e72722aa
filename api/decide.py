"""Decisions: a person's act on a message, its publication and its audit entry, in one transaction."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Literal

from rapidfuzz.distance import Levenshtein
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import guard
from api.accounts import Principal
from api.cases import move, require_claim
from api.history import AuditTrail, record
from api.problems import conflict, invalid, not_found
from api.tables import Account, Case, Decision, Draft, Handoff, Message, Publication, Team
from api.tables.conversations import CLOSED
from api.tables.decisions import PUBLISHING
from api.tasks import require_correction
from knowledge.database import Database, now

Act = Literal["publish", "reject", "hand_off", "no_reply", "hide"]

REJECT_REASONS = ("wrong_fact", "wrong_article", "outdated", "tone", "language", "incomplete", "unsafe", "other")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for. `claim_token`, `target_revision` and `subtree_seq` say what they were looking at."""

    case_id: int
    message_id: int
    act: Act
    claim_token: int
    target_revision: int
    subtree_seq: int
    draft_id: int | None = None
    text: str = ""
    reason: str = ""
    team: str | None = None
    seconds: float | None = None
    corrects: int | None = None
    """The task to correct a published reply, where this is its correction."""


@dataclass(frozen=True, slots=True)
class Done:
    """A stored decision, and its publication where it publishes."""

    decision: Decision
    publication: Publication | None
    repeated: bool


class Desk:
    """Where decisions are made. It is the only place that writes one."""

    def __init__(self, database: Database, trail: AuditTrail, undo_seconds: float) -> None:
        self._database = database
        self._trail = trail
        self._undo_seconds = undo_seconds

    def decide(self, principal: Principal, wish: Wish, idempotency_key: str) -> Done:
        """Decide once. The same key with the same wish gives the stored decision again.

        Raises:
            Refused: with the named reason; nothing is stored, the agent's text stays with the agent.
        """
        principal.require("decide")
        account, login_session_id = principal.person()
        request = hashlib.sha256(json.dumps([account.id, asdict(wish)], sort_keys=True).encode()).hexdigest()
        with self._database.write() as session:
            repeated = self._repeated(session, idempotency_key, request)
            if repeated is not None:
                return repeated
            case, message = self._target(session, wish)
            require_claim(session, case, account, wish.claim_token)
            guard.require_unchanged(session, message, wish.target_revision, wish.subtree_seq)
            decision = self._decision(session, wish, case, message, account, login_session_id)
            if decision.kind in PUBLISHING and wish.corrects is not None:
                decision.corrects = require_correction(session, wish.corrects, decision).publication_id
            elif decision.kind in PUBLISHING:
                self._require_unanswered(session, decision)
            decision.idempotency_key, decision.request_sha256 = idempotency_key, request
            session.add(decision)
            session.flush()
            publication = self._publish(session, decision, message) if decision.publishes else None
            self._after(session, decision, case, account, wish)
            return Done(decision, publication, repeated=False)

    def undo(self, principal: Principal, decision_id: int) -> Publication:
        """Take a decision back while its reply is still waiting to be sent.

        Raises:
            Refused: 404, 403 for another person's decision, 409 `too_late`.
        """
        principal.require("decide")
        account, _ = principal.person()
        with self._database.write() as session:
            decision = session.get(Decision, decision_id)
            publication = session.scalar(select(Publication).where(Publication.decision_id == decision_id))
            if decision is None or publication is None:
                raise not_found("reply that waits to be sent")
            if decision.agent_id != account.id and "administer" not in principal.permissions:
                raise conflict("not_yours", "only the person who decided can undo it")
            if publication.state == "retracted":
                return publication
            if publication.state != "queued" or publication.first_attempt_at is not None:
                raise conflict("too_late", f"the reply is already {publication.state}", state=publication.state)
            publication.state, publication.reason = "retracted", "undone"
            decision.revoked_at = now()
            case = session.get_one(Case, decision.case_id)
            if case.state == "waiting_customer":
                move(session, case, "needs_reply", account.login, decision=decision.id, undone=True)
            self._note(session, "decision.undone", decision, account)
            return publication

    def _repeated(self, session: Session, key: str, request: str) -> Done | None:
        held = session.scalar(select(Decision).where(Decision.idempotency_key == key))
        if held is None:
            return None
        if held.request_sha256 != request:
            raise invalid("key_reused", "this Idempotency-Key was used for another decision")
        publication = session.scalar(select(Publication).where(Publication.decision_id == held.id))
        return Done(held, publication, repeated=True)

    def _target(self, session: Session, wish: Wish) -> tuple[Case, Message]:
        case = session.get(Case, wish.case_id)
        message = session.get(Message, wish.message_id)
        if case is None or message is None or message.case_id != case.id:
            raise not_found("message in this case")
        if case.state in CLOSED:
            raise conflict("case_closed", f"the case is {case.state}", state=case.state)
        return case, message

    def _decision(
        self, session: Session, wish: Wish, case: Case, message: Message, account: Account, login_session_id: str
    ) -> Decision:
        draft = self._draft(session, wish, message)
        kind = self._kind(wish, draft)
        if kind in PUBLISHING:
            guard.require_publishable(session, message, draft, wish.text)
        text = wish.text if wish.act == "publish" else ""
        return Decision(
            case_id=case.id,
            message_id=message.id,
            draft_id=draft.id if draft else None,
            agent_id=account.id,
            login_session_id=login_session_id,
            audience=message.audience,
            kind=kind,
            final_text=text,
            final_sha256=hashlib.sha256(text.encode()).hexdigest(),
            reason=wish.reason,
            similarity=Levenshtein.normalized_similarity(draft.text, text) if draft and text else None,
            seconds_to_decide=wish.seconds,
            target_revision_seen=wish.target_revision,
            subtree_seq_seen=wish.subtree_seq,
        )

    def _draft(self, session: Session, wish: Wish, message: Message) -> Draft | None:
        if wish.draft_id is None:
            return None
        draft = session.get(Draft, wish.draft_id)
        if draft is None or draft.message_id != message.id:
            raise not_found("draft for this message")
        return draft

    def _kind(self, wish: Wish, draft: Draft | None) -> str:
        match wish.act:
            case "publish" if not wish.text.strip():
                raise invalid("empty_text", "a reply needs a text")
            case "publish":
                return _publishing_kind(wish.text, draft)
            case "reject" if wish.reason not in REJECT_REASONS:
                raise invalid("bad_reason", f"a rejection's reason is one of {', '.join(REJECT_REASONS)}")
            case "reject" if draft is None:
                raise invalid("no_draft", "there is no draft to reject")
            case "hand_off" | "no_reply" | "hide" if not wish.reason.strip():
                raise invalid("no_reason", "this decision needs a reason")
            case "reject":
                return "rejected"
            case "hand_off":
                return "handed_off"
            case _:
                return wish.act

    def _require_unanswered(self, session: Session, decision: Decision) -> None:
        already = session.scalar(
            select(Decision.id).where(
                Decision.message_id == decision.message_id,
                Decision.audience == decision.audience,
                Decision.target_revision_seen == decision.target_revision_seen,
                Decision.kind.in_(PUBLISHING),
                Decision.revoked_at.is_(None),
            )
        )
        if already is not None:
            raise conflict("already_answered", "this message has been answered", decision=already)

    def _publish(self, session: Session, decision: Decision, message: Message) -> Publication:
        publication = Publication(
            decision_id=decision.id,
            body_sha256=decision.final_sha256,
            channel_id=message.channel_id,
            idem_key=f"odzew-{decision.id}-{secrets.token_hex(8)}",
            not_before=now() + timedelta(seconds=self._undo_seconds),
        )
        session.add(publication)
        session.flush()
        return publication

    def _after(self, session: Session, decision: Decision, case: Case, account: Account, wish: Wish) -> None:
        match decision.kind:
            case "accepted" | "edited" | "written":
                move(session, case, "waiting_customer", account.login, decision=decision.id)
            case "handed_off":
                self._hand_off(session, decision, case, account, wish)
            case "no_reply" | "hide":
                move(session, case, "no_reply", account.login, decision=decision.id)
            case "rejected":
                draft = session.get_one(Draft, decision.draft_id)
                draft.superseded_at = now()
        if decision.kind != "rejected":
            case.claimed_by, case.claim_expires_at = None, None
        self._note(session, f"decision.{decision.kind}", decision, account)

    def _hand_off(self, session: Session, decision: Decision, case: Case, account: Account, wish: Wish) -> None:
        team = session.scalar(select(Team).where(Team.key == wish.team)) if wish.team else None
        if team is None:
            raise invalid("no_team", "a hand-off needs a team that exists")
        drafts = session.scalars(select(Draft.id).where(Draft.case_id == case.id, Draft.superseded_at.is_(None)))
        session.add(
            Handoff(
                case_id=case.id, decision_id=decision.id, team_id=team.id, reason=wish.reason,
                summary={"message": decision.message_id, "drafts": list(drafts), "outcome": case.outcome},
            )
        )  # fmt: skip
        case.team_id = team.id
        move(session, case, "waiting_internal", account.login, decision=decision.id, team=team.key)

    def _note(self, session: Session, action: str, decision: Decision, account: Account) -> None:
        self._trail.add(session, account.login, action, f"decision:{decision.id}", decision.final_sha256)
        message = session.get_one(Message, decision.message_id)
        record(
            session, action, account.login, conversation_id=message.conversation_id, case_id=decision.case_id,
            message_id=message.id, decision=decision.id,
        )  # fmt: skip


def _publishing_kind(text: str, draft: Draft | None) -> str:
    if draft is None:
        return "written"
    return "accepted" if draft.text == text else "edited"
