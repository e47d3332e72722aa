"""Kill -9, anywhere: nothing acknowledged is missing, nothing is sent twice, nothing uncertain is hidden."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException

import pytest
from sqlalchemy import func, select, update

from api.channels.signature import HEADER, sign
from api.tables import Message, Preparation, Publication, Work
from knowledge.database import now
from tests.fixtures.database import sqlite_only
from tests.fixtures.network import SECRET, Network
from tests.fixtures.processes import Processes
from tests.fixtures.redis import free_port
from tests.fixtures.running import until
from tests.fixtures.story import Story
from tests.fixtures.workspace import BLIND, KEY, READBACK, MakeChannel, Policy, channel_on

Start = Callable[..., Processes]
FAULTS_PER_POST = 0.11


@contextmanager
def networks(story: Story, make: MakeChannel) -> Iterator[dict[Policy, tuple[Network, Story]]]:
    """A channel and a network for each policy, all of them unreliable."""
    made = {policy: Network() for policy in (KEY, READBACK, BLIND)}
    try:
        yield {
            policy: (network, Story(story.workspace, story.people, channel_on(network, make, policy, policy.name)))
            for policy, network in made.items()
        }
    finally:
        for network in made.values():
            network.close()


def decide_many(stories: list[Story], count: int) -> None:
    for number in range(count):
        for story in stories:
            message = story.writes(f"message {number}", author=f"a{number}", thread=f"t{number}")
            story.decides(message, text=f"reply {number}")


def hurry(story: Story) -> None:
    """Let what waits to be tried again be due now. What is uncertain keeps its time: a dead sender's request may land."""
    waits = (Publication.state == "queued") & (Publication.not_before > now())
    with story.workspace.database.write() as session:
        session.execute(update(Publication).where(waits).values(not_before=now()))


def at_rest(story: Story) -> bool:
    hurry(story)
    unsettled = (Publication.state.in_(("queued", "sending"))) | (
        (Publication.state == "uncertain") & Publication.needs_person.is_(False)
    )
    with story.workspace.database.read() as session:
        return session.scalar(select(func.count()).select_from(Publication).where(unsettled)) == 0


def kill_publishers(
    story: Story, processes: Processes, wires: list[Network], kills: int, chance: random.Random
) -> None:
    for _ in range(kills):
        before = sum(network.requests for network in wires)
        pid = processes.start("publisher")
        until(lambda before=before: sum(n.requests for n in wires) > before or at_rest(story), 30, "a request")
        time.sleep(chance.random() * 0.15)
        processes.kill(pid)


def prove_publishing(story: Story, make: MakeChannel, start: Start, kills: int, count: int) -> None:
    chance = random.Random(kills)
    with networks(story, make) as lines:
        decide_many([one for _, one in lines.values()], count)
        wires = [network for network, _ in lines.values()]
        for network in wires:
            network.fault_rate = FAULTS_PER_POST
        processes = start()
        kill_publishers(story, processes, wires, kills, chance)
        for network in wires:
            network.fault_rate = 0
        processes.start("publisher")
        until(lambda: at_rest(story), 120, "rest after the last start")
        for policy, (network, one) in lines.items():
            assert network.duplicates == [], policy.name
            assert network.bad_signatures == 0
            mine = [p for p in story.publications() if p.channel_id == one.channel.id]
            arrived = network.keys
            for publication in mine:
                if policy is BLIND and publication.state == "uncertain":
                    assert publication.needs_person
                    assert publication.reason
                else:
                    assert (publication.state, arrived[publication.idem_key]) == ("sent", 1), policy.name
            assert len(mine) == count
            assert set(arrived) <= {publication.idem_key for publication in mine}


@sqlite_only
def test_a_killed_publisher_sends_nothing_twice_and_loses_nothing(
    story: Story, make_channel: MakeChannel, start_processes: Start
) -> None:
    prove_publishing(story, make_channel, start_processes, kills=12, count=30)


@pytest.mark.slow
def test_two_hundred_killed_publishers_send_nothing_twice_and_lose_nothing(
    story: Story, make_channel: MakeChannel, start_processes: Start
) -> None:
    prove_publishing(story, make_channel, start_processes, kills=200, count=500)


@pytest.mark.slow
def test_a_paused_publisher_keeps_its_channel_and_a_killed_one_frees_it(
    story: Story, network: Network, make_channel: MakeChannel, start_processes: Start
) -> None:
    one = Story(story.workspace, story.people, channel_on(network, make_channel, BLIND, "line"))
    decide_many([one], 40)
    processes = start_processes()
    first = processes.start("publisher")
    until(lambda: network.requests > 3, 30, "the first requests")
    network.faults.append("slow")
    until(lambda: not network.faults, 30, "a slow request")
    processes.freeze(first)  # while it waits for the network; in the middle of a write it would stop everybody
    stood = network.requests
    assert stood < 40
    second = processes.start("publisher")
    time.sleep(1.5)
    assert network.requests == stood, "the second waits as long as the first is only paused"
    processes.thaw(first)
    until(lambda: network.requests > stood, 10, "the first going on")
    processes.kill(first)
    until(lambda: at_rest(one), 60, "the second taking over")
    assert network.duplicates == []
    uncertain = [publication for publication in one.publications() if publication.state != "sent"]
    assert len(uncertain) <= 1
    assert all(publication.needs_person for publication in uncertain)
    processes.kill(second)


def prove_preparing(story: Story, start: Start, kills: int, count: int) -> None:
    chance = random.Random(kills)
    for number in range(count):
        story.writes(f"message {number}", author=f"a{number}", thread=f"t{number}")
    processes = start(ODZEW_LEASE_SECONDS="0.5")
    with story.workspace.database.read() as session:
        started = session.scalar(select(func.count()).select_from(Preparation)) or 0
    for _ in range(kills):
        pid = processes.start("worker")
        until(lambda before=started: story.count(Preparation) > before or done(story), 30, "a preparation")
        time.sleep(chance.random() * 0.1)
        processes.kill(pid)
        started = story.count(Preparation)
    for _ in range(2):
        processes.start("worker")
    until(lambda: done(story), 60, "every message being prepared")
    with story.workspace.database.read() as session:
        per_message = session.execute(
            select(Preparation.message_id, func.count()).group_by(Preparation.message_id)
        ).all()
        assert session.scalar(select(func.count()).select_from(Work).where(Work.state != "done")) == 0
    assert len(per_message) == count
    assert {number for _, number in per_message} == {1}, "each message is prepared once"


def done(story: Story) -> bool:
    with story.workspace.database.read() as session:
        open_ = select(func.count()).select_from(Work).where(Work.state.in_(("queued", "running")))
        return session.scalar(open_) == 0


@pytest.mark.slow
@sqlite_only
def test_what_a_killed_worker_had_in_hand_is_prepared_by_the_next(story: Story, start_processes: Start) -> None:
    prove_preparing(story, start_processes, kills=6, count=60)


class Sender:
    """A network that delivers until it is told that its event was taken."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.acknowledged: set[str] = set()
        self.tries = 0

    def deliver(self, number: int) -> None:
        raw = json.dumps({
            "event_id": f"e{number}", "type": "created", "conversation": f"t{number % 9}", "public": True,
            "message": {"id": f"m{number}", "author": {"id": f"a{number % 5}"}, "text": f"message {number}"},
        }).encode()  # fmt: skip
        while True:
            self.tries += 1
            connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
            try:
                connection.request("POST", "/webhooks/net", raw, {HEADER: sign(raw, SECRET)})
                if 200 <= connection.getresponse().status < 300:
                    self.acknowledged.add(f"m{number}")
                    return
            except (OSError, HTTPException):
                time.sleep(0.05)
            finally:
                connection.close()


def prove_intake(story: Story, start: Start, kills: int) -> None:
    port = free_port()
    processes, sender, stop = start(ODZEW_PORT=str(port)), Sender(port), threading.Event()

    def post(share: int) -> None:
        number = share
        while not stop.is_set():
            sender.deliver(number)
            number += 6

    with ThreadPoolExecutor(6) as pool:
        posting = [pool.submit(post, share) for share in range(6)]
        chance = random.Random(kills)
        for _ in range(kills):
            taken = len(sender.acknowledged)
            pid = processes.start("web")
            until(lambda taken=taken: len(sender.acknowledged) > taken + 5, 60, "acknowledgements")
            time.sleep(chance.random() * 0.2)
            processes.kill(pid)
        processes.start("web")
        stop.set()
        for one in posting:
            one.result(60)
    with story.workspace.database.read() as session:
        stored = session.scalars(select(Message.external_id)).all()
    assert sender.tries > len(sender.acknowledged), "no kill fell into a delivery"
    assert set(stored) == sender.acknowledged
    assert len(stored) == len(set(stored))


@pytest.mark.slow
@sqlite_only
def test_a_killed_web_server_loses_nothing_it_has_acknowledged(story: Story, start_processes: Start) -> None:
    prove_intake(story, start_processes, kills=6)


@pytest.mark.slow
def test_a_web_server_killed_a_hundred_times_loses_nothing(story: Story, start_processes: Start) -> None:
    prove_intake(story, start_processes, kills=100)
