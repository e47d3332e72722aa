"""`odzew audit verify` and `odzew privacy export | erase`."""

from __future__ import annotations

import json

import typer

from api.cli.frame import CheckFailed, Json, answer, workspace
from api.privacy import erase as erase_customer
from api.privacy import export as export_customer

audit = typer.Typer(help="The audit chain.", no_args_is_help=True)
privacy = typer.Typer(help="What is held on a person.", no_args_is_help=True)


@audit.callback()
def _audit() -> None:
    """The audit chain."""


@audit.command("verify")
def verify(as_json: Json = False) -> None:
    """Walk the chain. Status 1 when a link does not fit."""
    with workspace() as space, space.database.read() as session:
        verdict = space.trail.verify(session)
    fits = verdict.first_bad is None
    data = {"ok": fits, "links": verdict.links, "first_bad": verdict.first_bad, "head": verdict.head}
    answer(as_json, data, lambda: print(f"{verdict.links} links fit; head {verdict.head}") if fits else None)
    if not fits:
        raise CheckFailed(f"link {verdict.first_bad} does not fit")


@privacy.command("export")
def export(customer: str, as_json: Json = False) -> None:
    """Everything held on a customer, by number or pseudonym."""
    with workspace() as space, space.database.read() as session:
        data = export_customer(session, customer)
    answer(as_json, data, lambda: print(json.dumps(data, ensure_ascii=False, indent=2, default=str)))


@privacy.command("erase")
def erase(customer: str, as_json: Json = False) -> None:
    """Erase a customer's words and names everywhere. What was done stays; to whom does not."""
    with workspace() as space:
        report = erase_customer(space.database, space.trail, customer)
    answer(as_json, report, lambda: print(", ".join(f"{count} {name}" for name, count in report["erased"].items())))
