from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from knowledge.encoder import Encoder, EncoderUnavailable, load_encoder
from knowledge.files import QueryRow, read_knowledge, read_queries
from knowledge.ranking import Phrasing, Ranker

BASE = {
    "outage": {
        "pl": ["nie działa internet", "znowu nie ma netu", "brak sieci w domu", "padło wam łącze?"],
        "en": ["my internet is down", "no connection since yesterday", "the wifi does not work at all"],
    },
    "invoice": {
        "pl": ["gdzie znajdę fakturę", "nie dostałem rachunku", "proszę o duplikat faktury", "faktura za maj"],
        "en": ["where is my invoice", "I did not get the bill", "please send the bill again"],
    },
    "roaming": {
        "pl": ["jak włączyć roaming", "czy internet za granicą jest płatny", "roaming w Turcji", "net na wakacjach"],
        "en": ["how do I turn on roaming", "does data abroad cost extra", "using my phone in Turkey"],
    },
    "password": {
        "pl": ["zapomniałem hasła", "jak zmienić hasło do konta", "nie mogę się zalogować", "reset hasła"],
        "en": ["I forgot my password", "cannot log in to my account", "how do I change the password"],
    },
    "cancel": {
        "pl": ["chcę rozwiązać umowę", "jak wypowiedzieć umowę", "rezygnuję z usług", "ile trwa wypowiedzenie"],
        "en": ["I want to cancel my contract", "how do I leave", "what is the notice period"],
    },
}


def phrasings(*languages: str) -> list[Phrasing]:
    return [
        Phrasing(article, language, text)
        for article, spoken in BASE.items()
        for language in languages
        for text in spoken[language]
    ]


def fitted(base: Sequence[Phrasing], encoder: Encoder) -> Ranker:
    return Ranker.fit(base, encoder.phrasings([phrasing.text for phrasing in base]), encoder)


@pytest.fixture(scope="module")
def ranker(encoder: Encoder) -> Ranker:
    return fitted(phrasings("pl", "en"), encoder)


class TestEncoder:
    def test_vectors_are_unit_whatever_the_text(self, encoder: Encoder) -> None:
        texts = ["ala ma kota", "", "a\x00b \ud800", "długi tekst " * 2000, "😡"]
        for encode in (encoder.queries, encoder.passages, encoder.phrasings):
            vectors = encode(texts)
            assert vectors.shape == (5, encoder.dimension)
            assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        assert encoder.queries([]).shape == (0, encoder.dimension)

    def test_threads_get_the_same_vectors(self, encoder: Encoder) -> None:
        alone = encoder.queries(["kiedy wróci internet"])[0]
        with ThreadPoolExecutor(4) as pool:
            for vector in pool.map(lambda _: encoder.queries(["kiedy wróci internet"])[0], range(8)):
                assert np.array_equal(vector, alone)

    def test_an_unknown_encoder_is_refused_without_download(self, tmp_path: Path) -> None:
        with pytest.raises(EncoderUnavailable, match="not-here"):
            load_encoder(str(tmp_path / "not-here"))


class TestRanking:
    @pytest.mark.parametrize(
        ("text", "language", "article"),
        [
            ("wczoraj znowu nie było netu, kiedy to naprawicie???", "pl", "outage"),
            ("zapomnialem hasla", "pl", "password"),
            ("how can I end my contract", "en", "cancel"),
            ("nemůžu se přihlásit, zapomněl jsem heslo", "cs", "password"),
            ("где мой счёт за этот месяц", "ru", "invoice"),
            ("internet non funziona", None, "outage"),
        ],
    )
    def test_finds_the_article(self, ranker: Ranker, text: str, language: str | None, article: str) -> None:
        ranked = ranker.rank(text, language=language, k=3)
        assert ranked[0].article == article
        assert len(ranked) == 3
        assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)

    def test_the_phrasing_belongs_to_the_article(self, ranker: Ranker) -> None:
        base = phrasings("pl", "en")
        for one in ranker.rank("proszę o duplikat faktury", language="pl"):
            assert base[one.phrasing].article == one.article
        best = ranker.rank("proszę o duplikat faktury", language="pl")[0]
        assert base[best.phrasing].text == "proszę o duplikat faktury"

    def test_only_allowed_articles(self, ranker: Ranker) -> None:
        ranked = ranker.rank("nie działa internet", language="pl", allowed={"invoice", "cancel", "unknown"})
        assert {one.article for one in ranked} == {"invoice", "cancel"}
        assert ranker.rank("nie działa internet", language="pl", allowed=()) == []

    def test_probabilities(self, ranker: Ranker) -> None:
        texts = ["nie działa internet", "jaka jutro pogoda", "asdkjh qwe", "roaming w turcji", "kto wygrał mecz"]
        for text in texts:
            ranked = ranker.rank(text, language="pl")
            chances = [one.probability for one in ranked]
            assert all(0 <= chance <= 1 for chance in chances)
            assert chances == sorted(chances, reverse=True)
            assert sum(chances) <= 1 + 1e-5

    def test_nonsense_is_less_probable_than_questions(self, ranker: Ranker) -> None:
        def top(text: str) -> float:
            return ranker.rank(text, language="pl")[0].probability

        asked = [top(text) for text in ("czemu net nie działa", "jak mam zmienić hasło", "wypowiedzenie umowy")]
        noise = [top(text) for text in ("zxcv poiu mnbv", "ugotuję dziś rosół z makaronem", "ale fajny kotek")]
        assert min(asked) > max(noise)
        assert max(noise) < 0.5

    @pytest.mark.parametrize("text", ["", "  \n", "???!!", "😡😡"])
    def test_nothing_to_read_finds_nothing(self, ranker: Ranker, text: str) -> None:
        assert ranker.rank(text, language="pl") == []

    def test_a_given_vector_is_used(self, ranker: Ranker, encoder: Encoder) -> None:
        text = "jak włączyć roaming"
        vector = encoder.queries([text])[0]
        assert ranker.rank(text, language="pl", vector=vector) == ranker.rank(text, language="pl")


class TestSmallBases:
    @pytest.mark.parametrize("texts", [["only one"], ["one", "two"], ["same", "same", "same"]])
    def test_tiny_bases_rank(self, encoder: Encoder, texts: list[str]) -> None:
        base = [Phrasing(f"a{index}", "en", text) for index, text in enumerate(texts)]
        ranked = fitted(base, encoder).rank(texts[0], language="en")
        assert len(ranked) == len(texts)
        assert all(np.isfinite([one.score, one.probability]).all() for one in ranked)

    def test_one_article_with_many_phrasings(self, encoder: Encoder) -> None:
        base = [Phrasing("a", "en", text) for text in BASE["outage"]["en"]]
        assert fitted(base, encoder).rank("is the internet down", language="en")[0].article == "a"

    def test_what_does_not_fit_is_refused(self, encoder: Encoder) -> None:
        with pytest.raises(ValueError, match="do not fit"):
            Ranker.fit([], np.zeros((0, encoder.dimension), np.float32), encoder)
        with pytest.raises(ValueError, match="do not fit"):
            Ranker.fit([Phrasing("a", "en", "b")], np.zeros((2, encoder.dimension), np.float32), encoder)


@dataclass(frozen=True)
class Trial:
    """Recall@1 of the ranker and of the two plain peers on one pair of files."""

    ranker: float
    plain_encoder: float
    plain_wording: float


def trial(knowledge: Path, queries: Path, encoder: Encoder, only: slice = slice(None)) -> Trial:
    base = [Phrasing(row.id, row.language, text) for row in read_knowledge(knowledge) for text in row.phrasings()]
    asked = read_queries(queries)[only]
    texts, vectors = [phrasing.text for phrasing in base], encoder.queries([row.text for row in asked])
    fit = fitted(base, encoder)
    found = [
        fit.rank(row.text, language=row.language, k=1, vector=vector)[0].article
        for row, vector in zip(asked, vectors, strict=True)
    ]
    wording = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)).fit(texts)
    likeness = (wording.transform([row.text for row in asked]) @ wording.transform(texts).T).toarray()
    return Trial(
        float(np.mean([article == row.article for article, row in zip(found, asked, strict=True)])),
        nearest(vectors @ encoder.passages(texts).T, base, asked),
        nearest(likeness, base, asked),
    )


def nearest(likeness: NDArray[np.float32], base: Sequence[Phrasing], asked: Sequence[QueryRow]) -> float:
    best = likeness.argmax(axis=1)
    return float(np.mean([base[index].article == row.article for index, row in zip(best, asked, strict=True)]))


class TestAgainstPlainPeers:
    def test_within_a_language(self, encoder: Encoder, evaluation_data: Path) -> None:
        folder = evaluation_data / "ohf"
        result = trial(folder / "pl.knowledge.jsonl", folder / "pl.dev-queries.jsonl", encoder)
        assert result.ranker >= max(result.plain_encoder, result.plain_wording)

    def test_across_languages(self, encoder: Encoder, evaluation_data: Path) -> None:
        folder = evaluation_data / "faq"
        codes = ("pl", "ru", "it", "cs", "sq", "en")
        pairs = list(itertools.permutations(codes, 2))[::5]
        results = [
            trial(folder / f"{base}.knowledge.jsonl", folder / f"{asked}.dev-queries.jsonl", encoder, slice(0, 65, 3))
            for asked, base in pairs
        ]
        mean = np.mean([[one.ranker, one.plain_encoder, one.plain_wording] for one in results], axis=0)
        assert mean[0] >= mean[1]
        assert mean[0] >= mean[2]
