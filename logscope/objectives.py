"""Objectives: what [slo] in logscope.toml promises, and how far operations kept it.

    [slo]                      # for every operation that has no objective of its own
    duration_ms = 60000
    goal = 0.99

    [slo.task.voice]           # the objective of a task, or [slo.route.<name>] of a route
    ttft_ms = 800
    goal = 0.95

`goal` is the share of operations that shall meet the limits; a table without one takes the goal of
[slo]. Without any goal there is goodput, but no error budget.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from logscope.config import FILE_NAME, Config
from logscope.errors import UsageError, did_you_mean
from logscope.measures import run_query
from logscope.selection import Selection
from logscope.store import Store

if TYPE_CHECKING:
    import polars

LIMITS = ("ttft_ms", "duration_ms")
KINDS = ("task", "route")
EVERYTHING = "everything else"


@dataclass(frozen=True)
class Objective:
    """Limits in ms for the operations of a task, a route or all others; the share to meet them."""

    name: str
    task: str | None = None
    route: str | None = None
    ttft_ms: float | None = None
    duration_ms: float | None = None
    goal: float | None = None


def read_objectives(config: Config) -> list[Objective]:
    """Return the objectives of [slo]: tasks first, then routes, then the one for all others.

    None without [slo]. Raises UsageError for an unknown key or a number that cannot be meant.
    """
    section = config.section("slo")
    place = str(config.path or FILE_NAME)
    check_keys(section, (*LIMITS, "goal", *KINDS), f"{place}: [slo]")
    goal = goal_of(section, f"{place}: [slo]")
    found = []
    for kind in KINDS:
        tables = section.get(kind, {})
        if not isinstance(tables, Mapping):
            raise UsageError(f"{place}: [slo.{kind}] needs a table per {kind}: [slo.{kind}.NAME].")
        for name, table in tables.items():
            where = f"{place}: [slo.{kind}.{name}]"
            if not isinstance(table, Mapping):
                raise UsageError(f"{where} is no table. Write ttft_ms = 800 below it.")
            check_keys(table, (*LIMITS, "goal"), where)
            limits = limits_of(table, where)
            if not limits:
                raise UsageError(f"{where} sets no limit. Give it ttft_ms or duration_ms.")
            own = goal_of(table, where)
            found.append(
                Objective(
                    f"{kind} {name}", goal=goal if own is None else own, **{kind: name}, **limits
                )
            )
    limits = limits_of(section, f"{place}: [slo]")
    if limits:
        found.append(Objective(EVERYTHING if found else "all", goal=goal, **limits))
    return found


def check_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raise UsageError for a key that is not known."""
    for key in table:
        if key not in known:
            raise UsageError(f"{where} has the unknown key {key!r}.{did_you_mean(key, known)}")


def limits_of(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the limits that a table sets, in ms."""
    limits = {}
    for key in LIMITS:
        if key in table:
            value = table[key]
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise UsageError(f"{where}: {key} = {value!r} is no time. Write ms, e.g. 800.")
            limits[key] = float(value)
    return limits


def goal_of(table: Mapping[str, Any], where: str) -> float | None:
    """Return the goal that a table sets, as a share."""
    if "goal" not in table:
        return None
    value = table["goal"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise UsageError(f"{where}: goal = {value!r} is no share below 1. Write 0.95 for 95 %.")
    return float(value)


def as_parameter(objectives: list[Objective]) -> dict[str, str]:
    """Return the objectives as the query `objectives` takes them."""
    return {"objectives": json.dumps([asdict(objective) for objective in objectives])}


def objectives(store: Store, selection: Selection, config: Config) -> polars.DataFrame:
    """Return goodput and error budget per objective and group of --by, most misses first.

    Columns: those of --by, then as queries/traffic/objectives.sql has them. Grouped by nothing, an
    objective that no operation has is there too, with 0 operations. UsageError without [slo].
    """
    import polars as pl

    known = read_objectives(config)
    if not known:
        raise UsageError(
            f"{config.path or FILE_NAME} sets no objectives. "
            "Write [slo.task.NAME] with ttft_ms = 800 and goal = 0.95."
        )
    frame = run_query(store, "objectives", selection, as_parameter(known))
    place = {objective.name: i for i, objective in enumerate(known)}
    if not selection.by:
        idle = [
            {
                "objective": objective.name,
                "ttft_slo_ms": objective.ttft_ms,
                "duration_slo_ms": objective.duration_ms,
                "goal": objective.goal,
                "operations": 0,
            }
            for objective in known
            if objective.name not in frame["objective"]
        ]
        if idle:
            schema = {name: kind for name, kind in frame.schema.items() if name in idle[0]}
            rows = pl.DataFrame(idle, schema=schema)
            frame = pl.concat([frame, rows], how="diagonal")
    order = pl.col("objective").replace_strict(place, return_dtype=pl.Int64)
    return frame.sort(
        order,
        "n_missed",
        "operations",
        *selection.by,
        descending=[False, True, True, *(False for _ in selection.by)],
        nulls_last=True,
    )
