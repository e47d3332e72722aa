"""A damaged generation is noticed before it answers, whatever the damage, and made anew from the stored vectors."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from knowledge.database import Database
from knowledge.index.engine import Label
from knowledge.index.generation import Contents, name_of, open_verified, write
from knowledge.index.local import LocalEngine, coded
from knowledge.index.manifest import Damaged
from knowledge.index.part import Labels
from knowledge.index.phrasing_index import PhrasingIndex
from tests.fixtures.database import sqlite_only
from tests.knowledge.index.bases import DIMENSION, SOURCE, fill, vector_of, vectors_of

PAGE = 4096


def bit_flipped(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def truncated(path: Path, chance: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: chance.randrange(len(data))])


def page_zeroed(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    start = chance.randrange(0, len(data), PAGE)
    piece = data[start : start + PAGE]
    if not any(piece):
        piece[:] = b"\x01" * len(piece)
    data[start : start + PAGE] = bytes(len(piece)) if any(data[start : start + PAGE]) else piece
    path.write_bytes(data)


DAMAGES = (bit_flipped, truncated, page_zeroed)


@pytest.fixture(scope="module", params=["exact", "cells"])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A generation of 2,000 phrasings, and the sum of its manifest."""
    folder = tmp_path_factory.mktemp("sound")
    vectors = vectors_of([f"w{n % 50} {n}" for n in range(2000)])
    labels = Labels()
    numbers = labels.numbers([Label("pl", ("public/",))] * 2000)
    codes = coded(vectors, 10**6 if request.param == "exact" else 0)
    return folder, write(folder, "s", 1, Contents(codes, np.arange(2000), numbers, labels.held, 5))


@pytest.mark.parametrize("damage", DAMAGES)
def test_sixty_damaged_files_of_every_kind_are_noticed(sound: tuple[Path, str], tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    """Three kinds of damage, exact and in cells: 360 files in all."""
    folder, sha256 = sound
    chance = random.Random(damage.__name__)
    files = sorted(path.name for path in (folder / name_of(1)).iterdir())
    # The codes are most of what there is, so most of the damage is theirs.
    chosen = [files[n % len(files)] if n < 24 else "codes.faiss" for n in range(60)]
    noticed = 0
    for name in chosen:
        copy = tmp_path / "copy"
        shutil.copytree(folder, copy)
        damage(copy / name_of(1) / name, chance)
        with pytest.raises(Damaged, match=name.replace(".", r"\.")):
            open_verified(copy, 1, sha256, "s")
        noticed += 1
        shutil.rmtree(copy)
    assert noticed == 60
    assert len(open_verified(folder, 1, sha256, "s").codes) == 2000


def test_every_byte_of_a_small_generation_counts(tmp_path: Path) -> None:
    labels = Labels()
    numbers = labels.numbers([Label("pl", ())] * 3)
    vectors = vectors_of(["a 1", "b 2", "c 3"])[:, :4].copy()
    sha256 = write(tmp_path, "s", 1, Contents(coded(vectors), np.arange(3), numbers, labels.held, 5))
    for path in sorted((tmp_path / name_of(1)).iterdir()):
        path.chmod(0o600)
        sound = path.read_bytes()
        for place in range(len(sound)):
            path.write_bytes(sound[:place] + bytes([sound[place] ^ 0x10]) + sound[place + 1 :])
            with pytest.raises(Damaged):
                open_verified(tmp_path, 1, sha256, "s")
        path.write_bytes(sound)
    open_verified(tmp_path, 1, sha256, "s")


def test_a_missing_file_and_a_swapped_generation_are_noticed(sound: tuple[Path, str], tmp_path: Path) -> None:
    folder, sha256 = sound
    for name in ("codes.faiss", "ids.i64", "labels.u16", "manifest.json"):
        copy = tmp_path / name
        shutil.copytree(folder, copy)
        (copy / name_of(1) / name).unlink()
        with pytest.raises(Damaged, match=name):
            open_verified(copy, 1, sha256, "s")
    with pytest.raises(Damaged, match="not the manifest"):
        open_verified(folder, 1, "0" * 64, "s")
    with pytest.raises(Damaged, match="gen-000002"):
        open_verified(folder, 2, sha256, "s")
    with pytest.raises(Damaged, match="generation 1 of s"):
        open_verified(folder, 1, sha256, "another space")


@sqlite_only
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_made_anew_and_answers_right(database: Database, home: Path, damage) -> None:  # type: ignore[no-untyped-def]
    fill(database, 30)
    first = PhrasingIndex(database, SOURCE, home / "index")
    queries = vectors_of([f"a{n} x" for n in range(30)])
    with database.read() as session:
        right = first.search(session, queries, 10)
    for path in (home / "index").glob("*/gen-000001/*"):
        damage(path, random.Random(1))
    again = PhrasingIndex(database, SOURCE, home / "index")
    with database.read() as session:
        found = again.search(session, queries, 10)
    np.testing.assert_array_equal(found[0], right[0])
    np.testing.assert_array_equal(found[1], right[1])
    assert isinstance(again.engine, LocalEngine) and again.engine.generation is not None
    assert again.engine.generation.manifest.number == 2


@sqlite_only
def test_a_lost_folder_is_made_anew(database: Database, home: Path) -> None:
    fill(database, 5)
    PhrasingIndex(database, SOURCE, home / "index")
    shutil.rmtree(home / "index")
    again = PhrasingIndex(database, SOURCE, home / "index")
    with database.read() as session:
        assert again.search(session, vector_of("a0 0")[None, :], 1)[1][0, 0] > 0.99
    assert again.engine.dimension == DIMENSION
