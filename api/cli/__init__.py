"""The command line: `odzew`. Every command has `--json`; exit status 0, 1 (a check failed) or 2 (bad input)."""

from __future__ import annotations

import sys

import typer
from typer._click.exceptions import ClickException  # typer carries a click of its own since 0.26
from typer.main import get_command

from api.cli.frame import BadInput, CheckFailed
from api.home import CannotStart
from api.problems import Refused
from bot.conversation_file import WrongConversation
from bot.rasa_training import TrainingFailed
from knowledge.encoder import EncoderUnavailable
from knowledge.files import FileProblem
from knowledge.settings import WrongSettings
from training.records import Refusal

_BAD_INPUT = (
    BadInput, Refused, Refusal, CannotStart, EncoderUnavailable, FileProblem, WrongConversation, WrongSettings
)  # fmt: skip
_FAILED = (CheckFailed, TrainingFailed)


def main() -> None:
    """Run the command line and end the process with its status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command. Returns the exit status; bad input is one line on standard error."""
    from api.cli.commands import app

    try:
        status = get_command(app).main(arguments, prog_name="odzew", standalone_mode=False)
    except _FAILED as failed:
        return _say(str(failed), 1)
    except ClickException as error:
        return _say(error.format_message(), 2)
    except (typer.Abort, KeyboardInterrupt):
        return _say("stopped", 2)
    except _BAD_INPUT as error:
        return _say(str(error), 2)
    return status if isinstance(status, int) else 0


def _say(message: str, status: int) -> int:
    print(f"odzew: {' '.join(message.split())}", file=sys.stderr)
    return status
