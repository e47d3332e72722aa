"""The first intent model of a workspace: trained from the shipped examples at the first start.

`python -m api.first_model` runs beside the web and the worker, which work without intents until it is in service.
"""

from __future__ import annotations

import sys

from api.lifeline import die_with_parent
from api.logs import set_up
from knowledge.database import Database
from knowledge.settings import Settings, WrongSettings


def main() -> None:
    """Train, pass the gate, promote; the supervisor notices the change and starts it."""
    die_with_parent()
    try:
        settings = Settings.load()
    except WrongSettings as wrong:
        sys.exit(str(wrong))
    set_up(settings, "first-model")
    from training.intents import ensure_model

    database = Database(settings.database)
    print("training the first intent model; the product already works without it", flush=True)
    ensure_model(database, settings.home, on_progress=_print_stage)
    database.close()


def _print_stage(stage: str, done: int, of: int) -> None:
    if done in (0, of):
        print(f"{stage} {done}/{of}", flush=True)


if __name__ == "__main__":
    main()
