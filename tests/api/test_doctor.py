"""The doctor names what is missing, changes nothing, and keeps the exit status for what stops the main job."""

from __future__ import annotations

import http.server
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api import doctor
from api.doctor import Check, diagnose, exit_status
from api.home import hold_home, note_address
from api.migrate import upgrade
from knowledge.database import Database
from knowledge.index.phrasing_index import PhrasingIndex
from knowledge.large import NAME_FILE, ending_in
from knowledge.settings import Settings
from tests.knowledge.index.bases import SOURCE, fill

Look = Callable[..., dict[str, Check]]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ODZEW_")]:
        monkeypatch.delenv(name)

    def diagnosed(**given: object) -> dict[str, Check]:
        settings = Settings.load(**({"home": tmp_path / "home", "port": _free_port(), "rasa": "off"} | given))
        return {check.name: check for check in diagnose(settings)}

    return diagnosed


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with a migrated, empty database."""
    folder = tmp_path / "home"
    database = Database(f"sqlite:///{folder}/odzew.db")
    upgrade(database)
    database.close()
    return folder


@pytest.fixture
def web() -> Iterator[int]:
    """A server that answers everything with 200; its port."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_fresh_folder_can_work_and_nothing_is_made_in_it(look: Look, tmp_path: Path) -> None:
    checks = look()
    assert exit_status(list(checks.values())) == 0, checks
    assert checks["database"].state == "missing"
    assert checks["knowledge"].state == "missing"
    assert {checks[name].state for name in ("web", "worker", "publisher")} == {"missing"}
    assert {checks[name].state for name in ("python", "encoder", "spacy")} == {"ok"}
    assert not (tmp_path / "home").exists()


def test_a_migrated_database_is_ok_and_its_knowledge_is_counted(look: Look, home: Path) -> None:
    checks = look()
    assert checks["database"].state == "ok"
    assert checks["knowledge"] == Check("knowledge", "missing", "0 articles, 0 phrasings, 0 vectors")


def test_a_database_that_does_not_answer_fails_without_its_password(look: Look) -> None:
    checks = look(database_url=f"postgresql://user:hunter2@127.0.0.1:{_free_port()}/odzew")
    assert checks["database"].state == "failed"
    assert exit_status(list(checks.values())) == 1
    assert "hunter2" not in str(checks)


def test_a_damaged_database_fails(look: Look, home: Path) -> None:
    (home / "odzew.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    assert look()["database"].state == "failed"


def test_an_unreachable_redis_is_degraded_and_quickly_so(look: Look) -> None:
    started = time.monotonic()
    checks = look(redis_url=f"redis://:hunter2@127.0.0.1:{_free_port()}/0")
    assert checks["redis"].state == "degraded"
    assert exit_status(list(checks.values())) == 0
    assert "hunter2" not in str(checks)
    assert time.monotonic() - started < 10


def test_a_frozen_redis_is_degraded(look: Look) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert look(redis_url=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")["redis"].state == "degraded"


def test_a_rasa_that_does_not_answer_is_degraded(look: Look) -> None:
    checks = look(rasa="auto", rasa_url=f"http://127.0.0.1:{_free_port()}")
    assert checks["rasa"].state == "degraded"
    assert exit_status(list(checks.values())) == 0


def test_while_it_runs_a_silent_worker_fails(look: Look, home: Path, web: int) -> None:
    (home / "run").mkdir()
    (home / "run" / "publisher.beat").touch()
    with hold_home(home):
        assert look(port=web)["worker"] == Check("worker", "degraded", "loading")
        (home / "run" / "worker.beat").touch()
        assert {look(port=web)[name].state for name in ("web", "worker", "publisher")} == {"ok"}
        os.utime(home / "odzew.lock", (time.time() - 90,) * 2)
        os.utime(home / "run" / "worker.beat", (time.time() - 60,) * 2)
        checks = look(port=web)
    assert checks["worker"].state == "failed"
    assert "silent for 60 s" in checks["worker"].detail
    assert exit_status(list(checks.values())) == 1


def test_while_it_runs_a_web_that_does_not_answer_fails(look: Look, home: Path) -> None:
    with hold_home(home):
        assert look()["web"].state == "failed"


def test_it_looks_where_the_running_product_listens_not_where_one_would_by_default(
    look: Look, home: Path, web: int
) -> None:
    with hold_home(home):
        note_address(home, "127.0.0.1", web)
        found = look()["web"]
    assert (found.state, found.detail) == ("ok", f"answers at 127.0.0.1:{web}")
    assert look()["web"].state == "missing"


@pytest.mark.slow  # imports torch
def test_an_unknown_encoder_is_told_when_looked_at_deeply(tmp_path: Path) -> None:
    settings = Settings.load(home=tmp_path, embedding_model=str(tmp_path / "no-such-model"), rasa="off")
    checks = {check.name: check for check in diagnose(settings, deep=True)}
    assert checks["encoder"].state == "failed"


def test_one_broken_check_does_not_hide_the_others(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks() -> Check:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(doctor, "check_spacy", breaks)
    checks = look()
    assert checks["spacy"].state == "failed"
    assert "on fire" in checks["spacy"].detail
    assert checks["python"].state == "ok"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_damaged_index_is_named(look: Look, home: Path) -> None:
    assert look()["index"].state == "missing"
    folder, database = home / "index", Database(f"sqlite:///{home}/odzew.db")
    folder.mkdir()
    (folder / NAME_FILE).write_text("here", encoding="ascii")
    fill(database, 5)
    PhrasingIndex(database, replace(SOURCE, space=f"made-up{ending_in(folder)}"), folder)
    database.close()
    assert look()["index"].state == "ok"
    codes = next(folder.glob("*/gen-*/codes.faiss"))
    raw = bytearray(codes.read_bytes())
    raw[-1] ^= 1
    codes.write_bytes(raw)
    found = look()["index"]
    assert (found.state, "codes.faiss" in found.detail) == ("degraded", True)
