"""The signature of the generic webhook: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Iterable

HEADER = "X-Odzew-Signature"
TOLERANCE_SECONDS = 300
_SHAPE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


class BadSignature(ValueError):
    """The signature is missing, malformed, too old or made with another secret."""


def sign(body: bytes, secret: str, at: int | None = None) -> str:
    """The header's value for a body, signed now unless `at` (unix seconds) says otherwise."""
    moment = int(time.time()) if at is None else at
    return f"t={moment},v1={_digest(moment, body, secret)}"


def check(header: str | None, body: bytes, secrets: Iterable[str], *, at: float | None = None) -> None:
    """Check a header against each live secret, in constant time.

    Raises:
        BadSignature: with the reason, which tells nothing about the secrets.
    """
    match = _SHAPE.fullmatch((header or "").strip())
    if match is None:
        raise BadSignature(f"{HEADER} is missing or not of the form t=<unix seconds>,v1=<64 hex digits>")
    moment, given = int(match[1]), match[2]
    if abs((time.time() if at is None else at) - moment) > TOLERANCE_SECONDS:
        raise BadSignature(f"the signed time is more than {TOLERANCE_SECONDS} s away from now")
    # Every secret is tried, so that the time taken does not tell which one fitted.
    fits = [hmac.compare_digest(_digest(moment, body, secret), given) for secret in secrets]
    if not any(fits):
        raise BadSignature("the signature does not fit the body")


def _digest(moment: int, body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), str(moment).encode() + b"." + body, hashlib.sha256).hexdigest()
