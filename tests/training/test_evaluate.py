from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from knowledge.files import FileProblem
from training.evaluate.abstention import calibration_error, coverage, evaluate_abstention
from training.evaluate.retrieval import evaluate_retrieval

KNOWLEDGE = [
    ("hours", "en", "When are you open?", ["opening hours", "are you open on Sunday"]),
    ("hours", "cs", "Kdy máte otevřeno?", ["otevírací doba", "máte v neděli otevřeno"]),
    ("refund", "en", "How do I get a refund?", ["I want my money back", "return an item"]),
    ("refund", "cs", "Jak dostanu zpět peníze?", ["chci vrátit zboží", "vrácení peněz"]),
    ("parcel", "en", "Where is my parcel?", ["my order has not arrived", "track my delivery"]),
    ("parcel", "cs", "Kde je moje zásilka?", ["balík nedorazil", "sledování zásilky"]),
    ("size", "en", "Which size should I take?", ["size chart", "it does not fit me"]),
    ("size", "cs", "Jakou velikost si mám vzít?", ["tabulka velikostí", "nesedí mi to"]),
]
QUERIES = [
    ("what time do you close", "en", "hours"),
    ("kde je můj balík", "cs", "parcel"),
    ("хочу вернуть деньги", "ru", "refund"),
    ("who won the game", "en", None),
]


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    rows: list[dict[str, object]] = [
        {"id": article, "language": language, "question": question, "variants": variants, "answer": "..."}
        for article, language, question, variants in KNOWLEDGE
    ]
    return write(tmp_path / "knowledge.jsonl", rows)


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    rows: list[dict[str, object]] = [
        {"text": text, "language": language, "article": article} for text, language, article in QUERIES
    ]
    return write(tmp_path / "queries.jsonl", rows)


def test_retrieval(knowledge: Path, queries: Path) -> None:
    told: list[tuple[int, int]] = []
    result = evaluate_retrieval(knowledge, queries, lambda done, of: told.append((done, of)))
    assert result["recall_at_1"] == result["recall_at_3"] == result["mrr_at_10"] == 1
    assert set(result["per_language"]) == {"en", "cs", "ru"}
    assert result["per_language"]["ru"]["queries"] == 1
    assert (result["queries"], result["out_of_scope"], result["articles"], result["phrasings"]) == (3, 1, 4, 24)
    assert 0 < result["ms_per_query"]["p50"] <= result["ms_per_query"]["p99"]
    assert told[-1] == (28, 28)
    assert json.loads(json.dumps(result)) == result


def test_an_article_that_is_not_there_counts_as_not_found(knowledge: Path, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"text": "opening hours", "language": "en", "article": "hours"},
        {"text": "opening hours", "language": "en", "article": "elsewhere"},
    ]
    result = evaluate_retrieval(knowledge, write(tmp_path / "q.jsonl", rows))
    assert (result["recall_at_1"], result["mrr_at_10"], result["unknown_articles"]) == (0.5, 0.5, 1)


def test_abstention(knowledge: Path, queries: Path, tmp_path: Path) -> None:
    strange = write(
        tmp_path / "out.jsonl",
        [{"text": text, "language": "en", "article": None} for text in ("my dog barks all night", "qwe asd zxc")],
    )
    result = evaluate_abstention(knowledge, queries, strange)
    assert result["auroc"] == 1
    assert (result["queries"], result["out_of_scope"]) == (3, 3)
    assert set(result["coverage_at_precision"]) == {"0.90", "0.95", "0.99"}
    assert 0 <= result["ece"] <= 1


def test_bad_files_are_named(knowledge: Path, queries: Path, tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"nowhere\.jsonl"):
        evaluate_retrieval(tmp_path / "nowhere.jsonl", queries)
    only_strange = write(tmp_path / "out.jsonl", [{"text": "x y z", "language": "en", "article": None}])
    with pytest.raises(FileProblem, match="no query in it has an article"):
        evaluate_abstention(knowledge, only_strange, only_strange)


def test_coverage_counts_in_scope_queries_above_the_best_threshold() -> None:
    sure = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    right = np.array([True, True, False, True, False])
    inside = np.array([True, True, False, True, True])
    assert coverage(sure, right, inside, 1.0) == 0.5
    assert coverage(sure, right, inside, 0.75) == 0.75
    assert coverage(np.full(5, 0.5), right, inside, 0.9) == 0


def test_calibration_error_is_the_weighted_gap() -> None:
    assert calibration_error(np.array([1.0, 1.0, 0.0]), np.array([True, True, False])) == 0
    assert calibration_error(np.array([0.95, 0.95]), np.array([True, False])) == pytest.approx(0.45)
