"""Tying a process to its parent: when the parent ends, however that comes, the kernel kills it too.

As a program, `python leash.py PARENT COMMAND...` ties itself to the process PARENT and becomes the command. (A hook
between fork and exec would do the same, but is not safe in a parent with threads.) It imports nothing of ours, so it
starts in a hundredth of a second.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

PR_SET_PDEATHSIG: Final = 1
GONE: Final = 3


def leashed(command: Sequence[str]) -> list[str]:
    """The command that runs `command` tied to this process.

    Start it from the main thread: the kernel counts the end of the *thread* that started a process as its parent's.
    """
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def tie(parent: int) -> None:
    """Have this process killed when `parent`, its parent, ends. Survives exec, is not inherited by children.

    Raises:
        SystemExit: the parent is gone already.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        raise SystemExit(GONE)


def main() -> None:
    """Tie this process to its parent and become the command."""
    tie(int(sys.argv[1]))
    command = sys.argv[2:]
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
