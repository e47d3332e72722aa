"""Lives of a small workspace: customers, worker, agents, publisher and network act in any order, and processes die.

Plain chance from a seed, not Hypothesis: of sixty lives of its state machine only six got as far as a reply that was
sent, because it repeats and varies what it has; here nearly all do. A failure names its seed and what had happened.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

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
from tests.api.wire import HAPPENINGS, POLICIES, Died, Wire
from tests.fixtures.story import Story
from tests.fixtures.workspace import People

LOGINS: Final = ("agata", "besnik")


class Walk:
    """One life. `template` is a home with people and one channel per policy; `wires` is what the publisher finds."""

    def __init__(self, template: Path, folder: Path, wires: dict[str, Wire], seed: int) -> None:
        self.chance = random.Random(seed)
        self.history: list[str] = []
        self.home = folder
        shutil.copytree(template, folder)
        settings = Settings.load(home=folder, undo_seconds=0, rasa="off", redis="off", _env_file=None)
        self.workspace = Workspace.open(settings)
        people = People(self.workspace)
        with self.workspace.database.read() as session:
            channels = session.scalars(select(Channel)).all()
        self.stories = {channel.key: Story(self.workspace, people, channel) for channel in channels}
        self.any = next(iter(self.stories.values()))
        self.wires = wires
        wires.update({key: Wire(POLICIES[key]) for key in self.stories})
        self.messages: list[tuple[str, Message]] = []
        self.seen: list[tuple[str, Wish]] = []
        self.made: list[tuple[str, Wish, str]] = []
        self.disabled: set[str] = set()
        self.messages += [(key, story.writes("the first message")) for key, story in self.stories.items()]

    def lives(self, steps: int) -> None:
        """Live so many steps, looking after each that nothing wrong stands on the network; then come to rest."""
        acts: dict[Callable[[], None], int] = {
            self.customer_writes: 2, self.customer_changes: 1, self.worker_works: 3, self.agent_looks: 3,
            self.agent_decides: 4, self.agent_answers: 5, self.agent_sends_again: 1, self.agent_undoes: 1,
            self.publisher_works: 5, self.person_looks_at_the_network: 2, self.agent_is_disabled: 1,
        }  # fmt: skip
        try:
            for act in self.chance.choices(list(acts), list(acts.values()), k=steps):
                self.history.append(act.__name__)
                act()
                self.look_at_the_network()
            self.come_to_rest()
        except AssertionError as wrong:
            wrong.add_note(f"after: {', '.join(self.history)}")
            raise
        finally:
            self.any.publisher_dies()
            self.workspace.close()
            shutil.rmtree(self.home)

    def customer_writes(self) -> None:
        where, thread = self.chance.choice(sorted(self.stories)), self.chance.randrange(2)
        here = [message.external_id for key, message in self.messages if key == where]
        message = self.stories[where].writes(
            f"message {len(self.messages)}", author=f"a{self.chance.randrange(2)}", thread=f"t{thread}",
            public=thread == 0, parent=self.chance.choice([None, *here]),
        )  # fmt: skip
        self.messages.append((where, message))

    def customer_changes(self) -> None:
        where, message = self.chance.choice(self.messages)
        change: Any = self.chance.choice(["edited", "hidden", "deleted", "restored"])
        text = f"edit {self.chance.randrange(4)}" if change == "edited" else None
        self.stories[where].happens(change, message.external_id, text, thread="-")

    def worker_works(self) -> None:
        assistant = self.any.assistant
        assistant.outcome = self.chance.choice(["answer", "answer", "answer", "none", "watch", "hide"])
        worker = Worker(self.workspace, assistant)  # type: ignore[arg-type]
        match self.chance.choice(["well", "well", "fails", "dies"]):
            case "dies":
                worker._take()
                self._time_passes()
            case ends:
                assistant.fails = ends == "fails"
                worker.step()
        assistant.fails = False

    def _time_passes(self) -> None:
        running, waiting = Work.state == "running", Work.state == "queued"
        with self.workspace.database.write() as session:
            session.execute(update(Work).where(running).values(lease_until=now() - timedelta(seconds=1)))
            session.execute(update(Work).where(waiting).values(not_before=now()))

    def _somebody(self) -> str | None:
        there = [login for login in LOGINS if login not in self.disabled]
        return self.chance.choice(there) if there else None

    def agent_looks(self) -> None:
        """An agent opens a message and claims its case; what they saw may be old by the time they decide."""
        login = self._somebody()
        if login is None:
            return
        where, message = self.chance.choice(self.messages)
        fresh = self.stories[where].message(message.id)
        act = self.chance.choice(["publish", "publish", "publish", "reject", "hand_off", "no_reply"])
        given: dict[str, Any] = {"act": act, "text": f"reply of {login}", "reason": "tone", "team": "care"}
        with suppress(LookupError):
            draft = self.stories[where].draft(fresh)
            given |= {"draft_id": draft.id, "text": self.chance.choice([draft.text, f"{draft.text} {login}"])}
        with suppress(Refused):
            self.seen.append((login, self.stories[where].wish(fresh, login, **given)))

    def agent_decides(self) -> None:
        """On what they saw a while ago; sometimes with a double click."""
        if self.seen:
            login, wish = self.chance.choice(self.seen[-4:])
            self.made.append((login, wish, f"key-{len(self.made)}"))
            for _ in range(self.chance.choice([1, 1, 2])):
                self._decide(*self.made[-1])

    def agent_answers(self) -> None:
        """An agent sees a message as it is and answers it at once."""
        login = self._somebody()
        if login:
            where, message = self.chance.choice(self.messages)
            with suppress(Refused):
                self.stories[where].decides(self.stories[where].message(message.id), login, text=f"answer of {login}")

    def agent_sends_again(self) -> None:
        if self.made:
            self._decide(*self.chance.choice(self.made))

    def _decide(self, login: str, wish: Wish, key: str) -> None:
        if login not in self.disabled:
            with suppress(Refused):
                self.workspace.desk.decide(self.any.people[login], wish, key)

    def agent_undoes(self) -> None:
        """Who decided changes their mind, whatever has become of the reply."""
        decisions = [one for one in self.any.decisions() if one.kind in PUBLISHING]
        if decisions:
            decision = self.chance.choice(decisions[-3:])
            login = next(login for login in LOGINS if self.any.account(login).id == decision.agent_id)
            if login not in self.disabled:
                with suppress(Refused):
                    self.workspace.desk.undo(self.any.people[login], decision.id)

    def publisher_works(self) -> None:
        for wire in self.wires.values():
            wire.next = self.chance.choice(["well", "well", *HAPPENINGS])
        try:
            for _ in range(self.chance.choice([1, 1, 2, 4])):
                self.any.publisher().step()
        except Died:
            self.any.publisher_dies()

    def person_looks_at_the_network(self) -> None:
        """What waits for a person is settled by what the network really shows."""
        waiting = [one for one in self.any.publications() if one.needs_person or one.state == "failed"]
        login = self._somebody()
        if not waiting or login is None:
            return
        one, person = self.chance.choice(waiting), self.any.people[login]
        if one.state == "failed":
            self.any.outbox.retry(person, one.id)
        else:
            there = one.idem_key in self._posted()
            id_ = f"id-{one.idem_key}" if there else None
            self.any.outbox.settled_by(person, one.id, there=there, external_id=id_)

    def agent_is_disabled(self) -> None:
        if len(self.made) > 3 and not self.disabled:
            self.disabled.add(self.chance.choice(LOGINS))
            self.any.disable(*self.disabled)

    def _posted(self) -> Counter[str]:
        return Counter(post.key for wire in self.wires.values() for post in wire.posts)

    def look_at_the_network(self) -> None:
        """What stands there is a person's unrevoked decision, byte for byte, and stands there once."""
        with self.workspace.database.read() as session:
            rows = session.execute(select(Publication, Decision).join(Decision, Decision.id == Publication.decision_id))
            held = {publication.idem_key: (publication, decision) for publication, decision in rows}
        for post in [post for wire in self.wires.values() for post in wire.posts]:
            publication, decision = held[post.key]
            assert post.text == decision.final_text
            assert decision.kind in PUBLISHING
            assert decision.revoked_at is None, "what was undone stands on the network"
            assert publication.state != "retracted"
        assert max(self._posted().values(), default=0) <= 1, "a reply stands there twice"

    def come_to_rest(self) -> None:
        """Let everything end that has begun, then look whether anything was lost."""
        for wire in self.wires.values():
            wire.next = "well"
        for _ in range(200):
            self._time_passes()
            if not self.any.prepares() + self.any.publisher().step():
                break
        self.look_at_the_network()
        self._nothing_is_lost()
        self._cases_moved_as_they_may()
        with self.workspace.database.read() as session:
            assert self.workspace.trail.verify(session).first_bad is None
            assert session.scalar(select(Work.id).where(Work.state.in_(("queued", "running")))) is None

    def _nothing_is_lost(self) -> None:
        posted = self._posted()
        for one in self.any.publications():
            assert one.state in ("sent", "failed", "retracted") or (one.state == "uncertain" and one.needs_person)
            assert (one.state == "sent") <= (posted[one.idem_key] == 1)
        with self.workspace.database.read() as session:
            for case in session.scalars(select(Case).where(Case.state == "waiting_customer")):
                answered = select(Decision.id).where(
                    Decision.case_id == case.id, Decision.kind.in_(PUBLISHING), Decision.revoked_at.is_(None)
                )
                assert session.scalar(answered.limit(1)), f"case {case.id} waits for a customer whom nobody answered"

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
