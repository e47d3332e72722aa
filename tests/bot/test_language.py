"""Language detection on short, sloppy texts, on the demo's own phrasings and on languages outside the six."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from bot.language import OTHER, detect, fold, warm_up
from tests.bot.demo_search import phrasings
from training.evaluate.language import evaluate_language

SHORT = {
    "pl": ["nie mam zasiegu", "gdzie moja faktura", "wczoraj znowu nie było netu, kiedy to naprawicie???"],
    "ru": ["нет связи", "забыла пароль", "украли телефон, заблокируйте симку"],
    "it": ["non va internet", "dove trovo la bolletta", "ho pagato due volte"],
    "cs": ["nefunguje internet", "kde mam fakturu", "zase nejde net, kdy to opravite"],
    "sq": ["nuk kam sinjal", "ku e gjej faturen", "s'kam internet prej dje"],
    "en": ["no signal at all", "where were we with my bill", "phone stolen help!!"],
}
FOREIGN = [
    "Kein Internet seit heute Morgen, wann geht das wieder?",
    "no tengo internet desde ayer, cuándo lo arreglan?",
    "plus d'internet depuis ce matin, c'est quand que ça revient",
    "немає інтернету з ранку, коли полагодите?",
    "Čakám už tri týždne, je to hanba",
    "hvala na pomoći, želim raskinuti ugovor",
    "reggel óta nincs internet, mikor javítják meg?",
    "телефонът ми беше откраднат, какво да правя",
    "从早上开始没有网络",
    "δεν έχω ίντερνετ από το πρωί",
]


@pytest.mark.parametrize("language", SHORT)
def test_short_texts_without_accents(language: str) -> None:
    assert [detect(text).language for text in SHORT[language]] == [language] * 3


@pytest.mark.parametrize("text", FOREIGN)
def test_languages_outside_the_six_are_other(text: str) -> None:
    assert detect(text).language == OTHER


@pytest.mark.parametrize("text", ["asdf qwer", "qwertyuiop", "xxxxxx", "йцукен фыва", "", "   ", "!!!", "500", "👍👍"])
def test_nonsense_and_wordless_texts_are_other(text: str) -> None:
    assert detect(text).language == OTHER


def test_the_demos_own_phrasings_keep_their_language() -> None:
    asked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for _, language, phrasing in phrasings()[::5]:
        asked[language] += 1
        right[language] += detect(phrasing).language == language
    assert {language: right[language] / asked[language] for language in asked} == {
        language: pytest.approx(1, abs=0.03) for language in asked
    }


def test_a_hint_decides_only_what_the_text_leaves_open() -> None:
    assert detect("ok", "sq").language == "sq"
    assert detect("https://lumo.example/status", "cs").language == "cs"
    assert detect("Dzień dobry, gdzie znajdę fakturę?", "cs").language == "pl"
    assert detect("👍", "xx").language == OTHER


def test_it_is_quick_once_warm() -> None:
    warm_up()
    texts = [phrasing for _, _, phrasing in phrasings()[:200]]
    [detect(text) for text in texts]
    started = time.process_time()
    [detect(text) for text in texts]
    assert (time.process_time() - started) / len(texts) < 0.01


def test_a_long_text_costs_no_more_than_its_beginning() -> None:
    detect("Nie mam zasięgu")
    started = time.process_time()
    detect("Nie mam zasięgu w domu. " * 20_000)
    assert time.process_time() - started < 0.5


def test_fold_takes_away_what_phones_leave_out() -> None:
    assert fold("Łódź ŽLUŤOUČKÝ Përshëndetje ЁЖ") == "lodz zlutoucky pershendetje еж"


def test_evaluation_reads_a_file_and_counts_other_languages_together(tmp_path: Path) -> None:
    rows = [("nie mam zasiegu", "pl"), ("nefunguje internet", "cs"), (FOREIGN[0], "de"), (FOREIGN[3], "other")]
    file = tmp_path / "language.jsonl"
    file.write_text("".join(json.dumps({"text": t, "language": lang}) + "\n" for t, lang in rows), encoding="utf-8")
    seen: list[tuple[int, int]] = []
    report = evaluate_language(file, lambda done, of: seen.append((done, of)))
    assert report["accuracy"] == 1.0
    assert report["confusion"] == {"pl": {"pl": 1}, "cs": {"cs": 1}, "other": {"other": 2}}
    assert seen[-1] == (4, 4)
