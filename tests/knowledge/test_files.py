from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.files import FileProblem, read_intents, read_knowledge, read_languages, read_queries


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def test_a_good_knowledge_file(file: Path) -> None:
    file.write_bytes(
        "\ufeff".encode()
        + b'{"id": "a1", "language": "pl", "question": " Gdzie? ", "variants": ["Gdzie?", "Kiedy?"]}\r\n\n'
        + b'{"id": "a1", "language": "en", "question": "Where?", "answer": "Here.", "more": 1}'
    )
    first, second = read_knowledge(file)
    assert first.phrasings() == ("Gdzie?", "Kiedy?")
    assert first.answer == ""
    assert second.answer == "Here."


def test_the_other_formats(file: Path) -> None:
    file.write_text('{"text": "ciao", "language": "it", "article": null}\n', "utf-8")
    assert read_queries(file)[0].article is None
    file.write_text('{"text": "ciao", "language": "it", "label": "greeting"}\n', "utf-8")
    assert read_intents(file)[0].label == "greeting"
    file.write_text('{"text": "hallo", "language": "other"}\n', "utf-8")
    assert read_languages(file)[0].language == "other"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Invalid JSON"),
        ("[1]", "object"),
        ('{"id": "a", "language": "pl"}', "question: Field required"),
        ('{"id": 7, "language": "pl", "question": "q"}', "id: Input should be a valid string (it is 7)"),
        ('{"id": "a", "language": "Polish", "question": "q"}', "language: String should match pattern"),
        ('{"id": "a", "language": "pl", "question": "  "}', "question: String should have at least 1 character"),
        ('{"id": "a", "language": "pl", "question": "q", "variants": "x"}', "variants"),
        ('{"id": "ok", "language": "pl", "question": "q"}', "article 'ok' in 'pl' is already on line 1"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(file: Path, line: str, said: str) -> None:
    file.write_text(f'{{"id": "ok", "language": "pl", "question": "q"}}\n\n{line}\n', "utf-8")
    with pytest.raises(FileProblem) as caught:
        read_knowledge(file)
    assert str(caught.value).startswith(f"{file}:3: ")
    assert said in str(caught.value)


def test_files_that_cannot_be_read(file: Path, tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="No such file"):
        read_queries(file)
    with pytest.raises(FileProblem, match="directory"):
        read_queries(tmp_path)
    file.write_text("\n \n", "utf-8")
    with pytest.raises(FileProblem, match="no rows"):
        read_queries(file)
    file.write_bytes(b'{"text": "x", "language": "en", "article": null}\n{"text": "\xff"}\n')
    with pytest.raises(FileProblem, match=r":2: not UTF-8"):
        read_queries(file)
