"""Model versions: what is kept, what is in service, and the two ways to change that."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.rasa_home import RasaMissing
from bot.rasa_process import RasaFailed, RasaProcess, checksum
from knowledge.database import Database, now
from training.records import INTENTS, Refusal
from training.tables import ModelInService, ModelVersion

Also = Callable[[Session, ModelVersion], None]
"""What else belongs to the same transaction, for instance the audit entry."""


class ModelRefused(Refusal):
    """A model is not put into service; the code and the message say why."""


def list_models(session: Session, kind: str = INTENTS) -> list[ModelVersion]:
    """All versions of a kind, newest first."""
    return list(session.scalars(select(ModelVersion).where(ModelVersion.kind == kind).order_by(ModelVersion.id.desc())))


def show_model(session: Session, wanted: str | int, kind: str = INTENTS) -> ModelVersion:
    """A version by its name or number.

    Raises:
        ModelRefused: `not_found`.
    """
    query = select(ModelVersion).where(ModelVersion.kind == kind)
    is_number = isinstance(wanted, int) or (wanted.isascii() and wanted.isdigit() and len(wanted) < 10)
    column = ModelVersion.id if is_number else ModelVersion.name
    found = session.scalar(query.where(column == (int(wanted) if is_number else wanted)))
    if found is None:
        raise ModelRefused("not_found", f"there is no model {wanted}")
    return found


def find_in_service(session: Session, kind: str = INTENTS) -> ModelVersion | None:
    """The version that should answer; None before the first promotion."""
    row = session.get(ModelInService, kind)
    return session.get_one(ModelVersion, row.model_version_id) if row is not None else None


def waiting_candidate(session: Session, kind: str = INTENTS) -> ModelVersion | None:
    """The newest version that passed the gate and was not promoted yet."""
    query = select(ModelVersion).where(ModelVersion.kind == kind, ModelVersion.state == "candidate")
    return session.scalar(query.order_by(ModelVersion.id.desc()).limit(1))


def archive_of(home: Path, version: ModelVersion) -> Path:
    """The version's archive, checked byte for byte against the checksum of the day it was made.

    Raises:
        ModelRefused: `foreign_path`, `archive_missing`, `archive_changed`.
    """
    folder = (home / "models").resolve()
    path = home / version.path
    if path.is_symlink() or path.resolve().parent != folder:
        raise ModelRefused("foreign_path", f"the archive of {version.name} does not lie in the folder of models")
    if not path.is_file():
        raise ModelRefused("archive_missing", f"the archive of {version.name} is not there")
    found = checksum(path)
    if found != version.sha256:
        raise ModelRefused(
            "archive_changed", f"the archive of {version.name} is damaged or another file: its checksum is "
            f"{found[:12]}, not {version.sha256[:12]}",
        )  # fmt: skip
    return path


def prove(home: Path, version: ModelVersion) -> None:
    """Start the model on a port of its own, see that it answers a few sentences sensibly, stop it.

    Raises:
        ModelRefused: `archive_...`, `rasa_missing`, or `does_not_work`.
    """
    archive = archive_of(home, version)
    try:
        with RasaProcess() as server:
            server.start(archive, SecretStr(secrets.token_urlsafe(32)), sha256=version.sha256)
            server.wait_ready()
    except RasaMissing as missing:
        raise ModelRefused("rasa_missing", str(missing)) from missing
    except RasaFailed as failed:
        raise ModelRefused("does_not_work", f"{version.name}: {failed}") from failed


def promote_model(
    database: Database, home: Path, wanted: str | int, by: str, *, prove_first: bool = True, also: Also | None = None
) -> ModelVersion:
    """Put a version into service; the supervisor notices and changes over without a gap.

    Args:
        prove_first: start the model and have it answer before anything changes. A caller may leave that to the
            supervisor, which keeps the old model answering when the new one fails.
        also: done in the same transaction.

    Raises:
        ModelRefused: `not_found`, `refused_by_gate`, `in_service`, or what `archive_of` and `prove` say.
    """
    with database.read() as session:
        version = show_model(session, wanted)
    _check(home, version, prove_first)
    with database.write() as session:
        version = show_model(session, version.id)
        row = session.get(ModelInService, version.kind)
        if row is not None and row.model_version_id == version.id:
            raise ModelRefused("in_service", f"{version.name} is in service already")
        _put(session, row, version, row.model_version_id if row is not None else None, by)
        if also is not None:
            also(session, version)
    return version


def roll_back(
    database: Database, home: Path, by: str, *, prove_first: bool = False, also: Also | None = None
) -> ModelVersion:
    """Put the version back that was in service before; the one it replaces is retired. Returns the one put back.

    Raises:
        ModelRefused: `nothing_before`, or what `archive_of` and `prove` say.
    """
    with database.read() as session:
        target = _previous(session)
    _check(home, target, prove_first)
    with database.write() as session:
        target = _previous(session, expected=target.id)
        row = session.get_one(ModelInService, INTENTS)
        session.get_one(ModelVersion, row.model_version_id).state = "retired"
        _put(session, row, target, None, by)
        if also is not None:
            also(session, target)
    return target


def _check(home: Path, version: ModelVersion, prove_first: bool) -> None:
    if version.state == "refused":
        raise ModelRefused("refused_by_gate", f"the gate has refused {version.name}; its report says why")
    if prove_first:
        prove(home, version)
    else:
        archive_of(home, version)


def _put(session: Session, row: ModelInService | None, version: ModelVersion, previous: int | None, by: str) -> None:
    version.state, version.promoted_at = "approved", now()
    if row is None:
        row = ModelInService(kind=version.kind, model_version_id=version.id, changed_by=by)
        session.add(row)
    row.model_version_id, row.previous_id, row.changed_at, row.changed_by = version.id, previous, now(), by
    session.flush()


def _previous(session: Session, expected: int | None = None) -> ModelVersion:
    row = session.get(ModelInService, INTENTS)
    if row is None or row.previous_id is None:
        raise ModelRefused("nothing_before", "there is no model to go back to")
    if expected is not None and row.previous_id != expected:
        raise ModelRefused("changed_meanwhile", "somebody else has just changed the model; look again")
    return session.get_one(ModelVersion, row.previous_id)
