"""The weekly report: one self-contained HTML file from the numbers of a week and the one before."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import logscope
from logscope import charts, words
from logscope.changes_section import changes_section, cost_bridge, ttft_shifts
from logscope.config import Config
from logscope.cost_section import cost_section
from logscope.data_section import coverage_figure, data_section, method_section, records_table
from logscope.decisions import decisions
from logscope.latency_section import latency_section
from logscope.objective_section import missed_objectives, objective_section, task_limits
from logscope.outcome_section import outcome_section
from logscope.page import Report, Section, render_html
from logscope.routing_section import latest_recommendation, routing_section
from logscope.sections import records
from logscope.sentences import nothing, summary, tiles
from logscope.store import Store
from logscope.streams_section import streams_section
from logscope.team_section import team_section
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
    recommendation = latest_recommendation(weeks)
    palette = model_colours(weeks)
    config = config or Config()
    limits = task_limits(config)
    moved, causes = ttft_shifts(weeks), cost_bridge(weeks)
    found: list[Section | None] = [
        changes_section(weeks, moved, causes),
        latency_section(weeks, palette, moved, limits),
        streams_section(weeks, palette),
        objective_section(weeks, config),
        outcome_section(weeks),
        cost_section(weeks, palette),
        team_section(weeks),
        routing_section(weeks, recommendation),
        data_section(weeks),
        method_section(weeks),
    ]
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
    )


def model_colours(weeks: Weeks) -> dict[str, str]:
    """Return a colour for each of the models that cost most in the two weeks."""
    cost: dict[str, tuple[float, int]] = {}
    for past in (False, True):
        for row in records(weeks.rows("account", ["model"], before=past)):
            if row["model"] is not None:
                name = words.name(row["model"])
                usd, n = cost.get(name, (0.0, 0))
                cost[name] = (usd + (row["cost_usd"] or 0.0), n + row["n"])
    ranked = sorted(cost, key=lambda name: (-cost[name][0], -cost[name][1], name))
    return charts.colours(ranked[: len(charts.PALETTE)])


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
        f"Made by logscope {logscope.__version__} from {words.plural(files, 'log file')}; "
        "nothing left the machine they lie on."
    )


def write_report(
    store: Store,
    week: date,
    tz: str = "UTC",
    config: Config | None = None,
    folder: Path = Path("reports"),
    static: bool = False,
    where: str | None = None,
) -> Path:
    """Write the report of a week as one HTML file and return its path.

    `folder` is a folder (the file is then named after the week) or a path that ends in .html. Equal
    stores and arguments give equal bytes. Raises UsageError for an unknown time zone.
    """
    report = build_report(store, week, tz, config, where)
    path = folder if folder.suffix == ".html" else folder / f"{report.name}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_html(report, static), encoding="utf-8", newline="\n")
    return path
