"""Where an import comes from: a file, a folder or a ZIP archive, opened within bounds and never unpacked to disk."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, cast

from knowledge.files import FileProblem

MAX_BYTES: Final = 512 * 1024 * 1024
MAX_MEMBERS: Final = 200_000
MAX_RATIO: Final = 200
FREE_RATIO_BYTES: Final = 16 * 1024 * 1024
"""Below this much, an archive may be packed as tightly as it likes."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a source: its name inside, its size, and how to open it."""

    name: str
    size: int
    path: Path
    _open: Callable[[], BinaryIO]

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()

    @property
    def shown(self) -> str:
        """How messages name it."""
        return str(self.path)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its bytes as a stream. Raises FileProblem."""
        try:
            with self._open() as file:
                yield file
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as problem:
            raise FileProblem(self.path, None, f"the archive is damaged: {problem}") from problem
        except OSError as problem:
            raise FileProblem(self.path, None, problem.strerror or "cannot be read") from problem

    def read(self, most: int) -> bytes:
        """All of it. Raises FileProblem where it is larger than `most` bytes."""
        with self.open() as file:
            raw = file.read(most + 1)
        if len(raw) > most:
            raise FileProblem(self.path, None, f"larger than {_megabytes(most)}")
        return raw


@dataclass(frozen=True, slots=True)
class Source:
    """A file is a source of one member; hidden files of folders and archives are no members."""

    path: Path
    kind: str
    members: tuple[Member, ...]

    def having(self, *suffixes: str) -> list[Member]:
        """The members with one of these suffixes."""
        return [member for member in self.members if member.suffix in suffixes]


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Look at what is to be imported.

    Raises:
        FileProblem: there is nothing, it is too large, or an archive is hostile.
    """
    try:
        if path.is_dir():
            yield Source(path, "folder", tuple(_of_folder(path)))
            return
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise FileProblem(path, None, f"larger than {_megabytes(MAX_BYTES)}")
        if path.suffix.lower() == ".zip":
            with _archive(path) as archive:
                yield Source(path, "zip", tuple(_of_archive(path, archive)))
            return
        if not path.is_file():
            raise FileProblem(path, None, "is no file")
        yield Source(path, "file", (Member(path.name, size, path, partial(_opened, path)),))
    except OSError as problem:
        raise FileProblem(path, None, problem.strerror or "cannot be read") from problem


def check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse an archive that would unpack to too much, or names files outside of itself. Raises FileProblem."""
    listed = archive.infolist()
    if len(listed) > MAX_MEMBERS:
        raise FileProblem(path, None, f"the archive holds more than {MAX_MEMBERS} files")
    unpacked = sum(one.file_size for one in listed)
    packed = max(sum(one.compress_size for one in listed), 1)
    if unpacked > MAX_BYTES or (unpacked > FREE_RATIO_BYTES and unpacked / packed > MAX_RATIO):
        raise FileProblem(path, None, f"the archive would unpack to {_megabytes(unpacked)}; it is refused")
    for one in listed:
        parts = PurePosixPath(one.filename.replace("\\", "/")).parts
        if ".." in parts or one.filename.startswith(("/", "\\")) or ":" in (parts[0] if parts else ""):
            raise FileProblem(path, None, f"the archive names a file outside of itself: {one.filename[:80]!r}")
        if one.flag_bits & 0x1:
            raise FileProblem(path, None, f"the archive is locked with a password: {one.filename[:80]!r}")


def _of_folder(folder: Path) -> Iterator[Member]:
    root = folder.resolve()
    total = 0
    for count, path in enumerate(sorted(folder.rglob("*"))):
        if count > MAX_MEMBERS:
            raise FileProblem(folder, None, f"holds more than {MAX_MEMBERS} files")
        name = path.relative_to(folder)
        if not path.is_file() or any(part.startswith(".") for part in name.parts):
            continue
        if not path.resolve().is_relative_to(root):
            raise FileProblem(path, None, "is a link that leads out of the folder")
        size = path.stat().st_size
        total += size
        if total > MAX_BYTES:
            raise FileProblem(folder, None, f"its files are together larger than {_megabytes(MAX_BYTES)}")
        yield Member(name.as_posix(), size, path, partial(_opened, path))


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as problem:
        raise FileProblem(path, None, f"no ZIP archive: {problem}") from problem
    with archive:
        check_archive(path, archive)
        yield archive


def _of_archive(path: Path, archive: zipfile.ZipFile) -> Iterator[Member]:
    for one in sorted(archive.infolist(), key=lambda held: held.filename):
        parts = PurePosixPath(one.filename).parts
        if one.is_dir() or any(part.startswith((".", "__MACOSX")) for part in parts):
            continue
        yield Member(one.filename, one.file_size, path / one.filename, partial(_unpacked, archive, one))


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def _unpacked(archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> BinaryIO:
    return cast(BinaryIO, archive.open(one))


def _megabytes(size: int) -> str:
    return f"{max(size // 1024 // 1024, 1)} MB"
