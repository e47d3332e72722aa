"""`odzew doctor`: what is installed, reachable, degraded. Looks only; it changes nothing and loads no model.

Log lines of the parts it asks go where the caller has sent them; the command line sends them to standard error.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from api.home import answers, held_since, is_held, noted_address, rasa_address_file
from api.lifeline import BEAT_SECONDS
from knowledge.database import Database
from knowledge.encoder import DEFAULT_ENCODER, PACKAGED
from knowledge.settings import Settings
from knowledge.team import COMPANIONS

State = Literal["ok", "degraded", "missing", "failed"]
SETTING: Final = "ODZEW_EMBEDDING_MODEL"

SILENT_AFTER: Final = 5 * BEAT_SECONDS
LOADING_SECONDS: Final = 180.0
LOW_DISK: Final = 1 << 30
NO_DISK: Final = 100 << 20
OLDEST_PYTHON: Final = (3, 11)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `failed` keeps the main job from working; `degraded` and `missing` do not."""

    name: str
    state: State
    detail: str


def diagnose(settings: Settings, *, deep: bool = False) -> list[Check]:
    """Look at everything the product uses; takes about a second (`deep`: loads the encoder and encodes a text)."""
    running = is_held(settings.home)
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("python", check_python),
        ("disk", lambda: check_disk(settings.home)),
        ("database", lambda: check_database(settings)),
        ("knowledge", lambda: check_knowledge(settings)),
        ("index", lambda: check_index(settings)),
        ("encoder", lambda: check_encoder(settings.embedding_model, deep=deep)),
        ("spacy", check_spacy),
        ("redis", lambda: check_redis(settings, running=running)),
        ("rasa environment", lambda: check_rasa_environment(settings)),
        ("rasa", lambda: check_rasa(settings, running=running)),
        ("web", lambda: check_web(settings, running=running)),
        ("worker", lambda: check_beat(settings.home, "worker", running=running)),
        ("publisher", lambda: check_beat(settings.home, "publisher", running=running)),
    ]
    return [_guarded(name, look) for name, look in checks]


def exit_status(checks: Sequence[Check]) -> int:
    """0 when the main job can work, 1 when something keeps it from working."""
    return int(any(check.state == "failed" for check in checks))


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    # The one place where any error is an answer: a doctor who falls ill tells nothing about the rest.
    try:
        return look()
    except Exception as problem:
        return Check(name, "failed", f"{type(problem).__name__}: {problem}".splitlines()[0])


def check_python() -> Check:
    """The interpreter this runs on."""
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", "ok" if sys.version_info >= OLDEST_PYTHON else "failed", f"{version} at {sys.executable}")


def check_disk(home: Path) -> Check:
    """Free space where the home folder is, or will be."""
    place = home.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    state: State = "ok" if free >= LOW_DISK else "degraded" if free >= NO_DISK else "failed"
    return Check("disk", state, f"{free / (1 << 30):.1f} GB free for {home}")


def check_database(settings: Settings) -> Check:
    """Whether it answers, and has the shape this code knows."""
    shown = settings.database.split("@")[-1]
    if _not_made_yet(settings):
        return Check("database", "missing", "not made yet: `odzew up` or `odzew demo` makes it")
    from api.migrate import is_current

    database = Database(settings.database)
    try:
        current = is_current(database)
    except SQLAlchemyError as problem:
        return Check("database", "failed", f"{shown} does not answer: {_first_line(problem)}")
    finally:
        database.close()
    if current:
        return Check("database", "ok", f"{database.engine.dialect.name} at {shown}, all migrations there")
    return Check("database", "degraded", f"{shown} lacks migrations: `odzew up` brings it up to date")


def check_knowledge(settings: Settings) -> Check:
    """How much the knowledge base holds."""
    if _not_made_yet(settings):
        return Check("knowledge", "missing", "no articles: `odzew demo` loads some, `odzew knowledge import` yours")
    from knowledge.tables import Article, Embedding, PhrasingRow

    database = Database(settings.database)
    try:
        with database.read() as session:
            counted = [
                session.scalar(select(func.count()).select_from(table)) or 0
                for table in (Article, PhrasingRow, Embedding)
            ]
    except SQLAlchemyError as problem:
        return Check("knowledge", "missing", f"cannot be read: {_first_line(problem)}")
    finally:
        database.close()
    articles, phrasings, vectors = counted
    detail = f"{articles} articles, {phrasings} phrasings, {vectors} vectors"
    return Check("knowledge", "ok" if articles else "missing", detail)


def check_index(settings: Settings) -> Check:
    """Whether every bit of the index on disk is as it was written; only a large base has one."""
    from knowledge.index.upkeep import damages
    from knowledge.large import LARGE, ending_in

    ending = ending_in(settings.index_folder)
    if ending is None or _not_made_yet(settings):
        return Check("index", "missing", f"not needed: a base of less than {LARGE:,} phrasings is held in memory")
    database = Database(settings.database)
    try:
        many, found = damages(database, settings.index_folder, ending)
    except SQLAlchemyError as problem:
        return Check("index", "missing", f"cannot be looked at: {_first_line(problem)}")
    finally:
        database.close()
    if found:
        return Check("index", "degraded", f"damaged, made anew by the next process that opens it: {'; '.join(found)}")
    return Check("index", "ok", f"{settings.index_folder}: {many} in service, every bit as it was written")


def check_encoder(name: str, *, deep: bool) -> Check:
    """The embedding models: installed and, when looked at deeply, working."""
    if name in PACKAGED and importlib.util.find_spec(PACKAGED[name][1]) is None:
        return Check(
            "encoder", "failed", f"the package {PACKAGED[name][0]} is not installed; name a model in {SETTING}"
        )
    if importlib.util.find_spec("sentence_transformers") is None:
        return Check("encoder", "failed", "the package sentence-transformers is not installed")
    package = PACKAGED[name][0] if name in PACKAGED else "sentence-transformers"
    detail = f"{name} ({package} {importlib.metadata.version(package)}), not loaded"
    if deep:
        from knowledge.team import load_team

        started = time.perf_counter()
        team = load_team(name)
        team.query("odzew", "en")
        detail = f"{team.version}, {team.dimension} numbers, loaded in {time.perf_counter() - started:.1f} s"
    absent = [PACKAGED[one][0] for one in COMPANIONS if importlib.util.find_spec(PACKAGED[one][1]) is None]
    if name == DEFAULT_ENCODER and absent:
        return Check("encoder", "degraded", f"{detail}; search is weaker without {', '.join(absent)}")
    return Check("encoder", "ok", detail)


def check_spacy() -> Check:
    """The sentence splitter and tokenizers."""
    if importlib.util.find_spec("spacy") is None:
        return Check("spacy", "failed", "the package spacy is not installed")
    return Check("spacy", "ok", importlib.metadata.version("spacy"))


def check_redis(settings: Settings, *, running: bool) -> Check:
    """Whether Redis answers; the product works without it."""
    url = settings.redis_url or (_embedded_redis(settings.home) if running else "")
    if not url:
        wanted = settings.redis == "auto" and running
        return Check("redis", "degraded" if wanted else "missing", "none: updates take up to half a second")
    from api.live import Nudge

    nudge = Nudge(url)
    try:
        nudge.send("events")
        alive = nudge.alive
    finally:
        nudge.close()
    shown = url.split("@")[-1].removeprefix("unix://")
    return Check("redis", *(("ok", f"answers at {shown}") if alive else ("degraded", f"{shown} does not answer")))


def check_rasa_environment(settings: Settings) -> Check:
    """Whether Rasa's own environment was built."""
    if settings.rasa == "off" or settings.rasa_url:
        return Check("rasa environment", "missing", "not needed: Rasa is off, or somewhere else")
    from api.rasa_launch import environment_missing

    missing = environment_missing()
    return Check("rasa environment", "missing" if missing else "ok", missing or "built")


def check_rasa(settings: Settings, *, running: bool) -> Check:
    """Whether the Rasa in service answers; the product works without it, with intents missing."""
    if settings.rasa == "off":
        return Check("rasa", "missing", "switched off")
    url, token = settings.rasa_url, settings.rasa_token.get_secret_value()
    if not url:
        path = rasa_address_file(settings.home)
        if not path.exists():
            why = "no model in service yet" if running else "not running"
            return Check("rasa", "degraded" if running else "missing", why)
        address: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        url, token = address["url"], address["token"]
    from bot.intents import IntentClient

    with IntentClient(url, SecretStr(token)) as client:
        status = client.status()
    return Check("rasa", *(("ok", f"{url}, model {status.model}") if status.ready else ("degraded", status.reason)))


def check_web(settings: Settings, *, running: bool) -> Check:
    """Whether the console answers."""
    host, port = (noted_address(settings.home) if running else None) or (settings.host, settings.port)
    address = f"{host}:{port}"
    if answers(host, port, seconds=2):
        return Check("web", "ok", f"answers at {address}")
    if running:
        return Check("web", "failed", f"{address} does not answer")
    return Check("web", "missing", "not running: `odzew up` starts it")


def check_beat(home: Path, name: str, *, running: bool) -> Check:
    """Whether a process gave a sign of life in the last ten seconds, or may still be loading."""
    path = home / "run" / f"{name}.beat"
    last = path.stat().st_mtime if path.exists() else 0.0
    age = time.time() - last
    if age <= SILENT_AFTER:
        return Check(name, "ok", f"alive {age:.0f} s ago")
    if not running:
        return Check(name, "missing", "not running: `odzew up` starts it")
    since = held_since(home)
    if last < since and time.time() - since <= LOADING_SECONDS:
        return Check(name, "degraded", "loading")
    return Check(name, "failed", f"silent for {age:.0f} s" if last else "never gave a sign of life")


def _not_made_yet(settings: Settings) -> bool:
    url = settings.database
    return url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists()


def _embedded_redis(home: Path) -> str:
    socket = home.resolve() / "run" / "redis.sock"
    return f"unix://{socket}" if socket.exists() else ""


def _first_line(problem: Any) -> str:
    return str(getattr(problem, "orig", None) or problem).strip().splitlines()[0]
