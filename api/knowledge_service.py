"""The searchable base of the web process. It takes seconds to load, so it is made in a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, cast

import structlog
from flask import Flask, after_this_request, current_app
from werkzeug.wrappers import Response

from api.problems import Refused
from api.workspace import Workspace
from knowledge.catalogue import Catalogue

if TYPE_CHECKING:
    from knowledge.search import KnowledgeBase
    from knowledge.trial import Trials

log = structlog.get_logger()

EXTENSION: Final = "odzew.knowledge"
RETRY_AFTER_SECONDS: Final = 3
TRY_AGAIN_SECONDS: Final = 60.0


class KnowledgeService:
    """Holds the `KnowledgeBase` once it is ready, and says so politely until then."""

    def __init__(self, workspace: Workspace) -> None:
        self.catalogue = Catalogue(workspace.database)
        self._workspace = workspace
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._base: KnowledgeBase | None = None
        self._trials: Trials | None = None
        self._progress = (0, 0)
        self._failure = ""
        self._failed_at = 0.0

    @property
    def ready(self) -> bool:
        """Whether a search would be answered now."""
        return self._base is not None

    @property
    def progress(self) -> tuple[int, int]:
        """How many phrasings have been embedded so far, of how many; (0, 0) before that begins."""
        return self._progress

    @property
    def failure(self) -> str:
        """Why it does not load; empty while nothing is wrong."""
        return self._failure

    def start(self) -> None:
        """Begin to load, unless that has been done; after a failure, once a minute again."""
        with self._lock:
            loading = self._thread is not None and self._thread.is_alive()
            just_failed = self._failure and time.monotonic() - self._failed_at < TRY_AGAIN_SECONDS
            if self._base is not None or loading or just_failed:
                return
            self._failure = ""
            self._thread = threading.Thread(target=self._load, name="knowledge-load", daemon=True)
            self._thread.start()

    def base(self) -> KnowledgeBase:
        """The base, to be searched.

        Raises:
            Refused: 503 `warming_up` with Retry-After and how far it is, or 503 `search_unavailable` with the reason.
        """
        self.start()
        base = self._base
        if base is not None:
            return base
        after_this_request(_retry_later)
        if self._failure:
            raise Refused(503, "search_unavailable", f"the search by meaning does not load: {self._failure}")
        done, of = self._progress
        raise Refused(503, "warming_up", "the search by meaning is getting ready", done=done, of=of)

    def trials(self) -> Trials:
        """Where edits are tried out before they are saved. Raises: Refused: as `base`."""
        self.base()
        if self._trials is None:
            raise RuntimeError("the base is there, and its trials are not")
        return self._trials

    def _load(self) -> None:
        try:
            # Here, in the thread: they bring the model libraries along, and the server is to answer before that.
            from knowledge.search import KnowledgeBase
            from knowledge.team import load_team
            from knowledge.trial import Trials

            team = load_team(self._workspace.settings.embedding_model)
            base = KnowledgeBase(
                self._workspace.database, team, self._count, folder=self._workspace.settings.index_folder
            )
            self._trials = Trials(self._workspace.database, base)
            self._base = base
        except Exception as problem:
            # Whoever asks is told why, and asking again after a while tries again.
            log.exception("the search by meaning does not load", error=str(problem))
            self._failed_at = time.monotonic()
            self._failure = f"{type(problem).__name__}: {problem}"

    def _count(self, done: int, of: int) -> None:
        self._progress = (done, of)


def start(app: Flask, workspace: Workspace) -> KnowledgeService:
    """Begin to load in the background; call it once the serving process has been forked."""
    service = KnowledgeService(workspace)
    app.extensions[EXTENSION] = service
    service.start()
    return service


def knowledge_service() -> KnowledgeService:
    """The service of this application. Where nobody has started it, it begins to load at the first search."""
    extensions = current_app.extensions
    if EXTENSION not in extensions:
        extensions.setdefault(EXTENSION, KnowledgeService(cast(Workspace, extensions["odzew"])))
    return cast(KnowledgeService, extensions[EXTENSION])


def _retry_later(answer: Response) -> Response:
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer
