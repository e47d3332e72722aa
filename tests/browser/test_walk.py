"""The walk of a reply, in a real browser over the running product: somebody writes, a person decides, it is there."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from bot.channels import count
from tests.fixtures.running import Running, until

OUTAGE: Final = Path(__file__).parents[2] / "knowledge" / "demo" / "articles" / "internet-outage.yml"
PEOPLE: Final = (("pl", "agata"), ("sq", "besnik"))
PHONE: Final = {"width": 390, "height": 844}
SOON_MS: Final = 30_000
MOST_TABS: Final = 80
SOURCED: Final = "#drafts [data-panel]:not([hidden]) .sentence:not(.courtesy)"
"""A sentence of the draft that shows where it comes from."""

Window = Callable[..., Page]


def question(language: str) -> str:
    """What a customer asks, as the demo's article has it."""
    return str(yaml.safe_load(OUTAGE.read_text(encoding="utf-8"))["languages"][language]["question"])


@pytest.fixture
def customer(window: Window, running: Running) -> Callable[..., Page]:
    """Posts on the wall as a customer; the window stays on the wall."""

    def post(name: str, text: str, **options: str) -> Page:
        page = window(**options)
        page.goto(f"{running.url}/wall")
        page.locator("#author").fill(name)
        page.locator("#text").fill(text)
        page.locator("form.composer button.primary").click()
        expect(thread_of(page, name)).to_contain_text(text)
        return page

    return post


def thread_of(wall: Page, name: str) -> Locator:
    return wall.locator(".wall-thread").filter(has_text=name)


def somebody() -> str:
    return f"Kim {secrets.token_hex(4)}"


def open_by_mouse(page: Page, name: str) -> None:
    row = page.locator("#rows a.case-row").filter(has_text=name)
    expect(row).to_be_visible(timeout=SOON_MS)
    row.click()
    expect(page.locator("#thread-title")).to_have_text(name)


def open_by_keys(page: Page, name: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(name)
    rows = page.locator("#rows a.case-row")
    expect(rows.filter(has_text=name)).to_have_count(1, timeout=SOON_MS)
    expect(rows).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator("#thread-title")).to_have_text(name)


def draft_of(page: Page) -> str:
    """The first draft, once it is there; it must show where its sentences come from."""
    sourced = page.locator(SOURCED).first
    expect(sourced).to_be_visible(timeout=SOON_MS)
    sourced.focus()
    source = page.locator("#drafts [data-panel]:not([hidden]) .source:visible")
    expect(source.locator("a")).to_have_attribute("href", re.compile(r"^/knowledge/[\w-]+"))
    return page.locator("#drafts [data-panel]:not([hidden]) [data-reading]").inner_text()


@pytest.mark.parametrize(("language", "login"), PEOPLE)
def test_by_mouse(language: str, login: str, agent: Callable[..., Page], customer: Callable[..., Page]) -> None:
    page, name = agent(login), somebody()
    expect(page.locator("html")).to_have_attribute("lang", language)
    wall = customer(name, question(language))
    open_by_mouse(page, name)
    text = draft_of(page)
    expect(page.locator("#outlook .turn").first).to_be_visible()
    page.locator("#send").click()
    expect(page.locator("#toasts .toast")).to_be_visible()
    expect(thread_of(wall, name)).to_contain_text(text, timeout=SOON_MS)
    expect(thread_of(wall, name).locator(".by-brand")).to_have_count(1)
    expect(page.locator("#tree .post.brand:not(.ghost)")).to_contain_text(text, timeout=SOON_MS)


def tab_to(page: Page, place: str) -> None:
    """Press Tab until the place has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("place => document.activeElement?.matches(place) ?? false", place):
            return
    raise AssertionError(f"{MOST_TABS} times Tab, and {place} has no focus")


def log_in_by_keys(page: Page, running: Running, login: str) -> None:
    page.goto(f"{running.url}/login")
    expect(page.locator("#login")).to_be_focused()
    page.keyboard.type(login)
    page.keyboard.press("Tab")
    page.keyboard.type(running.password(login))
    page.keyboard.press("Enter")
    page.wait_for_selector("html[data-ready=inbox]")


def post_by_keys(wall: Page, running: Running, name: str, text: str) -> None:
    wall.goto(f"{running.url}/wall")
    tab_to(wall, "#author")
    wall.keyboard.press("Control+A")
    wall.keyboard.type(name)
    tab_to(wall, "#text")
    wall.keyboard.type(text)
    tab_to(wall, "form.composer button.primary")
    wall.keyboard.press("Enter")
    expect(thread_of(wall, name)).to_contain_text(text)


@pytest.mark.parametrize(("language", "login"), PEOPLE)
def test_by_keyboard_alone(language: str, login: str, window: Window, running: Running) -> None:
    page, wall, name = window(), window(), somebody()
    log_in_by_keys(page, running, login)
    post_by_keys(wall, running, name, question(language))
    open_by_keys(page, name)
    expect(page.locator(SOURCED).first).to_be_visible(timeout=SOON_MS)
    tab_to(page, SOURCED)
    expect(page.locator("#drafts [data-panel]:not([hidden]) .source:visible a")).to_be_visible()
    text = page.locator("#drafts [data-panel]:not([hidden]) [data-reading]").inner_text()
    page.keyboard.press("e")
    expect(page.locator("textarea.writing:focus")).to_be_visible()
    page.keyboard.type(" ^K")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toasts .toast")).to_be_visible()
    expect(thread_of(wall, name)).to_contain_text(f"{text} ^K", timeout=SOON_MS)


def taken_back(page: Page, wall: Page, name: str, text: str) -> bool:
    """Write, send and take back; False where a busy machine was slower than the two seconds there are to undo."""
    open_by_mouse(page, name)
    draft_of(page)
    page.keyboard.press("w")
    page.keyboard.type(text)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#toasts .toast button")
    page.keyboard.press("z")
    reply = wall.locator(".wall-thread", has_text=name).locator(".by-brand")
    own = "() => document.querySelector('#panel-own textarea')?.value"
    until(lambda: reply.count() == 1 or page.evaluate(own) == text, 30, "an end")
    return reply.count() == 0


def test_a_reply_is_taken_back_in_time_and_its_text_comes_back(
    agent: Callable[..., Page], customer: Callable[..., Page]
) -> None:
    page, text = agent(), "To jest moja własna odpowiedź."
    for _ in range(4):
        name = somebody()
        wall = customer(name, question("pl"))
        if taken_back(page, wall, name, text):
            wall.wait_for_timeout(4000)
            expect(thread_of(wall, name).locator(".by-brand")).to_have_count(0)
            return
    pytest.fail("a reply was never taken back in time")


def test_what_is_new_is_shown_and_what_is_typed_is_kept(
    agent: Callable[..., Page], customer: Callable[..., Page]
) -> None:
    page, name = agent(), somebody()
    wall = customer(name, question("pl"))
    open_by_mouse(page, name)
    draft_of(page)
    page.keyboard.press("w")
    page.keyboard.type("Sprawdzamy to teraz.")
    thread = thread_of(wall, name)
    thread.locator("[data-do=reply]").first.click()
    thread.locator("form.reply textarea").fill("I jeszcze telewizja nie działa!")
    thread.locator("form.reply button.primary").click()
    expect(page.locator("#tree")).to_contain_text("I jeszcze telewizja nie działa!", timeout=SOON_MS)
    expect(page.locator("#live-note")).to_be_visible()
    own = page.locator("#panel-own textarea")
    expect(own).to_have_value("Sprawdzamy to teraz.")
    page.keyboard.press("Control+Enter")  # what is new has not been read yet: nothing goes out
    expect(page.locator("#toasts .toast")).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("#live-note")).to_be_hidden()
    page.wait_for_timeout(1000)
    page.keyboard.press("a")
    expect(thread).to_contain_text("Sprawdzamy to teraz.", timeout=SOON_MS)


def test_a_case_in_another_hand_cannot_be_decided(agent: Callable[..., Page], customer: Callable[..., Page]) -> None:
    first, second, name = agent("agata"), agent("besnik"), somebody()
    customer(name, question("pl"))
    open_by_mouse(first, name)
    open_by_mouse(second, name)
    draft_of(first)
    draft_of(second)
    first.keyboard.press("c")
    expect(first.locator("#desk")).to_have_attribute("data-holder", "me")
    expect(second.locator("#held")).to_be_visible(timeout=SOON_MS)
    expect(second.locator("#send")).to_be_disabled()
    first.keyboard.press("c")
    expect(second.locator("#send")).to_be_enabled(timeout=SOON_MS)


def test_hand_off_no_reply_and_reject_by_keyboard(agent: Callable[..., Page], customer: Callable[..., Page]) -> None:
    page = agent()
    for key in ("h", "n", "r"):
        name = somebody()
        customer(name, question("pl"))
        page.reload()
        page.wait_for_selector("html[data-ready=inbox]")
        open_by_keys(page, name)
        draft_of(page)
        page.keyboard.press(key)
        expect(page.locator("dialog[open]")).to_be_visible()
        if key == "h":
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Tab")
            page.keyboard.type("Proszę sprawdzić linię.")
            page.keyboard.press("Tab")
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#toasts .toast")).to_be_visible()
        if key != "r":
            expect(page.locator("#decided")).to_be_visible()


def test_the_walk_on_a_phone(agent: Callable[..., Page], customer: Callable[..., Page]) -> None:
    page, name = agent(viewport=PHONE), somebody()
    wall = customer(name, question("pl"), viewport=PHONE)
    open_by_mouse(page, name)
    page.locator(".steps [data-step=desk]").click()
    text = draft_of(page)
    page.locator("#send").click()
    expect(thread_of(wall, name)).to_contain_text(text, timeout=SOON_MS)
    for each in (page, wall):
        assert each.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_keys_are_listed_and_can_be_switched_off(agent: Callable[..., Page]) -> None:
    page = agent()
    page.keyboard.press("j")
    expect(page.locator("#desk")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    assert page.locator("#help-keys dt").count() > 15
    page.locator("#single-keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("h")
    expect(page.locator("dialog[open]")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_barrier(theme: str, chromium: Browser, running: Running) -> None:
    context = chromium.new_context(color_scheme=theme, bypass_csp=True)  # axe itself is injected as a script
    page = context.new_page()
    found = []
    for path in ("/wall", "/login"):
        page.goto(running.url + path)
        found += barriers(page, path)
    page.locator("#login").fill("admin")
    page.locator("#password").fill(running.password("admin"))
    page.keyboard.press("Enter")
    page.wait_for_selector("html[data-ready=inbox]")
    page.keyboard.press("j")
    expect(page.locator("#desk")).to_be_visible()
    found += barriers(page, "/inbox")
    page.keyboard.press("h")
    found += barriers(page, "hand-off")
    for path in ("/knowledge", "/training"):
        page.goto(running.url + path)
        found += barriers(page, path)
    context.close()
    assert found == []


def barriers(page: Page, where: str) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [
        f"{where}: {each['id']} {node['target']} {node['failureSummary']}"
        for each in violations
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]


COUNTED: Final = (
    "",
    "zażółć gęślą jaźń",
    "Pa internet që nga mëngjesi 😡😡",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 rodina",
    "см. lumo.example/status",
    "https://lumo.example/a?b=c#d koniec",
    "żlumo.example",
    "a.b",
    "mail a@b.cz, dnes 5.6.",
    "x" * 300,
    "e\u0301 a\u0308",
    "„cudzysłów” — pauza…",
    "www.lumo.example.",
    "汉字 и слова",
)


def test_the_page_counts_as_the_channel_does(agent: Callable[..., Page]) -> None:
    page = agent()
    script = "async ([text, counter]) => (await import('/static/js/count.js')).count(text, counter)"
    for counter in ("characters", "weighted", "bytes", "links_as_23"):
        for text in COUNTED:
            assert page.evaluate(script, [text, counter]) == count(text, counter), (counter, text)  # type: ignore[arg-type]
