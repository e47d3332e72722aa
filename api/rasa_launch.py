"""Starting one Rasa for the service: a free port, a token of its own, the proof that it works."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from api.rasa_service import LaunchFailed, Model, Server

RASA_PYTHON: Final = Path(__file__).resolve().parents[1] / "bot" / "rasa" / ".venv" / "bin" / "python"


def environment_missing() -> str:
    """Why Rasa cannot run here, in one line; empty when it can."""
    if RASA_PYTHON.exists():
        return ""
    return "no Rasa environment (`make setup` builds it where Python 3.10 is found): going on without intents"


class RasaLauncher:
    """Starts models one at a time; `abort` ends a start that is under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._aborted = False

    def __call__(self, model: Model) -> Server:
        raise LaunchFailed("bot.rasa_process is not there yet")

    def abort(self) -> None:
        """Let no start go on, and allow no other."""
        with self._lock:
            self._aborted = True
