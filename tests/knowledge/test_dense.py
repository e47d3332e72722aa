from __future__ import annotations

import numpy as np
import pytest

from knowledge.dense import DenseIndex, Vectors

FAR = 2**40


@pytest.fixture
def vectors() -> Vectors:
    rows = np.random.default_rng(7).normal(size=(50, 16)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture
def index(vectors: Vectors) -> DenseIndex:
    filled = DenseIndex(16)
    filled.add(np.arange(50) + FAR, vectors)
    return filled


def test_search_is_exact(index: DenseIndex, vectors: Vectors) -> None:
    scores, ids = index.search(vectors[:5], 4)
    products = vectors[:5] @ vectors.T
    assert (ids - FAR == np.argsort(-products, axis=1)[:, :4]).all()
    assert np.allclose(scores, -np.sort(-products, axis=1)[:, :4], atol=1e-5)


def test_only_the_given_ids_are_found(index: DenseIndex, vectors: Vectors) -> None:
    scores, ids = index.search(vectors[:1], 10, only=[FAR + 3, FAR + 9, 12345])
    assert set(ids[0].tolist()) == {FAR + 3, FAR + 9}
    assert scores.shape == (1, 2)
    assert index.search(vectors[:1], 10, only=[])[1].shape == (1, 0)


def test_more_than_there_is(index: DenseIndex, vectors: Vectors) -> None:
    assert index.search(vectors[:1], 999)[1].shape == (1, 50)
    assert DenseIndex(16).search(vectors[:2], 3)[1].shape == (2, 0)


def test_removed_vectors_are_gone(index: DenseIndex, vectors: Vectors) -> None:
    assert index.remove(np.array([FAR, FAR + 1, 5])) == 2
    assert len(index) == 48
    assert index.search(vectors[:1], 1)[1][0, 0] != FAR
    with pytest.raises(KeyError, match=str(FAR)):
        index.vectors(np.array([FAR]))
    assert np.allclose(index.vectors(np.array([FAR + 4, FAR + 2])), vectors[[4, 2]])


def test_what_does_not_fit_is_refused(index: DenseIndex, vectors: Vectors) -> None:
    with pytest.raises(ValueError, match="only once"):
        index.add(np.array([FAR + 1]), vectors[:1])
    with pytest.raises(ValueError, match="only once"):
        index.add(np.array([1, 1]), vectors[:2])
    with pytest.raises(ValueError, match="do not fit"):
        index.add(np.array([1, 2]), vectors[:1])
    with pytest.raises(ValueError, match="shape"):
        index.search(vectors[:, :8], 1)
    with pytest.raises(ValueError, match="not a number"):
        index.search(np.full((1, 16), np.nan, dtype=np.float32), 1)
