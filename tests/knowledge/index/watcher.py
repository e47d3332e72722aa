"""A process that watches the base: reads a text a line, and says when its background has let it be found.

It never searches through the database, so what it measures is the background alone. Times are of the clock that all
processes of a machine share.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import api.tables  # noqa: F401 - registers every table
from knowledge.database import Database
from knowledge.index.phrasing_index import PhrasingIndex
from tests.knowledge.index.bases import SOURCE, vector_of


def main() -> None:
    index = PhrasingIndex(Database(sys.argv[1]), SOURCE, Path(sys.argv[2]) / "index")
    index.start()
    print("ready", flush=True)
    for line in sys.stdin:
        wanted = vector_of(line.strip())[None, :]
        print("watching", flush=True)
        while index.engine.search(wanted, 1)[1][0, 0] < 0.99:
            time.sleep(0.004)
        print(time.monotonic(), flush=True)
    index.stop()


if __name__ == "__main__":
    main()
