"""Files that mean harm, or are just broken: refused or read with a clear message, within bounded time and memory."""

from __future__ import annotations

import io
import json
import time
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.article_text import checked
from knowledge.exchange.formats import read_base, write_base
from knowledge.exchange.gather import Gathered
from knowledge.exchange.markup import plain
from knowledge.exchange.records import Reading
from knowledge.files import FileProblem

SECONDS = 20.0
MEGABYTES = 200


def read(path: Path) -> Gathered:
    """Read, and see that it took neither long nor much."""
    tracemalloc.start()
    started = time.perf_counter()
    try:
        return read_base(path, None, Reading(language="en"))[1]
    finally:
        assert time.perf_counter() - started < SECONDS
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 1024 * 1024
        tracemalloc.stop()


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def workbook(path: Path, **replaced: bytes) -> Path:
    """A good workbook, some of its parts replaced."""
    book = openpyxl.Workbook()
    book.active.append(["id", "language", "question", "answer"])  # type: ignore[union-attr]
    book.active.append(["a", "en", "Why?", "So."])  # type: ignore[union-attr]
    held = io.BytesIO()
    book.save(held)
    with zipfile.ZipFile(held) as good, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for one in good.infolist():
            made.writestr(one.filename, replaced.get(Path(one.filename).stem, good.read(one.filename)))
    return path


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "b.zip", {f"{n}.md": b"\0" * (8 << 20) for n in range(20)})
    with pytest.raises(FileProblem, match="would unpack to 160 MB"):
        read(path)


def test_an_archive_that_lies_about_its_sizes_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "b.zip", {"a.md": b"x" * (4 << 20)})
    raw = path.read_bytes().replace((4 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(raw)
    gathered = read(path)
    assert "damaged" in gathered.problems[0]


@pytest.mark.parametrize("name", ["../../etc/cron.d/x.md", "/etc/x.md", "..\\x.md", "C:\\x.md"])
def test_an_archive_that_names_files_outside_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileProblem, match="outside of itself"):
        read(archive(tmp_path / "b.zip", {name: b"# A?\n\nx"}))


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "a.md").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(FileProblem, match="leads out of the folder"):
        read(tmp_path / "base")


def test_a_workbook_that_is_an_xml_bomb_is_refused(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><x>&l8;</x>'.encode()
    for part in ("sheet1", "workbook", "styles"):
        with pytest.raises(FileProblem, match="its XML declares entities"):
            read(workbook(tmp_path / f"{part}.xlsx", **{part: bomb}))


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="would unpack"):
        read(workbook(tmp_path / "b.xlsx", sheet1=b" " * (160 << 20)))


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    good = workbook(tmp_path / "good.xlsx").read_bytes()
    for at in range(0, len(good), 97):
        path = tmp_path / "b.xlsx"
        path.write_bytes(good[:at] + b"\xff\x00" + good[at + 2 :])
        try:
            read_base(path, None, Reading(language="en"))
        except FileProblem:
            continue


@pytest.mark.parametrize("name", ["b.json", "b.jsonl", "b.html"])
def test_bottomless_json_is_refused(tmp_path: Path, name: str) -> None:
    deep = "[" * 200_000
    path = tmp_path / name
    path.write_text(f'<script type="application/ld+json">{deep}</script>' if name.endswith("html") else deep)
    try:
        assert any("deep" in problem or "no schema.org FAQPage" in problem for problem in read(path).problems)
    except FileProblem as problem:
        assert "nested too deeply" in str(problem)


@pytest.mark.parametrize("name", ["b.csv", "b.jsonl", "b.xlsx"])
def test_a_cell_of_ten_megabytes_is_one_refused_row(tmp_path: Path, name: str) -> None:
    path, huge = tmp_path / name, "x" * (10 << 20)
    if name == "b.csv":
        path.write_text(f'id,language,question,answer\na,en,Why?,"{huge}"\nb,en,Why not?,So.\n')
    elif name == "b.jsonl":
        lines = [
            {"id": key, "language": "en", "question": "Why?", "answer": said} for key, said in [("a", huge), ("b", ".")]
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
    else:
        cells = [("id", "question", "answer"), ("a", "Why?", huge), ("b", "Why?", "So.")]
        rows = ["".join(f"<c t='inlineStr'><is><t>{said}</t></is></c>" for said in row) for row in cells]
        held = "".join(f"<row>{row}</row>" for row in rows)
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        sheet = f'<worksheet xmlns="{main}"><sheetData>{held}</sheetData></worksheet>'
        workbook(path, sheet1=sheet.encode())
    gathered = read(path)
    assert len(gathered.problems) == 1
    assert "at most 10000" in gathered.problems[0] or "longer than 4 MB" in gathered.problems[0]
    assert [article.id for article in gathered.articles] == ["b"]


def test_nul_and_other_controls_are_refused_by_field(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_bytes(b"id,language,question,answer\na,en,Why?,x\x00y\nb,en,W\x1bhy?,x\n")
    assert read(path).problems == [
        f"{path}:2: answer: must not hold the character U+0000",
        f"{path}:3: question: must not hold the character U+001B",
    ]


@given(st.text(st.sampled_from("<>/abpliscrt &;!-='\"\n#x1"), max_size=200))
def test_html_becomes_text_that_holds_no_element_it_did_not_escape(text: str) -> None:
    assert "<script" not in plain(f"{text}<script>alert(1)</script><p>x</p>").lower() or "&lt;" in text or "<" in text
    assert plain(f"<p>{'a'}</p><script>{text.replace('<', '')}</script>") == "a"


def test_links_to_scripts_and_handlers_are_gone() -> None:
    hostile = (
        '<a href="java&#10;script:alert(1)">a</a> <a href=" JaVaScRiPt:alert(1)">b</a> <a href="data:text/html,x">c</a> '
        '<a href="//evil.example/x">d</a> <img src=x onerror=alert(1)> <svg><script>alert(1)</script></svg>'
        '<iframe src="https://evil.example"></iframe><p onclick="x()">e</p><a href="https://ok.example/?a=1&amp;b=2">f</a>'
    )
    assert plain(hostile) == "a b c d\n\ne\n\nf (https://ok.example/?a=1&b=2)"


@pytest.mark.parametrize(
    "piece", ["<div>", "<b><p>", "<!--", "<!", "<a ", "&", "</", "<?", "<svg>", "<![CDATA[", "<table><td>"]
)
def test_html_made_to_be_slow_is_not(piece: str) -> None:
    started = time.perf_counter()
    try:
        plain(piece * (490_000 // len(piece)))
    except ValueError as problem:
        assert "nested deeper" in str(problem)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("name", ["b.csv", "b.xlsx"])
def test_no_exported_cell_is_a_formula(tmp_path: Path, name: str) -> None:
    starts = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'=1", "''", "'x", "|x", "%0A", "＝1"]
    article = checked(
        {"id": "=1", "category": "@x", "languages": {"en": {"question": "=q", "variants": starts, "answer": starts[0]}}}
    )
    assert write_base(tmp_path / name, None, [article]) == 1
    if name == "b.csv":
        import csv

        cells = [cell for row in csv.reader((tmp_path / name).open(encoding="utf-8-sig")) for cell in row]
    else:
        sheet = openpyxl.load_workbook(tmp_path / name).active
        cells = [str(cell.value or "") for row in sheet for cell in row]  # type: ignore[union-attr]
        assert all(cell.data_type != "f" for row in sheet for cell in row)  # type: ignore[union-attr]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "|", "%", "＝"))]
    assert read(tmp_path / name).articles == [article]


def test_phrasings_longer_than_a_cell_go_on_in_further_columns(tmp_path: Path) -> None:
    variants = [f"{n} " + "x" * 1900 for n in range(60)]
    article = checked(
        {"id": "a", "languages": {"en": {"question": "q", "variants": variants, "answer": "_x000D_ \uffff"}}}
    )
    write_base(tmp_path / "b.xlsx", None, [article])
    assert read(tmp_path / "b.xlsx").articles == [article]
