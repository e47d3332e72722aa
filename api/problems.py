"""Refusals with a name: the same for the web, the command line and the tests."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """Something was asked that is not done. `code` is stable, `detail` is for a person, `extra` for a program."""

    def __init__(self, status: int, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.extra = extra


def not_found(what: str) -> Refused:
    return Refused(404, "not_found", f"there is no such {what}")


def conflict(code: str, detail: str, **extra: Any) -> Refused:
    return Refused(409, code, detail, **extra)


def invalid(code: str, detail: str, **extra: Any) -> Refused:
    return Refused(422, code, detail, **extra)
