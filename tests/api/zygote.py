"""Starts the product's processes in hundredths of a second: each is a fork of an interpreter that has imported all.

Run as a program: a line on standard input names what to start, a line on standard output is its process id. A process
that is killed here dies as any other does; only its start is cheaper, so that it can be killed two hundred times.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from types import ModuleType

from bot.records import Prepared, Request
from tests.fixtures.story import CannedAssistant


class SlowAssistant(CannedAssistant):
    """Takes a moment, so that a kill can fall into it. The models are no part of what is proved here."""

    def prepare(self, request: Request) -> Prepared:
        time.sleep(0.03)
        return super().prepare(request)


def main() -> None:
    """Serve until standard input ends."""
    from api import knowledge_service, publisher, web, worker

    modules: dict[str, ModuleType] = {"publisher": publisher, "web": web, "worker": worker}
    worker.build_assistant = lambda *_given: SlowAssistant()  # type: ignore[assignment, return-value]
    worker.base_of = lambda *_given: None
    knowledge_service.start = lambda *_given: None  # type: ignore[assignment]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    parent = os.getpid()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become(modules[line.strip()], parent)
        print(pid, flush=True)


def _become(module: ModuleType, parent: int) -> None:
    from api.leash import tie

    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        tie(parent)
        os.close(0)
        os.dup2(2, 1)
        module.main()
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
