"""The shipped means of languages: there for every encoder of the team, and those of the demo as it is now."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge.background import load_background
from knowledge.language_means import LanguageMeans, digest, made_of, shipped_means, usual_texts
from knowledge.languages import LANGUAGES
from knowledge.shipped_vectors import shipped
from knowledge.space import JointSpace, LanguageSpace
from knowledge.store import text_hash
from knowledge.team import Member, Team, load_team

MEMBERS = load_team().members


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.encoder.version)
def test_every_encoder_has_means_of_the_languages_it_knows(member: Member) -> None:
    means = shipped_means(member.encoder.version)
    assert means is not None
    assert set(means.asked) == set(means.told) == {code for code in LANGUAGES if member.knows(code)}
    assert {vector.shape for vector in (*means.asked.values(), *means.told.values())} == {(member.encoder.dimension,)}


def test_they_were_made_of_the_demo_as_it_is_now() -> None:
    assert made_of() == digest(usual_texts()), "run `make vectors`"


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.encoder.version)
def test_they_are_the_means_of_the_shipped_vectors(member: Member) -> None:
    means = shipped_means(member.encoder.version)
    assert means is not None
    for language, mean in means.told.items():
        texts = [text for code, text in usual_texts() if code == language]
        held = shipped({text_hash(text) for text in texts}, f"{member.encoder.version}:phrasing")
        assert np.allclose(np.mean([held[text_hash(text)] for text in texts], axis=0), mean, atol=2e-4)


class Unknown:
    """An encoder nobody has made means for."""

    version = "unknown-1"
    dimension = 3

    def queries(self, texts: list[str]) -> NDArray[np.float32]:
        return np.array([[len(text), 1, 0] for text in texts], dtype=np.float32)

    passages = phrasings = queries


def test_another_encoder_has_the_means_of_the_everyday_lines() -> None:
    team = Team.of(Unknown())  # type: ignore[arg-type]
    lines = load_background(team)
    space = JointSpace.fit(team.phrasings(["abc"], ["pl"]), ["pl"], lines, team).spaces[0]
    expected = LanguageMeans.of(lines.queries[0], lines.phrasings[0], lines.languages)
    assert space is not None
    assert {code: mean.tolist() for code, mean in space.usual.asked.items()} == {
        code: mean.tolist() for code, mean in expected.asked.items()
    }


def test_a_query_is_centred_as_far_from_its_phrasings_as_its_language_usually_is() -> None:
    means = LanguageMeans(
        {"pl": np.array([3, 0], np.float32), "en": np.array([0, 2], np.float32)},
        {"pl": np.array([1, 0], np.float32), "en": np.array([0, 1], np.float32)},
    )
    space = LanguageSpace.fit(np.array([[1, 0]] * 4, np.float32), ["pl"] * 4, means)
    shift = space.query_means["pl"] - space.phrasing_means["pl"]
    assert shift.tolist() == [2, 0]
    foreign = space.phrasing_means["en"] - space.phrasing_means[None]
    assert foreign == pytest.approx(np.array([-1, 1]))
