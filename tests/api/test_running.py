"""The product as a newcomer runs it: a post on the wall, a draft, a person's decision, the reply on the wall."""

from __future__ import annotations

import json
import os
import signal
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from tests.fixtures.running import Running, answers, until

pytestmark = pytest.mark.slow


class Browser:
    """A person at a running product."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self._csrf = ""

    def log_in(self, login: str) -> None:
        given = {"login": login, "password": self._running.password(login)}
        self._csrf = self.send("/api/login", given)["csrf_token"]

    def get(self, path: str) -> Any:
        with self._opener.open(self._running.url + path, timeout=20) as answer:
            return json.load(answer)

    def send(self, path: str, body: Any = None, **headers: str) -> Any:
        headers |= {"Content-Type": "application/json", "X-CSRFToken": self._csrf}
        request = Request(self._running.url + path, json.dumps(body or {}).encode(), headers)  # noqa: S310
        with self._opener.open(request, timeout=20) as answer:
            return json.load(answer)


def test_the_demo_has_six_people_who_can_log_in(running: Running) -> None:
    assert set(running.passwords) == {"agata", "besnik", "lucie", "giulia", "timur", "admin"}
    for login in running.passwords:
        Browser(running).log_in(login)


@pytest.mark.parametrize(
    ("author", "while_it_waits", "while_it_leaves"),
    [("Ola", (), ()), ("Jan", ("worker",), ("publisher", "web")), ("Eva", ("web", "publisher"), ("publisher",))],
)
def test_the_whole_walk_survives_the_death_of_any_process(
    running: Running, author: str, while_it_waits: tuple[str, ...], while_it_leaves: tuple[str, ...]
) -> None:
    agent = Browser(running)
    agent.log_in("agata")
    asked = agent.send("/api/wall/posts", {"author": author, "text": "Od rana nie działa mi internet, co robić?"})
    for victim in while_it_waits:
        kill(running, victim)
    case = prepared(running, agent, author)
    draft = case["drafts"][0]
    claim = agent.send(f"/api/cases/{case['case']['id']}/claim")
    decided = agent.send(
        f"/api/cases/{case['case']['id']}/decisions",
        {"message": case["target"]["id"], "act": "publish", "draft": draft["id"], "text": draft["text"],
         "claim_token": claim["claim_token"], "target_revision": 1, "subtree_seq": case["subtree_seq"]},
        **{"Idempotency-Key": f"walk-{author}"},
    )  # fmt: skip
    for victim in while_it_leaves:
        kill(running, victim)
    until(lambda: answers(f"{running.url}/readyz"), 60, "the web server's return")
    thread = f"/api/wall/threads/{asked['thread']}"
    until(lambda: any(post["by_brand"] for post in agent.get(thread)["posts"]), 60, "the reply on the wall")
    replies = [post["text"] for post in agent.get(thread)["posts"] if post["by_brand"]]
    assert replies == [draft["text"]]
    assert decided["decision"]["kind"] == "accepted"


def prepared(running: Running, agent: Browser, author: str) -> Any:
    """The case of this author, once the assistant has drafted an answer."""
    found: list[Any] = []

    def look() -> bool:
        if not answers(f"{running.url}/readyz"):
            return False
        for row in agent.get("/api/cases?state=open&page_size=200")["items"]:
            if row["author"] == author:
                case = agent.get(f"/api/cases/{row['id']}")
                if case["drafts"]:
                    found.append(case)
        return bool(found)

    until(look, 90, "a draft")
    return found[-1]


def kill(running: Running, name: str) -> None:
    """Kill one of the processes, the whole group of it, as a power cut would."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            environment = (process / "environ").read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        if f"api.{name}".encode() in command and str(running.home).encode() in environment:
            os.killpg(os.getpgid(int(process.name)), signal.SIGKILL)
            return
    raise AssertionError(f"there is no process {name}")
