"""Signs of life: each process touches a file while it works."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

BEAT_SECONDS: Final = 2.0


class Beat:
    """A file whose time says "alive a moment ago"; `odzew doctor` reads it."""

    def __init__(self, home: Path, name: str) -> None:
        self._path = home / "run" / f"{name}.beat"
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._last = float("-inf")

    def mark(self) -> None:
        """Say "alive", at most every two seconds."""
        if time.monotonic() - self._last >= BEAT_SECONDS:
            self._path.write_text(str(os.getpid()), encoding="ascii")
            self._last = time.monotonic()
