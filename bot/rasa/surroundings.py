"""What must be set before `rasa` is imported, for training and for serving alike."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
LOOK_AT_PARENT_EVERY = 0.5


def prepare(encoder_threads: int) -> None:
    """Quiet TensorFlow, fix the number of threads, switch telemetry and the training cache off, limit memory.

    Args:
        encoder_threads: threads of the sentence encoder; everything else uses one, so that sums come out the same.
    """
    os.environ.update(
        OMP_NUM_THREADS=str(encoder_threads),
        OMP_WAIT_POLICY="passive",  # spinning threads on a busy machine made the encoder 20 times slower (measured)
        OPENBLAS_NUM_THREADS="1",
        TF_INTRA_OP_PARALLELISM_THREADS="1",
        TF_INTER_OP_PARALLELISM_THREADS="1",
        TF_CPP_MIN_LOG_LEVEL="3",
        CUDA_VISIBLE_DEVICES="",
        RASA_TELEMETRY_ENABLED="false",
        RASA_MAX_CACHE_SIZE="0",
        SQLALCHEMY_SILENCE_UBER_WARNING="1",
        SANIC_REQUEST_MAX_SIZE="65536",
        SANIC_ACCESS_LOG="false",
    )
    megabytes = os.environ.get("ODZEW_RASA_MEMORY_MB")
    if megabytes:
        limit = int(megabytes) * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def die_with_parent(parent: int) -> None:
    """End this process within half a second of its parent's end, however that comes.

    The kernel's own signal for this (PR_SET_PDEATHSIG) fires when the starting *thread* ends, and Odzew starts models
    from worker threads; watching the parent's number does not care about threads.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_AT_PARENT_EVERY)
        os._exit(3)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def fail(reason: str) -> None:
    """End with status 2 and one line on standard error."""
    print(reason, file=sys.stderr)
    raise SystemExit(2)
