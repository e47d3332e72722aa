"""The first intent model of a workspace: trained from the shipped examples at the first start.

`python -m api.first_model` runs beside the web and the worker, which work without intents until it is in service.
"""

from __future__ import annotations

import sys

from api.logs import set_up
from knowledge.database import Database
from knowledge.settings import Settings, WrongSettings


def main() -> None:
    """Train, pass the gate, promote; the supervisor notices the change and starts it."""
    try:
        settings = Settings.load()
    except WrongSettings as wrong:
        sys.exit(str(wrong))
    set_up(settings, "first-model")
    from bot.rasa_training import TrainingFailed
    from training.intents import ensure_model
    from training.runs import RunBusy

    database = Database(settings.database)
    print("training the first intent model; the product already works without it", flush=True)
    try:
        ensure_model(database, settings.home, _Stages())
    except (TrainingFailed, RunBusy) as problem:
        sys.exit(str(problem))
    finally:
        database.close()


class _Stages:
    """Prints each stage once, as it begins."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, stage: str, _done: int, of: int) -> None:
        if stage != self._last:
            self._last = stage
            print(f"{stage} ({of} to do)" if of > 1 else stage, flush=True)


if __name__ == "__main__":
    main()
