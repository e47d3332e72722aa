"""What the tests of the ranker share: the real encoder, and the evaluation files where they are present."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from knowledge.database import Database
from knowledge.encoder import Encoder, load_encoder
from knowledge.store import save_article
from tests.knowledge.articles import ASKED, article


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return load_encoder()


@pytest.fixture(scope="session")
def evaluation_data() -> Path:
    """The folder of evaluation files, which are no part of the project."""
    beside = Path(__file__).parents[3] / "shared"
    folder = Path(os.environ.get("ODZEW_SHARED", beside)) / "data" / "eval"
    if not folder.is_dir():
        pytest.skip("no evaluation files here; ODZEW_SHARED names the folder that holds data/eval")
    return folder


@pytest.fixture
def filled(database: Database) -> Database:
    """A database with the six small articles."""
    with database.write() as session:
        for key in ASKED:
            save_article(session, article(key), by="test")
    return database
