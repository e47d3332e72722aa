"""Browsers for the tests: each person has a window of their own, and no window may complain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.browser import require_browser
from tests.fixtures.running import Running

PATIENCE_MS: Final = 30_000
DESKTOP: Final = {"width": 1440, "height": 900}

Window = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = require_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found.executable, args=list(found.args))
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser) -> Iterator[Window]:
    """Opens windows. At the end none may have logged an error, a refused script or style, or a page error."""
    complaints: list[str] = []
    contexts = []

    def hear(message: ConsoleMessage) -> None:
        # The browser itself logs an answer of 409; the page shows it to the person, which is what it is for.
        refused = message.type == "error" and "status of 4" in message.text
        if message.type in ("error", "warning") and not refused:
            complaints.append(f"{message.type}: {message.text}")

    def open_(**options: Any) -> Page:
        context = chromium.new_context(viewport=options.pop("viewport", DESKTOP), **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def agent(window: Window, running: Running) -> Callable[..., Page]:
    """Logs an agent in, by page and keyboard, and waits for the inbox."""

    def log_in(login: str = "agata", **options: Any) -> Page:
        page = window(**options)
        page.goto(f"{running.url}/login")
        page.locator("#login").fill(login)
        page.locator("#password").fill(running.password(login))
        page.keyboard.press("Enter")
        page.wait_for_selector("html[data-ready=inbox]")
        return page

    return log_in
