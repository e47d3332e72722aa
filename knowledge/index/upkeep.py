"""What keeps the index's tables and files in order where nobody searches: forgetting changes, looking for damage."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from knowledge.database import Database
from knowledge.index.builder import folder_of_space
from knowledge.index.generation import open_verified
from knowledge.index.manifest import Damaged
from knowledge.index.source import forget_changes, newest_change
from knowledge.index.tables import IndexChange, IndexPointer

KEPT: Final = 200_000
"""An index so many changes behind is in nobody's use: its pointer goes, and it is made anew if it is opened again."""


def trim(database: Database, kept: int = KEPT) -> int:
    """Forget the changes that no index needs; where none is in use, all but the newest. Returns how many.

    Whoever writes a generation of an index in use forgets what it holds; this is for what nobody writes any more.
    """
    with database.read() as session:
        if not _needless(session, kept):
            return 0
    with database.write() as session:
        before = session.scalar(select(func.count()).select_from(IndexChange)) or 0
        session.execute(delete(IndexPointer).where(IndexPointer.seq < newest_change(session) - kept))
        held = session.scalar(select(func.min(IndexPointer.seq)))
        forget_changes(session, newest_change(session) if held is None else held)
        return before - (session.scalar(select(func.count()).select_from(IndexChange)) or 0)


def _needless(session: Session, kept: int) -> bool:
    """Whether an index is too far behind, or changes are kept for none."""
    newest = newest_change(session)
    held = session.scalar(select(func.min(IndexPointer.seq)))
    if held is not None:
        return bool(held < newest - kept)
    return session.scalar(select(IndexChange.seq).where(IndexChange.seq < newest).limit(1)) is not None


def damages(database: Database, folder: Path, spaces_in: str) -> tuple[int, list[str]]:
    """How many indexes lie in a folder, and what is wrong with their generations in service; each bit is read.

    `spaces_in` is how the names of its spaces end.
    """
    with database.read() as session:
        pointers = session.scalars(select(IndexPointer).where(IndexPointer.space.endswith(spaces_in))).all()
    found = []
    for one in pointers:
        try:
            open_verified(folder_of_space(folder, one.space), one.number, one.manifest_sha256, one.space)
        except Damaged as damage:
            found.append(str(damage))
    return len(pointers), found
