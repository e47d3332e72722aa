"""Redis makes things quicker and nothing more: killed or frozen at any moment, everything still works."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import redis

from api import live
from api.channels.signature import HEADER, sign
from api.live import Nudge
from api.tables import Message
from api.web import create_app
from api.workspace import Workspace
from knowledge.settings import Settings
from tests.fixtures.network import SECRET
from tests.fixtures.redis import RedisServer
from tests.fixtures.story import Story
from tests.fixtures.workspace import MakeChannel, People, Visitor

PATIENCE: Final = 0.8
"""The longest that one call may take while Redis is silent: the time-out of 0.25 s twice, and a busy machine."""


@pytest.fixture
def database_url(home: Path, sqlite_template: Path) -> str:
    """SQLite alone: what is proved here does not depend on the database."""
    shutil.copyfile(sqlite_template, home / "odzew.db")
    return f"sqlite:///{home / 'odzew.db'}"


@pytest.fixture
def settings(home: Path, database_url: str, redis_server: RedisServer) -> Settings:
    """As for every workspace, but with a Redis that can be killed."""
    return Settings.load(
        home=home, database_url=database_url, undo_seconds=0, rasa="off", redis_url=redis_server.url,
        login_limit="10000 per minute", _env_file=None,
    )  # fmt: skip


@pytest.fixture
def nudge(redis_server: RedisServer) -> Iterator[Nudge]:
    made = Nudge(redis_server.url)
    yield made
    made.close()


@pytest.fixture
def net(workspace: Workspace, people: People, make_channel: MakeChannel) -> Visitor:
    make_channel()
    app = create_app(workspace)
    app.test_client_class = Visitor
    client = app.test_client()
    assert isinstance(client, Visitor)
    return client


def deliver(client: Visitor, number: int) -> int:
    raw = json.dumps({
        "event_id": f"e{number}", "type": "created", "conversation": "t", "public": True,
        "message": {"id": f"m{number}", "author": {"id": "ola"}, "text": "hello"},
    }).encode()  # fmt: skip
    started = time.perf_counter()
    status = client.post("/webhooks/net", data=raw, headers={HEADER: sign(raw, SECRET)}).status_code
    assert time.perf_counter() - started < PATIENCE * 2, "two nudges a delivery"
    return status


def test_a_nudge_wakes_a_sleeper_at_once(nudge: Nudge, redis_server: RedisServer) -> None:
    other = Nudge(redis_server.url)
    woken: list[float] = []
    started = time.perf_counter()
    sleeper = threading.Thread(target=lambda: (nudge.wait("work", 10), woken.append(time.perf_counter() - started)))
    sleeper.start()
    time.sleep(0.3)
    other.send("work")
    sleeper.join(5)
    other.close()
    assert woken
    assert woken[0] < 3


def test_a_sleeper_does_not_take_a_short_stall_for_a_dead_redis(nudge: Nudge, redis_server: RedisServer) -> None:
    nudge.send("work")
    stall = threading.Thread(target=lambda: (redis_server.freeze(), time.sleep(0.4), redis_server.thaw()))
    stall.start()
    nudge.wait("work", 0.6)
    stall.join()
    assert nudge.alive


def test_a_sleeper_finds_out_that_redis_is_dead(nudge: Nudge, redis_server: RedisServer) -> None:
    nudge.send("work")
    redis_server.freeze()
    started = time.perf_counter()
    nudge.wait("work", 0.5)
    assert 0.5 <= time.perf_counter() - started < 2.5
    assert not nudge.alive
    redis_server.thaw()


@pytest.mark.parametrize("end", ["kill", "freeze"])
def test_no_call_waits_for_a_dead_redis(nudge: Nudge, redis_server: RedisServer, end: str) -> None:
    nudge.send("work")
    getattr(redis_server, end)()
    for _ in range(3):
        started = time.perf_counter()
        nudge.send("work")
        assert time.perf_counter() - started < PATIENCE
    assert not nudge.alive
    started = time.perf_counter()
    nudge.wait("work", 0.2)
    assert 0.19 < time.perf_counter() - started < PATIENCE
    redis_server.revive()


def test_a_redis_that_comes_back_is_used_again(
    nudge: Nudge, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.2)
    redis_server.kill()
    nudge.send("work")
    assert not nudge.alive
    redis_server.start()
    time.sleep(0.25)
    nudge.send("work")
    assert nudge.alive
    assert redis.Redis.from_url(redis_server.url).xlen(live.STREAM + "work") == 1


def test_a_flushed_redis_loses_nothing(story: Story, redis_server: RedisServer) -> None:
    message = story.writes()
    redis.Redis.from_url(redis_server.url).flushall()
    assert story.prepares() == 1
    assert story.case(message).state == "needs_reply"


@pytest.mark.parametrize("end", ["kill", "freeze"])
def test_intake_stays_open_and_a_person_can_still_decide(
    net: Visitor, workspace: Workspace, people: People, redis_server: RedisServer, end: str
) -> None:
    net.log_in("agata")
    assert deliver(net, 0) == 202
    getattr(redis_server, end)()
    assert [deliver(net, number) for number in range(1, 45)] == [202] * 44, "no limit of the fallback hits intake"
    started = time.perf_counter()
    assert net.get("/api/cases").status_code == 200
    assert net.get("/readyz").get_json()["degraded"] == ["redis"]
    assert net.post("/api/cases/1/claim").status_code == 200
    net.log_in("besnik")
    assert time.perf_counter() - started < 4 * PATIENCE
    redis_server.revive()
    assert deliver(net, 99) == 202
    with workspace.database.read() as session:
        assert session.query(Message).count() == 46


@pytest.mark.parametrize("end", ["kill", "freeze"])
def test_log_ins_stay_limited_without_redis(
    workspace: Workspace, people: People, redis_server: RedisServer, end: str
) -> None:
    limited = workspace.settings.model_copy(update={"login_limit": "3 per minute"})
    client = create_app(replace(workspace, settings=limited)).test_client()
    wrong = {"login": "nobody", "password": "wrong password"}
    assert client.post("/api/login", json=wrong).status_code == 401
    getattr(redis_server, end)()
    statuses = []
    for _ in range(5):
        started = time.perf_counter()
        statuses.append(client.post("/api/login", json=wrong).status_code)
        assert time.perf_counter() - started < PATIENCE + 2, "checking a password takes its time too"
    assert statuses[0] == 401
    assert statuses[3:] == [429, 429], "the limit holds, and is never open"
    redis_server.revive()
