"""The shipped vectors are the ones that the encoders make today, not those of an older recipe."""

from __future__ import annotations

import random

import numpy as np
import pytest

from knowledge.language_means import usual_texts
from knowledge.shipped_vectors import shipped
from knowledge.store import text_hash
from knowledge.team import Member, load_team

MEMBERS = load_team().members
SAMPLE = 60


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.encoder.version)
def test_a_sample_is_what_the_encoder_makes_of_the_texts(member: Member) -> None:
    known = [text for language, text in usual_texts() if member.knows(language)]
    texts = random.Random(7).sample(known, SAMPLE)
    held = shipped({text_hash(text) for text in texts}, f"{member.encoder.version}:phrasing")
    kept = np.stack([held[text_hash(text)] for text in texts])
    away = np.linalg.norm(kept - member.encoder.phrasings(texts), axis=1)
    assert [text for text, far in zip(texts, away, strict=True) if far > 0.005] == []
