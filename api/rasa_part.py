"""Rasa's part in `odzew up`: whether it can run here, the training of the first model, and the service."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from api.child_log import Say
from api.children import ChildSpec
from api.rasa_launch import RasaLauncher, environment_missing
from api.rasa_service import KIND, RasaService
from knowledge.database import Database
from knowledge.settings import Settings
from training.tables import ModelInService

FIRST_MODEL: Final = ChildSpec("first-model", (sys.executable, "-m", "api.first_model"), restart=False, shown="all")


@dataclass(frozen=True, slots=True)
class RasaPart:
    """What of Rasa runs here. `missing`: why it does not, in one line."""

    missing: str = ""
    training: tuple[ChildSpec, ...] = ()
    service: RasaService | None = None
    launcher: RasaLauncher | None = None
    database: Database | None = None

    def start(self) -> None:
        """Begin to serve; returns at once."""
        if self.service is not None:
            self.service.start()

    def stop(self, seconds: float) -> None:
        """Stop what runs or is being started."""
        if self.launcher is not None:
            self.launcher.abort()
        if self.service is not None:
            self.service.stop(seconds)
        if self.database is not None:
            self.database.close()


def choose_rasa(settings: Settings, say: Say) -> RasaPart:
    """Decide whether Rasa runs here. The database must have been migrated."""
    if settings.rasa == "off":
        return RasaPart("Rasa is switched off: going on without intents")
    if settings.rasa_url:
        return RasaPart()
    missing = environment_missing()
    if missing:
        return RasaPart(missing)
    database = Database(settings.database)
    with database.read() as session:
        untrained = session.get(ModelInService, KIND) is None
    launcher = RasaLauncher(settings.home)
    service = RasaService(database, settings.home, launcher, say)
    return RasaPart("", (FIRST_MODEL,) if untrained else (), service, launcher, database)
