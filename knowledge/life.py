"""The life of an article and of its versions: the one place that changes a state, and writes down who, when and why.

A version's text never changes. What is to be said from now on is a new version; the one before it is retired.
Everything here happens inside the caller's transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from knowledge.database import now
from knowledge.policy import keeping_policy
from knowledge.tables import Article, ArticleEvent, KnowledgeState, Variant, Version

State = Literal["draft", "in_review", "approved", "retired"]

BIRTHS: Final[tuple[State, ...]] = ("draft", "in_review", "approved")
MOVES: Final[dict[str, tuple[State, ...]]] = {
    "draft": ("in_review", "approved", "retired"),
    "in_review": ("draft", "approved", "retired"),
    "approved": ("retired",),
    "retired": (),
}
"""Where a version may go from each state. The database refuses any other move (migration 0003)."""
OPEN: Final = ("draft", "in_review")
ARTICLE_MOVES: Final = {"active": ("retired",), "retired": ("active",)}
MOST_WHY: Final = 400


class WrongMove(ValueError):
    """A move that may not be made. `code`: `no_such_move`, `own_text` or `not_from_here`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Wanted:
    """A text that a variant is to have: with the version it was translated from, where it is a translation."""

    variant: Variant
    text: str
    source: int | None = None


def text_hash(text: str) -> str:
    """SHA-256 of a text, in hexadecimal: what phrasings, versions and vectors are known by."""
    return hashlib.sha256(text.encode()).hexdigest()


def asks_four_eyes(article: Article) -> bool:
    """Whether policy asks for a second person before a text of this article is said."""
    return keeping_policy().asks_four_eyes(article.category, article.tags)


def write(
    session: Session, article: Article, texts: Sequence[Wanted], *, by: str, why: str = "",
    state: State = "approved", four_eyes: bool | None = None,
) -> list[Version]:  # fmt: skip
    """Add a new version to each variant, born in `state`; under four eyes what would be approved goes into review.

    An open version of the same variant is retired, and the approved one too where the new one takes its place.
    `four_eyes` None: as policy asks. The caller says `changed` when all of the article's changes are made.
    """
    asked = asks_four_eyes(article) if four_eyes is None else four_eyes
    born = birth(state, asked)
    make_way(session, article, texts, born, by=by, why=why)
    session.flush()  # before new ones are added: the database allows one approved and one open version at a time
    session.add_all(wanted.variant for wanted in texts)
    made = [Version(**new_version(wanted, born, asked, by, why)) for wanted in texts]
    for wanted, version in zip(texts, made, strict=True):
        wanted.variant.versions.append(version)
    session.flush()
    for version in made:
        _note(session, article, "version", "", born, by, why, version)
    return made


def birth(state: State, four_eyes: bool) -> State:
    """The state a version is born in. Raises: WrongMove: `no_such_move` where none is born in that state."""
    born: State = "in_review" if four_eyes and state == "approved" else state
    if born not in BIRTHS:
        raise WrongMove("no_such_move", f"a version is not born {born}")
    return born


def make_way(
    session: Session, article: Article, texts: Sequence[Wanted], born: State, *, by: str, why: str = ""
) -> None:
    """Retire the versions whose place the texts take, an open one too. Flush before the new ones are added."""
    for wanted in texts:
        for held in [*wanted.variant.versions]:
            if held.state in OPEN or born == held.state == "approved":
                _set(session, article, held, "retired", by, why)


def advance(session: Session, article: Article, version: Version, to: State, *, by: str, why: str = "") -> bool:
    """Bring an open version on to a state, or as near as its author may: into review. Whether it moved."""
    own = version.written_by == by and (version.four_eyes or asks_four_eyes(article))
    goal: State = "in_review" if to == "approved" and own else to
    if goal not in MOVES[version.state]:
        return False
    _move(session, article, version, goal, by, why)
    return True


def move(session: Session, article: Article, version: Version, to: State, *, by: str, why: str = "") -> None:
    """Move a version to another state. To approve it retires the one that was approved before.

    Raises:
        WrongMove: `no_such_move` from where it is; `own_text` where policy asks for somebody else's approval.
    """
    said = "approved" in (to, version.state)
    _move(session, article, version, to, by, why)
    changed(session, article, said=said)


def _move(session: Session, article: Article, version: Version, to: State, by: str, why: str) -> None:
    if to not in MOVES[version.state]:
        raise WrongMove("no_such_move", f"a version that is {version.state} cannot become {to}")
    if to == "approved":
        if (version.four_eyes or asks_four_eyes(article)) and version.written_by == by:
            raise WrongMove("own_text", "policy asks for a second person: nobody approves a text of their own here")
        for held in session.scalars(
            select(Version).where(Version.variant_id == version.variant_id, Version.state == "approved")
        ):
            _set(session, article, held, "retired", by, why)
        session.flush()
        version.approved_by, version.approved_at = by, now()
    _set(session, article, version, to, by, why)


def roll_back(session: Session, article: Article, version: Version, *, by: str, why: str = "") -> Version:
    """Say an old text again, as a new version; under four eyes that waits for somebody else.

    Raises:
        WrongMove: `not_from_here` when the version is not a past one.
    """
    if version.state != "retired":
        raise WrongMove("not_from_here", f"only a retired version can be rolled back to; this one is {version.state}")
    wanted = Wanted(session.get_one(Variant, version.variant_id), version.text, version.translated_from)
    made = write(session, article, [wanted], by=by, why=why)[0]
    changed(session, article, said=made.state == "approved")
    return made


def silence(session: Session, article: Article, variants: Iterable[Variant], *, by: str, why: str = "") -> None:
    """Take away what these variants say, and what waits to be said."""
    for variant in variants:
        for version in variant.versions:
            if version.state != "retired":
                _set(session, article, version, "retired", by, why)


def set_article(session: Session, article: Article, to: str, *, by: str, why: str = "") -> None:
    """Retire an article, or bring it back; to the state it has already, nothing is done."""
    if set_article_alone(session, article, to, by=by, why=why):
        changed(session, article, said=True)


def set_article_alone(session: Session, article: Article, to: str, *, by: str, why: str = "") -> bool:
    """As `set_article`, without saying `changed`, which is the caller's where this is True."""
    if article.state == to:
        return False
    if to not in ARTICLE_MOVES[article.state]:
        raise WrongMove("no_such_move", f"an article that is {article.state} cannot become {to}")
    _note(session, article, "article", article.state, to, by, why)
    article.state = to
    return True


def note_about(session: Session, article: Article, before: str, after: str, *, by: str, why: str = "") -> None:
    """Write down a change of owner, tags or dates."""
    _note(session, article, "about", before[:MOST_WHY], after[:MOST_WHY], by, why)
    changed(session, article, said=True)


def note_phrasings(session: Session, article: Article, languages: Iterable[str], *, by: str, why: str = "") -> None:
    """Write down that an article is asked for in other words now."""
    _note(session, article, "phrasings", "", " ".join(languages), by, why)


def changed(session: Session, article: Article, *, said: bool) -> None:
    """Count the article's revision up; where what may be `said` has changed, the base's too."""
    article.updated_at = now()
    if said:
        raise_revision(session)
    session.flush()


def raise_revision(session: Session) -> None:
    """Count the base's revision up: searchers look at what may be said anew."""
    state = session.get(KnowledgeState, 1)
    if state is None:
        state = KnowledgeState(id=1, revision=0)
        session.add(state)
    state.revision += 1
    session.flush()


def events(session: Session, article_id: str) -> list[ArticleEvent]:
    """What happened to an article, the newest first."""
    rows = select(ArticleEvent).where(ArticleEvent.article_id == article_id).order_by(ArticleEvent.id.desc())
    return list(session.scalars(rows))


def new_version(wanted: Wanted, born: State, four_eyes: bool, by: str, why: str) -> dict[str, Any]:
    """A new version's columns, all but its variant."""
    moment = now()
    approved = born == "approved"
    return {
        "number": max((version.number for version in wanted.variant.versions), default=0) + 1, "text": wanted.text,
        "text_sha256": text_hash(wanted.text), "state": born, "why": why[:MOST_WHY], "translated_from": wanted.source,
        "four_eyes": four_eyes, "written_by": by, "approved_by": by if approved else None, "created_at": moment,
        "approved_at": moment if approved else None,
    }  # fmt: skip


def new_event(
    article_id: str, kind: str, before: str, after: str, by: str, why: str, version_id: int | None = None
) -> dict[str, Any]:
    """An event's columns."""
    return {
        "article_id": article_id, "version_id": version_id, "kind": kind, "before": before, "after": after,
        "actor": by, "why": why[:MOST_WHY],
    }  # fmt: skip


def _set(session: Session, article: Article, version: Version, to: str, by: str, why: str) -> None:
    _note(session, article, "version", version.state, to, by, why, version)
    version.state = to


def _note(
    session: Session, article: Article, kind: str, before: str, after: str, by: str, why: str,
    version: Version | None = None,
) -> None:  # fmt: skip
    about = version.id if version else None
    session.add(ArticleEvent(**new_event(article.id, kind, before, after, by, why, about)))


def open_versions(session: Session) -> int:
    """How many versions wait to be reviewed."""
    return session.scalar(select(func.count()).select_from(Version).where(Version.state == "in_review")) or 0
