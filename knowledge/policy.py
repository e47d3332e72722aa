"""The policy of how articles are kept: editable data, checked when it is read."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

SHIPPED: Final = Path(__file__).with_name("policy.yml")


class WrongPolicy(ValueError):
    """A policy file cannot be used; the message names the file and the field."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FourEyes(_Strict):
    """Which articles need a second person: by category or by any of their tags."""

    categories: frozenset[str]
    tags: frozenset[str]


class KeepingPolicy(_Strict):
    """How articles are kept."""

    id: str
    four_eyes: FourEyes

    def asks_four_eyes(self, category: str, tags: Iterable[str]) -> bool:
        """Whether a text of such an article is approved by somebody else than its author."""
        return category in self.four_eyes.categories or not self.four_eyes.tags.isdisjoint(tags)


@cache
def keeping_policy(path: Path = SHIPPED) -> KeepingPolicy:
    """Read and check the policy.

    Raises:
        WrongPolicy: the file is missing, not YAML, or a field is wrong.
    """
    try:
        return KeepingPolicy.model_validate(yaml.safe_load(path.read_bytes()))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise WrongPolicy(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (OSError, yaml.YAMLError) as wrong:
        raise WrongPolicy(f"{path.name}: {wrong}") from None
