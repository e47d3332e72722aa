"""What nobody knows to have arrived: settled by the key, by looking, or by a person, and never blindly."""

from __future__ import annotations

import pytest

from api.problems import Refused
from tests.fixtures.database import sqlite_only
from tests.fixtures.lines import drain, sent
from tests.fixtures.network import Fault, Network
from tests.fixtures.story import Story

AMBIGUOUS: tuple[Fault, ...] = (
    "accept_then_500", "accept_then_reset", "accept_then_rubbish", "accept_then_no_id", "accept_then_403",
)  # fmt: skip


@sqlite_only
def test_an_unclear_answer_is_settled_by_the_key(key: Story, network: Network) -> None:
    network.faults.extend(AMBIGUOUS)
    _, publication = sent(key)
    assert (publication.state, publication.attempt) == ("sent", len(AMBIGUOUS) + 1)
    assert len(network.posts) == 1


@sqlite_only
@pytest.mark.parametrize("fault", AMBIGUOUS)
def test_an_unclear_answer_is_settled_by_looking(readback: Story, network: Network, fault: Fault) -> None:
    network.faults.append(fault)
    _, publication = sent(readback)
    assert (publication.state, publication.attempt, len(network.posts)) == ("sent", 1, 1)
    assert publication.external_id == network.posts[0].id


def test_an_unclear_answer_of_a_blind_network_is_shown_and_never_retried(blind: Story, network: Network) -> None:
    network.faults.extend(["accept_then_500", "reset"])
    _, there = sent(blind, author="a", thread="a")
    _, lost = sent(blind, author="b", thread="b")
    for publication in (there, lost):
        assert (publication.state, publication.needs_person, publication.attempt) == ("uncertain", True, 1)
        assert "please look" in publication.reason
    assert network.requests == 2
    agata = blind.people["agata"]
    with pytest.raises(Refused):
        blind.outbox.retry(agata, there.id)
    settled = blind.outbox.settled_by(agata, there.id, there=True, external_id=network.posts[0].id)
    assert (settled.state, settled.needs_person, settled.confirmed_by) == ("sent", False, blind.account("agata").id)
    assert blind.outbox.settled_by(agata, lost.id, there=False, external_id=None).state == "queued"
    drain(blind.publisher())
    assert [(p.state, p.needs_person) for p in blind.publications()] == [("sent", False)] * 2
    assert network.duplicates == []
    with pytest.raises(Refused) as caught:
        blind.outbox.settled_by(agata, lost.id, there=True, external_id=None)
    assert caught.value.code == "not_uncertain"


@sqlite_only
def test_a_machine_cannot_settle_or_retry(blind: Story, network: Network) -> None:
    network.faults.append("reset")
    _, publication = sent(blind)
    for act in (
        lambda machine: blind.outbox.settled_by(machine, publication.id, there=True, external_id=None),
        lambda machine: blind.outbox.retry(machine, publication.id),
    ):
        with pytest.raises(Refused) as caught:
            act(blind.people.machine("admin"))
        assert caught.value.code == "people_only"


@sqlite_only
def test_a_late_answer_of_an_older_attempt_changes_nothing(key: Story, network: Network) -> None:
    key.decides(key.asked())
    job = key.outbox.next(key.channel.id)
    assert job is not None
    assert key.outbox.recover(key.channel.id) == 1
    drain(key.publisher())
    from api.channels.outlets import Delivery

    key.outbox.finish(job, Delivery("not_sent", detail="late", retry=False))
    assert [p.state for p in key.publications()] == ["sent"]
    assert network.duplicates == []


@sqlite_only
def test_a_text_that_is_no_longer_the_decided_one_is_not_sent(key: Story, network: Network) -> None:
    from api.privacy import erase

    network.faults.append("refuse_422")
    _, failed = sent(key, author="a", thread="a")
    queued = key.decides(key.asked(author="b", thread="b"))
    for customer in ("1", "2"):
        erase(key.workspace.database, key.workspace.trail, customer)
    with pytest.raises(Refused):
        key.outbox.retry(key.people["agata"], failed.id)
    drain(key.publisher())
    assert (key.publication(queued).state, network.posts) == ("retracted", [])


@sqlite_only
def test_a_reply_that_may_have_arrived_is_not_called_retracted(key: Story, network: Network) -> None:
    """Its agent is disabled between an unclear attempt and the next one: a person has to look."""
    message = key.asked()
    done = key.decides(message)
    network.faults.append("accept_then_500")
    publisher = key.publisher()
    publisher.step()
    publisher.step()
    assert (key.publication(done).state, len(network.posts)) == ("queued", 1)
    key.disable("agata")
    drain(publisher)
    publication = key.publication(done)
    assert (publication.state, publication.needs_person) == ("uncertain", True)
    assert network.requests == 1
