"""The intent client against a small HTTP server that behaves like Rasa, well and badly."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from bot.intents import Breaker, IntentClient, IntentsUnavailable, clean

TOKEN = "a-token-of-this-test"
RANKING = [{"name": "praise", "confidence": 0.25}, {"name": "thanks", "confidence": 0.75}]


@dataclass
class Rasa:
    """What the server answers next, and what it was asked."""

    port: int = 0
    parse: tuple[int, bytes] = (200, json.dumps({"intent_ranking": RANKING}).encode())
    status: tuple[int, bytes] = (200, b'{"model_id": "m1", "model_file": "m1.tar.gz"}')
    delay: float = 0.0
    drop: int = 0
    texts: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


class Clock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def handler_of(rasa: Rasa) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(*rasa.status)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            rasa.texts.append(json.loads(body)["text"])
            if rasa.drop:
                rasa.drop -= 1
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            time.sleep(rasa.delay)
            self.answer(*rasa.parse)

        def answer(self, status: int, body: bytes) -> None:
            address = urlsplit(self.path)
            rasa.paths.append(address.path)
            if parse_qs(address.query).get("token") != [TOKEN]:
                status, body = 401, b"{}"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def rasa() -> Iterator[Rasa]:
    played = Rasa()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(played))
    server.daemon_threads = True
    played.port = server.server_port
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield played
    server.shutdown()
    server.server_close()


@pytest.fixture
def client_of() -> Iterator[Callable[..., IntentClient]]:
    made: list[IntentClient] = []

    def make(rasa: Rasa, token: str = TOKEN, breaker: Breaker | None = None) -> IntentClient:
        made.append(IntentClient(f"http://127.0.0.1:{rasa.port}", SecretStr(token), breaker))
        return made[-1]

    yield make
    for client in made:
        client.close()


def reason_of(client: IntentClient, text: str = "hello") -> str:
    with pytest.raises(IntentsUnavailable) as caught:
        client.parse(text)
    return caught.value.reason


def test_intents_come_likeliest_first_with_the_models_id(rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    found = client_of(rasa).parse("grazie mille")
    assert [(intent.name, intent.probability) for intent in found.intents] == [("thanks", 0.75), ("praise", 0.25)]
    assert found.model == "m1"


def test_the_models_id_is_asked_for_once(rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    client = client_of(rasa)
    client.parse("one")
    client.parse("two")
    assert rasa.paths == ["/status", "/model/parse", "/model/parse"]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("/refund", "refund"),
        (" \n/ //refund{} now", "refund{} now"),
        ("a\x00b\ud800c", "a b c"),
        ("ile  to\n kosztuje / miesiąc", "ile to kosztuje / miesiąc"),
        ("x" * 5000, "x" * 2000),
        (" " * 5000 + "here", "here"),
    ],
)
def test_nothing_that_reads_as_a_command_is_sent(
    text: str, sent: str, rasa: Rasa, client_of: Callable[..., IntentClient]
) -> None:
    client_of(rasa).parse(text)
    assert rasa.texts == [sent] == [clean(text)]


@pytest.mark.parametrize("text", ["", "  \n", "/", " / /", "\x00"])
def test_a_text_without_content_is_not_sent(text: str, rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    assert client_of(rasa).parse(text).intents == ()
    assert rasa.paths == []


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"intent_ranking": []}',
        b'{"intent_ranking": [{"name": "x", "confidence": 7}]}',
        b'{"intent_ranking": [{"name": "x", "confidence": NaN}]}',
        b'{"intent_ranking": [{"confidence": 0.5}]}',
        b"\xff\xfe",
    ],
)
def test_rubbish_is_refused(body: bytes, rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    rasa.parse = (200, body)
    assert "not what was asked" in reason_of(client_of(rasa))


def test_an_error_status_is_named(rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    rasa.parse = (500, b'{"message": "private words"}')
    assert reason_of(client_of(rasa)) == "Rasa answered 500"


def test_a_wrong_token_is_named(rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    assert reason_of(client_of(rasa, token="wrong")) == "Rasa answered 401"


def test_a_slow_answer_is_given_up_within_two_seconds(rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    rasa.delay = 5
    began = time.monotonic()
    assert "in time" in reason_of(client_of(rasa))
    assert time.monotonic() - began < 2.5
    assert len(rasa.texts) == 1, "a slow server must not be asked twice"


def test_a_dropped_connection_is_tried_once_more(rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    rasa.drop = 1
    assert client_of(rasa).parse("hello").intents
    rasa.drop = 2
    assert "reached" in reason_of(client_of(rasa))


def test_nobody_listening_is_said_at_once(client_of: Callable[..., IntentClient]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = client_of(Rasa(port=unused.getsockname()[1]))
        began = time.monotonic()
        assert "reached" in reason_of(client)
        assert not client.status().ready
        assert time.monotonic() - began < 1.5


def test_the_breaker_opens_then_probes_and_closes(rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    clock = Clock()
    client = client_of(rasa, breaker=Breaker(failures=5, seconds=10, clock=clock))
    healthy, rasa.parse = rasa.parse, (500, b"")
    for _ in range(5):
        assert reason_of(client) == "Rasa answered 500"
    asked = len(rasa.paths)
    assert "left alone" in reason_of(client)
    assert len(rasa.paths) == asked

    clock.now = 11
    assert reason_of(client) == "Rasa answered 500"
    assert rasa.texts[-1] != "hello", "the probe must not risk a customer's text"
    assert "left alone" in reason_of(client)

    clock.now, rasa.parse = 22, healthy
    rasa.paths.clear()
    assert client.parse("hello").intents
    assert rasa.paths == ["/status", "/model/parse", "/model/parse"]
    assert rasa.texts[-1] == "hello"


def test_a_success_forgets_earlier_failures(rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    client = client_of(rasa)
    healthy = rasa.parse
    for _ in range(3):
        rasa.parse = (500, b"")
        for _ in range(4):
            assert reason_of(client) == "Rasa answered 500"
        rasa.parse = healthy
        assert client.parse("hello").intents


def test_only_one_caller_probes() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, seconds=10, clock=clock)
    breaker.failed()
    clock.now = 11
    assert breaker.enter()
    with pytest.raises(IntentsUnavailable):
        breaker.enter()


def test_a_new_model_is_noticed_after_a_failure(rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    client = client_of(rasa)
    assert client.parse("one").model == "m1"
    rasa.drop, rasa.status = 2, (200, b'{"model_id": "m2"}')
    reason_of(client)
    assert client.parse("two").model == "m2"


def test_waiting_ends_when_a_model_is_there_or_time_is_up(rasa: Rasa, client_of: Callable[..., IntentClient]) -> None:
    client = client_of(rasa)
    loaded, rasa.status = rasa.status, (409, b"{}")
    with pytest.raises(IntentsUnavailable, match="without a model"):
        client.wait_ready(0.3)
    timer = threading.Timer(0.3, lambda: setattr(rasa, "status", loaded))
    timer.start()
    assert client.wait_ready(5).model == "m1"
    timer.join()


def test_neither_text_nor_token_is_logged(
    rasa: Rasa, client_of: Callable[..., IntentClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(rasa)
    client.parse("my number is 123")
    rasa.parse = (200, b'{"intent_ranking": "my number is 123"}')
    assert "123" not in reason_of(client, "my number is 123")
    assert TOKEN not in caplog.text
    assert "my number" not in caplog.text
    assert TOKEN not in repr(client.__dict__)
