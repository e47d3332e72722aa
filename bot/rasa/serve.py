"""Serve one intent model on loopback: `python serve.py --model MODEL.tar.gz --port N [--parent PID]`.

Environment: ODZEW_RASA_TOKEN (required; never an argument, arguments are visible to every user of the machine),
ODZEW_RASA_MEMORY_MB (optional limit). With --parent the server ends when that process does. Exit status 2: refused, one
line on standard error says why; 3: the parent is gone.
"""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from surroundings import PROJECT, die_with_parent, fail, prepare


def main() -> None:
    """Check what was given, then serve until stopped."""
    asked = argparse.ArgumentParser(description="Serve one intent model on loopback.")
    asked.add_argument("--model", type=Path, required=True)
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--parent", type=int)
    given = asked.parse_args()
    token = os.environ.pop("ODZEW_RASA_TOKEN", "")
    if len(token) < 16:
        fail("ODZEW_RASA_TOKEN is not set or shorter than 16 characters: refusing to serve without a token")
    if not given.model.is_file():
        fail(f"there is no model at {given.model}")
    if given.parent is not None:
        die_with_parent(given.parent)
    prepare(encoder_threads=1)
    serve(given.model.resolve(), given.port, token)


def serve(model: Path, port: int, token: str) -> None:
    """Run Rasa's HTTP API on 127.0.0.1; returns when it is stopped."""
    from rasa.utils.common import configure_logging_and_warnings
    from rasa.utils.log_utils import configure_structlog

    # At debug level Rasa logs the texts it is given.
    configure_logging_and_warnings(log_level=logging.WARNING)
    configure_structlog(logging.WARNING)

    import rasa

    rasa.run(
        model=str(model),
        endpoints=str(PROJECT / "endpoints.yml"),
        credentials=str(PROJECT / "credentials.yml"),
        interface="127.0.0.1",
        port=port,
        enable_api=True,
        auth_token=token,
        cors=[],
        use_syslog=False,
        log_file=None,
        response_timeout=30,
    )


if __name__ == "__main__":
    main()
