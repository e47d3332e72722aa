"""The command line's contract: one JSON document, three exit statuses, one clear line when the input is bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from api.cli import run
from api.cli.frame import table
from api.intake import Author, ChannelEvent, MessageBody, take_in
from knowledge.database import Database
from tests.fixtures.running import odzew

Command = Callable[..., Any]


@pytest.fixture
def cli(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command with `--json` in this home and gives its document; `status=` when another is expected."""
    monkeypatch.setenv("ODZEW_HOME", str(home))
    monkeypatch.setenv("ODZEW_RASA", "off")
    monkeypatch.chdir(home)

    def command(*arguments: str, status: int = 0) -> Any:
        capsys.readouterr()
        got = run([*arguments, "--json"])
        out, err = capsys.readouterr()
        assert got == status, err
        if status == 2:
            assert out == ""
            assert err.startswith("odzew: ")
            assert err.count("\n") == 1, err
            return err
        assert out.count("\n") == 1, out
        return json.loads(out)

    return command


@pytest.fixture
def at_home(cli: Command, home: Path) -> Database:
    """The database of a workspace that the command line has made."""
    cli("users", "add", "root", "--role", "admin")
    return Database(f"sqlite:///{home / 'odzew.db'}")


def test_people_are_added_listed_and_disabled(cli: Command) -> None:
    made = cli("users", "add", "ewa", "--name", "Ewa Nowak", "--role", "agent", "--role", "trainer", "--language", "pl")
    assert (made["login"], made["roles"]) == ("ewa", ["agent", "trainer"])
    assert len(made["password"]) >= 10
    assert cli("users", "list") == [
        {"login": "ewa", "name": "Ewa Nowak", "roles": ["agent", "trainer"], "language": "pl", "disabled": False}
    ]
    assert cli("users", "disable", "ewa") == {"login": "ewa", "disabled": True}
    assert cli("users", "list")[0]["disabled"]


def test_a_token_is_shown_once_and_can_be_revoked(cli: Command) -> None:
    made = cli("tokens", "add", "metrics", "--role", "agent", "--days", "3")
    assert made["token"].startswith(made["prefix"] + ".")
    assert cli("tokens", "revoke", made["prefix"])["revoked"]
    assert cli("tokens", "list") == [{"prefix": made["prefix"], "name": "metrics", "role": "agent", "revoked": True}]


def test_a_channel_is_added_changed_and_its_secret_rotated(cli: Command, home: Path) -> None:
    first = cli("channels", "add", "shop", "--publish-url", "https://shop.example/replies", "--no-idempotent")
    second, third = cli("channels", "rotate", "shop"), cli("channels", "rotate", "shop")
    changed = cli("channels", "set", "shop", "--readback-url", "https://shop.example/look", "--no-enabled")
    assert (changed["idempotency"], changed["enabled"], changed["outlet"]) == ("none", False, "webhook")
    listed = cli("channels", "list")
    assert [row["key"] for row in listed] == ["shop"]
    assert all(one["secret"] not in json.dumps(listed) for one in (first, second, third))
    database = Database(f"sqlite:///{home / 'odzew.db'}")
    with database.read() as session:
        live = session.execute(text("SELECT secret FROM channel_secret WHERE revoked_at IS NULL ORDER BY id")).scalars()
        assert list(live) == [second["secret"], third["secret"]], "two are live, the oldest is not"
    database.close()


def test_the_audit_chain_is_verified(cli: Command, at_home: Database) -> None:
    cli("tokens", "add", "m")
    verdict = cli("audit", "verify")
    assert (verdict["ok"], verdict["links"], verdict["first_bad"]) == (True, 2, None)
    with at_home.engine.execution_options(odzew_writes=True).begin() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET actor = 'eve' WHERE seq = 2"))
    assert cli("audit", "verify", status=1)["first_bad"] == 2
    at_home.close()


def test_a_person_is_exported_and_erased(cli: Command, at_home: Database) -> None:
    cli("channels", "add", "shop")
    event = ChannelEvent(
        event_id="e", type="created", conversation="t", public=True,
        message=MessageBody(id="m", author=Author(id="ola", name="Ola Unikat"), text="my secret words"),
    )  # fmt: skip
    take_in(at_home, 1, event, b"{}")
    data = cli("privacy", "export", "1")
    assert (data["customer"]["name"], data["messages"][0]["text"]) == ("Ola Unikat", "my secret words")
    assert cli("privacy", "erase", data["customer"]["pseudonym"])["erased"]["messages"] == 1
    assert "Unikat" not in json.dumps(cli("privacy", "export", "1"))
    assert cli("audit", "verify")["ok"]
    at_home.close()


BAD: Final[tuple[tuple[str, ...], ...]] = (
    ("nonsense",), ("users",), ("users", "add"), ("users", "add", "a b"), ("users", "add", "x", "--role", "boss"),
    ("users", "add", "x", "--language", "de"), ("users", "add", "root"), ("users", "add", "x", "--team", "nobody"),
    ("users", "disable", "nobody"), ("tokens", "add", "x", "--role", "boss"), ("tokens", "add", "x", "--days", "0"),
    ("tokens", "add", ""), ("tokens", "add", "x" * 81), ("tokens", "revoke", "nobody"), ("channels", "add", "a b"), ("channels", "add", "x", "--kind", "pigeon"),
    ("channels", "add", "x", "--publish-url", "ftp://x"), ("channels", "add", "x", "--secret", "short"),
    ("channels", "set", "nowhere"), ("channels", "rotate", "nowhere"), ("privacy", "export", "999"),
    ("privacy", "erase", "c-nobody"), ("up", "--port", "0"), ("up", "--port", "99999"), ("draft",),
    ("draft", "text", "--language", "de"), ("draft", "text", "--channel", "pigeon"), ("outlook", "nowhere.json"),
    ("draft", "--conversation", "nowhere.json", "--message", "1"), ("knowledge", "import", "nowhere.jsonl"),
    ("knowledge", "search", "x", "--audience", "everybody"), ("evaluate", "language", "--file", "nowhere.jsonl"),
    ("evaluate", "retrieval", "--knowledge", "nowhere", "--queries", "nowhere"), ("models", "show", "nothing"),
    ("models", "promote", "nothing"), ("bench", "nothing"), ("train", "nothing"),
)  # fmt: skip


def test_a_long_title_over_narrow_columns_stays_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    table("ms_per_query", ["", ""], [("p50", 6), ("p99", 7)])
    assert capsys.readouterr().out.splitlines() == ["ms_per_query", "p50  6", "p99  7"]


def test_bad_input_is_one_line_and_status_two(cli: Command, at_home: Database) -> None:
    for arguments in BAD:
        assert cli(*arguments, status=2), arguments
    at_home.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "0"), ("UNDO_SECONDS", "soon"), ("DATABASE_URL", "mysql://x"), ("REDIS_URL", "http://x"), ("RASA", "on")],
)
def test_a_wrong_setting_stops_the_start_and_is_named(
    cli: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"ODZEW_{name}", value)
    assert f"ODZEW_{name}" in cli("users", "list", status=2)


def test_without_a_workspace_it_says_how_to_make_one(cli: Command, home: Path) -> None:
    for arguments in (("users", "list"), ("audit", "verify"), ("draft", "hello"), ("privacy", "export", "1")):
        assert "odzew demo" in cli(*arguments, status=2)
    assert not (home / "odzew.db").exists()


def test_the_installed_command_keeps_to_the_contract(home: Path) -> None:
    done = odzew(home, "users", "add", "ewa", "--json")
    assert (done.returncode, json.loads(done.stdout)["login"]) == (0, "ewa")
    bad = odzew(home, "users", "add", "ewa", "--json")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == "odzew: there is an account 'ewa' already\n"
