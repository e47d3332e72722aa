"""`odzew bench NAME`: ours beside the peers a user would otherwise pick, measured in one run, one table each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.frame import BadInput, Json, answer, progress, table
from training.evaluate.side_by_side import SideBySide, compare_intents, compare_retrieval

_Compare = Callable[[Path, Path, Callable[[int, int], None]], SideBySide]

BENCHES: dict[str, _Compare] = {"retrieval": compare_retrieval, "train": compare_intents}


def bench(
    name: Annotated[str, typer.Argument(help="retrieval, or train (learning intents)")],
    base: Annotated[Path, typer.Option("--knowledge", "--train", help="what is learned from, JSON Lines")],
    queries: Annotated[Path, typer.Option("--queries", "--test", help="what is asked, JSON Lines")],
    as_json: Json = False,
) -> None:
    """Measure ours beside its peers, on files of yours."""
    if name not in BENCHES:
        raise BadInput(f"there is no benchmark {name!r}; there are {', '.join(BENCHES)}")
    with progress(name) as count:
        made = BENCHES[name](base, queries, count)
    rows: list[dict[str, Any]] = made.rows
    data = {"bench": name, "rows": rows}
    answer(as_json, data, lambda: table(name, made.columns, [list(row.values()) for row in rows]))
