"""A wrong value stops the start and names its variable; nothing secret is shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knowledge.settings import Settings, WrongSettings

EXAMPLE = Path(__file__).parents[1] / ".env.example"


@pytest.fixture(autouse=True)
def _no_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ODZEW_PORT", "eighty"),
        ("ODZEW_PORT", "0"),
        ("ODZEW_PORT", "70000"),
        ("ODZEW_DATABASE_URL", "mysql://somewhere/odzew"),
        ("ODZEW_REDIS_URL", "localhost:6379"),
        ("ODZEW_RASA", "sometimes"),
        ("ODZEW_DRAFT_THRESHOLD", "1.5"),
        ("ODZEW_STOP_SECONDS", "-1"),
        ("ODZEW_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(WrongSettings) as wrong:
        Settings.load()
    assert str(wrong.value).startswith(f"{variable}: ")
    assert "\n" not in str(wrong.value)


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODZEW_PORT", "x")
    monkeypatch.setenv("ODZEW_THREADS", "1")
    with pytest.raises(WrongSettings, match=r"ODZEW_PORT: .*; ODZEW_THREADS: "):
        Settings.load()


def test_a_password_in_a_wrong_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODZEW_DATABASE_URL", "mysql://user:hunter2@somewhere/odzew")
    with pytest.raises(WrongSettings) as wrong:
        Settings.load()
    assert "hunter2" not in str(wrong.value)


def test_the_example_names_every_setting_with_its_default() -> None:
    rows = re.findall(r"^# ?(ODZEW_[A-Z_]+)=(.*)$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    given = dict(rows)
    defaults = {f"ODZEW_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    secret = {"ODZEW_RASA_TOKEN"}
    for_the_set_up = {"ODZEW_PYTHON", "ODZEW_RASA_PYTHON", "ODZEW_UV", "ODZEW_RASA_MEMORY_MB"}
    assert given.keys() - for_the_set_up == defaults.keys()
    for variable, default in defaults.items():
        shown = "" if variable in secret else str(default).lower() if isinstance(default, bool) else str(default)
        assert given[variable] == shown, variable
