"""The console's pages: who sees what, in which language, and that nothing a customer writes becomes markup."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from gettext import GNUTranslations
from pathlib import Path
from typing import Final

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from api.console import desk, words
from api.decide import REJECT_REASONS
from api.tables import Channel, Publication
from bot.policy import load_policy
from bot.records import Turn
from knowledge.languages import LANGUAGES
from tests.fixtures.story import Story
from tests.fixtures.workspace import PASSWORD, Visitor

ROOT: Final = Path(__file__).parents[2]
CONSOLE: Final = ROOT / "api" / "console"
HTML: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def log_in_by_page(client: Visitor, login: str, password: str = PASSWORD, next_: str = "") -> tuple[int, str]:
    page = client.get("/login").get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    form = {"login": login, "password": password, "csrf_token": token[1], "next": next_}
    answer = client.post("/login", data=form)
    return answer.status_code, answer.headers.get("Location", answer.get_data(as_text=True))


def test_a_person_logs_in_by_page_and_starts_where_their_work_is(visitor: Callable[[], Visitor]) -> None:
    for login, start in (("agata", "/inbox"), ("giulia", "/knowledge"), ("timur", "/training")):
        client = visitor()
        assert log_in_by_page(client, login) == (302, "/")
        assert client.get("/").headers["Location"] == start


def test_where_the_outlook_has_no_words_it_says_to_say_nothing(story: Story, visitor: Callable[[], Visitor]) -> None:
    story.assistant.turns = (Turn("silence", 0.4, "", "wait"), Turn("asks_when", 0.2, "Jutro.", "wait"))
    asked = story.asked("kiedy?")
    page = visitor().log_in("agata").get(f"/inbox/{asked.case_id}").get_data(as_text=True)
    assert page.count("Nic nie pisać") == 1
    assert page.count("Prośba o cierpliwość") == 1


def test_a_wrong_password_says_so_and_no_more(client: Visitor) -> None:
    status, page = log_in_by_page(client, "agata", "wrong password")
    assert status == 401
    assert 'role="alert"' in page
    assert log_in_by_page(client, "nobody", "wrong password")[0] == 401


@pytest.mark.parametrize("away", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:x", "\n/x"])
def test_the_log_in_never_leads_to_a_foreign_page(client: Visitor, away: str) -> None:
    assert log_in_by_page(client, "agata", next_=away) == (302, "/")


def test_the_log_in_leads_back_to_the_page_that_was_asked_for(client: Visitor) -> None:
    answer = client.get("/inbox/7?q=a", headers=HTML)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?next=/inbox/7%3Fq%3Da"
    assert log_in_by_page(client, "agata", next_="/inbox/7?q=a") == (302, "/inbox/7?q=a")


def test_refusals_are_pages_for_people_and_problems_for_programs(client: Visitor) -> None:
    client.log_in("agata")
    for path, status in (("/nowhere", 404), ("/inbox/4711", 404), ("/training", 403)):
        page = client.get(path, headers=HTML)
        assert (page.status_code, page.mimetype) == (status, "text/html")
        assert "<h1>" in page.get_data(as_text=True)
    answer = client.get("/nowhere", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert client.get("/api/cases/4711", headers=HTML).mimetype == "application/problem+json"


def test_the_navigation_shows_only_what_the_account_may_do(visitor: Callable[[], Visitor]) -> None:
    expected = {"agata": set(), "giulia": {"/knowledge"}, "timur": {"/training"}, "admin": {"/knowledge", "/training"}}
    for login, entries in expected.items():
        page = visitor().log_in(login).get("/inbox").get_data(as_text=True)
        shown = {path for path in ("/knowledge", "/training") if f'<a href="{path}"' in page}
        assert shown == entries, login


def test_someone_who_may_not_decide_sees_the_case_and_no_way_to_decide(
    visitor: Callable[[], Visitor], story: Story
) -> None:
    asked = story.asked()
    page = visitor().log_in("giulia").get(f"/inbox/{asked.case_id}").get_data(as_text=True)
    assert story.draft(asked).text in page
    for action in ("send", "edit", "claim", "dialog"):
        assert f'data-do="{action}"' not in page
    assert 'data-do="send"' in visitor().log_in("agata").get(f"/inbox/{asked.case_id}").get_data(as_text=True)


def test_what_people_write_is_never_markup(client: Visitor, story: Story) -> None:
    hostile = "<img src=x onerror=alert(1)> \"'><script>alert(2)</script>{{ 7*7 }}</textarea></template>"
    story.assistant.text = hostile
    asked = story.asked(hostile, author="<b>eve</b>")
    client.log_in("agata")
    for path in (
        f"/inbox/{asked.case_id}",
        "/inbox",
        f"/inbox/{asked.case_id}?part=case",
        "/inbox?part=queue&q=<script>",
    ):
        page = client.get(path).get_data(as_text=True)
        assert "<img src=x" not in page
        assert "<script>alert" not in page
        assert "<b>eve" not in page and "<B>Eve" not in page
        assert "</textarea></template>" not in page.replace("&lt;", "")
        assert "49" not in re.findall(r"script&gt;(\S{1,4})", page)


def test_pages_hold_no_inline_script_or_style_and_say_what_may_run(client: Visitor, story: Story) -> None:
    asked = story.asked()
    assert client.get("/login").headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    client.log_in("agata")
    for path in ("/login", "/wall", "/inbox", f"/inbox/{asked.case_id}"):
        page = client.get(path).get_data(as_text=True)
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style", page), path
        scripts = re.findall(r"<script([^>]*)>", page)
        assert all("src=" in script or 'type="application/json"' in script for script in scripts), path


def test_the_language_is_the_accounts_else_the_browsers_and_can_be_switched(visitor: Callable[[], Visitor]) -> None:
    stranger = visitor()
    page = stranger.get("/login", headers={"Accept-Language": "cs,en;q=0.5"}).get_data(as_text=True)
    assert '<html lang="cs"' in page and "Přihlásit se" in page
    client = visitor().log_in("besnik")
    assert '<html lang="sq"' in client.get("/inbox", headers={"Accept-Language": "cs"}).get_data(as_text=True)
    client.post("/language", data={"language": "ru", "back": "/inbox", "csrf_token": client.csrf})
    assert "Входящие" in client.get("/inbox").get_data(as_text=True)
    assert client.get("/api/me").get_json()["language"] == "ru"
    client.post("/language", data={"language": "tlh", "back": "/inbox", "csrf_token": client.csrf})
    assert client.get("/api/me").get_json()["language"] == "ru"


def test_a_time_zone_of_rubbish_does_no_harm(client: Visitor, story: Story) -> None:
    asked = story.asked()
    client.log_in("agata")
    for zone in ("Europe/Tirane", "../../etc/passwd", "Nowhere/At%20All", "/"):
        client.set_cookie("tz", zone)
        assert client.get(f"/inbox/{asked.case_id}").status_code == 200


def test_every_language_shows_a_whole_case(client: Visitor, story: Story) -> None:
    asked = story.asked()
    client.log_in("agata")
    for language in LANGUAGES:
        client.put("/api/me", json={"language": language})
        assert client.get(f"/inbox/{asked.case_id}").status_code == 200
        assert client.get("/wall").status_code == 200


def test_a_key_does_one_thing_on_a_page(client: Visitor, story: Story) -> None:
    asked = story.asked()
    page = client.log_in("agata").get(f"/inbox/{asked.case_id}").get_data(as_text=True)
    actions: dict[str, set[str]] = {}
    for tag in re.findall(r"<(?:button|a|input)[^>]*data-key=[^>]*>", page):
        key = re.search(r'data-key="([^"]*)"', tag)
        does = re.search(r'(?:data-do|href|name)="([^"]*)"', tag)
        assert key and does and "aria-keyshortcuts" in tag, tag
        actions.setdefault(key[1], set()).add(does[1])
    assert {"a", "e", "r", "h", "n", "d", "c", "j", "k", "w", "1", "/", "f", "?"} <= set(actions)
    assert {key: does for key, does in actions.items() if len(does) > 1 and key not in "123456789"} == {}


def test_what_has_just_come_in_is_one_key_away(client: Visitor, story: Story) -> None:
    urgent, calm = story.asked(author="ann", thread="a"), story.asked(author="bea", thread="b")
    client.log_in("agata")
    page = client.get(f"/inbox/{urgent.case_id}?part=queue&q=nothing-like-it").get_data(as_text=True)
    assert re.search(rf'class="arrived" href="/inbox/{calm.case_id}[?"]', page)
    assert 'class="arrived"' not in client.get(f"/inbox/{calm.case_id}?part=queue").get_data(as_text=True)


def test_replies_nobody_is_sure_of_are_shown_until_somebody_looks(client: Visitor, story: Story) -> None:
    asked = story.asked()
    done = story.decides(asked, text="We are on it.")
    with story.workspace.database.write() as session:
        held = session.get_one(Publication, story.publication(done).id)
        held.state, held.needs_person = "uncertain", True
    client.log_in("agata")
    assert f'id="uncertain-{held.id}"' in client.get("/inbox").get_data(as_text=True)
    assert client.post(f"/api/publications/{held.id}/settle", json={"there": True}).status_code == 200
    assert "uncertain-" not in client.get("/inbox").get_data(as_text=True)


def test_sentences_joined_again_are_the_draft_byte_for_byte() -> None:
    text = "We are sorry.  It is fixed\nby noon. It is fixed by noon. ^AK"
    evidence = [
        {"sentence": each} for each in ("We are sorry.", "It is fixed\nby noon.", "not in it", "It is fixed by noon.")
    ]
    found = desk.segments({"text": text, "evidence": evidence})
    assert "".join(each["text"] for each in found) == text
    assert [each["text"] for each in found if each["evidence"]] == [
        evidence[0]["sentence"],
        evidence[1]["sentence"],
        evidence[3]["sentence"],
    ]


def test_every_code_the_console_may_meet_has_a_word() -> None:
    policy = load_policy()
    assert set(policy.intents) <= set(words.INTENTS)
    assert set(REJECT_REASONS) == set(words.REJECT)
    teams = {rule.team for rule in policy.intents.values()} | set(policy.categories.values())
    assert teams - {None} <= set(words.TEAMS)
    said = set()
    for source in ("triage.py", "draft.py"):
        text = (ROOT / "bot" / source).read_text()
        said |= set(re.findall(r'because\("(\w+)"', text)) | set(re.findall(r'"code": "(\w+)"', text))
    assert said <= set(words.REASONS) | set(words.NOTES)
    assert words.say("reason", "some_new_rule") == "some new rule"


@pytest.fixture(scope="module")
def wanted() -> set[tuple[str | None, str]]:
    """Every message the console asks gettext for: context and id."""
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    keywords = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
    found = extract_from_dir(CONSOLE, method_map=methods, keywords=keywords)
    return {(context, message[0] if isinstance(message, tuple) else message) for _f, _l, message, _c, context in found}


def catalogue(language: str) -> Catalog:
    with (CONSOLE / "translations" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_untranslated(language: str, wanted: set[tuple[str | None, str]]) -> None:
    held = catalogue(language)
    strings = {}
    for message in held:
        if message.id:
            key = message.id[0] if isinstance(message.id, tuple) else message.id
            strings[(message.context, key)] = message.string
    missing = {key for key in wanted if key not in strings}
    assert missing == set()
    empty = {key for key, string in strings.items() if not string or (isinstance(string, tuple) and not all(string))}
    assert empty == set()
    assert [message.id for message in held if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_their_places_to_fill(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        source = message.id if isinstance(message.id, str) else message.id[-1]
        strings = (message.string,) if isinstance(message.string, str) else message.string
        places = set(re.findall(r"%\(\w+\)s|\{\w+\}", source))
        for string in strings:
            assert set(re.findall(r"%\(\w+\)s|\{\w+\}", string)) == places, (language, source, string)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    with (CONSOLE / "translations" / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for message in catalogue(language):
        if isinstance(message.id, tuple):
            one, many = message.id
            assert {compiled.ngettext(one, many, number) for number in range(30)} == set(message.string), one
        elif message.id and message.context:
            assert compiled.pgettext(message.context, message.id) == message.string
        elif message.id:
            assert compiled.gettext(message.id) == message.string


@pytest.mark.parametrize(("language", "forms"), [("pl", 3), ("ru", 3), ("cs", 3), ("it", 2), ("sq", 2), ("en", 2)])
def test_plurals_have_as_many_forms_as_the_language(language: str, forms: int) -> None:
    held = catalogue(language)
    assert held.num_plurals == forms
    plural = [message for message in held if isinstance(message.id, tuple)]
    assert plural and all(len(message.string) == forms for message in plural)


def test_the_wall_needs_no_log_in_and_shows_private_threads_only_to_who_knows_them(
    client: Visitor, story: Story
) -> None:
    assert client.get("/wall").status_code == 200
    with story.workspace.database.write() as session:
        session.add(Channel(key="sandbox", kind="sandbox", name="Lumo", outlet="sandbox", brand_author="lumo"))
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/wall").get_data(as_text=True))
    assert token is not None
    headers = {"X-CSRFToken": token[1]}
    post = {"author": "Ola", "text": "hej <b>Lumo</b>", "public": True}
    public = client.post("/api/wall/posts", json=post, headers=headers).get_json()
    secret = client.post(
        "/api/wall/posts", json={**post, "text": "tylko wy", "public": False}, headers=headers
    ).get_json()
    wall = client.get("/wall?part=feed").get_data(as_text=True)
    assert "hej &lt;b&gt;Lumo" in wall and "tylko wy" not in wall
    assert "hej" in client.get(f"/wall/{public['thread']}").get_data(as_text=True)
    assert "tylko wy" in client.get(f"/wall/{secret['thread']}").get_data(as_text=True)
    assert client.get("/wall/nope", headers=HTML).status_code == 404


def test_texts_for_scripts_are_json(client: Visitor) -> None:
    page = client.log_in("agata").get("/inbox").get_data(as_text=True)
    found = re.search(r'<script type="application/json" id="texts">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    assert json.loads(found[1])["undo"] == "Cofnij"
