"""One running workspace: its settings, database, audit trail and the desk where decisions are made."""

from __future__ import annotations

from dataclasses import dataclass

from api.decide import Desk
from api.history import AuditTrail
from api.live import Nudge
from knowledge.database import Database
from knowledge.settings import Settings


@dataclass(frozen=True)
class Workspace:
    """What every process of the product opens first."""

    settings: Settings
    database: Database
    trail: AuditTrail
    desk: Desk
    nudge: Nudge

    @classmethod
    def open(cls, settings: Settings) -> Workspace:
        """Open the workspace of these settings. The database must have been migrated."""
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = Database(settings.database)
        trail = AuditTrail(settings.secret("audit.key"))
        desk = Desk(database, trail, settings.undo_seconds)
        return cls(settings, database, trail, desk, Nudge(settings.redis_url))

    def close(self) -> None:
        self.nudge.close()
        self.database.close()
