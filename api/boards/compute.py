"""Finds what the boards show: gaps, duplicates, contradictions, rewritten, never used, past their review date."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.boards import reading
from api.boards.gaps import Gap, clusters
from api.boards.keeping import Found
from api.boards.pairs import Said, article_key, pairs
from api.knowledge_demand import demand
from knowledge.about import is_due
from knowledge.current import standings
from knowledge.database import Database, now
from knowledge.encoder import Encoder
from knowledge.tables import Article
from knowledge.vectors import vectors_for

REWRITTEN: Final = 2
"""How often agents must have changed a version's text before it counts."""
SHOWN: Final = 8


def findings(database: Database, encoder: Encoder) -> list[Found]:
    """Everything there is to find now. Reads, embeds what is not stored yet, and writes nothing else."""
    with database.read() as session:
        asked = reading.unanswered(session)
        said = reading.phrased(session)
        people = _people(session)
        rest = [*_rewritten(session), *_never_used(session, people), *_past_review(session, people)]
    vectors = vectors_for(database, [one.text for one in asked], encoder, task="query")
    gaps = [_gap(gap) for gap in clusters(asked, vectors)]
    texts = [text for one in said for text in one.phrasings]
    rows, at = [], 0
    for one in said:
        rows.append(Said(one.article, one.language, one.answer, tuple(range(at, at + len(one.phrasings)))))
        at += len(one.phrasings)
    return [*gaps, *_pairs(rows, vectors_for(database, texts, encoder), people), *rest]


def _people(session: Session) -> dict[str, float]:
    """Messages per week that ask for each article, in all languages."""
    counted: dict[str, float] = defaultdict(float)
    for (article, _), number in demand(session).items():
        counted[article] += number
    return counted


def _gap(gap: Gap) -> Found:
    # Known again by any of its messages: the cluster's middle moves, and so does its most typical one.
    keys = [f"message:{one.message}" for one in sorted(gap.messages, key=lambda one: one.message)]
    data = {
        "language": gap.language,
        "messages": [one.message for one in gap.messages[:SHOWN]],
        "all": len(gap.messages),
        "languages": dict(Counter(one.language for one in gap.messages)),
        "decisions": [one.decision for one in gap.written[:SHOWN]],
    }
    return Found("gaps", keys[0], gap.people / reading.WEEKS, data, tuple(keys[1:]))


def _pairs(said: list[Said], vectors: object, people: dict[str, float]) -> Iterator[Found]:
    """One finding for two articles on each board, with every language in which they were found."""
    gathered: dict[tuple[str, str], dict[str, object]] = {}
    for pair in pairs(said, vectors):  # type: ignore[arg-type]
        board = "contradictions" if pair.apart else "duplicates"
        key = article_key(pair.one.article, pair.other.article)
        held = gathered.setdefault((board, key), {"articles": [pair.one.article, pair.other.article], "found": []})
        held["found"].append({  # type: ignore[attr-defined]
            "language": pair.one.language, "likeness": round(pair.likeness, 3), "apart": list(pair.apart),
            "details": list(pair.details), "answers": [pair.one.answer, pair.other.answer],
        })  # fmt: skip
    for (board, key), data in gathered.items():
        both = sum(people.get(article, 0.0) for article in key.split(" "))
        yield Found(board, key, both, dict(data))


def _rewritten(session: Session) -> Iterator[Found]:
    changed: dict[int, list[reading.Rewrite]] = defaultdict(list)
    for one in reading.rewrites(session):
        changed[one.version].append(one)
    held = standings(session, changed)
    for version, rewrites in changed.items():
        standing = held.get(version)
        if standing is None or not standing.current or len(rewrites) < REWRITTEN:
            continue
        # The text agents came to most often, else the newest of them, is what is proposed.
        often = Counter(one.after for one in rewrites).most_common(1)[0]
        best = next(one for one in reversed(rewrites) if often[1] == 1 or one.after == often[0])
        data = {"article": standing.article, "version": version, "times": len(rewrites), "decision": best.decision,
                "decisions": [one.decision for one in rewrites[-SHOWN:]]}  # fmt: skip
        yield Found("rewritten", f"version:{version}", len(rewrites) / reading.WEEKS, data)


def _never_used(session: Session, people: dict[str, float]) -> Iterator[Found]:
    used = reading.uses(session)
    if not used:
        return  # a base nobody has answered from yet has nothing that is left unused
    long_ago = now() - timedelta(weeks=reading.WEEKS)
    rows = select(Article).where(Article.state == "active", Article.created_at <= long_ago)
    for article in session.scalars(rows):
        if article.id not in used:
            data = {"article": article.id, "since": article.created_at.isoformat()}
            yield Found("never_used", article.id, people.get(article.id, 0.0), data)


def _past_review(session: Session, people: dict[str, float]) -> Iterator[Found]:
    for article in session.scalars(select(Article).where(Article.state == "active", Article.review_at.is_not(None))):
        if is_due(article) and article.review_at is not None:
            due = article.review_at.isoformat()
            data = {"article": article.id, "due": due, "owner": article.owner}
            # A new date is a new finding: the old one may have been decided.
            yield Found("past_review", f"{article.id} {due[:10]}"[:200], people.get(article.id, 0.0), data)
