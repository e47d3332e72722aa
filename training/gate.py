"""The gate: decides by a rule file whether a candidate may be promoted, and says why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

RULES: Final = Path(__file__).parent / "gate.yml"


class GateProblem(ValueError):
    """The rule file cannot be used."""


class _Pair(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    accuracy: float = Field(ge=0, le=1)
    language: float = Field(ge=0, le=1)


class Rules(BaseModel):
    """What the rule file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    floor: _Pair
    may_fall: _Pair


def read_rules(path: Path = RULES) -> Rules:
    """Raises: GateProblem: the file is missing, not YAML, or lacks a rule."""
    try:
        return Rules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as problem:
        raise GateProblem(f"{path.name}: {' '.join(str(problem).split())}") from problem


def refusals(report: dict[str, Any], in_service: dict[str, Any] | None, rules: Rules) -> list[dict[str, Any]]:
    """Why a candidate is refused; empty when it may pass.

    Args:
        report: figures of `training.scores.measure` for the candidate.
        in_service: those of the model in service on the same examples, None when there is none to compare with.
    """
    found = [_below(rules.floor.accuracy, "", report["accuracy"], "below_floor")]
    for language, figures in report["per_language"].items():
        found.append(_below(rules.floor.language, language, figures["accuracy"], "below_floor"))
    if in_service is not None:
        limit = in_service["accuracy"] - rules.may_fall.accuracy
        found.append(_below(limit, "", report["accuracy"], "worse_than_in_service"))
        for language, figures in in_service["per_language"].items():
            limit, reached = figures["accuracy"] - rules.may_fall.language, report["per_language"].get(language)
            found.append(_below(limit, language, reached["accuracy"] if reached else 0.0, "worse_than_in_service"))
    return [refusal for refusal in found if refusal is not None]


def in_words(refusal: dict[str, Any]) -> str:
    """One refusal as a sentence for the command line and the log."""
    where = f"accuracy in {refusal['language']}" if refusal["language"] else "accuracy"
    than = "the floor" if refusal["code"] == "below_floor" else "what the model in service allows"
    return f"{where} {refusal['reached']:.3f} is below {than}, {refusal['limit']:.3f}"


def _below(limit: float, language: str, reached: float, code: str) -> dict[str, Any] | None:
    if reached >= limit - 1e-9:
        return None
    return {"code": code, "language": language, "reached": reached, "limit": limit}
