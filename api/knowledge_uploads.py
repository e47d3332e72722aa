"""Files of articles on their way in: kept as they came, planned, and imported when somebody agrees to the plan."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from api.history import record
from api.problems import Refused, conflict, invalid, not_found
from api.workspace import Workspace
from bot.language import detect
from knowledge.exchange import FORMATS, NoSuchImport, PlanChanged, Reading, Report, Undone, import_base, undo_import
from knowledge.files import FileProblem
from knowledge.languages import is_language

MAX_UPLOAD: Final = 32 * 1024 * 1024
MAX_PLANNED: Final = 20_000
"""Rows that are planned while a browser waits; a longer file is for the command line."""
KEPT_SECONDS: Final = 24 * 3600
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{20,40}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that waits to be imported. `format` and `language` are empty where they are to be recognised."""

    token: str
    name: str
    by: str
    format: str = ""
    language: str = ""


class Uploads:
    """The files in a workspace's home that wait to be imported. They are forgotten after a day."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._folder = workspace.settings.home / "uploads"

    def keep(self, file: FileStorage, *, by: str, format: str = "", language: str = "") -> Upload:
        """Keep a file. Raises Refused: 422 for a name, a format or a language that cannot be."""
        if format and format not in FORMATS:
            raise invalid("bad_format", f"no format {format[:40]!r}; there are {', '.join(FORMATS)}")
        if language and not is_language(language):
            raise invalid("bad_language", f"no language {language[:40]!r}")
        name = re.sub(r"[^\w.()+ -]+", "_", Path((file.filename or "").replace("\\", "/")).name).lstrip(". ")[-100:]
        if not name:
            raise invalid("no_file", "choose a file")
        self._forget_old()
        upload = Upload(secrets.token_urlsafe(18), name, by, format, language)
        folder = self._folder / upload.token
        (folder / "file").mkdir(parents=True, mode=0o700)
        file.save(folder / "file" / name)
        (folder / "about.json").write_text(json.dumps(asdict(upload)), encoding="utf-8")
        return upload

    def find(self, token: str) -> Upload:
        """The file of this token. Raises Refused: 404."""
        path = self._folder / token / "about.json"
        if not _TOKEN.fullmatch(token) or not path.is_file():
            raise not_found("upload; it may have been imported already, or a day has passed")
        return Upload(**json.loads(path.read_text(encoding="utf-8")))

    def forget(self, token: str) -> None:
        """Throw a file away."""
        shutil.rmtree(self._folder / self.find(token).token, ignore_errors=True)

    def plan(self, upload: Upload) -> Report:
        """What importing it would do. Raises Refused: 422 `bad_file` for a file that cannot be used."""
        with self._refusing(upload):
            report = import_base(
                self._workspace.database, self._path(upload), by=upload.by, dry_run=True, **_how(upload)
            )
        if len(report.lines) > MAX_PLANNED:
            self.forget(upload.token)
            raise invalid("too_many_rows", f"more than {MAX_PLANNED} rows: use `odzew knowledge import`")
        return report

    def carry_out(self, upload: Upload, *, by: str, digest: str, skip_refused: bool) -> Report:
        """Import it exactly as it was planned.

        Raises:
            Refused: 409 `plan_changed` where the base has changed meanwhile, 422 `rows_refused` where rows are refused.
        """

        def note(session: Session, report: Report) -> None:
            about = {"import": report.import_id, **report.counts}
            self._workspace.trail.add(session, by, "knowledge.imported", f"file:{upload.name}"[:120], json.dumps(about))
            record(session, "knowledge.changed", by, change="knowledge.imported", **{"import": report.import_id})

        with self._refusing(upload):
            try:
                report = import_base(
                    self._workspace.database, self._path(upload), by=by, skip_refused=skip_refused, expected=digest,
                    on_stored=note, **_how(upload),
                )  # fmt: skip
            except PlanChanged as problem:
                raise conflict("plan_changed", str(problem)) from problem
        if not report.stored:
            raise invalid("rows_refused", f"{report.counts['refused']} rows are refused; nothing was imported")
        self.forget(upload.token)
        self._tell()
        return report

    def undo(self, number: int, *, by: str, rest: bool) -> Undone:
        """Undo an import. Raises Refused: 404; 409 `edited_since` with the reason for each article."""
        try:
            with self._workspace.database.write() as session:
                outcome = undo_import(session, number, by=by, rest=rest)
                if not outcome.done:
                    raise conflict(
                        "edited_since", "articles of this import have changed since; nothing was undone",
                        articles=outcome.blocked,
                    )  # fmt: skip
                if outcome.restored or outcome.removed:
                    about = json.dumps({"restored": len(outcome.restored), "removed": len(outcome.removed)})
                    self._workspace.trail.add(session, by, "knowledge.import_undone", f"import:{number}", about)
                    record(session, "knowledge.changed", by, change="knowledge.import_undone", **{"import": number})
        except NoSuchImport:
            raise not_found("import") from None
        self._tell()
        return outcome

    def shown(self, upload: Upload, said: str) -> str:
        """A message or a place without where the file lies here."""
        return said.replace(f"{self._path(upload).parent}/", "")

    def _path(self, upload: Upload) -> Path:
        return self._folder / upload.token / "file" / upload.name

    @contextmanager
    def _refusing(self, upload: Upload) -> Iterator[None]:
        try:
            yield
        except FileProblem as problem:
            said = self.shown(upload, str(problem))
            self.forget(upload.token)
            raise Refused(422, "bad_file", said) from problem

    def _forget_old(self) -> None:
        for folder in self._folder.glob("*"):
            try:
                if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
            except FileNotFoundError:  # another process forgot it at the same moment
                continue

    def _tell(self) -> None:
        self._workspace.nudge.send("work")
        self._workspace.nudge.send("events")


def _how(upload: Upload) -> dict[str, Any]:
    reading = Reading(language=upload.language or None, detect=lambda text: detect(text).language)
    return {"format": upload.format or None, "reading": reading}
