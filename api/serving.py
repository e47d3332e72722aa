"""Serving the application with gunicorn: one process, many threads, because each live page holds one."""

from __future__ import annotations

import os
import signal
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from api import knowledge_service, leash
from api.workspace import Workspace
from knowledge.settings import Settings

GRACE_SECONDS = 3


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured from our settings and from nothing else."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        wanted: dict[str, Any] = {
            "bind": f"{host}:{self._settings.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": self._settings.threads,
            "timeout": 120,
            "graceful_timeout": GRACE_SECONDS,
            "accesslog": None,
            "loglevel": "warning",
            "proc_name": "odzew-web",
            "limit_request_line": 8190,
            "post_worker_init": _end_with_streams,
        }
        for name, value in wanted.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        from api.web import create_app

        # Opened here, after gunicorn has forked: connections must not be shared between processes.
        workspace = Workspace.open(self._settings)
        app = create_app(workspace)
        knowledge_service.start(app, workspace)
        return app


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    Server(settings).run()


def _end_with_streams(_worker: object) -> None:
    leash.tie(os.getppid())
    # A live stream never ends by itself, so a graceful stop would wait for its whole time-out.
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))
