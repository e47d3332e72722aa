"""Search over the base as it is in the database: the ranker says which article, the database says what it says now."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Final, Literal

import structlog
from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from knowledge.current import is_stale, may_be_said, next_change
from knowledge.database import Database, now
from knowledge.encoder import Encoder
from knowledge.hits import Hit
from knowledge.languages import LANGUAGES, is_language
from knowledge.ranking import Phrasing, Ranked, Ranker
from knowledge.store import current_revision
from knowledge.tables import Article, PhrasingRow, Variant, Version
from knowledge.vectors import Progress, background_for, vectors_for

log = structlog.get_logger()

Audience = Literal["public", "private"]
RETRY_SECONDS: Final = 5.0
FALLBACKS: Final = ("en", *LANGUAGES)
"""Whose answer is shown where the message's language has none."""

_Sayable = Row[str, str, str, str, str, int, int, str, bool]


@dataclass(frozen=True)
class _Fitted:
    """One fitted state of the base. Never changed, only replaced, so searches need no lock."""

    revision: int
    phrasings: tuple[Phrasing, ...]
    ranker: Ranker | None
    seconds: float


class KnowledgeBase:
    """The base of one database, ready to be searched from any thread.

    What an article says, and whether it may be said, is read from the database by every search, so an edited answer
    or a retired article is right at once. Phrasings are held in memory; when they have changed they are fitted anew
    in the background, and the old fit answers meanwhile.
    """

    def __init__(self, database: Database, encoder: Encoder, progress: Progress | None = None) -> None:
        """Load and fit. Takes seconds, or a minute the first time (every phrasing is embedded once)."""
        self._database = database
        self._encoder = encoder
        self._lock = threading.Lock()
        self._refit: threading.Thread | None = None
        self._not_before = 0.0
        self._sayable: tuple[tuple[int, str, str], datetime | None, frozenset[str]] | None = None
        self._fitted = self._fit(None, progress)

    @property
    def revision(self) -> int:
        """The base's revision that is fitted now."""
        return self._fitted.revision

    @property
    def encoder_version(self) -> str:
        """Which encoder made the vectors."""
        return self._encoder.version

    @property
    def phrasings(self) -> int:
        """How many phrasings are searched."""
        return len(self._fitted.phrasings)

    @property
    def fit_seconds(self) -> float:
        """How long the last fit took, embedding included."""
        return self._fitted.seconds

    def search(
        self, text: str, *, language: str | None, audience: Audience, channel_kind: str = "", k: int = 5
    ) -> list[Hit]:
        """The articles that answer a text, the likeliest first, at most k.

        Only articles that have an approved text for this audience are found: a public message gets public texts, a
        private one the private text where there is one. The text is in `language` where the article has it there,
        else in another, which `Hit.language` tells.
        """
        with self._database.read() as session:
            held = current_revision(session)
            if held != self._fitted.revision:
                self._refit_in_background()
            fitted = self._fitted
            if fitted.ranker is None or not text.strip():
                return []
            allowed = self._allowed(session, held, audience, channel_kind)
            asked = language if is_language(language) else None
            ranked = fitted.ranker.rank(text, language=asked, k=k, allowed=allowed)
            found = [one.article for one in ranked]
            rows = session.execute(_sayable(audience, channel_kind, found)).all()
            with_private_steps = set(
                session.scalars(
                    select(Variant.article_id).where(Variant.article_id.in_(found), Variant.audience == "private")
                )
            )
        said: dict[str, list[_Sayable]] = {}
        for row in rows:
            said.setdefault(row[0], []).append(row)
        return [
            _hit(
                one,
                _best(said[one.article], asked),
                fitted.phrasings[one.phrasing].text,
                private_steps=one.article in with_private_steps,
            )
            for one in ranked
            if one.article in said
        ]

    def refresh(self) -> bool:
        """Fit anew now, if the base has changed. True when it had."""
        with self._database.read() as session:
            if current_revision(session) == self._fitted.revision:
                return False
        self._adopt(self._fit(self._fitted, None))
        return True

    def wait_until_current(self, seconds: float) -> bool:
        """Wait for the background fit of what is in the database now. False when it took longer."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with self._database.read() as session:
                if current_revision(session) == self._fitted.revision:
                    return True
            self._refit_in_background()
            time.sleep(0.02)
        return False

    def _refit_in_background(self) -> None:
        with self._lock:
            running = self._refit is not None and self._refit.is_alive()
            if running or time.monotonic() < self._not_before:
                return
            self._refit = threading.Thread(target=self._refit_once, name="knowledge-refit", daemon=True)
            self._refit.start()

    def _refit_once(self) -> None:
        try:
            fitted = self._fit(self._fitted, None)
        except Exception as problem:
            # The old fit goes on answering, and every hit is still read from the database; the next search tries again.
            log.exception("the knowledge base could not be fitted anew", error=str(problem))
            self._not_before = time.monotonic() + RETRY_SECONDS
            return
        self._adopt(fitted)
        log.info("knowledge fitted", revision=fitted.revision, seconds=round(fitted.seconds, 2))

    def _adopt(self, fitted: _Fitted) -> None:
        with self._lock:
            if fitted.revision > self._fitted.revision:
                self._fitted = fitted

    def _fit(self, before: _Fitted | None, progress: Progress | None) -> _Fitted:
        started = time.monotonic()
        with self._database.read() as session:
            revision = current_revision(session)
            phrasings = tuple(
                Phrasing(article, language, text)
                for article, language, text in session.execute(
                    select(PhrasingRow.article_id, PhrasingRow.language, PhrasingRow.text)
                    .join(Article, Article.id == PhrasingRow.article_id)
                    .where(Article.state == "active")
                    .order_by(PhrasingRow.article_id, PhrasingRow.language, PhrasingRow.position)
                )
            )
        if before is not None and before.ranker is not None and _covers(before.phrasings, phrasings):
            return replace(before, revision=revision)
        ranker = None
        if phrasings:
            vectors = vectors_for(self._database, [phrasing.text for phrasing in phrasings], self._encoder, progress)
            background = background_for(self._database, self._encoder)
            ranker = Ranker.fit(phrasings, vectors, self._encoder, background=background)
        return _Fitted(revision, phrasings, ranker, time.monotonic() - started)

    def _allowed(self, session: Session, revision: int, audience: str, channel_kind: str) -> frozenset[str]:
        """The articles with something to say to this audience.

        Kept until the base's revision changes, or until the next article begins or ceases to be valid by its dates.
        """
        key, moment = (revision, audience, channel_kind), now()
        kept = self._sayable
        if kept is None or kept[0] != key or (kept[1] is not None and kept[1] <= moment):
            rows = session.scalars(_sayable(audience, channel_kind, None).with_only_columns(Article.id).distinct())
            kept = self._sayable = (key, next_change(session, moment), frozenset(rows))
        return kept[2]


def _covers(fitted: Sequence[Phrasing], wanted: Sequence[Phrasing]) -> bool:
    """Whether a fit knows every wanted article by exactly its phrasings; retired ones it may know beside them."""
    return _by_article(wanted).items() <= _by_article(fitted).items()


def _by_article(phrasings: Sequence[Phrasing]) -> dict[str, tuple[Phrasing, ...]]:
    return {article: tuple(group) for article, group in groupby(phrasings, key=lambda phrasing: phrasing.article)}


def _sayable(
    audience: str, channel_kind: str, articles: Sequence[str] | None
) -> Select[str, str, str, str, str, int, int, str, bool]:
    """The approved texts that may be said to this audience on this kind of channel."""
    audiences = ("public",) if audience == "public" else ("public", "private")
    statement = (
        select(
            Article.id, Article.category, Variant.language, Variant.audience, Variant.channel_kind,
            Version.id, Version.number, Version.text, is_stale(),
        )
        .join(Variant, Variant.article_id == Article.id)
        .join(Version, Version.variant_id == Variant.id)
        .where(
            *may_be_said(now()),
            Variant.audience.in_(audiences),
            Variant.channel_kind.in_({"", channel_kind}),
        )
    )  # fmt: skip
    return statement if articles is None else statement.where(Article.id.in_(articles))


def _best(rows: Sequence[_Sayable], language: str | None) -> _Sayable:
    """The text to use: in the message's language first, then the private one, then the one for this channel."""

    def order(row: _Sayable) -> tuple[bool, int, bool, bool]:
        _, _, spoken, audience, kind, *_ = row
        return spoken != language, FALLBACKS.index(spoken), audience != "private", kind == ""

    return min(rows, key=order)


def _hit(ranked: Ranked, row: _Sayable, phrasing: str, *, private_steps: bool) -> Hit:
    article, category, language, audience, _, version, number, text, stale = row
    return Hit(
        article=article,
        category=category,
        probability=ranked.probability,
        language=language,
        audience="private" if audience == "private" else "public",
        version=version,
        number=number,
        answer=text,
        phrasing=phrasing,
        private_steps=private_steps,
        stale=bool(stale),
    )
