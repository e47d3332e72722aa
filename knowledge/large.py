"""A base too large to be held in memory: an index on disk finds candidates, and the ranker is made of these alone.

The index is over the vectors of the team's lead, centred by the everyday lines, which never change: so every process
means the same space, and no edit makes it another one. What the ranker estimates from a base (means, the weights of
n-grams) it learns from a sample; the calibration is learned by asking a sample against the whole base.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from knowledge.background import Background, background_lines
from knowledge.calibration import Case
from knowledge.database import Database
from knowledge.index.engine import EVERYTHING, NOWHERE, Allowed
from knowledge.index.phrasing_index import PhrasingIndex
from knowledge.index.source import Source, Wanted
from knowledge.index.tables import IndexPointer
from knowledge.language_means import LanguageMeans
from knowledge.ranking import Phrasing, Ranked, Ranker, Size
from knowledge.space import LanguageSpace
from knowledge.tables import Article, PhrasingRow
from knowledge.team import Team, Vectors
from knowledge.vectors import Progress, background_for, embed_missing, views_for

log = structlog.get_logger()

LARGE: Final = 20_000
"""From so many phrasings on the index is used: held in memory they take 20 kB each, and a fit a minute."""
CANDIDATES: Final = 350
"""Phrasings that the index finds for a text, of which the ranker keeps the nearest by all it knows."""
IN_LANGUAGE: Final = 250
"""As many of the text's own language are looked at besides: there the wording counts, which the index does not know."""
SAMPLE: Final = 4_000
REHEARSED: Final = 60
EVERYDAY: Final = 30
"""Phrasings and everyday lines that are asked to calibrate; each costs a search."""
LEARN_AGAIN: Final = 0.2
"""Grown or shrunk by so large a share, a base is learned anew."""
AT_ONCE: Final = 1_000
FEW: Final = 50
"""So many phrasings that still have no vector are worth a search's patience."""
PATIENCE: Final = 0.1

NAME_FILE: Final = "name"

Sayable = Callable[[Collection[str]], Collection[str]]
"""Which of some articles may be found."""
Found = list[tuple[Ranked, str]]
"""Ranked articles, each with the text of its phrasing that is most alike."""


class LargeBase:
    """The phrasings of a base, searched by way of an index in a folder. For any number of threads."""

    def __init__(self, database: Database, team: Team, folder: Path, progress: Progress | None = None) -> None:
        """Open the index and learn. Takes seconds; the first time all that has no vector is embedded."""
        self._database = database
        self._team = team
        self._lines = background_for(database, team)
        self._space = everyday_space(self._lines)
        source = Source(
            space=space_name(team, folder),
            model=f"{team.lead.version}:phrasing",
            dimension=team.lead.dimension,
            prepare=self._space.phrasings,
        )
        with database.read() as session:
            first = session.get(IndexPointer, source.space) is None
        if first:
            embed_missing(database, team, progress)
        self.index = PhrasingIndex(database, source, folder, embed=self._embed)
        self.index.embed_awaiting()
        self._ranker, self._size, self._learned_at = self._learn()
        self.index.start()

    def __len__(self) -> int:
        return len(self.index)

    @property
    def outgrown(self) -> bool:
        """Whether so much has changed since it was learned that it had better be learned again."""
        return abs(len(self) - self._learned_at) > LEARN_AGAIN * self._learned_at

    def is_current(self, session: Session) -> bool:
        """Whether all that is in the base would be found now."""
        self.index.catch_up(session)
        return not self.index.awaiting

    def find(
        self, session: Session, text: str, *, language: str | None, allowed: Allowed, k: int, sayable: Sayable
    ) -> Found:
        """The likeliest articles for a text, at most k, as the base is in this session.

        `sayable` says of the candidates' articles which may be found.
        """
        self._wait_for_vectors(session)
        if not any(letter.isalnum() for letter in text):
            return []
        lead = self._team.lead.queries([text])[0]
        spoken = language or self._space.guess(lead)
        phrasings = self._candidates(session, self._space.query(lead, spoken), spoken, allowed)
        return self._ranked(phrasings, text, lead, language, sayable({one.article for one in phrasings}), k)

    def imagine(
        self,
        article: str,
        fresh: Sequence[Phrasing],
        text: str,
        *,
        language: str | None,
        allowed: Collection[str],
        k: int,
    ) -> Found:
        """How a text would rank if an article had these phrasings. Stores nothing."""
        if not any(letter.isalnum() for letter in text):
            return []
        lead = self._team.lead.queries([text])[0]
        spoken = language or self._space.guess(lead)
        place = self._space.query(lead, spoken)
        with self._database.read() as session:
            held = [one for one in self._candidates(session, place, spoken, EVERYTHING) if one.article != article]
        return self._ranked([*held, *fresh], text, lead, language, allowed, k, unsaved=len(fresh))

    def learn_again(self) -> None:
        """Learn from the base as it is now; searches go on with what was learned before."""
        self._ranker, self._size, self._learned_at = self._learn()

    def close(self) -> None:
        """End the background's work."""
        self.index.stop()

    def _ranked(
        self,
        phrasings: Sequence[Phrasing],
        text: str,
        lead: Vectors,
        language: str | None,
        allowed: Collection[str],
        k: int,
        unsaved: int = 0,
    ) -> Found:
        if not phrasings:
            return []
        stored = phrasings[: len(phrasings) - unsaved]
        fresh = phrasings[len(stored) :]
        views = self._views(stored)
        if fresh:
            made = self._team.phrasings([one.text for one in fresh], [one.language for one in fresh])
            views = tuple(np.vstack(pair) for pair in zip(views, made, strict=True))
        ranker = self._ranker.over(phrasings, views, self._size)
        ranked = ranker.rank(text, language=language, k=k, allowed=allowed, vector=lead)
        return [(one, phrasings[one.phrasing].text) for one in ranked]

    def _candidates(self, session: Session, place: Vectors, spoken: str, allowed: Allowed) -> list[Phrasing]:
        return list(self._rows_near(session, place, spoken, allowed).values())

    def _rows_near(self, session: Session, place: Vectors, spoken: str, allowed: Allowed) -> dict[int, Phrasing]:
        """The phrasings near the place of a text in a language, by id, as their rows are in this session."""
        near = self.index.search(session, place[None, :], CANDIDATES, allowed)[0][0]
        own = self.index.search(session, place[None, :], IN_LANGUAGE, replace(allowed, languages=frozenset({spoken})))
        ids = np.union1d(near, own[0][0])
        return _phrasings(session, ids[ids != NOWHERE])

    def _wait_for_vectors(self, session: Session) -> None:
        """Let a small edit that has to be embedded first be found by the search that follows it."""
        self.index.catch_up(session)
        ends = time.monotonic() + PATIENCE
        while 0 < self.index.awaiting <= FEW and time.monotonic() < ends:
            self.index.nudge()
            time.sleep(0.005)

    def _embed(self, wanted: Sequence[Wanted]) -> None:
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            views_for(self._database, [one.text for one in some], [one.language for one in some], self._team)

    def _views(self, phrasings: Sequence[Phrasing]) -> tuple[Vectors, ...]:
        texts, languages = [one.text for one in phrasings], [one.language for one in phrasings]
        return views_for(self._database, texts, languages, self._team)

    def _learn(self) -> tuple[Ranker, Size, int]:
        started = time.monotonic()
        with self._database.read() as session:
            size, sample = _size(session), list(_sample(session, SAMPLE).items())
            ranker = Ranker.learn(
                [one for _, one in sample], self._views([one for _, one in sample]), self._team, self._lines
            )
            asked = sample[:: max(1, len(sample) // REHEARSED)][:REHEARSED]
            cases = [case for key, one in asked for case in self._rehearsed(session, ranker, size, key, one)]
            if cases:
                step = max(1, len(self._lines.texts) // EVERYDAY)
                cases += [self._overheard(session, ranker, size, row) for row in range(0, len(self._lines.texts), step)]
        log.info("a large base learned", phrasings=len(self), seconds=round(time.monotonic() - started, 2))
        return ranker.calibrated(cases), size, len(self)

    def _rehearsed(self, session: Session, ranker: Ranker, size: Size, key: int, asked: Phrasing) -> list[Case]:
        place = self._space.phrasings(self._views([asked])[0], [asked.language])[0]
        near = {**self._rows_near(session, place, asked.language, EVERYTHING), key: asked}
        phrasings = list(near.values())
        return ranker.over(phrasings, self._views(phrasings), size).rehearse(list(near).index(key))

    def _overheard(self, session: Session, ranker: Ranker, size: Size, row: int) -> Case:
        language, views = self._lines.languages[row], tuple(one[row : row + 1] for one in self._lines.queries)
        phrasings = self._candidates(session, self._space.query(views[0][0], language), language, EVERYTHING)
        return ranker.over(phrasings, self._views(phrasings), size).overhear(self._lines.texts[row], views, language)


def everyday_space(lines: Background) -> LanguageSpace:
    """The lead's vectors centred by the everyday lines alone, whatever a base holds."""
    asked, told, languages = lines.queries[0], lines.phrasings[0], lines.languages
    return LanguageSpace.fit(told, languages, LanguageMeans.of(asked, told, languages))


def space_name(team: Team, folder: Path) -> str:
    """The name of this team's space in this folder: machines that share a database have an index each."""
    lines = hashlib.sha256(repr(background_lines()).encode()).hexdigest()[:8]
    return f"{team.lead.version}, everyday {lines}, in {_folder_name(folder)}"


def ending_in(folder: Path) -> str | None:
    """How the names of the spaces in this folder end; None where there never was an index."""
    return f", in {_folder_name(folder)}" if (folder / NAME_FILE).exists() else None


def _folder_name(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / NAME_FILE
    if not path.exists():
        aside = folder / f".{NAME_FILE}.{os.getpid()}.{threading.get_ident()}"
        aside.write_text(secrets.token_hex(8), encoding="ascii")
        try:
            os.link(aside, path)  # of two that start at once one wins, and both read the winner's
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return path.read_text(encoding="ascii")


def _phrasings(session: Session, ids: NDArray[np.int64]) -> dict[int, Phrasing]:
    """The rows of active articles among these, by id."""
    rows = session.execute(_PHRASING.where(PhrasingRow.id.in_(ids.tolist())))
    return {row.id: Phrasing(row.article_id, row.language, row.text) for row in rows}


def _sample(session: Session, most: int) -> dict[int, Phrasing]:
    """Some phrasings, the same ones whoever asks: those whose texts' hashes are the least."""
    rows = session.execute(_PHRASING.order_by(PhrasingRow.text_sha256, PhrasingRow.id).limit(most))
    return {row.id: Phrasing(row.article_id, row.language, row.text) for row in rows}


def _size(session: Session) -> Size:
    counted = select(func.count(func.distinct(PhrasingRow.article_id)), func.count()).join(Article)
    articles, phrasings = session.execute(counted.where(Article.state == "active")).one()
    return Size(max(articles, 1), max(phrasings, 1) / max(articles, 1))


_PHRASING = (
    select(PhrasingRow.id, PhrasingRow.article_id, PhrasingRow.language, PhrasingRow.text)
    .join(Article, Article.id == PhrasingRow.article_id)
    .where(Article.state == "active")
)
