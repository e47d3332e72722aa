"""Following Rasa: the supervisor says in a file where the model in service answers, and it may move at any time."""

from __future__ import annotations

import json
import threading

from pydantic import SecretStr

from api.home import rasa_address_file
from bot.intents import IntentClient, Intents, IntentsUnavailable
from knowledge.settings import Settings


class FollowingIntents:
    """Parses with whichever Rasa is in service now. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file = rasa_address_file(settings.home)
        self._stamp: tuple[int, int] | None = None
        self._client: IntentClient | None = None
        self._lock = threading.Lock()

    def parse(self, text: str) -> Intents:
        """The intents of a text, likeliest first.

        Raises:
            IntentsUnavailable: Rasa is not there, or does not answer properly or in time.
        """
        client = self.client()
        try:
            return client.parse(text)
        except IntentsUnavailable:
            if self.client() is client:
                raise
            return self.client().parse(text)  # it moved between the look and the call

    def client(self) -> IntentClient:
        """The client of the Rasa in service. Raises: IntentsUnavailable: none is."""
        if self._settings.rasa_url:
            return self._fixed()
        with self._lock:
            try:
                stat = self._file.stat()
            except FileNotFoundError:
                raise IntentsUnavailable("Rasa is not running") from None
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if self._client is None or stamp != self._stamp:
                address = json.loads(self._file.read_text(encoding="utf-8"))
                self._client = IntentClient(address["url"], SecretStr(address["token"]))
                self._stamp = stamp
            return self._client

    def _fixed(self) -> IntentClient:
        with self._lock:
            if self._client is None:
                self._client = IntentClient(self._settings.rasa_url, self._settings.rasa_token)
            return self._client
