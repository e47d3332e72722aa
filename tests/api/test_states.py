"""Whatever the order, and whoever dies: only a person's words, once, and nothing lost."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import publisher
from api.tables import Channel
from api.workspace import Workspace
from tests.api.walk import Walk
from tests.api.wire import POLICIES, Wire
from tests.fixtures.database import sqlite_only
from tests.fixtures.workspace import MakeChannel, People


@pytest.fixture
def wires() -> dict[str, Wire]:
    """What the publisher finds for each channel."""
    return {}


@pytest.fixture
def template(
    workspace: Workspace, people: People, make_channel: MakeChannel, wires: dict[str, Wire], no_waiting: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:  # fmt: skip
    """A home with people and one channel for each kind of network; no waiting between attempts."""
    for policy in POLICIES.values():
        make_channel(policy.name, idempotency=policy.idempotency)

    def wire_of(channel: Channel, *_args: object, **_given: object) -> Wire:
        return wires[channel.key]

    monkeypatch.setattr(publisher, "outlet_of", wire_of)
    workspace.database.close()
    return workspace.settings.home


@pytest.fixture
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    """Memory where the system offers it: nothing here has to outlive a power cut."""
    memory = Path("/dev/shm")  # noqa: S108 - not a fixed name in it
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def walk(template: Path, folder: Path, wires: dict[str, Wire], seeds: range, steps: int) -> None:
    sent = 0
    for seed in seeds:
        life = Walk(template, folder / f"life-{seed}", wires, seed)
        try:
            life.lives(steps)
        except BaseException as wrong:
            wrong.add_note(f"in the life with seed {seed}")
            raise
        sent += any(wire.posts for wire in wires.values())
    assert sent > 0.7 * len(seeds), "too few lives come as far as a reply that is sent"


@sqlite_only
def test_only_a_persons_words_once_and_nothing_lost(template: Path, quick_folder: Path, wires: dict[str, Wire]) -> None:
    walk(template, quick_folder, wires, range(30), steps=30)


@pytest.mark.slow
@sqlite_only
def test_only_a_persons_words_once_and_nothing_lost_in_long_lives(
    template: Path, quick_folder: Path, wires: dict[str, Wire]
) -> None:
    walk(template, quick_folder, wires, range(1000, 1500), steps=50)
