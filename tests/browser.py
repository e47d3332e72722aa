"""The browser of the tests: the system's Chromium, or Playwright's own. `python -m tests.browser` prints its path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
LACKING: Final = "no Chromium that runs on this machine: install chromium, or run scripts/browser.sh"


@dataclass(frozen=True, slots=True)
class Browser:
    """An executable of the Chromium family and the arguments it needs here."""

    executable: str
    args: tuple[str, ...]


@cache
def find_browser() -> Browser | None:
    """The first browser that runs, or None."""
    for candidate in (*_on_path(), *_of_playwright()):
        if _runs(candidate):
            return Browser(candidate, _arguments())
    return None


def require_browser() -> Browser:
    """A browser for this test. Without one the test fails where CI is set, and is skipped elsewhere."""
    browser = find_browser()
    if browser is not None:
        return browser
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(LACKING, pytrace=False)
    pytest.skip(LACKING)


def _arguments() -> tuple[str, ...]:
    # Chromium refuses its sandbox to root, and a container's /dev/shm is often too small for it.
    return ("--disable-dev-shm-usage", *(("--no-sandbox",) if os.geteuid() == 0 else ()))


def _on_path() -> list[str]:
    return [path for name in NAMES if (path := shutil.which(name))]


def _of_playwright() -> list[str]:
    root = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    found = [
        path
        for pattern in ("chromium_headless_shell-*/*/*headless*shell", "chromium-*/*/chrome")
        for path in root.glob(pattern)
    ]
    return [str(path) for path in sorted(found, reverse=True) if path.is_file()]


def _runs(executable: str) -> bool:
    # A downloaded browser may lack the system's libraries; only running it tells.
    try:
        outcome = subprocess.run([executable, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return outcome.returncode == 0


if __name__ == "__main__":
    there = find_browser()
    if there is None:
        sys.exit(LACKING)
    print(there.executable)
