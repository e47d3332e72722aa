"""What every test can ask for: see `tests/fixtures`."""

from __future__ import annotations

import os

import pytest
import structlog
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.fixtures.database",
    "tests.fixtures.network",
    "tests.fixtures.redis",
    "tests.fixtures.workspace",
    "tests.fixtures.story",
    "tests.fixtures.lines",
    "tests.fixtures.running",
    "tests.fixtures.processes",
]

# structlog's own default draws every traceback with its local variables, which takes a second each.
structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])

# Examples share a test's database on purpose, and a busy machine is no finding.
settings.register_profile(
    "odzew",
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("odzew")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests must not change what they prove."""
    for name in [name for name in os.environ if name.startswith("ODZEW_")]:
        monkeypatch.delenv(name)
