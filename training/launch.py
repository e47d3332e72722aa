"""A run in a process of its own, for a caller that must not wait: `python -m training.launch RUN STARTED_BY`."""

from __future__ import annotations

import _thread
import os
import subprocess
import sys
import threading
import time

from bot.rasa_training import TrainingFailed
from knowledge.database import Database
from knowledge.settings import Settings
from training.intents import stop_on_terminate, train_intents
from training.records import INTENTS
from training.runs import RunBusy, begin

LOOK_EVERY = 0.5


def launch(database: Database, settings: Settings, started_by: str) -> int:
    """Begin a run of intent training in the background; the run's number.

    It ends with this process. What it says goes to `logs/training.log` in the home folder, how it went to its row.

    Raises:
        RunBusy: another run is under way.
    """
    run = begin(database, settings.home, INTENTS, started_by)
    environment = {
        **os.environ,
        "ODZEW_HOME": str(settings.home.resolve()),
        "ODZEW_DATABASE_URL": settings.database_url,
    }
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "training.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "training.launch", str(run), started_by],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
        )
    threading.Thread(target=process.wait, name=f"run-{run}", daemon=True).start()  # or it stays a zombie
    return run


def main() -> None:
    """Do the run; what fails is in the run's row, and its reason is the last line of the log."""
    run, started_by = int(sys.argv[1]), sys.argv[2]
    stop_on_terminate()
    end_with_parent()
    settings = Settings.load()
    database = Database(settings.database)
    try:
        version = train_intents(database, settings.home, started_by, lambda _stage, _done, _of: None, run_id=run)
    except (TrainingFailed, RunBusy) as failed:
        sys.exit(f"run {run}: {failed}")
    except KeyboardInterrupt:
        sys.exit(f"run {run}: stopped")
    finally:
        database.close()
    print(f"run {run}: {version.name} is {'refused' if version.report['refusals'] else 'a candidate'}")


def end_with_parent() -> None:
    """End this process as Ctrl-C would when its parent has ended.

    The kernel's own signal for this fires when the starting *thread* ends, and a web server's threads come and go.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY)
        _thread.interrupt_main()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


if __name__ == "__main__":
    main()
