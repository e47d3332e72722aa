"""The whole walk as a state machine: customers, worker, agents, publisher and the network, in any order, with deaths."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select, update

from api.cases import MOVES
from api.decide import Wish
from api.problems import Refused
from api.tables import Case, Channel, Decision, Event, Message, Publication, Work
from api.tables.decisions import PUBLISHING
from api.worker import Worker
from api.workspace import Workspace
from knowledge.database import now
from knowledge.settings import Settings
from tests.api.wire import POLICIES, Died, Happening, Wire
from tests.fixtures.story import Story
from tests.fixtures.workspace import People

LOGINS: Final = ("agata", "besnik")


class Walk(RuleBasedStateMachine):
    """One life of a small workspace. `template` is a home with people and one channel per policy."""

    template: Path
    wires: dict[str, Wire]
    """Which wire the publisher finds for a channel; `api.publisher.outlet_of` is pointed at it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.home = folder
        shutil.copytree(self.template, self.home)
        settings = Settings.load(home=self.home, undo_seconds=0, rasa="off", redis="off", _env_file=None)
        self.workspace = Workspace.open(settings)
        people = People(self.workspace)
        with self.workspace.database.read() as session:
            channels = session.scalars(select(Channel)).all()
        self.stories = {channel.key: Story(self.workspace, people, channel) for channel in channels}
        self.any = next(iter(self.stories.values()))
        self.wires.clear()
        self.wires.update({key: Wire(POLICIES[key]) for key in self.stories})
        self.messages: list[tuple[str, Message]] = []
        self.seen: list[tuple[str, Wish]] = []
        self.made: list[tuple[str, Wish, str]] = []
        self.disabled: set[str] = set()

    @rule(where=st.sampled_from(sorted(POLICIES)), thread=st.integers(0, 1), author=st.integers(0, 1), data=st.data())
    def customer_writes(self, where: str, thread: int, author: int, data: st.DataObject) -> None:
        here = [message for key, message in self.messages if key == where]
        parent = data.draw(st.sampled_from([None, *(message.external_id for message in here)]))
        message = self.stories[where].writes(
            f"message {len(self.messages)}", author=f"a{author}", thread=f"t{thread}", public=thread == 0, parent=parent
        )
        self.messages.append((where, message))

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), change=st.sampled_from(["edited", "hidden", "deleted", "restored"]))
    def customer_changes(self, data: st.DataObject, change: Any) -> None:
        where, message = data.draw(st.sampled_from(self.messages))
        text = f"edit {data.draw(st.integers(0, 3))}" if change == "edited" else None
        self.stories[where].happens(change, message.external_id, text, thread="-")

    @rule(outcome=st.sampled_from(["answer", "none", "watch", "hide"]), ends=st.sampled_from(["well", "fails", "dies"]))
    def worker_works(self, outcome: Any, ends: str) -> None:
        assistant = self.any.assistant
        assistant.outcome, assistant.fails = outcome, ends == "fails"
        if ends == "dies":
            Worker(self.workspace, assistant)._take()  # type: ignore[arg-type]
            self._time_passes()
        else:
            Worker(self.workspace, assistant).step()  # type: ignore[arg-type]
        assistant.fails = False

    def _time_passes(self) -> None:
        with self.workspace.database.write() as session:
            session.execute(
                update(Work).where(Work.state == "running").values(lease_until=now() - timedelta(seconds=1))
            )
            session.execute(update(Work).where(Work.state == "queued").values(not_before=now()))

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), login=st.sampled_from(LOGINS))
    def agent_looks(self, data: st.DataObject, login: str) -> None:
        """An agent opens a message and claims its case; what they saw may be old by the time they decide."""
        where, message = data.draw(st.sampled_from(self.messages))
        if login in self.disabled:
            return
        fresh = self.stories[where].message(message.id)
        act = data.draw(st.sampled_from(["publish", "publish", "publish", "reject", "hand_off", "no_reply"]))
        given: dict[str, Any] = {"act": act, "text": f"reply of {login}", "reason": "tone", "team": "care"}
        with suppress(LookupError):
            draft = self.stories[where].draft(fresh)
            given |= {"draft_id": draft.id, "text": data.draw(st.sampled_from([draft.text, f"{draft.text} {login}"]))}
        with suppress(Refused):
            self.seen.append((login, self.stories[where].wish(fresh, login, **given)))

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), times=st.integers(1, 2))
    def agent_decides(self, data: st.DataObject, times: int) -> None:
        login, wish = data.draw(st.sampled_from(self.seen[-6:]))
        if login not in self.disabled:
            self.made.append((login, wish, f"key-{len(self.made)}"))
            for _ in range(times):
                self._decide(*self.made[-1])

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def agent_sends_again(self, data: st.DataObject) -> None:
        login, wish, key = data.draw(st.sampled_from(self.made))
        if login not in self.disabled:
            self._decide(login, wish, key)

    def _decide(self, login: str, wish: Wish, key: str) -> None:
        with suppress(Refused):
            self.workspace.desk.decide(self.any.people[login], wish, key)

    @rule(data=st.data())
    def agent_undoes(self, data: st.DataObject) -> None:
        decisions = [one for one in self.any.decisions() if one.kind in PUBLISHING]
        if decisions and "agata" not in self.disabled:
            with suppress(Refused):
                self.workspace.desk.undo(self.any.people["agata"], data.draw(st.sampled_from(decisions)).id)

    @rule(happening=st.sampled_from(Happening.__args__), where=st.sampled_from(sorted(POLICIES)))  # type: ignore[attr-defined]
    def publisher_works(self, happening: Happening, where: str) -> None:
        self.wires[where].next = happening
        try:
            self.any.publisher().step()
        except Died:
            self.any.publisher_dies()
        self.wires[where].next = "well"

    @rule(data=st.data())
    def person_looks_at_the_network(self, data: st.DataObject) -> None:
        """Whatever waits for a person is settled by what the network really shows."""
        waiting = [one for one in self.any.publications() if one.needs_person or one.state == "failed"]
        if waiting and "besnik" not in self.disabled:
            one = data.draw(st.sampled_from(waiting))
            besnik = self.any.people["besnik"]
            if one.state == "failed":
                self.any.outbox.retry(besnik, one.id)
            else:
                there = one.idem_key in self._posted()
                self.any.outbox.settled_by(
                    besnik, one.id, there=there, external_id=f"id-{one.idem_key}" if there else None
                )

    @precondition(lambda self: len(self.made) > 3 and not self.disabled)
    @rule(login=st.sampled_from(LOGINS))
    def agent_is_disabled(self, login: str) -> None:
        self.any.disable(login)
        self.disabled.add(login)

    def _posted(self) -> Counter[str]:
        return Counter(post.key for wire in self.wires.values() for post in wire.posts)

    @invariant()
    def what_stands_on_the_network_is_a_persons_decision(self) -> None:
        posts = [post for wire in self.wires.values() for post in wire.posts]
        if not posts:
            return
        with self.workspace.database.read() as session:
            rows = session.execute(select(Publication, Decision).join(Decision, Decision.id == Publication.decision_id))
            held = {publication.idem_key: (publication, decision) for publication, decision in rows}
        for post in posts:
            publication, decision = held[post.key]
            assert post.text == decision.final_text
            assert decision.kind in PUBLISHING
            assert decision.revoked_at is None, "what was undone stands on the network"
            assert publication.state in ("sending", "sent", "uncertain", "queued", "failed")
        assert max(self._posted().values()) == 1, "a reply stands there twice"

    def teardown(self) -> None:
        """Let everything come to rest, then look whether anything was lost."""
        try:
            self._rest()
            self._nothing_is_lost()
            self._cases_moved_as_they_may()
            with self.workspace.database.read() as session:
                assert self.workspace.trail.verify(session).first_bad is None
        finally:
            self.any.publisher_dies()
            self.workspace.close()
            shutil.rmtree(self.home)

    def _rest(self) -> None:
        for _ in range(200):
            self._time_passes()
            if not self.any.prepares() + self.any.publisher().step():
                return
        raise AssertionError("the workspace never comes to rest")

    def _nothing_is_lost(self) -> None:
        posted = self._posted()
        for one in self.any.publications():
            assert one.state in ("sent", "failed", "retracted") or (one.state == "uncertain" and one.needs_person), (
                one.state
            )
            assert (one.state == "sent") <= (posted[one.idem_key] == 1)
            assert (one.state == "retracted") <= (posted[one.idem_key] == 0)
        with self.workspace.database.read() as session:
            for case in session.scalars(select(Case).where(Case.state == "waiting_customer")):
                answered = select(Decision.id).where(
                    Decision.case_id == case.id, Decision.kind.in_(PUBLISHING), Decision.revoked_at.is_(None)
                )
                assert session.scalar(answered.limit(1)), f"case {case.id} waits for a customer whom nobody answered"
            assert session.scalar(select(Work.id).where(Work.state.in_(("queued", "running")))) is None

    def _cases_moved_as_they_may(self) -> None:
        with self.workspace.database.read() as session:
            for case in session.scalars(select(Case)):
                state = "new"
                moves = select(Event).where(Event.case_id == case.id, Event.kind == "case.moved").order_by(Event.id)
                for move in session.scalars(moves):
                    assert move.data["before"] == state
                    assert move.data["after"] in MOVES[state]
                    state = move.data["after"]
                assert case.state == state
