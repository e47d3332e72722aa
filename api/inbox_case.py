"""One case whole, ready for JSON: its conversation as a tree, the target, drafts with evidence, outlook, customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.guard import subtree_seq
from api.inbox_thread import View, customer, decisions, events, iso, tree
from api.tables import (
    Account,
    Case,
    Conversation,
    Decision,
    Draft,
    Handoff,
    Message,
    Preparation,
    Publication,
    Team,
    Work,
)
from api.tasks import open_correction
from bot.channels import limits
from knowledge.current import languages_of, standings
from knowledge.database import now
from knowledge.tables import PhrasingRow, Variant, Version


def case_view(session: Session, case_id: int, language: str | None = None) -> View | None:
    """Everything a person needs to decide one case; None when there is no such case.

    Titles of articles are given in `language` (the reader's), else in the message's, else in any.
    """
    case = session.get(Case, case_id)
    if case is None:
        return None
    conversation = case.conversation
    messages = session.scalars(
        select(Message).where(Message.conversation_id == conversation.id).order_by(Message.seq)
    ).all()
    target = _target(case, messages)
    preparation = _preparation(session, target)
    drafts = _drafts(session, preparation)
    titles = _titles(session, preparation, drafts, language, target)
    return {
        "case": _case(session, case),
        "conversation": _conversation(conversation, messages),
        "messages": tree(session, case, messages, target),
        "target": _target_view(session, target, conversation.channel.kind),
        "preparation": _preparation_view(session, preparation, titles) if preparation else None,
        "drafts": _draft_views(session, drafts, titles),
        "outlook": preparation.outlook or None if preparation else None,
        "decisions": decisions(session, case),
        "customer": customer(session, case),
        "events": events(session, case),
        "subtree_seq": subtree_seq(session, target) if target else 0,
        "correction": _correction(session, case),
    }


def _correction(session: Session, case: Case) -> View | None:
    """The published reply that is to be put right: what it said, and what the article says now."""
    task = open_correction(session, case.id)
    publication = session.get(Publication, task.publication_id) if task and task.publication_id else None
    if task is None or publication is None:
        return None
    wrong = session.get_one(Version, task.version_id)
    variant = session.get_one(Variant, wrong.variant_id)
    return {
        "task": task.id,
        "why": task.why,
        "by": task.created_by,
        "article": task.article_id,
        "said": session.get_one(Decision, publication.decision_id).final_text,
        "wrong": wrong.text,
        "right": variant.current.text if variant.current else None,
    }


def _target(case: Case, messages: Sequence[Message]) -> Message | None:
    """The case's newest message that is still there; the newest at all when none is."""
    mine = [message for message in messages if message.case_id == case.id and message.role == "customer"]
    standing = [message for message in mine if message.remote_state != "deleted"]
    found = standing or mine
    return found[-1] if found else None


def _case(session: Session, case: Case) -> View:
    holder = session.get(Account, case.claimed_by) if case.claimed_by else None
    held = holder is not None and case.claim_expires_at is not None and case.claim_expires_at > now()
    team = session.get(Team, case.team_id) if case.team_id else None
    handoff = session.scalar(select(Handoff).where(Handoff.case_id == case.id).order_by(Handoff.id.desc()).limit(1))
    return {
        "id": case.id,
        "state": case.state,
        "version": case.version,
        "outcome": case.outcome,
        "priority": case.priority,
        "reasons": case.reasons,
        "team": {"key": team.key, "name": team.name} if team else None,
        "handoff": {"reason": handoff.reason, "at": handoff.at.isoformat()} if handoff else None,
        "opened_at": case.opened_at.isoformat(),
        "deadline_at": case.deadline_at.isoformat(),
        "first_reply_at": iso(case.first_reply_at),
        "closed_at": iso(case.closed_at),
        "previous_case": case.previous_case_id,
        "holder": {"id": holder.id, "name": holder.name} if held and holder else None,
        "claim_token": case.claim_token,
        "claim_expires_at": iso(case.claim_expires_at) if held else None,
    }


def _conversation(conversation: Conversation, messages: Sequence[Message]) -> View:
    channel = conversation.channel
    return {
        "id": conversation.id,
        "channel": {"key": channel.key, "kind": channel.kind, "name": channel.name},
        "thread_key": conversation.thread_key,
        "public": conversation.public,
        "messages": len(messages),
        "authors": len({message.participant_id for message in messages}),
    }


def _target_view(session: Session, target: Message | None, kind: str) -> View | None:
    if target is None:
        return None
    work = session.scalar(
        select(Work).where(Work.message_id == target.id, Work.revision == target.revision).order_by(Work.id.desc())
    )
    limit = limits(kind).limit("public" if target.audience == "public" else "private")
    return {
        "id": target.id,
        "revision": target.revision,
        "remote_state": target.remote_state,
        "audience": target.audience,
        "language": target.language,
        "text": target.text,
        "author": target.participant.identity.name,
        "work": work.state if work else None,
        "limit": {"most": limit.most, "counter": limit.counter},
    }


def _preparation(session: Session, target: Message | None) -> Preparation | None:
    if target is None:
        return None
    return session.scalar(
        select(Preparation)
        .where(Preparation.message_id == target.id, Preparation.revision == target.revision)
        .order_by(Preparation.number.desc())
        .limit(1)
    )


def _preparation_view(session: Session, preparation: Preparation, titles: dict[str, str]) -> View:
    spoken = languages_of(session, [near["article"] for near in preparation.nearest])
    return {
        "id": preparation.id,
        "language": preparation.language,
        "intents": preparation.intents,
        "intents_missing": preparation.intents_missing,
        "outcome": preparation.outcome,
        "priority": preparation.priority,
        "reasons": preparation.reasons,
        "team": preparation.team,
        "abstained": preparation.abstained,
        "abstain_reason": preparation.abstain_reason,
        "nearest": [
            {**near, "title": titles.get(near["article"], near["article"]), "exists_in": spoken[near["article"]]}
            for near in preparation.nearest
        ],
        "versions": preparation.versions,
        "took_ms": preparation.took_ms,
        "created_at": preparation.created_at.isoformat(),
    }


def _drafts(session: Session, preparation: Preparation | None) -> Sequence[Draft]:
    if preparation is None:
        return ()
    return session.scalars(
        select(Draft)
        .where(Draft.preparation_id == preparation.id, Draft.superseded_at.is_(None))
        .order_by(Draft.position, Draft.id)
    ).all()


def _draft_views(session: Session, drafts: Sequence[Draft], titles: dict[str, str]) -> list[View]:
    versions = _versions(session, {item["version"] for draft in drafts for item in draft.evidence if item["version"]})
    return [
        {
            "id": draft.id,
            "stance": draft.stance,
            "audience": draft.audience,
            "language": draft.language,
            "text": draft.text,
            "probability": draft.probability,
            "evidence": [_evidence(item, versions, titles) for item in draft.evidence],
            "notes": draft.notes,
        }
        for draft in drafts
    ]


def _evidence(item: View, versions: dict[int, View], titles: dict[str, str]) -> View:
    article = item["article"]
    known = versions.get(item["version"] or 0, {"number": None, "current": article is None, "stale": False})
    return {
        "sentence": item["sentence"],
        "article": article,
        "version": item["version"],
        "title": titles.get(article, article) if article else None,
        **known,
    }


def _versions(session: Session, ids: set[int]) -> dict[int, View]:
    """Each version's number, whether it may still be said, and whether it is a translation of a replaced text."""
    return {
        key: {"number": held.number, "current": held.current, "stale": held.stale}
        for key, held in standings(session, ids).items()
    }


def _titles(
    session: Session, preparation: Preparation | None, drafts: Iterable[Draft], language: str | None,
    target: Message | None,
) -> dict[str, str]:  # fmt: skip
    """The question of each article that is named, in the first language there is of those wished for."""
    named = {item["article"] for draft in drafts for item in draft.evidence if item["article"]}
    named |= {near["article"] for near in (preparation.nearest if preparation else [])}
    if not named:
        return {}
    rows = session.scalars(
        select(PhrasingRow).where(PhrasingRow.article_id.in_(named), PhrasingRow.position == 0).order_by(PhrasingRow.id)
    ).all()
    wished = [each for each in (language, target.language if target else None) if each]
    titles: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: wished.index(row.language) if row.language in wished else len(wished)):
        titles.setdefault(row.article_id, row.text)
    return titles
