"""Making generations: from the stored vectors, or from a generation and its delta; and switching to them."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from knowledge.database import Database, now
from knowledge.index.generation import Contents, Generation, open_verified, tidy, write
from knowledge.index.local import LocalEngine, coded
from knowledge.index.manifest import Damaged
from knowledge.index.part import Labels
from knowledge.index.source import Snapshot, Source, Wanted, forget_changes, snapshot, wanted_again
from knowledge.index.tables import IndexPointer

log = structlog.get_logger()

MERGE_ROWS: Final = 2_000
MERGE_SHARE: Final = 0.02
"""A delta is merged when it has more rows than both of these: searching it exactly then begins to cost."""
MERGE_CHANGES: Final = 50_000
"""So many changes since, also such as left few rows, make a generation worth writing: each start goes through them."""


class Builder:
    """Keeps the generations of one space in one folder. Any number of processes may; one writes at a time."""

    def __init__(self, database: Database, source: Source, folder: Path, *, exact_up_to: int) -> None:
        self._database = database
        self._source = source
        self._folder = folder_of_space(folder, source.space)
        self._exact_up_to = exact_up_to

    def opened(self) -> Generation:
        """The generation in service, every bit of it verified; made from the stored vectors where that fails."""
        pointer = self._pointer()
        if pointer is not None:
            try:
                return self._open(pointer)
            except Damaged as damage:
                log.error("the index is damaged and is made anew from the stored vectors", damage=str(damage))
        with self._writing(wait=True):
            by_now = self._pointer()
            if by_now is not None and (pointer is None or by_now.number != pointer.number):
                try:
                    return self._open(by_now)  # another process was quicker
                except Damaged as damage:
                    log.error("the index is damaged and is made anew from the stored vectors", damage=str(damage))
            # Exactly at first, whatever the size: that takes seconds, and answers while cells are being made.
            return self._open(self._switch(by_now, self._from_stored(exact=True)))

    def renew(self, engine: LocalEngine) -> bool:
        """Write and switch to the next generation if the delta has grown long, or exact rows too many."""
        generation = engine.generation
        if generation is None:
            return False
        too_many = not generation.codes.cells and len(engine) > self._exact_up_to
        long = engine.delta_rows > max(MERGE_ROWS, MERGE_SHARE * len(engine))
        if not (long or too_many or engine.position - generation.manifest.seq > MERGE_CHANGES):
            return False
        with self._writing(wait=False) as mine:
            pointer = self._pointer()
            if not mine or pointer is None or pointer.number != generation.manifest.number:
                return False
            contents = None if too_many else engine.merged(self._exact_up_to)
            self._switch(pointer, contents or self._from_stored(exact=False))
        return True

    def rebuild(self) -> None:
        """Make the next generation from the stored vectors alone and switch to it."""
        with self._writing(wait=True):
            self._switch(self._pointer(), self._from_stored(exact=False))

    def awaiting(self, generation: Generation) -> list[Wanted]:
        """The phrasings that had no vector when a generation was made, as far as they are still there."""
        with self._database.read() as session:
            return wanted_again(session, generation.manifest.awaiting)

    def _open(self, pointer: IndexPointer) -> Generation:
        return open_verified(self._folder, pointer.number, pointer.manifest_sha256, self._source.space)

    def _pointer(self) -> IndexPointer | None:
        with self._database.read() as session:
            return session.get(IndexPointer, self._source.space)

    def _from_stored(self, *, exact: bool) -> Contents:
        with self._database.read() as session:
            held: Snapshot = snapshot(session, self._source)
        labels = Labels()
        codes = coded(held.vectors, len(held.vectors) if exact else self._exact_up_to)
        numbers = labels.numbers(held.labels)
        return Contents(codes, held.ids, numbers, labels.held, held.upto, [one.id for one in held.awaiting])

    def _switch(self, before: IndexPointer | None, contents: Contents) -> IndexPointer:
        """Write a generation, then have the database point to it: the one step that counts."""
        number = before.number + 1 if before else 1
        sha256 = write(self._folder, self._source.space, number, contents)
        after = IndexPointer(
            space=self._source.space, number=number, manifest_sha256=sha256, seq=contents.seq, made_at=now()
        )
        with self._database.write() as session:
            _point(session, before, after)
            # A process that still searches the generation before goes on from the changes after that one.
            held = session.scalar(select(func.min(IndexPointer.seq)).where(IndexPointer.space != after.space))
            forget_changes(session, min(before.seq if before else 0, held if held is not None else after.seq))
        tidy(self._folder, {number, number - 1})
        return after

    @contextmanager
    def _writing(self, *, wait: bool) -> Iterator[bool]:
        """Be the one who writes here; the kernel lets go when the process ends, however that comes."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(handle)


def folder_of_space(folder: Path, space: str) -> Path:
    """Where the generations of one space lie."""
    return folder / hashlib.sha256(space.encode()).hexdigest()[:16]


class Overtaken(RuntimeError):
    """Another writer has switched to another generation meanwhile; what was made is left aside."""


def _point(session: Session, before: IndexPointer | None, after: IndexPointer) -> None:
    if before is None:
        session.add(after)
        session.flush()
        session.expunge(after)
        return
    values = {
        "number": after.number,
        "manifest_sha256": after.manifest_sha256,
        "seq": after.seq,
        "made_at": after.made_at,
    }
    mine = (IndexPointer.space == after.space) & (IndexPointer.number == before.number)
    if session.connection().execute(update(IndexPointer).where(mine).values(**values)).rowcount != 1:
        raise Overtaken(f"generation {before.number} is no longer in service")
