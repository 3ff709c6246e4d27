"""The policy: what a recommendation optimises and what must hold.

`[policy]` of logscope.toml, or a file of its own for --policy with the same keys at its top.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from logscope.config import Config
from logscope.errors import UsageError, did_you_mean

OBJECTIVES = ("cost_usd",)
# Whose requests a list of models may be given for.
ELIGIBLE_BY = ("team", "task", "region")


@dataclass(frozen=True)
class Policy:
    """The defaults are the policy if nobody writes one; shares and probabilities are fractions."""

    minimise: str = "cost_usd"
    # Loss of quality: of the whole against today, and of any one type, so that no type pays for
    # another.
    max_quality_loss: float = 0.02
    max_quality_loss_per_type: float = 0.02
    # How much is explored: the least share of a candidate that is kept or tried.
    exploration_floor: float = 0.05
    # The most that a model's share may change at once; None without limit.
    step_limit: float | None = None
    # The score that is quality; None for the one that most requests have.
    score: str | None = None
    # team, task or region -> its name -> the only models its requests may go to.
    eligible: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the policy as it stands in a recommendation."""
        lists = {
            by: {k: list(v) for k, v in sorted(e.items())}
            for by, e in sorted(self.eligible.items())
        }
        return asdict(self) | {"eligible": lists}


def load_policy(config: Config, path: Path | None = None) -> Policy:
    """Return the policy in a file, else of [policy] in logscope.toml, else the default.

    Raises UsageError for a file that is none, an unknown key or an impossible value.
    """
    if path is None:
        return read_policy(config.section("policy"), f"{config.path}: [policy]")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"--policy {path} cannot be read: {error.strerror}. Name a file."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--policy {path} is not valid TOML: {error}. Mend it.") from error
    inner = table.get("policy")
    return read_policy(inner if isinstance(inner, dict) and len(table) == 1 else table, str(path))


def read_policy(table: Mapping[str, Any], place: str) -> Policy:
    """Check a table of settings; `place` names it in errors."""
    known = [item.name for item in fields(Policy)]
    for key in table:
        if key not in known:
            raise UsageError(f"{place} has the unknown key {key!r}.{did_you_mean(key, known)}")
    given: dict[str, Any] = dict(table)
    if given.get("minimise", OBJECTIVES[0]) not in OBJECTIVES:
        hint = did_you_mean(str(given["minimise"]), OBJECTIVES)
        raise UsageError(f"{place}: {given['minimise']!r} cannot be minimised.{hint}")
    for key, limit in {
        "max_quality_loss": 1.0,
        "max_quality_loss_per_type": 1.0,
        "exploration_floor": 0.5,
        "step_limit": 1.0,
    }.items():
        if key in given:
            given[key] = _share(given[key], limit, f"{place}: {key}")
    if "score" in given and not isinstance(given["score"], str):
        raise UsageError(f"{place}: score must be the name of a score, in quotes.")
    if "eligible" in given:
        given["eligible"] = _eligible(given["eligible"], f"{place}: eligible")
    return Policy(**given)


def _share(value: Any, limit: float, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= limit:
        raise UsageError(f"{place} = {value!r} must be a fraction between 0 and {limit:g}.")
    return float(value)


def _eligible(table: Any, place: str) -> dict[str, dict[str, tuple[str, ...]]]:
    example = f'write [{place.rsplit(" ", 1)[-1]}.team] and in it legal = ["claude-opus-4-7"]'
    if not isinstance(table, dict):
        raise UsageError(f"{place} must be tables: {example}.")
    checked: dict[str, dict[str, tuple[str, ...]]] = {}
    for by, lists in table.items():
        if by not in ELIGIBLE_BY:
            raise UsageError(f"{place} is by {by!r}.{did_you_mean(by, ELIGIBLE_BY)}")
        for name, models in lists.items() if isinstance(lists, dict) else [("", None)]:
            if not isinstance(models, list) or not all(isinstance(model, str) for model in models):
                raise UsageError(f"{place}.{by} must hold lists of models: {example}.")
            if not models:
                raise UsageError(f"{place}.{by}.{name} is empty: nothing could serve it.")
            checked.setdefault(by, {})[name] = tuple(models)
    return checked
