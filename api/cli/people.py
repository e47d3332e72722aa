"""`odzew users ... | tokens ...`."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import select

from api import accounts
from api.cli.frame import Json, answer, table, workspace
from api.tables import Account, ApiToken

users = typer.Typer(help="People who log in.", no_args_is_help=True)
tokens = typer.Typer(help="Keys for machines; a token can never decide.", no_args_is_help=True)


@users.command("add")
def add_user(
    login: Annotated[str, typer.Argument()],
    name: Annotated[str, typer.Option(help="as customers see it in the initials")] = "",
    role: Annotated[list[str] | None, typer.Option(help=f"one or more of {', '.join(accounts.ROLES)}")] = None,
    language: Annotated[str, typer.Option(help="language of the console")] = "en",
    team: Annotated[str | None, typer.Option()] = None,
    as_json: Json = False,
) -> None:
    """Add a person. The password is made here and shown once."""
    with workspace(make=True) as space, space.database.write() as session:
        account, password = accounts.add_account(
            session, login, name or login, role or ["agent"], language=language, team=team
        )
        space.trail.add(session, "command-line", "account.added", f"account:{account.id}", login)
        data = {"login": account.login, "roles": sorted(account.role_names), "password": password}
    answer(as_json, data, lambda: print(f"{login}: {password}"))


@users.command("list")
def list_users(as_json: Json = False) -> None:
    """List the people."""
    with workspace() as space, space.database.read() as session:
        rows = [
            {
                "login": account.login,
                "name": account.name,
                "roles": sorted(account.role_names),
                "language": account.language,
                "disabled": account.disabled_at is not None,
            }
            for account in session.scalars(select(Account).order_by(Account.login))
        ]
    columns = ["login", "name", "roles", "language", "disabled"]
    answer(as_json, rows, lambda: table("Users", columns, [list(row.values()) for row in rows]))


@users.command("disable")
def disable_user(login: str, as_json: Json = False) -> None:
    """Disable a person: sessions end at the next request, replies that still wait are not sent."""
    with workspace() as space, space.database.write() as session:
        account = accounts.disable_account(session, login)
        space.trail.add(session, "command-line", "account.disabled", f"account:{account.id}", login)
    answer(as_json, {"login": login, "disabled": True}, lambda: print(f"{login} is disabled"))


@tokens.command("add")
def add_token(
    name: str,
    role: Annotated[str, typer.Option(help="what it may read and write")] = "agent",
    days: Annotated[int | None, typer.Option(min=1, help="how long it lives; without: until revoked")] = None,
    as_json: Json = False,
) -> None:
    """Add a machine's token, shown once."""
    with workspace(make=True) as space, space.database.write() as session:
        row, token = accounts.add_token(session, name, role, days=days)
        space.trail.add(session, "command-line", "token.added", f"token:{row.prefix}", name)
        data = {"name": name, "prefix": row.prefix, "token": token}
    answer(as_json, data, lambda: print(token))


@tokens.command("revoke")
def revoke_token(prefix: str, as_json: Json = False) -> None:
    """Revoke a token, by what stands before its dot."""
    with workspace() as space, space.database.write() as session:
        row = accounts.revoke_token(session, prefix.partition(".")[0])
        space.trail.add(session, "command-line", "token.revoked", f"token:{row.prefix}", row.name)
    answer(as_json, {"prefix": prefix, "revoked": True}, lambda: print(f"{prefix} is revoked"))


@tokens.command("list")
def list_tokens(as_json: Json = False) -> None:
    """List the tokens."""
    with workspace() as space, space.database.read() as session:
        rows = [
            {"prefix": t.prefix, "name": t.name, "role": t.role, "revoked": t.revoked_at is not None}
            for t in session.scalars(select(ApiToken).order_by(ApiToken.id))
        ]
    columns = ["prefix", "name", "role", "revoked"]
    answer(as_json, rows, lambda: table("Tokens", columns, [list(row.values()) for row in rows]))
