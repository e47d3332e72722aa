"""The index of one vector space, as every process holds it: kept in step with the base, and joined to it.

A search first asks the database for the newest change and applies what it has not seen, so an edit is visible to the
next search of every process as soon as it is committed. What has no vector yet is embedded in the background.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.database import Database, now
from knowledge.index.builder import Builder
from knowledge.index.engine import EVERYTHING, NOWHERE, Allowed, Engine, Ids, Scores, Vectors
from knowledge.index.local import EXACT_UP_TO, LocalEngine
from knowledge.index.rows import Candidate, current_rows
from knowledge.index.source import Behind, Source, Wanted, changes_after, newest_change
from knowledge.index.tables import IndexPointer

log = structlog.get_logger()

Embed = Callable[[Sequence[Wanted]], object]
"""Sees to it that these phrasings' vectors are stored (`views_for` with a team)."""

LOOK_SECONDS: Final = 0.05
"""How often a process looks for changes by itself. Searches look anyway, a nudge makes it look at once."""
WHOLE_LOOK_SECONDS: Final = 1.0
"""How often it also looks for a new generation."""
SPARE: Final = 2
"""Candidates fetched beyond those asked for, so that the join rarely has to ask twice."""


class PhrasingIndex:
    """Search over all phrasings of a database in one vector space. For any number of threads."""

    def __init__(
        self,
        database: Database,
        source: Source,
        folder: Path,
        *,
        embed: Embed | None = None,
        engine: Engine | None = None,
        exact_up_to: int = EXACT_UP_TO,
    ) -> None:
        """Open the generation in service, verified; make one from the stored vectors where there is none or it is
        damaged. `folder` is where this space's generations lie. With an `engine` (pgvector) there are none.
        """
        self._database = database
        self._source = source
        self._embed = embed
        self._lock = threading.Lock()
        self._builder = Builder(database, source, folder, exact_up_to=exact_up_to)
        self._own_generations = engine is None
        self._awaiting: dict[int, Wanted] = {}
        self._number = 0
        self._stop, self._nudged = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._engine: Engine = self._opened() if engine is None else engine
        with database.read() as session:
            self.catch_up(session)

    def __len__(self) -> int:
        return len(self._engine)

    @property
    def engine(self) -> Engine:
        """The engine in service."""
        return self._engine

    @property
    def position(self) -> int:
        """The last change of the base that is held."""
        return self._engine.position

    @property
    def awaiting(self) -> int:
        """How many phrasings are not found yet because they are still to be embedded."""
        return len(self._awaiting)

    def search(self, session: Session, vectors: Vectors, k: int, allowed: Allowed = EVERYTHING) -> tuple[Ids, Scores]:
        """The k nearest phrasings of every query (m, dimension), as the base is in this session: ids, scores (m, k)."""
        self.catch_up(session)
        return self._engine.search(vectors, k, allowed)

    def candidates(
        self, session: Session, vector: Vectors, k: int, allowed: Allowed, at: datetime | None = None
    ) -> list[Candidate]:
        """The k nearest phrasings of one query (dimension,) whose article may be said now, best first.

        Every one is joined to the current, approved rows of this session. Fewer than k come only when there are no
        more.
        """
        moment = at or now()
        self.catch_up(session)
        asked, known = k + SPARE, 0
        while True:
            ids, scores = self._engine.search(vector[None, :], asked, allowed)
            found = [int(key) for key in ids[0] if key != NOWHERE]
            rows = current_rows(session, found, allowed, moment)
            if len(rows) >= k or len(found) < asked or len(found) == known:
                break
            asked, known = 4 * asked, len(found)
        return [
            Candidate(key, row[1], row[2], float(score), row[3], row[5], row[6])
            for key, score in zip(found, scores[0], strict=False)
            if (row := rows.get(key)) is not None
        ][:k]

    def catch_up(self, session: Session) -> bool:
        """Apply what has changed in the base since; True when something had. One small query when nothing has."""
        if newest_change(session) <= self._engine.position:
            return False
        with self._lock:
            return self._apply(session, ())

    def _apply(self, session: Session, again: Sequence[int]) -> bool:
        if newest_change(session) <= self._engine.position and not again:
            return False
        try:
            change, lacking = changes_after(session, self._source, self._engine.position, again)
        except Behind as why:
            log.info("the index starts again from the generation in service", why=str(why))
            self._adopt(self._opened())
            return self._apply(session, ())
        self._engine.apply(change)
        self._remember(change.added, change.removed, lacking)
        return True

    def _remember(self, added: Ids, removed: Ids, lacking: Sequence[Wanted]) -> None:
        awaiting = {**self._awaiting}
        for key in (*added.tolist(), *removed.tolist()):
            awaiting.pop(key, None)
        awaiting |= {one.id: one for one in lacking}
        self._awaiting = awaiting
        if awaiting:
            self._nudged.set()

    # Everything below happens beside the searches.

    def start(self) -> None:
        """Keep the index current in the background: look for changes, embed what is new, take up new generations."""
        self._threads = [threading.Thread(target=self._follow, name="index-follow", daemon=True)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the background thread."""
        self._stop.set()
        self._nudged.set()
        for thread in self._threads:
            thread.join()

    def nudge(self) -> None:
        """Say that something has changed, so that the background looks at once."""
        self._nudged.set()

    def _behind(self) -> bool:
        with self._database.read() as session:
            return newest_change(session) > self._engine.position

    def _follow(self) -> None:
        whole_look = 0.0
        while not self._stop.is_set():
            nudged = self._nudged.wait(LOOK_SECONDS)
            self._nudged.clear()
            try:
                # Most looks find nothing, and are made twenty times a second by each process: they must cost little.
                if nudged or time.monotonic() >= whole_look or self._behind():
                    whole_look = time.monotonic() + WHOLE_LOOK_SECONDS
                    self.look()
            except Exception as problem:
                # The database may be away for a moment; searches go on saying so themselves, and this tries again.
                log.exception("the index could not be brought up to date", error=str(problem))
                self._stop.wait(1.0)

    def look(self) -> None:
        """One round of the background's work."""
        with self._database.read() as session:
            self.catch_up(session)
            self._take_up(session)
        self.embed_awaiting()

    def embed_awaiting(self) -> int:
        """Embed the phrasings that have no vector, and let them be found. Returns how many there were."""
        wanted = self._awaiting
        if not wanted or self._embed is None:
            return 0
        self._embed(list(wanted.values()))
        with self._database.read() as session, self._lock:
            self._apply(session, list(wanted))
        return len(wanted)

    def maintain(self) -> bool:
        """Write the next generation if it is time, and take it up; True when it was. One process at a time does.

        Call it from a worker that has time: new cells for a million phrasings take minutes, adding to them seconds.
        """
        if not isinstance(self._engine, LocalEngine) or not self._builder.renew(self._engine):
            return False
        with self._database.read() as session:
            self._take_up(session)
        return True

    def _take_up(self, session: Session) -> None:
        """Change to the generation that the database points to, if it is another one."""
        if not self._own_generations:
            return
        pointed = session.scalar(select(IndexPointer.number).where(IndexPointer.space == self._source.space))
        if pointed is None or pointed == self._number:
            return
        engine = self._opened()
        change, lacking = changes_after(session, self._source, engine.position)
        engine.apply(change)
        with self._lock:
            self._adopt(engine)
            self._remember(change.added, change.removed, lacking)
        log.info("index generation in service", number=self._number, phrasings=len(engine))

    def _adopt(self, engine: LocalEngine) -> None:
        self._engine = engine
        if engine.generation is not None:
            self._number = engine.generation.manifest.number

    def _opened(self) -> LocalEngine:
        generation = self._builder.opened()
        self._number = generation.manifest.number
        self._awaiting |= {one.id: one for one in self._builder.awaiting(generation)}
        return LocalEngine(self._source.dimension, generation)
