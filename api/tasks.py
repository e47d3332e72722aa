"""Tasks: the one place where a correction or a translation is asked for, done or dismissed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from api.cases import MOVES, move
from api.history import record
from api.problems import conflict, invalid, not_found
from api.tables import Account, Case, Channel, Decision, Draft, Message, Publication, Task
from knowledge.about import variants_of
from knowledge.database import now
from knowledge.languages import is_language
from knowledge.tables import Article, Variant, Version

LIVE: Final = ("queued", "sending", "sent", "uncertain")
"""States of a publication that reached people or may have."""


@dataclass(frozen=True, slots=True)
class Use:
    """A published reply with a sentence of a version in it."""

    publication: Publication
    decision: Decision
    agent: str
    channel: str
    sentences: tuple[str, ...]
    task: Task | None


def uses_of(session: Session, version_id: int) -> list[Use]:
    """The replies that were published with a sentence of this version in them, the newest first.

    A sentence that the agent edited out of the draft does not count: it was not said.
    """
    rows = session.execute(
        select(Publication, Decision, Draft, Account.name, Channel.kind)
        .join(Decision, Decision.id == Publication.decision_id)
        .join(Draft, Draft.id == Decision.draft_id)
        .join(Account, Account.id == Decision.agent_id)
        .join(Channel, Channel.id == Publication.channel_id)
        .where(Publication.state.in_(LIVE), Draft.id.in_(_drafts_with(version_id)))
        .order_by(Publication.id.desc())
    ).all()
    tasks = {task.publication_id: task for task in session.scalars(select(Task).where(Task.version_id == version_id))}
    found = []
    for publication, decision, draft, agent, channel in rows:
        said = [item["sentence"] for item in draft.evidence if item["version"] == version_id]
        kept = tuple(sentence for sentence in said if sentence in decision.final_text)
        if kept:
            found.append(Use(publication, decision, agent, channel, kept, tasks.get(publication.id)))
    return found


def ask_corrections(
    session: Session, version_id: int, publications: Sequence[int] | None, *, by: str, why: str = ""
) -> list[Task]:
    """A task for each published reply that used a version (or those named); one that has a task keeps it.

    Raises:
        Refused: 404 for a version, or a reply that did not use it.
    """
    version, article = _version(session, version_id)
    uses = {use.publication.id: use for use in uses_of(session, version_id)}
    wanted = list(uses) if publications is None else list(publications)
    made: list[Task] = []
    for key in wanted:
        if key not in uses:
            raise not_found("reply that used this version")
        use = uses[key]
        if use.task is not None and use.task.state != "dismissed":
            continue
        variant = session.get_one(Variant, version.variant_id)
        task = Task(
            kind="correct", article_id=article.id, version_id=version_id, language=variant.language,
            publication_id=key, case_id=use.decision.case_id, why=why, created_by=by,
        )  # fmt: skip
        session.add(task)
        session.flush()
        case = session.get_one(Case, use.decision.case_id)
        if "needs_reply" in MOVES.get(case.state, ()):
            move(session, case, "needs_reply", by, task=task.id)
        _note(session, "task.opened", task, by)
        made.append(task)
    return made


def ask_translation(session: Session, article_id: str, language: str, *, by: str, why: str = "") -> Task:
    """A task to write an article in a language, with the text to translate; the open one where there is one.

    Raises:
        Refused: 404, 409 `up_to_date` when there is nothing to translate, 422 `no_source`.
    """
    article = session.get(Article, article_id)
    if article is None:
        raise not_found("article")
    if not is_language(language):
        raise invalid("bad_language", f"{language!r} is not a language of the base")
    held = session.scalar(
        select(Task).filter_by(kind="translate", article_id=article_id, language=language, state="open")
    )
    if held is not None:
        return held
    source = source_text(session, article, language)
    if source is None:
        raise invalid("no_source", "no other language has an approved text to translate")
    if _is_translated(session, article_id, language):
        raise conflict("up_to_date", "this language has a text that is up to date")
    task = Task(
        kind="translate", article_id=article_id, version_id=source.id, language=language, why=why, created_by=by
    )
    session.add(task)
    session.flush()
    _note(session, "task.opened", task, by)
    return task


def source_text(session: Session, article: Article, language: str) -> Version | None:
    """What a translation into a language would be made from: the leading language's text, else any other's."""
    said = [
        one for one in variants_of(session, article.id)
        if one.current and one.language != language and not one.channel_kind
    ]  # fmt: skip
    # Where one of several texts has gone stale, its own audience's source is what has to be translated again.
    old = {one.audience for one in variants_of(session, article.id) if one.language == language and one.stale}
    lacking = old or {"public"}
    said.sort(key=lambda one: (one.language != article.source_language, one.stale, one.audience not in lacking))
    return said[0].current if said else None


def dismiss(session: Session, task_id: int, reason: str, *, by: str) -> Task:
    """Decide that nothing is to be done. Raises: Refused: 404, 409 `not_open`, 422 `no_reason`."""
    task = session.get(Task, task_id)
    if task is None:
        raise not_found("task")
    if not reason.strip():
        raise invalid("no_reason", "a task is dismissed with a reason")
    if task.state != "open":
        raise conflict("not_open", f"the task is {task.state}", state=task.state)
    _close(session, task, "dismissed", by, reason)
    return task


def open_correction(session: Session, case_id: int) -> Task | None:
    """The oldest reply of a case that is still to be corrected."""
    return session.scalar(
        select(Task).filter_by(kind="correct", case_id=case_id, state="open").order_by(Task.id).limit(1)
    )


def require_correction(session: Session, task_id: int, decision: Decision) -> Task:
    """The open task that a decision on the same message fulfils. Raises: Refused: 404, 409 `not_open`."""
    task = session.get(Task, task_id)
    publication = session.get(Publication, task.publication_id) if task and task.publication_id else None
    wrong = session.get(Decision, publication.decision_id) if publication else None
    if task is None or publication is None or wrong is None or wrong.case_id != decision.case_id:
        raise not_found("correction in this case")
    if task.state != "open":
        raise conflict("not_open", f"the task is {task.state}", state=task.state)
    return task


def correction_sent(session: Session, decision: Decision, by: str) -> None:
    """A correction has reached its network: every open task about the reply it puts right is done."""
    if decision.corrects is None:
        return
    for task in session.scalars(select(Task).filter_by(kind="correct", publication_id=decision.corrects, state="open")):
        _close(session, task, "done", by)


def settle_translations(session: Session, article_id: str, by: str) -> None:
    """Translations of an article that are there by now are done."""
    for task in session.scalars(select(Task).filter_by(kind="translate", article_id=article_id, state="open")):
        if _is_translated(session, article_id, task.language):
            _close(session, task, "done", by)


def listed(session: Session, state: str = "open", kind: str = "", limit: int = 200) -> list[Task]:
    """Tasks, the newest first; empty `kind`: of every kind."""
    wanted = select(Task).where(Task.state == state).order_by(Task.id.desc()).limit(limit)
    return list(session.scalars(wanted.where(Task.kind == kind) if kind else wanted))


def _is_translated(session: Session, article_id: str, language: str) -> bool:
    """Whether a language has texts, and none of them is stale; as the matrix shows it."""
    said = [one for one in variants_of(session, article_id) if one.language == language and one.current]
    return bool(said) and not any(one.stale for one in said)


def _version(session: Session, version_id: int) -> tuple[Version, Article]:
    version = session.get(Version, version_id)
    if version is None:
        raise not_found("version")
    return version, session.get_one(Article, session.get_one(Variant, version.variant_id).article_id)


def _drafts_with(version_id: int) -> Any:
    # The database narrows it down by text; `uses_of` looks into what is left.
    return select(Draft.id).where(cast(Draft.evidence, String).contains(f'"version": {version_id}'))


def _close(session: Session, task: Task, state: str, by: str, reason: str = "") -> None:
    task.state, task.closed_by, task.closed_at, task.reason = state, by, now(), reason[:400]
    _note(session, f"task.{state}", task, by)


def _note(session: Session, kind: str, task: Task, by: str) -> None:
    case = session.get(Case, task.case_id) if task.case_id else None
    message = None
    if task.publication_id:
        publication = session.get_one(Publication, task.publication_id)
        message = session.get_one(Message, session.get_one(Decision, publication.decision_id).message_id)
    record(
        session, kind, by, conversation_id=case.conversation_id if case else None, case_id=task.case_id,
        message_id=message.id if message else None, task=task.id, article=task.article_id,
    )  # fmt: skip
