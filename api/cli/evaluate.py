"""`odzew evaluate ...`: works on files alone, with the real models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from api.cli.frame import Json, answer, progress, table
from training.evaluate.abstention import evaluate_abstention
from training.evaluate.intents import evaluate_intents
from training.evaluate.language import evaluate_language
from training.evaluate.retrieval import evaluate_retrieval

app = typer.Typer(help="Measure on files of your own.", no_args_is_help=True)

Knowledge = Annotated[Path, typer.Option("--knowledge", help="articles, JSON Lines")]
Queries = Annotated[Path, typer.Option("--queries", help="questions with their articles, JSON Lines")]


@app.command()
def retrieval(knowledge: Knowledge, queries: Queries, as_json: Json = False) -> None:
    """How often the right article is found first."""
    with progress("evaluating") as count:
        data = evaluate_retrieval(knowledge, queries, count)
    answer(as_json, data, lambda: _show(data))


@app.command()
def intents(
    train: Annotated[Path, typer.Option("--train")],
    test: Annotated[Path, typer.Option("--test")],
    engine: Annotated[Literal["head", "rasa"], typer.Option(help="the in-process head, or Rasa")] = "head",
    as_json: Json = False,
) -> None:
    """How well intents are learned from one file and named in another."""
    with progress("evaluating") as count:
        data = evaluate_intents(train, test, engine, count)
    answer(as_json, data, lambda: _show(data))


@app.command()
def abstention(
    knowledge: Knowledge,
    queries: Queries,
    out_of_scope: Annotated[Path, typer.Option("--out-of-scope", help="questions no article answers")],
    as_json: Json = False,
) -> None:
    """How well it knows what it does not know."""
    with progress("evaluating") as count:
        data = evaluate_abstention(knowledge, queries, out_of_scope, count)
    answer(as_json, data, lambda: _show(data))


@app.command()
def language(file: Annotated[Path, typer.Option("--file")], as_json: Json = False) -> None:
    """How often the language is told right."""
    with progress("evaluating") as count:
        data = evaluate_language(file, count)
    answer(as_json, data, lambda: _show(data))


def _show(data: dict[str, Any]) -> None:
    plain = [(name, _cell(value)) for name, value in data.items() if not isinstance(value, dict)]
    table("", ["figure", "value"], plain)
    for name, value in data.items():
        if isinstance(value, dict):
            table(name, ["", ""], [(key, _cell(inner)) for key, inner in value.items()])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(inner)}" for key, inner in value.items())
    return str(value)
