"""Who may do what: log-ins, tokens, and that taking a right away works at the next request."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from api import accounts
from api.accounts import (
    ROLES,
    Permission,
    Principal,
    add_account,
    add_token,
    log_in,
    principal_of_session,
    revoke_token,
)
from api.problems import Refused
from api.tables import Account, ApiToken, LoginSession
from api.workspace import Workspace
from knowledge.database import now
from tests.fixtures.database import sqlite_only
from tests.fixtures.story import Story
from tests.fixtures.workspace import PASSWORD, PEOPLE, People, Visitor

PERMISSIONS: tuple[Permission, ...] = ("read", "decide", "knowledge", "train", "administer")


def test_a_person_logs_in_with_their_password_and_with_nothing_else(workspace: Workspace, people: People) -> None:
    with workspace.database.write() as session:
        account, reference = log_in(session, "agata", PASSWORD)
    with workspace.database.read() as session:
        found = principal_of_session(session, reference)
    assert found is not None
    assert (found.name, found.is_person, account.login) == ("agata", True, "agata")
    for login, password in (("agata", "wrong password"), ("nobody", PASSWORD), ("Agata", PASSWORD), ("agata", "")):
        with pytest.raises(Refused) as caught, workspace.database.write() as session:
            log_in(session, login, password)
        assert (caught.value.status, caught.value.code) == (401, "bad_login")
        assert caught.value.detail == "the name or the password is wrong"


@sqlite_only
def test_neither_passwords_nor_references_nor_tokens_are_stored(workspace: Workspace, people: People) -> None:
    reference, token = people.reference("agata"), people.token()
    with workspace.database.read() as session:
        stored = [*session.scalars(select(Account.password_hash)), *session.scalars(select(LoginSession.id)),
                  *session.scalars(select(ApiToken.secret_sha256))]  # fmt: skip
    assert all(hash_.startswith("$argon2id$") for hash_ in stored[: len(PEOPLE)])
    for secret in (PASSWORD, reference, token, token.partition(".")[2]):
        assert secret not in stored


@sqlite_only
def test_roles_give_their_permissions_and_no_more(people: People) -> None:
    for login, _, role, _ in PEOPLE:
        for permission in PERMISSIONS:
            _check(people[login], permission, permission in ROLES[role])
    for role in ROLES:
        machine = people.machine(role)
        for permission in PERMISSIONS:
            _check(machine, permission, permission in ROLES[role] and permission != "decide")


def _check(principal: Principal, permission: Permission, allowed: bool) -> None:
    if allowed:
        principal.require(permission)
        return
    with pytest.raises(Refused) as caught:
        principal.require(permission)
    assert caught.value.status == 403


def test_a_disabled_person_is_out_at_the_next_request(story: Story, client: Visitor) -> None:
    client.log_in("agata")
    assert client.get("/api/me").status_code == 200
    case = story.asked().case_id
    assert client.post(f"/api/cases/{case}/claim").status_code == 200
    story.disable("agata")
    assert client.get("/api/me").status_code == 401
    assert client.post("/api/login", json={"login": "agata", "password": PASSWORD}).status_code == 401
    assert story.claims(case or 0, "besnik") > 0, "the claim of a disabled person is freed"


@sqlite_only
def test_a_revoked_or_old_token_is_out_at_the_next_request(story: Story, client: Visitor) -> None:
    with story.workspace.database.write() as session:
        _, token = add_token(session, "m", "agent")
        _, old = add_token(session, "m", "agent", days=1)
    assert client.use_token(token).get("/api/me").status_code == 200
    with story.workspace.database.write() as session:
        revoke_token(session, token.partition(".")[0])
        session.scalars(select(ApiToken).where(ApiToken.expires_at.is_not(None))).one().expires_at = now()
    assert client.get("/api/me").status_code == 401
    assert client.use_token(old).get("/api/me").status_code == 401
    for nonsense in ("", ".", "x", token + "x", token.upper(), f"{token.partition('.')[0]}.", "ä.ö"):
        assert client.use_token(nonsense or " ").get("/api/me").status_code == 401


@sqlite_only
def test_a_log_out_ends_the_log_in_itself_not_only_the_cookie(client: Visitor, people: People) -> None:
    client.log_in("agata")
    cookie = client.get_cookie("odzew")
    assert cookie is not None
    assert client.post("/api/logout").status_code == 204
    client.set_cookie("odzew", cookie.value)
    assert client.get("/api/me").status_code == 401


@sqlite_only
def test_a_log_in_ends_by_itself(workspace: Workspace, people: People) -> None:
    reference = people.reference("agata")
    with workspace.database.write() as session:
        live = session.get_one(LoginSession, accounts._sha256(reference))
        live.expires_at = now() - timedelta(seconds=1)
    with workspace.database.read() as session:
        assert principal_of_session(session, reference) is None


@sqlite_only
@pytest.mark.parametrize(
    ("login", "given", "code"),
    [
        ("x" * 81, {}, "bad_login"), ("a b", {}, "bad_login"), ("", {}, "bad_login"), ("a/b", {}, "bad_login"),
        ("agata", {}, "login_taken"), ("new", {"roles": ["boss"]}, "bad_role"), ("new", {"roles": []}, "bad_role"),
        ("new", {"language": "de"}, "bad_language"), ("new", {"password": "short"}, "short_password"),
        ("new", {"team": "nobody"}, "not_found"),
    ],
)  # fmt: skip
def test_a_wrong_account_is_refused_by_name(
    workspace: Workspace, people: People, login: str, given: dict[str, object], code: str
) -> None:
    wanted = {"name": "New", "roles": ["agent"]} | given
    with pytest.raises(Refused) as caught, workspace.database.write() as session:
        add_account(session, login, **wanted)  # type: ignore[arg-type]
    assert caught.value.code == code


@sqlite_only
def test_log_ins_are_limited(workspace: Workspace, people: People) -> None:
    from dataclasses import replace

    from api.web import create_app

    settings = workspace.settings.model_copy(update={"login_limit": "3 per minute"})
    app = create_app(replace(workspace, settings=settings))
    client = app.test_client()
    wrong = {"login": "agata", "password": "wrong password"}
    assert [client.post("/api/login", json=wrong).status_code for _ in range(4)] == [401, 401, 401, 429]
    limited = client.post("/api/login", json={"login": "agata", "password": PASSWORD})
    assert (limited.status_code, limited.content_type) == (429, "application/problem+json")
    assert int(limited.headers["Retry-After"]) > 0
