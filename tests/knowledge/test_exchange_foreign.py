"""What other systems export, in the shapes they really have: each row has a fate, nothing hostile survives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from knowledge.article_text import ArticleText
from knowledge.exchange.formats import Format, read_base
from knowledge.exchange.gather import Gathered
from knowledge.exchange.records import Reading

FOREIGN = Path(__file__).parent / "foreign"


def read(path: Path, **given: Any) -> tuple[Format, Gathered, Reading]:
    reading = Reading(**given)
    kind, gathered = read_base(path, None, reading)
    return kind, gathered, reading


def by_id(gathered: Gathered) -> dict[str, ArticleText]:
    return {article.id: article for article in gathered.articles}


def skipped(gathered: Gathered) -> list[str]:
    return [row.skipped for row in gathered.rows if row.skipped]


def test_a_zendesk_export_of_two_pages() -> None:
    kind, gathered, reading = read(FOREIGN / "zendesk")
    assert kind == "zendesk"
    assert gathered.problems == []
    articles = by_id(gathered)
    assert set(articles) == {"zendesk-360001234561", "zendesk-360001234562"}
    signal = articles["zendesk-360001234561"]
    assert set(signal.languages) == {"en", "pl"}
    assert signal.category == "Mobile network"
    assert signal.languages["en"].question == "No signal & no calls: what can I do?"
    assert signal.languages["en"].answer == (
        "Try this first:\n\n1. Switch airplane mode on and off.\n2. Take the SIM out and put it back.\n"
        "  - with the phone off\n3. See our coverage map (https://lumo.example/map).\n\n"
        "Still nothing? Write to us (care@lumo.example)."
    )
    assert signal.languages["pl"].answer.startswith("Spróbuj najpierw")
    reasons = skipped(gathered)
    for part in ("a draft", "outdated", "user_segment_id", "'de'", "has no body", "taken from en-us, not from en-gb"):
        assert sum(part in reason for reason in reasons) == 1, (part, reasons)
    assert len(gathered.rows) == 3 + len(reasons)
    assert any("7 articles" in remark and "next_page" in remark for remark in reading.remarks)


def test_an_faq_page_with_a_graph_references_and_a_broken_block() -> None:
    kind, gathered, _ = read(FOREIGN / "faq-graph.html")
    assert kind == "faqpage"
    assert len(gathered.problems) == 0
    questions = {said.question: said.answer for one in gathered.articles for said in one.languages.values()}
    assert questions == {
        "Jak odzyskać hasło?": "Wejdź na stronę logowania (https://lumo.example/login).\n\n- kliknij „Nie pamiętam”\n- podaj e-mail",
        "Kiedy przyjdzie faktura?": "Do 5. dnia miesiąca & zawsze e-mailem.",
        "Czy mogę zrezygnować?": "Tak, w ciągu 14 dni.",
    }
    assert {language for one in gathered.articles for language in one.languages} == {"pl"}
    assert any("no JSON" in reason for reason in skipped(gathered))
    assert any("outside of the FAQPage" in reason for reason in skipped(gathered))


def test_an_faq_page_with_microdata_in_an_old_encoding(tmp_path: Path) -> None:
    text = (FOREIGN / "faq-microdata.html").read_text(encoding="utf-8")
    path = tmp_path / "faq.html"
    path.write_bytes(text.encode("cp1250"))
    kind, gathered, _ = read(path)
    assert kind == "faqpage"
    assert gathered.problems == []
    said = [one.languages["cs"] for one in gathered.articles]
    assert [(one.question, one.answer) for one in said] == [
        ("Jak zruším smlouvu?", "Napište nám.\n\n- e-mailem (info@lumo.example)\n- nebo poštou"),
        ("Kdy přijde technik?", "Do 3 dnů. Více zde (https://lumo.example/technik)."),
    ]


@pytest.mark.parametrize(
    "answer", ["<p>a</p>", "&lt;p&gt;a&lt;/p&gt;", ["<p>a</p>"], {"@value": "a", "@language": "en"}]
)
def test_json_ld_alone_in_its_many_spellings(tmp_path: Path, answer: object) -> None:
    question = {"@type": "schema:Question", "name": "Q&amp;A?", "acceptedAnswer": [{"@type": "Answer", "text": answer}]}
    page = {"@context": "http://schema.org/", "@type": ["WebPage", "https://schema.org/FAQPage"], "inLanguage": "en-GB"}
    path = tmp_path / "faq.json"
    path.write_text(json.dumps([{"@type": "Organization"}, {**page, "mainEntity": question}]))
    kind, gathered, _ = read(path)
    assert (kind, gathered.problems) == ("faqpage", [])
    assert gathered.articles[0].languages["en"].question == "Q&A?"
    assert gathered.articles[0].languages["en"].answer == "a"


def test_a_broken_faq_block_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "faq.html"
    path.write_text('<html>\n<script type="application/ld+json">{"@type": "FAQPage", "mainEntity": [}</script>')
    _, gathered, _ = read(path)
    assert any(":2: JSON-LD that is no JSON" in problem for problem in gathered.problems)


def test_chatwoot_articles_with_translations() -> None:
    kind, gathered, _ = read(FOREIGN / "chatwoot-articles.json")
    assert kind == "chatwoot"
    assert gathered.problems == []
    (article,) = gathered.articles
    assert (article.id, article.category, set(article.languages)) == ("chatwoot-11", "Billing", {"en", "it"})
    assert article.languages["en"].answer == "Pay [here](https://lumo.example/pay).\n\nNot [here]."
    assert sorted(skipped(gathered)) == ["a draft in Chatwoot", "archived in Chatwoot"]


def test_chatwoot_canned_responses_ask_for_a_language() -> None:
    kind, gathered, _ = read(FOREIGN / "chatwoot-canned.json")
    assert kind == "chatwoot"
    assert len(gathered.problems) == 1
    assert "language: the file does not say it" in gathered.problems[0]
    _, gathered, _ = read(FOREIGN / "chatwoot-canned.json", language="en")
    (article,) = gathered.articles
    assert article.languages["en"].question == "late fee"
    assert any("{{contact.name}}" in reason for reason in skipped(gathered))
    _, gathered, reading = read(
        FOREIGN / "chatwoot-canned.json", detect=lambda text: "en" if "reminder" in text else None
    )
    assert [set(one.languages) for one in gathered.articles] == [{"en"}]
    assert any("recognised" in remark for remark in reading.remarks)


def test_a_rasa_project() -> None:
    kind, gathered, reading = read(FOREIGN / "rasa", language="en")
    assert kind == "rasa"
    assert gathered.problems == []
    articles = by_id(gathered)
    assert set(articles) == {"late_fee", "chitchat-ask_name", "opening_hours"}
    fee = articles["late_fee"]
    assert fee.languages["en"].phrasings == ("why a late fee", "penalty for 3 days")
    assert fee.languages["pl"].answer == "To opłata za przypomnienie."
    assert articles["chitchat-ask_name"].category == "chitchat"
    assert articles["chitchat-ask_name"].languages["en"].answer == "I am Lumo's assistant."
    reasons = skipped(gathered)
    assert any("greet" in reason for reason in reasons)
    assert any("no examples" in reason for reason in reasons)
    assert any("synonym" in reason for reason in reasons)
    assert any("several texts" in remark for remark in reading.remarks)


def test_foreign_markdown(tmp_path: Path) -> None:
    files = {
        "pl/faktury/late-fee.md": "# Skąd ta opłata?\n\nZa przypomnienie. [Klik](javascript:alert(1))\n<script>x()</script>\n",
        "en/faq.md": "# FAQ\n\nIntro.\n\n## What is a fee?\n\nA fee.\n\n## Can I pay later?\n\nYes.\n\n- soon\n",
        "hours.it.md": "---\ntitle: Orari\ntags: [a]\n---\nDalle 9 alle 17.\n",
        "wip.en.md": "---\ntitle: Later\ndraft: true\n---\nx\n",
        "bad.en.md": "---\ntitle: [\n---\nx\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    kind, gathered, _ = read(tmp_path)
    assert kind == "markdown"
    articles = by_id(gathered)
    assert articles["late-fee"].languages["pl"].answer == "Za przypomnienie. [Klik]"
    assert articles["late-fee"].category == "faktury"
    assert articles["can-i-pay-later"].languages["en"].answer == "Yes.\n\n- soon"
    assert articles["hours"].languages["it"].question == "Orari"
    assert skipped(gathered) == ["a draft"]
    assert [problem.partition("tmp")[2] != "" for problem in gathered.problems] == [True]
    assert len(gathered.rows) == 6


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Co się dzieje z fakturą? Źle działa łączę", "cp1250"),
        ("Почему у меня нет сети? Где мой счёт", "cp1251"),
        ("Perché è così? Cioè più in là", "cp1252"),
        ("Jak zruším smlouvu? Příliš žluťoučký kůň", "cp1250"),
        ("Pse s'kam sinjal? Fjalëkalimi im", "cp1252"),
        ("Почему у меня нет сети?", "utf-16"),
        ("Jak zruším smlouvu?", "utf-16-be"),
        ("Co się dzieje?", "utf-8-sig"),
    ],
)
def test_a_csv_in_the_encoding_of_an_older_spreadsheet(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "b.csv"
    path.write_bytes(f"Question;Answer\r\n{text};{text} {text}\r\n".encode(encoding))
    _, gathered, _ = read(path, language="pl")
    assert gathered.problems == []
    assert gathered.articles[0].languages["pl"].question == text
