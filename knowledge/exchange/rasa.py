"""Rasa: `nlu.yml` with the responses of its retrieval intents, in and out.

`faq/late-fee` with `utter_faq/late-fee` is the article `late-fee`. Languages are told by the metadata of examples
and by the condition on a slot `language` of responses, where given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from knowledge.article_text import ArticleText
from knowledge.exchange.encoding import decoded
from knowledge.exchange.names import language_of
from knowledge.exchange.records import Place, Reading, Row, Rows
from knowledge.exchange.source import Source
from knowledge.files import FileProblem
from knowledge.languages import LANGUAGES
from knowledge.yaml_files import dump_yaml, line_at, load_yaml

MAX_BYTES: Final = 32 * 1024 * 1024
GROUP: Final = "faq"
_ENTITY: Final = re.compile(r"\[([^\[\]]*)\](?:\([^()]*\)|\{[^{}]*\})")
_BECOMES_ENTITY: Final = re.compile(r"\](?=[({])")


@dataclass(slots=True)
class _Intent:
    place: Place
    examples: dict[str, list[str]] = field(default_factory=dict)
    category: str = ""
    question: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Bot:
    intents: dict[str, _Intent] = field(default_factory=dict)
    responses: dict[str, tuple[Place, list[Any]]] = field(default_factory=dict)
    left: list[Row] = field(default_factory=list)


def is_rasa(text: str) -> bool:
    """Whether a YAML file looks like training data or a domain of Rasa's."""
    return bool(re.search(r"^(?:nlu|responses):", text, re.MULTILINE))


def read_rasa(source: Source, reading: Reading) -> Rows:
    """One row per intent and language. Intents without a response, and responses without examples, are left out."""
    bot = _Bot()
    for member in source.having(".yml", ".yaml") or source.members:
        text = decoded(member.path, member.read(MAX_BYTES), reading)
        if is_rasa(text):
            _gather(bot, member.path, text)
        else:
            bot.left.append(Row(Place(member.shown), None, skipped="holds neither nlu nor responses"))
    yield from bot.left
    for name, intent in bot.intents.items():
        yield from _rows(name, intent, bot.responses.pop(f"utter_{name}", None), reading)
    for name, (place, _) in bot.responses.items():
        yield Row(place, None, skipped=f"{name}: there are no examples for it")


def write_rasa(path: Path, articles: Iterable[ArticleText]) -> int:
    """Write one file with examples and responses; returns how many articles have an answer, and so are in it."""
    nlu, responses = [], {}
    for article in articles:
        said = {language: article.languages[language] for language in LANGUAGES if language in article.languages}
        texts = [
            {"text": one.answer, "condition": [{"type": "slot", "name": "language", "value": language}]}
            for language, one in said.items()
            if one.answer
        ]
        if not texts:
            continue
        examples = [
            {"text": f"{_quiet(phrasing)}\n", "metadata": {"language": language}}
            for language, one in said.items()
            if one.answer
            for phrasing in one.phrasings
        ]
        name = f"{GROUP}/{article.id}"
        about = {"metadata": {"category": article.category}} if article.category else {}
        nlu.append({"intent": name, **about, "examples": examples})
        responses[f"utter_{name}"] = texts
    path.write_text(dump_yaml({"version": "3.1", "nlu": nlu, "responses": responses}), encoding="utf-8", newline="\n")
    return len(nlu)


def _gather(bot: _Bot, path: Path, text: str) -> None:
    data, root = load_yaml(path, text)
    if not isinstance(data, dict):
        raise FileProblem(path, 1, "is no training data of Rasa's")
    nlu = data.get("nlu") or []
    for at, one in enumerate(nlu if isinstance(nlu, list) else []):
        place = Place(str(path), line_at(root, ("nlu", at)))
        if not isinstance(one, dict) or not isinstance(one.get("intent"), str):
            kind = next(iter(one), "") if isinstance(one, dict) else ""
            bot.left.append(Row(place, None, skipped=f"{kind or 'this'}: is no intent"))
            continue
        intent = bot.intents.setdefault(one["intent"], _Intent(place))
        metadata = one.get("metadata")
        about = metadata if isinstance(metadata, dict) else {}
        intent.category = intent.category or str(about.get("category") or "")
        _examples(intent, one.get("examples"), str(about.get("language") or ""))
    responses = data.get("responses") or {}
    for name, texts in responses.items() if isinstance(responses, dict) else ():
        place = Place(str(path), _key_line(root, str(name)))
        bot.responses[str(name)] = (place, texts if isinstance(texts, list) else [texts])


def _examples(intent: _Intent, given: Any, language: str) -> None:
    if isinstance(given, str):
        lines = (line.strip() for line in given.split("\n"))
        found = [(line[1:].strip(), language) for line in lines if line.startswith("-")]
    else:
        found = []
        for one in given if isinstance(given, list) else []:
            held = one if isinstance(one, dict) else {"text": one}
            about = held.get("metadata") if isinstance(held.get("metadata"), dict) else {}
            found.append((str(held.get("text") or "").strip(), str((about or {}).get("language") or language)))
    for text, spoken in found:
        if text:
            intent.examples.setdefault(spoken, []).append(_ENTITY.sub(r"\1", text))


def _rows(name: str, intent: _Intent, response: tuple[Place, list[Any]] | None, reading: Reading) -> Rows:
    group, _, leaf = name.partition("/")
    if response is None:
        yield Row(intent.place, None, skipped=f"intent {name}: there is no response utter_{name}")
        return
    answers = _answers(name, response[1], reading)
    given: dict[str, Any] = {
        "id": (leaf if group == GROUP and leaf else name).replace("/", "-"),
        "category": intent.category or (group if leaf and group != GROUP else ""),
    }
    if not answers:
        yield Row(response[0], given, skipped=f"utter_{name} has no text")
        return
    for spoken in dict.fromkeys([*intent.examples, *answers]):
        examples = intent.examples.get(spoken)
        answer = answers.get(spoken) or (answers.get("", "") if len(answers) == 1 else "")
        place = Place(intent.place.file, intent.place.line, item=":".join(part for part in (name, spoken) if part))
        row = {**given, **({"language": language_of(spoken) or spoken} if spoken else {})}
        if not examples:
            if spoken or "" not in answers or not intent.examples:
                yield Row(place, row, skipped=f"intent {name}: no examples in this language")
            continue
        yield Row(place, {**row, "question": examples[0], "variants": examples[1:], "answer": answer})


def _answers(name: str, texts: list[Any], reading: Reading) -> dict[str, str]:
    """The text for each language, "" where none is said; of several for one language, the first."""
    answers: dict[str, str] = {}
    for one in texts:
        if not isinstance(one, dict) or not isinstance(one.get("text"), str):
            reading.remark(f"utter_{name}: a response without a text is left out")
            continue
        if one.get("channel"):
            reading.remark(f"utter_{name}: the text for the channel {one['channel']} is left out")
            continue
        lost = sorted({"buttons", "image", "custom", "attachment", "quick_replies"} & one.keys())
        if lost:
            reading.remark(f"utter_{name}: {', '.join(lost)} are left out")
        spoken = _spoken(one)
        if spoken in answers:
            reading.remark(f"utter_{name}: it has several texts; the first one is taken")
        answers.setdefault(spoken, one["text"])
        translations = one.get("translation")
        for language, text in translations.items() if isinstance(translations, dict) else ():
            answers.setdefault(str(language), str(text))
    return answers


def _spoken(response: dict[str, Any]) -> str:
    conditions = response.get("condition")
    for one in conditions if isinstance(conditions, list) else []:
        if isinstance(one, dict) and str(one.get("name")).lower() in ("language", "lang", "locale"):
            return str(one.get("value") or "")
    metadata = response.get("metadata")
    about = metadata if isinstance(metadata, dict) else {}
    return str(response.get("language") or about.get("language") or "")


def _quiet(phrasing: str) -> str:
    """A phrasing that Rasa takes as it stands: its brackets mark no entity."""
    return _BECOMES_ENTITY.sub("] ", phrasing)


def _key_line(root: yaml.Node | None, name: str) -> int | None:
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            if key.value == "responses" and isinstance(value, yaml.MappingNode):
                return next((int(k.start_mark.line) + 1 for k, _ in value.value if k.value == name), None)
    return None
