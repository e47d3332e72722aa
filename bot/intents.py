"""Intents of a message, asked of Rasa. The one module that speaks Rasa's HTTP API."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx2
from pydantic import BaseModel, Field, SecretStr, ValidationError

from bot.records import Intent

MAX_CHARACTERS: Final = 2000
CONNECT_SECONDS: Final = 0.3
READ_SECONDS: Final = 1.5
FAILURES_TO_OPEN: Final = 5
OPEN_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.2
CANNED: Final = "Good morning, what does it cost?"
Shape = TypeVar("Shape", bound=BaseModel)
CONNECTION_ERRORS: Final = (httpx2.NetworkError, httpx2.RemoteProtocolError)
# The encoder behind Rasa reads up to a NUL, and half a surrogate pair cannot be sent as UTF-8.
UNSENDABLE: Final = re.compile("[\x00\ud800-\udfff]")


class IntentsUnavailable(RuntimeError):
    """Rasa gave no intents; `reason` says why in one line and never holds the message's text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Intents:
    """Intents of one text, likeliest first, and the id of the model that named them (empty when none was asked)."""

    intents: tuple[Intent, ...]
    model: str


@dataclass(frozen=True, slots=True)
class RasaStatus:
    """Whether Rasa has a model loaded and which; `reason` says what is wrong when it is not ready."""

    ready: bool
    model: str
    reason: str = ""


class _Ranked(BaseModel):
    name: str
    confidence: float = Field(ge=0, le=1.000001, allow_inf_nan=False)


class _Parse(BaseModel):
    intent_ranking: list[_Ranked] = Field(min_length=1)


class _Status(BaseModel):
    model_id: str


class Breaker:
    """Stops asking a service that fails. Closed, open for some seconds, then one caller may probe.

    The pattern is M. Nygard's, "Release It!" (2007).
    """

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._seconds, self._clock = failures, seconds, clock
        self._lock = threading.Lock()
        self._failures = 0
        self._probe_after: float | None = None

    def enter(self) -> bool:
        """True when the caller must probe first, False when it may go on.

        Raises:
            IntentsUnavailable: the breaker is open, or another caller is probing.
        """
        with self._lock:
            if self._probe_after is None:
                return False
            if self._clock() < self._probe_after:
                raise IntentsUnavailable(f"Rasa failed {self._limit} times in a row and is left alone for a moment")
            # The next caller waits a whole period again, unless this one's probe succeeds.
            self._probe_after = self._clock() + self._seconds
            return True

    def succeeded(self) -> None:
        """Close the breaker."""
        with self._lock:
            self._failures, self._probe_after = 0, None

    def failed(self) -> None:
        """Count a failure; open at the limit."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._limit:
                self._probe_after = self._clock() + self._seconds


class _WithToken(httpx2.BaseTransport):
    """Adds Rasa's token below the client: Rasa reads it from the address only, and clients log addresses."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token
        self._inner = httpx2.HTTPTransport(limits=httpx2.Limits(max_connections=16, max_keepalive_connections=8))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._inner.handle_request(
            httpx2.Request(
                request.method,
                request.url.copy_merge_params({"token": self._token.get_secret_value()}),
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions,
            )
        )

    def close(self) -> None:
        self._inner.close()


class IntentClient:
    """Asks one Rasa process for intents. May be shared by threads; logs nothing.

    Args:
        base_url: for instance `http://127.0.0.1:5005`.
        token: the token the process was started with.
        breaker: replaces the usual one (5 failures, 10 seconds).
        read_seconds: how long an answer may take; longer where nobody waits for it.
    """

    def __init__(
        self, base_url: str, token: SecretStr, breaker: Breaker | None = None, *, read_seconds: float = READ_SECONDS
    ) -> None:
        timeout = httpx2.Timeout(read_seconds, connect=CONNECT_SECONDS)
        # trust_env off: a proxy named in the environment must not see customers' texts.
        self._http = httpx2.Client(base_url=base_url, transport=_WithToken(token), timeout=timeout, trust_env=False)
        self._breaker = breaker or Breaker(FAILURES_TO_OPEN, OPEN_SECONDS)
        self._model = ""

    def parse(self, text: str) -> Intents:
        """The intents of a text; none, and no call, for a text without content.

        Raises:
            IntentsUnavailable: Rasa is down, slow, or answers something else than intents.
        """
        cleaned = clean(text)
        if not cleaned:
            return Intents((), self._model)
        must_probe = self._breaker.enter()
        try:
            if must_probe or not self._model:
                self._probe(with_parse=must_probe)
            found = self._ask(cleaned)
        except BaseException:
            self._model = ""  # what answers next may be another process
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return found

    def status(self) -> RasaStatus:
        """Whether a model is loaded. Never raises; asks even while the breaker is open."""
        try:
            answer = self._send("GET", "/status")
            if answer.status_code == httpx2.codes.CONFLICT:
                return RasaStatus(False, "", "Rasa runs without a model")
            return RasaStatus(True, _read(_Status, answer).model_id)
        except IntentsUnavailable as unavailable:
            return RasaStatus(False, "", unavailable.reason)

    def wait_ready(self, timeout: float) -> RasaStatus:
        """Wait until a model is loaded.

        Raises:
            IntentsUnavailable: it was not within `timeout` seconds; the reason is the last one seen.
        """
        give_up = time.monotonic() + timeout
        while not (status := self.status()).ready:
            if time.monotonic() >= give_up:
                raise IntentsUnavailable(f"not ready after {timeout:g} s: {status.reason}")
            time.sleep(POLL_SECONDS)
        return status

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _probe(self, *, with_parse: bool) -> None:
        status = self.status()
        if not status.ready:
            raise IntentsUnavailable(status.reason)
        self._model = status.model
        if with_parse:
            self._ask(CANNED)  # a model can load and still fail at every text

    def _ask(self, text: str) -> Intents:
        ranked = _read(_Parse, self._send("POST", "/model/parse", {"text": text})).intent_ranking
        found = (Intent(name=one.name, probability=min(one.confidence, 1.0)) for one in ranked)
        return Intents(tuple(sorted(found, key=lambda intent: -intent.probability)), self._model)

    def _send(self, method: str, path: str, body: dict[str, str] | None = None) -> httpx2.Response:
        try:
            try:
                return self._http.request(method, path, json=body)
            except CONNECTION_ERRORS:
                return self._http.request(method, path, json=body)
        except httpx2.TimeoutException:
            raise IntentsUnavailable("Rasa did not answer in time") from None
        except CONNECTION_ERRORS:
            raise IntentsUnavailable("Rasa cannot be reached") from None
        except httpx2.HTTPError as error:
            raise IntentsUnavailable(f"Rasa's answer could not be read ({type(error).__name__})") from None


def clean(text: str) -> str:
    """What is sent of a text: at most 2,000 characters, one space between words, no leading slash.

    Rasa takes "/refund" in a public post for a command, and answers that intent with probability 1.
    """
    return " ".join(UNSENDABLE.sub(" ", text).split()).lstrip("/ ")[:MAX_CHARACTERS]


def _read(shape: type[Shape], answer: httpx2.Response) -> Shape:
    if answer.status_code != httpx2.codes.OK:
        raise IntentsUnavailable(f"Rasa answered {answer.status_code}")
    try:
        return shape.model_validate_json(answer.content)
    except ValidationError:
        # The error itself would quote what Rasa sent back, and that holds the text.
        raise IntentsUnavailable("Rasa answered something that is not what was asked for") from None
