"""Rasa itself: trained on the shipped examples, served, asked in six languages, damaged and killed."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import yaml
from pydantic import SecretStr

from bot import rasa_home
from bot.intents import IntentClient, IntentsUnavailable
from bot.rasa_home import PROJECT, RasaMissing
from bot.rasa_process import RasaFailed, RasaProcess
from bot.rasa_training import TrainingFailed, TrainResult, train_model

needs_rasa = pytest.mark.skipif(
    not rasa_home.installed(), reason="bot/rasa/.venv is not installed (bot/rasa/setup.sh; needs Python 3.10)"
)
TOKEN = SecretStr(secrets.token_hex(16))
MARK = "Zygfryd-Markowski-604"


@pytest.fixture(scope="session")
def steps() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]) -> TrainResult:
    out = tmp_path_factory.mktemp("models") / "intents.tar.gz"
    return train_model(PROJECT / "data" / "nlu", out, lambda *step: steps.append(step))


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs") / "rasa.log"


@pytest.fixture(scope="session")
def served(trained: TrainResult, log: Path) -> Iterator[RasaProcess]:
    with RasaProcess(log=log) as process:
        process.start(trained.path, TOKEN, sha256=trained.sha256)
        process.wait_ready()
        yield process


def gone(pid: int, seconds: float) -> bool:
    """Whether the process ends in time; a zombie counts as ended."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.1)
    return False


def test_missing_rasa_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rasa_home, "ENVIRONMENT", tmp_path)
    (tmp_path / "model.tar.gz").touch()
    with pytest.raises(RasaMissing, match=r"^Rasa is not installed: run .*$"):
        RasaProcess().start(tmp_path / "model.tar.gz", TOKEN)
    with pytest.raises(RasaMissing):
        train_model(tmp_path, tmp_path / "out.tar.gz", lambda *_: None)


@needs_rasa
def test_training_tells_its_progress(trained: TrainResult, steps: list[tuple[str, int, int]]) -> None:
    stages = list(dict.fromkeys(stage for stage, _, _ in steps))
    assert stages == ["load", "read", "encode", "fit", "pack"]
    encoded = [(done, of) for stage, done, of in steps if stage == "encode"]
    assert encoded == sorted(encoded)
    assert encoded[-1] == (trained.examples, trained.examples)
    assert trained.model


@needs_rasa
def test_held_out_messages_are_understood_in_six_languages(served: RasaProcess) -> None:
    right: dict[str, list[bool]] = defaultdict(list)
    for path in sorted((PROJECT / "tests" / "heldout").glob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            for line in block["examples"].splitlines():
                best = served.client.parse(line.removeprefix("- ")).intents[0]
                right[path.stem].append(best.name == block["intent"])
    accuracy = {language: sum(hits) / len(hits) for language, hits in right.items()}
    assert set(accuracy) == {"pl", "ru", "it", "cs", "sq", "en"}
    assert min(accuracy.values()) >= 0.7, accuracy
    assert sum(accuracy.values()) / 6 >= 0.8, accuracy


@needs_rasa
@pytest.mark.parametrize("text", ["👍", "?", "https://example.com", "x" * 2000, "/thanks", "[a](b){c}", "\u200b"])
def test_odd_texts_get_an_intent(text: str, served: RasaProcess) -> None:
    found = served.client.parse(text)
    assert len(found.intents) == 15, "a command that Rasa obeys comes back as its only intent"
    assert 0.99 < sum(intent.probability for intent in found.intents) < 1.01


@needs_rasa
def test_the_server_keeps_its_secrets(served: RasaProcess, trained: TrainResult, log: Path) -> None:
    found = served.client.parse(f"call me, {MARK}")
    assert found.model == trained.model
    assert TOKEN.get_secret_value().encode() not in Path(f"/proc/{served.pid}/cmdline").read_bytes()
    ask = httpx2.Client(base_url=served.url, trust_env=False)
    with ask:
        assert ask.get("/status").status_code == 401
        assert ask.post("/model/parse?token=wrong", json={"text": MARK}).status_code == 401
        assert ask.post("/webhooks/rest/webhook", json={"sender": "a", "message": MARK}).status_code == 404
        too_large = ask.post(f"/model/parse?token={TOKEN.get_secret_value()}", json={"text": "x" * 70_000})
        assert too_large.status_code == 413
        nothing = ask.post(f"/model/parse?token={TOKEN.get_secret_value()}", json={"text": None, "mark": MARK})
        assert nothing.status_code >= 400
    assert MARK not in log.read_text(errors="replace")
    assert TOKEN.get_secret_value() not in log.read_text(errors="replace")


@needs_rasa
def test_a_damaged_archive_is_not_served(trained: TrainResult, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(trained.path.read_bytes()[:-2000])
    process = RasaProcess()
    with pytest.raises(RasaFailed, match="damaged"):
        process.start(damaged, TOKEN, sha256=trained.sha256)
    with pytest.raises(RasaFailed, match="no model"):
        process.start(tmp_path / "nothing.tar.gz", TOKEN)
    assert process.pid is None


@needs_rasa
def test_a_model_that_loads_but_cannot_answer_is_refused(
    trained: TrainResult, served: RasaProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: IntentClient, text: str) -> None:
        raise IntentsUnavailable("Rasa answered 500")

    monkeypatch.setattr(IntentClient, "parse", fails)
    second = RasaProcess()
    second.start(trained.path, TOKEN)
    pid = second.pid
    with pytest.raises(RasaFailed, match="does not answer: Rasa answered 500"):
        second.wait_ready()
    assert pid is not None and gone(pid, 1)
    assert served.ready(), "the model in service is not touched"


@needs_rasa
@pytest.mark.parametrize(
    ("examples", "said"),
    [
        ("nlu: []", "at least two intents"),
        ("nlu:\n- intent: only\n  examples: |\n    - a\n    - b\n", "at least two intents"),
        ("nlu: [", "status 2"),
    ],
)
def test_wrong_examples_end_the_training_with_a_reason(examples: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text(f'version: "3.1"\n{examples}')
    with pytest.raises(TrainingFailed, match=said):
        train_model(tmp_path, tmp_path / "out.tar.gz", lambda *_: None)
    assert not (tmp_path / "out.tar.gz").exists()


@needs_rasa
def test_the_server_dies_with_the_process_that_started_it(trained: TrainResult) -> None:
    code = (
        "import sys, time; from pathlib import Path; from pydantic import SecretStr\n"
        "from bot.rasa_process import RasaProcess\n"
        "p = RasaProcess(); p.start(Path(sys.argv[1]), SecretStr('0123456789abcdef'))\n"
        "print(p.pid, flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(trained.path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT.parents[1])},
    )
    assert parent.stdout is not None
    with parent, parent.stdout:
        server = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert gone(server, 10)


@needs_rasa
def test_a_killed_server_is_noticed_and_a_new_one_takes_over(trained: TrainResult) -> None:
    with RasaProcess() as process:
        process.start(trained.path, TOKEN, sha256=trained.sha256)
        process.wait_ready()
        client = process.client
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(IntentsUnavailable, match="reached"):
            client.parse("hello")
        assert not process.ready()
        process.stop()
        process.start(trained.path, TOKEN, sha256=trained.sha256)
        assert process.wait_ready().model == trained.model
        assert process.ready()
