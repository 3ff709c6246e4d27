"""The weekly report, composed: sections from the numbers of a week and the one before."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import Any

from logscope import charts, words
from logscope.about import __version__
from logscope.changes import Shift
from logscope.chart_data import unchecked
from logscope.config import Config
from logscope.decisions import decisions
from logscope.page import Report, Section
from logscope.sections.changes import changes_section, cost_bridge, ttft_shifts
from logscope.sections.cost import Forecasts, coming_weeks, cost_section
from logscope.sections.data import coverage_figure, data_section, method_section, records_table
from logscope.sections.latency import latency_section
from logscope.sections.objectives import missed_objectives, objective_section, task_limits
from logscope.sections.outcomes import outcome_section
from logscope.sections.routing import latest_recommendation, routing_section
from logscope.sections.streams import streams_section
from logscope.sections.tables import one, records
from logscope.sections.teams import team_section
from logscope.sentences import nothing, summary, tiles
from logscope.store import Store
from logscope.weeks import Weeks


def build_report(
    store: Store,
    week: date,
    tz: str = "UTC",
    config: Config | None = None,
    where: str | None = None,
) -> Report:
    """Return everything that the report of the week beginning on the Monday `week` says.

    `tz` names the time zone whose days and weeks count, `where` is an SQL condition on requests. A
    week without a request gives a report that says so.
    """
    weeks = Weeks(store, week, tz, where)
    if weeks.empty:
        return empty_report(weeks)
    # The past is no part of the two weeks: it is read and judged beside them.
    with unchecked(), ThreadPoolExecutor(1) as beside:
        shifts, coming = beside.submit(ttft_shifts, weeks), beside.submit(coming_weeks, weeks)
        return composed(weeks, config or Config(), shifts, coming)


def composed(
    weeks: Weeks, config: Config, shifts: Future[list[Shift]], coming: Future[Forecasts | None]
) -> Report:
    """Return the report of a week that has requests."""
    recommendation = latest_recommendation(weeks)
    palette = model_colours(weeks)
    limits = task_limits(config)
    causes = cost_bridge(weeks)
    weeks.rows("latency")
    first = [
        streams_section(weeks, palette),
        objective_section(weeks, config),
        outcome_section(weeks),
    ]
    last = [
        team_section(weeks),
        routing_section(weeks, recommendation),
        data_section(weeks),
        method_section(weeks),
    ]
    # What was read beside is waited for when there is nothing else to do.
    moved = shifts.result()
    changed = [
        changes_section(weeks, moved, causes),
        latency_section(weeks, palette, moved, limits),
    ]
    found = [*changed, *first, cost_section(weeks, palette, coming.result()), *last]
    return Report(
        name=weeks.name,
        title=f"Week {weeks.number}",
        span=weeks.span,
        tz=weeks.tz,
        notice=notice(weeks),
        coverage=coverage_figure(weeks),
        summary=summary(weeks, config, moved, causes, recommendation),
        tiles=tiles(weeks),
        decisions=decisions(weeks, moved, missed_objectives(weeks, config), recommendation),
        sections=[section for section in found if section],
        footer=footer(weeks),
        headline=headline(weeks),
        palette=palette,
    )


def empty_report(weeks: Weeks) -> Report:
    """Return the report of a week without a request."""
    return Report(
        name=weeks.name,
        title=f"Week {weeks.number}",
        span=weeks.span,
        tz=weeks.tz,
        notice="",
        coverage=None,
        summary=[nothing(weeks)],
        tiles=[],
        decisions=[],
        sections=[Section("data", "Data", [], [records_table(weeks)])],
        footer=footer(weeks),
        headline={"week": weeks.name, "span": weeks.span, "tz": weeks.tz, "requests": 0},
    )


def model_colours(weeks: Weeks) -> dict[str, str]:
    """Return a colour for each of the models that cost most in the two weeks.

    It depends on when the store met the model, so that it stays from week to week.
    """
    cost: dict[str, tuple[float, int]] = {}
    for past in (False, True):
        for row in records(weeks.rows("account", ["model"], before=past)):
            if row["model"] is not None:
                name = words.name(row["model"])
                usd, n = cost.get(name, (0.0, 0))
                cost[name] = (usd + (row["cost_usd"] or 0.0), n + row["n"])
    ranked = sorted(cost, key=lambda name: (-cost[name][0], -cost[name][1], name))
    return charts.colours(ranked[: len(charts.PALETTE)], weeks.models_by_age())


def notice(weeks: Weeks) -> str:
    """Return what a reader must know before any number, such as that the week is not over."""
    if not weeks.partial:
        return ""
    last = words.weekday(weeks.days[-1])
    text = f"The store ends on {last}: this is a part of the week"
    if weeks.before:
        text += f", compared with the same days of week {weeks.number_before}"
    return f"{text}."


def footer(weeks: Weeks) -> str:
    """Return who made the page, and from how much."""
    files = sum(row["files"] for row in records(weeks.rows("records_read")))
    return (
        f"Made by logscope {__version__} from {words.plural(files, 'log file')}; "
        "nothing left the machine they lie on."
    )


def headline(weeks: Weeks) -> dict[str, Any]:
    """Return the numbers by which an index lists the report."""
    whole, done = one(weeks.rows("account")), one(weeks.rows("operation_outcomes"))
    return {
        "week": weeks.name,
        "span": weeks.span,
        "tz": weeks.tz,
        "requests": whole["n"],
        "cost_usd": whole["cost_usd"],
        "ttft_p95_ms": one(weeks.rows("latency"))["ttft_p95_ms"],
        "success": done["n_ok"] / done["operations"] if done["operations"] else None,
    }
