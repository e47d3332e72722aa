"""Search over the base as it is in the database: the ranker says which article, the database says what it says now."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

import structlog
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from knowledge import calibration_file
from knowledge.current import is_stale, may_be_said, next_change
from knowledge.database import Database, now
from knowledge.hits import Hit
from knowledge.index.engine import Allowed
from knowledge.index.upkeep import trim
from knowledge.languages import LANGUAGES, is_language
from knowledge.large import LARGE, Found, LargeBase
from knowledge.ranking import Phrasing, Ranked, Ranker
from knowledge.store import current_revision
from knowledge.tables import Article, PhrasingRow, Variant, Version
from knowledge.team import Team, Views
from knowledge.vectors import Progress, background_for, views_for

log = structlog.get_logger()

Audience = Literal["public", "private"]
RETRY_SECONDS: Final = 5.0
# How long a search waits for a change to be taken in; one whose vectors are stored takes some 30 ms.
PATIENCE: Final = 0.1
# A change of this share of the base, or of this many phrasings, is worth a full fit: new means, new calibration.
SMALL_SHARE: Final = 0.2
SMALL_CHANGE: Final = 50
# A base that has shrunk a little below the limit keeps its index, lest it comes and goes with every edit.
STAYS_LARGE: Final = 0.8
FALLBACKS: Final = ("en", *LANGUAGES)
"""Whose answer is shown where the message's language has none."""

_Sayable = Row[str, str, str, str, str, int, int, str, bool]


@dataclass(frozen=True)
class _Fitted:
    """One fitted state of the base. Never changed, only replaced, so searches need no lock.

    `phrasings` are the ranker's, those of articles that have changed since the last full fit behind the others;
    `held` are the ones that count now, by article.
    """

    revision: int
    phrasings: tuple[Phrasing, ...]
    held: dict[str, tuple[Phrasing, ...]]
    ranker: Ranker | None
    seconds: float
    changed: int = 0
    """How many phrasings have been added since the last full fit."""
    large: LargeBase | None = None
    """In place of all the others, where there are too many phrasings to hold them in memory."""


class KnowledgeBase:
    """The base of one database, ready to be searched from any thread.

    What an article says, and whether it may be said, is read from the database by every search, so an edited answer
    or a retired article is right at once. Phrasings are held in memory. When they have changed, they are taken in in
    the background: a few in milliseconds, for which a search waits; many, or such as must be embedded first, in
    seconds, and the old fit answers meanwhile. A large base is not held in memory but searched by way of an index.
    """

    def __init__(
        self,
        database: Database,
        team: Team,
        progress: Progress | None = None,
        *,
        folder: Path | None = None,
        large_from: int = LARGE,
    ) -> None:
        """Load and fit. Takes seconds, or a minute the first time (every phrasing is embedded once).

        `folder` is where the calibration is kept, and the index of a base of `large_from` phrasings or more; without
        it memory has to do.
        """
        self._database = database
        self._team = team
        self._folder = folder
        self._large_from = large_from
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
        """Which encoders made the vectors."""
        return self._team.version

    @property
    def phrasings(self) -> int:
        """How many phrasings are searched."""
        large = self._fitted.large
        return sum(map(len, self._fitted.held.values())) if large is None else len(large)

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
                self._refit_in_background(PATIENCE if self._fitted.large is None else 0.0)
            asked = language if is_language(language) else None
            ranked = self._ranked(session, held, text, asked, audience, channel_kind, k)
            found = [one.article for one, _ in ranked]
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
                phrasing,
                private_steps=one.article in with_private_steps,
            )
            for one, phrasing in ranked
            if one.article in said
        ]

    def _ranked(
        self, session: Session, held: int, text: str, asked: str | None, audience: Audience, channel_kind: str, k: int
    ) -> Found:
        fitted = self._fitted
        if not text.strip():
            return []
        if fitted.large is not None:

            def sayable(articles: Collection[str]) -> frozenset[str]:
                chosen = _sayable(audience, channel_kind, list(articles)).with_only_columns(Article.id)
                return frozenset(session.scalars(chosen.distinct()))

            allowed = Allowed(audience=audience, channel_kind=channel_kind)
            return fitted.large.find(session, text, language=asked, allowed=allowed, k=k, sayable=sayable)
        if fitted.ranker is None:
            return []
        some = self._allowed(session, held, audience, channel_kind)
        ranked = fitted.ranker.rank(text, language=asked, k=k, allowed=some)
        return [(one, fitted.phrasings[one.phrasing].text) for one in ranked]

    def imagine(
        self,
        article: str,
        phrasings: Sequence[Phrasing],
        text: str,
        *,
        language: str | None,
        allowed: Collection[str],
        k: int = 5,
    ) -> Found:
        """How a text would rank if an article had these phrasings, with the phrasing most like it. Stores nothing."""
        fitted = self._fitted
        if fitted.large is not None:
            return fitted.large.imagine(article, phrasings, text, language=language, allowed=allowed, k=k)
        texts, languages = [one.text for one in phrasings], [one.language for one in phrasings]
        views = self._team.phrasings(texts, languages)
        if fitted.ranker is None:
            ranker = Ranker.fit(phrasings, views, self._team, background=background_for(self._database, self._team))
            return [(one, texts[one.phrasing]) for one in ranker.rank(text, language=language, allowed=allowed, k=k)]
        ranker = fitted.ranker.changed({article}, phrasings, views)
        known = (*fitted.phrasings, *phrasings)
        ranked = ranker.rank(text, language=language, allowed=allowed, k=k)
        return [(one, known[one.phrasing].text) for one in ranked]

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
                held, large = current_revision(session), self._fitted.large
                if held == self._fitted.revision and (large is None or large.is_current(session)):
                    return True
            self._refit_in_background()
            time.sleep(0.02)
        return False

    def _refit_in_background(self, patience: float = 0.0) -> None:
        with self._lock:
            thread = self._refit
            if thread is None or not thread.is_alive():
                if time.monotonic() < self._not_before:
                    return
                thread = self._refit = threading.Thread(target=self._refit_once, name="knowledge-refit", daemon=True)
                thread.start()
        thread.join(patience)

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

    def nudge(self) -> None:
        """Say that the base may have changed: what is to be embedded for the index then is at once."""
        if self._fitted.large is not None:
            self._fitted.large.index.nudge()

    def maintain(self) -> None:
        """Keep the index in order, in use or not. For a worker that has time: new cells take minutes."""
        if self._fitted.large is not None:
            self._fitted.large.index.maintain()
        trim(self._database)

    def close(self) -> None:
        """End what goes on in the background. It can still be searched, and no longer looks for changes by itself."""
        if self._fitted.large is not None:
            self._fitted.large.close()

    def _adopt(self, fitted: _Fitted) -> None:
        with self._lock:
            if fitted.revision <= self._fitted.revision:
                return
            before, self._fitted = self._fitted, fitted
        if before.large is not None and before.large is not fitted.large:
            before.large.close()

    def _by_index(self, before: _Fitted | None, progress: Progress | None) -> _Fitted | None:
        """The base by way of its index, if it is large."""
        started = time.monotonic()
        with self._database.read() as session:
            revision = current_revision(session)
            large = before.large if before is not None else None
            # An index knows its length; counting would cost each edit of a large base a scan.
            count = (session.scalar(select(func.count(PhrasingRow.id))) or 0) if large is None else len(large)
        if self._folder is None or count < self._large_from * (1 if large is None else STAYS_LARGE):
            return None
        if large is None:
            large = LargeBase(self._database, self._team, self._folder, progress)
        elif large.outgrown:
            large.learn_again()
        return _Fitted(revision, (), {}, None, time.monotonic() - started, large=large)

    def _fit(self, before: _Fitted | None, progress: Progress | None) -> _Fitted:
        if (large := self._by_index(before, progress)) is not None:
            return large
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
        held = _by_article(phrasings)
        if before is not None and before.ranker is not None and held:
            changed = {name for name, said in held.items() if before.held.get(name) != said}
            changed |= before.held.keys() - held.keys()
            fresh = [one for name in sorted(changed & held.keys()) for one in held[name]]
            if before.changed + len(fresh) <= max(SMALL_CHANGE, SMALL_SHARE * len(phrasings)):
                return self._patched(before, revision, held, changed, fresh, started)
        ranker = None
        if phrasings:
            views = self._views(phrasings, progress)
            ranker = self._ranker(phrasings, views)
        return _Fitted(revision, phrasings, held, ranker, time.monotonic() - started)

    def _ranker(self, phrasings: Sequence[Phrasing], views: Views) -> Ranker:
        """A ranker fitted from the start, but for the calibration where the same base has been calibrated before."""
        background = background_for(self._database, self._team)
        if self._folder is None:
            return Ranker.fit(phrasings, views, self._team, background=background)
        key = calibration_file.key_of(phrasings, self._team)
        kept = calibration_file.read(self._folder, key)
        ranker = Ranker.fit(phrasings, views, self._team, background=background, calibration=kept)
        if kept is None:
            calibration_file.write(self._folder, key, ranker.calibration)
        return ranker

    def _patched(
        self,
        before: _Fitted,
        revision: int,
        held: dict[str, tuple[Phrasing, ...]],
        changed: set[str],
        fresh: list[Phrasing],
        started: float,
    ) -> _Fitted:
        if not changed or before.ranker is None:
            return replace(before, revision=revision)
        ranker = before.ranker.changed(changed, fresh, self._views(fresh, None))
        phrasings = (*before.phrasings, *fresh)
        return _Fitted(revision, phrasings, held, ranker, time.monotonic() - started, before.changed + len(fresh))

    def _views(self, phrasings: Sequence[Phrasing], progress: Progress | None) -> Views:
        texts, languages = [one.text for one in phrasings], [one.language for one in phrasings]
        return views_for(self._database, texts, languages, self._team, progress)

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
