"""Vectors of the demo's phrasings, made beforehand with the default encoder: a first start need not wait for them.

They are a cache and no more: looked up by the text's hash and the encoder's version, so a changed text or another
encoder simply finds nothing here and is embedded. `make vectors` makes the file anew from the workspace.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from knowledge.database import Database
from knowledge.demo_articles import demo_articles
from knowledge.settings import Settings
from knowledge.tables import Embedding, PhrasingRow

FILE: Final = Path(__file__).parent / "demo" / "vectors.npz"

Vectors = NDArray[np.float32]


def shipped(keys: Iterable[str], model: str) -> dict[str, Vectors]:
    """The vectors that are shipped for these text hashes and this model, each float32 of length 1."""
    held = _read().get(model, {})
    return {key: _unit(held[key]) for key in keys if key in held}


def shipped_models() -> list[str]:
    """The models that vectors are shipped for: encoder version and task."""
    return list(_read())


@cache
def _read() -> dict[str, dict[str, NDArray[np.float16]]]:
    if not FILE.exists():
        return {}
    with np.load(FILE, allow_pickle=False) as file:
        models = [str(name) for name in file["models"]]
        return {
            model: dict(zip((bytes(key).hex() for key in file[f"keys{n}"]), file[f"vectors{n}"], strict=True))
            for n, model in enumerate(models)
        }


def _unit(vector: NDArray[np.float16]) -> Vectors:
    full = vector.astype(np.float32)
    return np.asarray(full / np.linalg.norm(full), dtype=np.float32)


def write(database: Database) -> int:
    """Write the stored vectors of the demo's phrasings and of the everyday lines to the shipped file."""
    from knowledge.background import background_lines
    from knowledge.store import text_hash

    texts = {text_hash(text) for _, text in background_lines()}
    ids = [article.id for article in demo_articles()]
    with database.read() as session:
        texts |= set(session.scalars(select(PhrasingRow.text_sha256).where(PhrasingRow.article_id.in_(ids))))
        rows = session.execute(select(Embedding.model, Embedding.text_sha256, Embedding.vector)).all()
    arrays: dict[str, NDArray[np.generic]] = {}
    models = sorted({model for model, _, _ in rows if ":" in model})
    for n, model in enumerate(models):
        chosen = sorted((key, raw) for name, key, raw in rows if name == model and key in texts)
        arrays[f"keys{n}"] = np.array([np.frombuffer(bytes.fromhex(key), np.uint8) for key, _ in chosen])
        arrays[f"vectors{n}"] = np.array([np.frombuffer(raw, "<f4") for _, raw in chosen]).astype(np.float16)
    with FILE.open("wb") as file:
        np.savez(file, models=np.array(models), **arrays)  # type: ignore[arg-type]
    return sum(len(arrays[f"keys{n}"]) for n in range(len(models)))


if __name__ == "__main__":
    print(f"{write(Database(Settings.load().database))} vectors written to {FILE}", file=sys.stderr)
