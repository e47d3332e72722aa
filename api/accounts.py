"""Who may do what: passwords, log-in sessions, machines' tokens, and the one map of permissions."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final, Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.history import record
from api.problems import Refused, invalid, not_found
from api.tables import Account, AccountRole, ApiToken, Case, LoginSession, Team
from knowledge.database import now
from knowledge.languages import is_language

Permission = Literal["read", "decide", "knowledge", "train", "administer"]

ROLES: Final[dict[str, frozenset[Permission]]] = {
    "agent": frozenset({"read", "decide"}),
    "team_lead": frozenset({"read", "decide"}),
    "knowledge_manager": frozenset({"read", "knowledge"}),
    "trainer": frozenset({"read", "train"}),
    "admin": frozenset({"read", "decide", "knowledge", "train", "administer"}),
}

SESSION_HOURS: Final = 12
MIN_PASSWORD: Final = 10
LONGEST_TOKEN_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: a person with a live log-in, or a machine with a token. Only a person can decide."""

    name: str
    permissions: frozenset[Permission]
    account: Account | None = None
    login_session_id: str | None = None

    @property
    def is_person(self) -> bool:
        return self.account is not None and self.login_session_id is not None

    def require(self, permission: Permission) -> None:
        """Raises: Refused: 403 `forbidden`, or `people_only` when a machine tries to decide."""
        if permission == "decide" and not self.is_person:
            raise Refused(403, "people_only", "a token can never decide: a person has to log in")
        if permission not in self.permissions:
            raise Refused(403, "forbidden", f"this needs the right to {permission}")

    def person(self) -> tuple[Account, str]:
        """The account and its log-in session. Raises: Refused: 403 `people_only` for a machine."""
        if self.account is None or self.login_session_id is None:
            raise Refused(403, "people_only", "only a person who is logged in can do this")
        return self.account, self.login_session_id


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_hex(16))


def add_account(
    session: Session, login: str, name: str, roles: Iterable[str], *,
    password: str | None = None, language: str = "en", team: str | None = None,
) -> tuple[Account, str]:  # fmt: skip
    """Make an account. Returns it with its password, which is made here unless one is given.

    Raises:
        Refused: 422 with the field that is wrong.
    """
    wanted = set(roles)
    if not wanted or not wanted <= set(ROLES):
        raise invalid("bad_role", f"roles are {', '.join(ROLES)}")
    if not login or not login.replace("-", "").replace(".", "").replace("_", "").isalnum() or len(login) > 80:
        raise invalid("bad_login", "a log-in name is made of letters, digits, dots, dashes and underscores")
    if not is_language(language):
        raise invalid("bad_language", f"{language!r} is not a language of the console")
    if session.scalar(select(Account.id).where(Account.login == login)) is not None:
        raise invalid("login_taken", f"there is an account {login!r} already")
    secret = password or secrets.token_urlsafe(9)
    if len(secret) < MIN_PASSWORD:
        raise invalid("short_password", f"a password has at least {MIN_PASSWORD} characters")
    found = session.scalar(select(Team).where(Team.key == team)) if team else None
    if team and found is None:
        raise not_found(f"team {team!r}")
    account = Account(
        login=login, name=name, initials=_initials(name), language=language, password_hash=_hasher().hash(secret),
        team_id=found.id if found else None, roles=[AccountRole(role=role) for role in sorted(wanted)],
    )  # fmt: skip
    session.add(account)
    session.flush()
    record(session, "account.added", "admin", login=login)
    return account, secret


def disable_account(session: Session, login: str) -> Account:
    """Disable an account: its sessions end at the next request, its claims are freed.

    Raises:
        Refused: 404 when there is no such account.
    """
    account = session.scalar(select(Account).where(Account.login == login))
    if account is None:
        raise not_found(f"account {login!r}")
    account.disabled_at = account.disabled_at or now()
    for live in session.scalars(select(LoginSession).where(LoginSession.account_id == account.id)):
        live.revoked_at = live.revoked_at or now()
    for case in session.scalars(select(Case).where(Case.claimed_by == account.id)):
        case.claimed_by, case.claim_expires_at = None, None
    record(session, "account.disabled", "admin", login=login)
    return account


def log_in(session: Session, login: str, password: str) -> tuple[Account, str]:
    """Check a password and open a session. Returns the account and the secret reference for the cookie.

    Raises:
        Refused: 401 `bad_login`, the same whether the name or the password is wrong.
    """
    account = session.scalar(select(Account).where(Account.login == login))
    # An unknown name costs as much time as a wrong password.
    stored = account.password_hash if account is not None and account.disabled_at is None else _nobody()
    if not _matches(stored, password) or account is None or account.disabled_at is not None:
        raise Refused(401, "bad_login", "the name or the password is wrong")
    reference = secrets.token_urlsafe(32)
    session.add(
        LoginSession(id=_sha256(reference), account_id=account.id, expires_at=now() + timedelta(hours=SESSION_HOURS))
    )
    record(session, "account.logged_in", account.login)
    return account, reference


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher().verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def log_out(session: Session, session_id: str) -> None:
    live = session.get(LoginSession, session_id)
    if live is not None and live.revoked_at is None:
        live.revoked_at = now()


def principal_of_session(session: Session, reference: str) -> Principal | None:
    """The person behind a cookie's reference; None when it has ended, was revoked or the account is disabled."""
    live = session.get(LoginSession, _sha256(reference))
    if live is None or live.revoked_at is not None or live.expires_at < now():
        return None
    account = live.account
    if account.disabled_at is not None:
        return None
    return Principal(account.login, _permissions(account.role_names), account, live.id)


def add_token(session: Session, name: str, role: str, *, days: int | None = None) -> tuple[ApiToken, str]:
    """Make a machine's token. Returns its row and the token itself, which is not stored.

    Raises:
        Refused: 422 for an unknown role, and for a name that is empty or too long.
    """
    if role not in ROLES:
        raise invalid("bad_role", f"roles are {', '.join(ROLES)}")
    if not name.strip() or len(name) > LONGEST_TOKEN_NAME:
        raise invalid("bad_name", f"a token's name has 1 to {LONGEST_TOKEN_NAME} characters")
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    token = ApiToken(
        name=name, prefix=prefix, secret_sha256=_sha256(secret), role=role,
        expires_at=now() + timedelta(days=days) if days else None,
    )  # fmt: skip
    session.add(token)
    session.flush()
    return token, f"{prefix}.{secret}"


def revoke_token(session: Session, prefix: str) -> ApiToken:
    """Raises: Refused: 404 when there is no such token."""
    token = session.scalar(select(ApiToken).where(ApiToken.prefix == prefix))
    if token is None:
        raise not_found(f"token {prefix!r}")
    token.revoked_at = token.revoked_at or now()
    return token


def principal_of_token(session: Session, presented: str) -> Principal | None:
    """The machine behind a bearer token; None when it is unknown, revoked or too old."""
    prefix, _, secret = presented.partition(".")
    token = session.scalar(select(ApiToken).where(ApiToken.prefix == prefix))
    if token is None or not hmac.compare_digest(token.secret_sha256, _sha256(secret)):
        return None
    if token.revoked_at is not None or (token.expires_at is not None and token.expires_at < now()):
        return None
    return Principal(f"token:{token.name}", _permissions({token.role}))


def _permissions(roles: Iterable[str]) -> frozenset[Permission]:
    return frozenset().union(*(ROLES[role] for role in roles))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _initials(name: str) -> str:
    return "".join(part[0] for part in name.split() if part)[:3].upper() or "?"
