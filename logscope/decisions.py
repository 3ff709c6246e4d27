"""Decide this week: at most three things that somebody should do, with the command that helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from logscope import words
from logscope.changes import Shift
from logscope.config import quote
from logscope.output import clean
from logscope.page import Decision, Strong
from logscope.sections.objectives import objective_name
from logscope.sections.tables import Row, one, records
from logscope.weeks import Weeks

MOST = 3
# Below these it is not worth a decision.
LEAST_THROTTLED = 0.005
LEAST_UNPRICED = 0.01
EVERYBODY = "all teams"


def decisions(
    weeks: Weeks,
    moved: Sequence[Shift],
    missed: Sequence[Row],
    recommendation: Mapping[str, Any] | None,
) -> list[Decision]:
    """Return what should be decided, the most pressing first; each names an owner and a day."""
    found = [
        *(objective(weeks, row) for row in missed[:1]),
        *slower_pairs(weeks, moved),
        *throttled(weeks),
        *routing(weeks, recommendation),
        *without_cost(weeks),
    ]
    return found[:MOST]


def next_report(weeks: Weeks) -> str:
    """Return the day by which it should be done: the Monday of the next report."""
    day = weeks.monday + timedelta(14)
    return f"by {day:%a} {day.day} {day:%b}"


def owner(weeks: Weeks, by: Sequence[str], group: Sequence[Any], measure: str = "n") -> str:
    """Return the team that has most of a group's requests."""
    rows = records(weeks.rows("account", [*by, "team"]))
    mine = [
        row
        for row in rows
        if [row[name] for name in by] == list(group) and row["team"] is not None and row[measure]
    ]
    top = max(mine, key=lambda row: (row[measure], str(row["team"])), default=None)
    return words.name(top["team"]) if top else EVERYBODY


def where(names: Sequence[str], group: Sequence[Any]) -> str:
    """Return the condition that selects one group."""
    return " and ".join(
        f"{name} is null" if value is None else f"{name} = {quote(clean(str(value)))}"
        for name, value in zip(names, group, strict=True)
    )


def objective(weeks: Weeks, row: Row) -> Decision:
    name = objective_name(row)
    task = row["objective"].removeprefix("task ") if row["objective"].startswith("task ") else None
    return Decision(
        (
            Strong(f"{name} misses its goal: "),
            "stop what makes it slower, move it to a faster model, or change the goal.",
        ),
        owner(weeks, ["task"], [task]) if task else EVERYBODY,
        next_report(weeks),
        weeks.command("traffic --slo", ("model", "region")),
    )


def slower_pairs(weeks: Weeks, moved: Sequence[Shift]) -> list[Decision]:
    """Return a decision per model and region that became slower beyond noise, at p50 or p95."""
    groups = [shift.group for shift in moved if shift.beyond_noise and shift.change > 0]
    return [slower(weeks, group) for group in dict.fromkeys(groups)]


def slower(weeks: Weeks, group: tuple[Any, ...]) -> Decision:
    model, region = (words.name(part) for part in group)
    names = ("model", "region")
    return Decision(
        (
            Strong(f"{model} in {region} is slower: "),
            "ask the provider, or send what is urgent elsewhere.",
        ),
        owner(weeks, names, group),
        next_report(weeks),
        weeks.command("latency", ("hour",), where(names, group)),
    )


def throttled(weeks: Weeks) -> list[Decision]:
    """Return a decision on quota if throttling is more than a nuisance."""
    whole = one(weeks.rows("account"))
    if whole["n_throttled"] < LEAST_THROTTLED * whole["n"]:
        return []
    names = ("model", "region")
    rows = records(weeks.rows("account", names))
    top = max(rows, key=lambda r: (r["n_throttled"], str(r["model"]), str(r["region"])))
    group = [top[name] for name in names]
    model, region = (words.name(part) for part in group)
    return [
        Decision(
            (
                Strong(
                    f"{words.count(top['n_throttled'])} requests to {model} in {region} were "
                    "throttled: "
                ),
                "ask for more quota, spread the load, or let it spill over.",
            ),
            owner(weeks, names, group, "n_throttled"),
            next_report(weeks),
            weeks.command("traffic", ("team", "hour"), where(names, group)),
        )
    ]


def routing(weeks: Weeks, recommendation: Mapping[str, Any] | None) -> list[Decision]:
    """Return a decision on the recommendation if it proposes something to export."""
    types = (recommendation or {}).get("types", [])
    found: list[Decision] = []
    for verdict, text in (
        ("SWITCH", "is proven and waits."),
        ("LIKELY", "looks better; explore it to know."),
        ("EXPLORE", "was hardly tried on another model; explore it to know."),
    ):
        named = [type_name(kind) for kind in types if kind.get("verdict") == verdict]
        if named and not found:
            more = f" and {len(named) - 2} more" if len(named) > 2 else ""
            found.append(
                Decision(
                    (Strong(f"Routing of {', '.join(named[:2])}{more} "), text),
                    EVERYBODY,
                    next_report(weeks),
                    "logscope export --to litellm --base proxy.yaml",
                )
            )
    return found


def type_name(kind: Mapping[str, Any]) -> str:
    """Return what a request type is called, with its route: types of several may be called alike."""
    route = kind.get("route")
    return words.name(kind.get("name")) + (f" on {words.name(route)}" if route else "")


def without_cost(weeks: Weeks) -> list[Decision]:
    """Return decisions on prices and on logs if many answered requests have no cost."""
    whole = one(weeks.rows("account"))
    least = LEAST_UNPRICED * whole["n"]
    if whole["n_ok_without_cost"] < least:
        return []
    unpriced: dict[str, int] = {}
    for row in records(weeks.rows("unpriced")):
        unpriced[row["model"]] = unpriced.get(row["model"], 0) + row["requests"]
    n_unpriced = sum(unpriced.values())
    untold = whole["n_ok_without_cost"] - n_unpriced
    found = []
    if n_unpriced >= least:
        top = max(unpriced, key=lambda model: (unpriced[model], model))
        others = (
            f" and {words.plural(len(unpriced) - 1, 'other model')}" if len(unpriced) > 1 else ""
        )
        found.append(
            Decision(
                (
                    Strong(f"No price for {words.name(top)}{others}: "),
                    f"{words.plural(n_unpriced, 'request')} in no sum. Put one into logscope.toml.",
                ),
                owner(weeks, ["model"], [top], "n_ok_without_cost"),
                next_report(weeks),
                weeks.command("unpriced"),
            )
        )
    if untold >= least:
        found.append(
            Decision(
                (
                    Strong(f"{words.plural(untold, 'answered request')} cannot be priced: "),
                    "the logs tell no model or no tokens. See which logs, and what helps.",
                ),
                EVERYBODY,
                next_report(weeks),
                weeks.command("unknowns"),
            )
        )
    return found
