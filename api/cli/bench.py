"""`odzew bench NAME`: ours beside the peers a user would otherwise pick, measured in one run, one table each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.frame import BadInput, CheckFailed, Json, answer, progress, table
from api.migrate import upgrade
from knowledge.database import Database
from knowledge.settings import Settings
from training.evaluate.side_by_side import SideBySide, compare_intents, compare_retrieval
from training.searching.bench import COLUMNS, SMALLEST, SYSTEMS, BenchFailed, compare_search
from training.searching.peers import NoPeers, peers_interpreter

_Compare = Callable[[Path, Path, Callable[[int, int], None]], SideBySide]

BENCHES: dict[str, _Compare] = {"retrieval": compare_retrieval, "train": compare_intents}


def bench(
    name: Annotated[str, typer.Argument(help="retrieval, train (learning intents), or search (speed beside peers)")],
    base: Annotated[
        Path | None, typer.Option("--knowledge", "--train", help="what is learned from, JSON Lines")
    ] = None,
    queries: Annotated[Path | None, typer.Option("--queries", "--test", help="what is asked, JSON Lines")] = None,
    phrasings: Annotated[str, typer.Option(help="search: how large the made-up bases are")] = "10000,100000",
    systems: Annotated[str, typer.Option(help="search: which systems")] = ",".join(SYSTEMS),
    python: Annotated[Path | None, typer.Option(help="search: an interpreter that has the peers already")] = None,
    as_json: Json = False,
) -> None:
    """Measure ours beside its peers: on files of yours, or (search) on made-up bases."""
    if name == "search":
        _search(phrasings, systems, python, as_json)
        return
    if name not in BENCHES:
        raise BadInput(f"there is no benchmark {name!r}; there are {', '.join((*BENCHES, 'search'))}")
    if base is None or queries is None:
        raise BadInput(f"bench {name} needs two files: --knowledge and --queries, or --train and --test")
    with progress(name) as count:
        made = BENCHES[name](base, queries, count)
    rows: list[dict[str, Any]] = made.rows
    data = {"bench": name, "rows": rows}
    answer(as_json, data, lambda: table(name, made.columns, [list(row.values()) for row in rows]))


def _search(phrasings: str, systems: str, python: Path | None, as_json: bool) -> None:
    chosen = systems.split(",")
    unknown = [system for system in chosen if system not in SYSTEMS]
    if unknown:
        raise BadInput(f"there is no system {unknown[0]!r}; there are {', '.join(SYSTEMS)}")
    try:
        sizes = [int(size) for size in phrasings.split(",")]
    except ValueError:
        raise BadInput(f"--phrasings takes numbers with commas between, not {phrasings!r}") from None
    if min(sizes) < SMALLEST:
        raise BadInput(f"--phrasings: at least {SMALLEST}, so that every language has enough to find")
    folder = Settings.load().home.resolve() / "bench"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        # Ours alone needs no peers.
        peers = python or (Path(sys.executable) if chosen == ["odzew"] else peers_interpreter(folder))
        with progress("search") as count:
            rows = compare_search(sizes, peers, folder, count, chosen, make_database=_empty_database)
    except (BenchFailed, NoPeers) as problem:
        raise CheckFailed(str(problem)) from problem
    answer(
        as_json,
        {"bench": "search", "rows": rows},
        lambda: table("search", list(COLUMNS), [[row[column] for column in COLUMNS] for row in rows]),
    )


def _empty_database(path: Path) -> None:
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()  # the last connection to close folds the write-ahead log into the file
