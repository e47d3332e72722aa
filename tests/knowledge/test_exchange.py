"""Import and export: what goes out comes back the same, and a bad file leaves no trace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.article_text import ArticleText, checked
from knowledge.database import Database
from knowledge.exchange import export_base, import_base
from knowledge.exchange.cells import guarded, unguarded
from knowledge.exchange.formats import Format, read_base, write_base
from knowledge.exchange.records import Reading
from knowledge.files import FileProblem
from knowledge.store import article_text, current_revision, retire, save_article
from tests.fixtures.database import sqlite_only
from tests.knowledge.articles import ASKED, article

NAMES = {"jsonl": "base.jsonl", "csv": "base.csv", "yaml": "base", "xlsx": "base.xlsx", "markdown": "base.zip"}
EXACT: list[Format] = ["jsonl", "csv", "yaml", "xlsx", "markdown"]
"""The formats that hold all that an article says, so that what goes out comes back the same."""

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("'=+-@\t\r\n;,\"\\:#&*"), max_size=30)
asks = texts.map(lambda text: f"{text}?")
languages = st.fixed_dictionaries(
    {"question": asks, "variants": st.lists(asks, max_size=3), "answer": texts.map(lambda text: f"{text}.")},
    optional={"public": texts},
)
articles = st.lists(
    st.fixed_dictionaries(
        {"id": st.from_regex(r"[a-z0-9_?%]([a-z0-9 _.?%-]{0,8}[a-z0-9?])?", fullmatch=True)},
        optional={"category": st.sampled_from(["", "billing", "=1+1"])},
    ),
    min_size=1, max_size=3, unique_by=lambda one: " ".join(one["id"].split()),
)  # fmt: skip


@st.composite
def bases(draw: st.DrawFn) -> list[ArticleText]:
    spoken = st.dictionaries(st.sampled_from(["pl", "sq", "en"]), languages, min_size=1)
    return [checked({**one, "languages": draw(spoken)}) for one in draw(articles)]


@pytest.mark.parametrize("kind", EXACT)
@settings(max_examples=60)
@given(base=bases())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, kind: Format, base: list[ArticleText]
) -> None:
    path = tmp_path_factory.mktemp("base") / NAMES[kind]
    assert write_base(path, kind, base) == len(base)
    _, gathered = read_base(path, None, Reading())
    assert gathered.problems == []
    assert sorted(gathered.articles, key=lambda one: one.id) == sorted(base, key=lambda one: one.id)


@given(texts)
def test_a_guarded_cell_is_no_formula_and_comes_back(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("kind", EXACT)
def test_an_exported_base_imports_as_the_same_base(database: Database, tmp_path: Path, kind: Format) -> None:
    path = tmp_path / NAMES[kind]
    with database.write() as session:
        for key in ASKED:
            save_article(session, article(key, pl={"public": "=cmd|' /C calc'!A0"}), by="giulia")
        before = {key: article_text(session, key) for key in ASKED}
    assert export_base(database, path) == len(ASKED)
    same = import_base(database, path, by="x")
    assert (sorted(same.unchanged), same.new, same.changed, same.stored) == (sorted(ASKED), [], [], True)
    with database.write() as session:
        for key in ASKED:
            save_article(session, article(key, pl={"answer": "Something else."}), by="giulia")
    assert sorted(import_base(database, path, by="x").changed) == sorted(ASKED)
    with database.read() as session:
        assert {key: article_text(session, key) for key in ASKED} == before


def jsonl(path: Path, *rows: object) -> Path:
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


ROW = {"id": "a", "language": "pl", "question": "Co?", "variants": ["no co"], "answer": "To."}


@sqlite_only
def test_a_dry_run_tells_and_stores_nothing(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        save_article(session, article(), by="giulia")
        save_article(session, article("late-fee"), by="giulia")
        retire(session, "late-fee")
        before = current_revision(session)
    changed = {"id": "no-signal", "language": "pl", "question": "Inaczej?", "answer": "Tak."}
    gone = {"id": "late-fee", "language": "pl", "question": "Inaczej?", "answer": "Tak."}
    path = jsonl(tmp_path / "b.jsonl", {**ROW, "source": "x"}, changed, gone)
    report = import_base(database, path, by="x", dry_run=True)
    assert (report.new, report.changed, report.retired, report.stored) == (["a"], ["no-signal"], ["late-fee"], False)
    assert report.ignored_fields == ["source"]
    with database.read() as session:
        assert current_revision(session) == before
    assert import_base(database, path, by="x").stored
    with database.read() as session:
        kept = article_text(session, "no-signal")
        assert kept is not None
        assert set(kept.languages) == {"pl", "en"}
        assert article_text(session, "late-fee") == article("late-fee")


@sqlite_only
def test_one_bad_row_and_nothing_is_stored(database: Database, tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "b.jsonl",
        ROW,
        "{not json\n",
        "\n",
        ["a", "list"],
        {**ROW, "language": "de"},
        {**ROW, "language": ["pl"]},
        {**ROW, "id": "b", "answer": 7},
        {**ROW, "answer": "again"},
        {"id": "c", "language": "pl"},
        {**ROW, "language": "en", "category": "x"},
        {**ROW, "language": "it", "category": "y"},
    )
    report = import_base(database, path, by="x")
    assert not report.stored
    lines = [problem.removeprefix(f"{path}:").split(":")[0] for problem in report.problems]
    assert lines == ["2", "4", "5", "6", "7", "8", "9", "11"]
    assert "article 'a' in 'pl' is already in row 1" in report.problems[5]
    with database.read() as session:
        assert current_revision(session) == 0


@sqlite_only
@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("b.jsonl", b"", "no rows in it"),
        ("b.jsonl", b'{"id": "\xff"}', ":1: not UTF-8 at byte 8"),
        ("b.csv", b'id;language;question\r\na;pl;"x\r\ny"\r\nb;pl\r\n', ":4: 2 cells, but the header has 3"),
        ("b.csv", b'id,language,question\na,pl,"x', ":2: not CSV"),
    ],
)
def test_bad_content_is_a_problem(
    database: Database, tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    report = import_base(database, path, by="x")
    assert len(report.problems) == 1
    assert complaint in report.problems[0]


@sqlite_only
@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("b.csv", b"a,b,c\n", "the header must name the columns"),
        ("b.csv", b"id,language,question,id\n", "a column is there twice"),
        ("b.bin", b"", "name its format"),
        ("b.xlsx", b"", "no Excel workbook"),
        ("missing.jsonl", None, "No such file"),
    ],
)
def test_an_unusable_file_is_refused(
    database: Database, tmp_path: Path, name: str, content: bytes | None, complaint: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileProblem, match=complaint):
        import_base(database, path, by="x")


@sqlite_only
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("id: a\nlanguages:\n  pl:\n    question: no\n", ":4: languages.pl.question: Input should be a valid string"),
        ("id: a\nid: b\n", ":1: 'id' is given twice"),
        ("id: &x a\nlanguages: {pl: {question: *x}}\n", "aliases (&, *) are not taken here"),
        ("id: [a\n", "a.yml:2: "),
        ("!!python/object/apply:os.system [ls]\n", "a.yml"),
        ("id: a\nlanguages:\n  pl:\n    question: q\n    awnser: x\n", ":5: languages.pl.awnser: Extra inputs"),
        ("", "a.yml: "),
    ],
)
def test_a_bad_article_file_is_named_with_its_line(
    database: Database, tmp_path: Path, content: str, complaint: str
) -> None:
    (tmp_path / "a.yml").write_text(content, encoding="utf-8")
    report = import_base(database, tmp_path, by="x")
    assert len(report.problems) == 1
    assert complaint in report.problems[0]
    assert not report.stored


@sqlite_only
def test_an_export_does_not_mix_with_what_is_there(database: Database, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileProblem, match="not an empty folder"):
        export_base(database, tmp_path)


@sqlite_only
def test_semicolons_of_a_spreadsheet_are_read(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_bytes('\ufeffid;language;question;variants;answer\r\na;pl;"Co?";"raz\ndwa";\'=2+2\r\n'.encode())
    assert import_base(database, path, by="x").new == ["a"]
    with database.read() as session:
        held = article_text(session, "a")
    assert held == checked(
        {"id": "a", "languages": {"pl": {"question": "Co?", "variants": ["raz", "dwa"], "answer": "=2+2"}}}
    )
