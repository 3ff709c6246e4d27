"""The report on money: what was spent on what, day by day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from logscope import charts, words
from logscope.errors import NoDataError
from logscope.forecast import LEAST_CHANGES, forecasts
from logscope.page import Cell, Column, Figure, Section, Strong, Table, Text
from logscope.sections.tables import Row, grouped_table, one, plain_table, records
from logscope.selection import Selection
from logscope.weeks import WEEK, Weeks

if TYPE_CHECKING:
    import polars

Forecasts = tuple["polars.DataFrame", "polars.DataFrame"]
LEAST_SUCCEEDED = 30
MOST_TASKS = 8
MOST_MODELS = 6


def cost_section(weeks: Weeks, palette: dict[str, str], coming: Forecasts | None) -> Section | None:
    """Return the section on cost, or None if nothing is known to have cost anything.

    `coming` is what the coming week will cost, in all and by model.
    """
    whole = one(weeks.rows("account"))
    if not whole["cost_usd"]:
        return None
    total = whole["cost_usd"]
    columns = [
        (Column("requests"), lambda row, _: words.count(row["n"])),
        (Column("cost"), cost_cell(total)),
        (Column("share %"), lambda row, _: words.percent(of(row["cost_usd"], total), unit=False)),
        *([(Column(f"vs W{weeks.number_before}"), cost_change)] if weeks.before else []),
        (Column("per 1,000 requests"), per_thousand),
        *([(Column("without a price"), unpriced)] if whole["n_without_cost"] else []),
        (Column("input, M tokens"), lambda row, _: millions(row["input_tokens"])),
        (Column("from cache %"), cached),
        (Column("output, M tokens"), lambda row, _: millions(row["output_tokens"])),
    ]
    table = grouped_table(
        weeks,
        "cost",
        "Cost by model, region and task",
        "account",
        columns,
        ("model", "region", "task"),
    )
    parts: list[Figure | Table | None] = [
        days_figure(weeks, palette),
        forecast_table(weeks, coming[1]) if coming else None,
        table,
        success_figure(weeks, palette),
    ]
    lead = cost_lead(weeks, whole)
    if coming:
        lead += coming_week(weeks, coming[0])
    return Section("cost", "Cost", [lead], [part for part in parts if part])


def coming_weeks(weeks: Weeks) -> Forecasts | None:
    """Return the forecast of the coming week, in all and by model; None where it cannot be told."""
    if weeks.partial:
        return None
    asked = Selection(where=weeks.where, by=(), tz=weeks.tz)
    try:
        whole, by_model = forecasts(weeks.store, asked, weeks.monday, [(), ("model",)])
    except NoDataError:
        return None
    return (whole, by_model) if whole["low_usd"].count() else None


def coming_week(weeks: Weeks, frame: polars.DataFrame) -> Text:
    """Say what the coming week will cost."""
    row = one(frame)
    return (
        f" If weeks go on to differ as they did, week {weeks.number_after} will cost ",
        Strong(f"{words.money(row['low_usd'])} to {words.money(row['high_usd'])}"),
        f" (95 %; from {words.plural(row['past_changes'], 'change')} from week to week).",
    )


def forecast_table(weeks: Weeks, frame: polars.DataFrame) -> Table | None:
    """Return the forecast by model, None where it cannot be told of any."""
    import polars as pl

    if not frame["low_usd"].count():
        return None
    frame = frame.sort("forecast_usd", "model", descending=[True, False], nulls_last=True)
    told = frame.filter(pl.col("low_usd").is_not_null()).head(MOST_MODELS)
    table = plain_table(
        "cost_forecast",
        f"What week {weeks.number_after} may cost",
        told.select("model", "forecast_usd", "low_usd", "high_usd", "past_changes"),
        {
            "model": ("model", words.name),
            "forecast_usd": (f"as W{weeks.number}, USD", words.money),
            "low_usd": ("95 % from", words.money),
            "high_usd": ("to", words.money),
            "past_changes": ("past changes", words.count),
        },
        [weeks.command("cost --forecast", ("model",))],
    )
    note = (
        "As much as this week, give or take what weeks differed by so far; no trend, no season. "
        f"A model without {LEAST_CHANGES} changes from week to week is left out."
    )
    return replace(table, frame=frame, note=note)


def success_figure(weeks: Weeks, palette: dict[str, str]) -> Figure | None:
    """Return what a successful operation cost by task and model, None if that is not known."""
    import polars as pl

    by = ("task", "model")
    rows = [
        row
        for row in records(weeks.rows("cost_per_success", by))
        if row["cost_per_success_usd"] and row["succeeded"] >= LEAST_SUCCEEDED
    ]
    if not rows:
        return None
    sizes: dict[Any, float] = {}
    for row in rows:
        sizes[row["task"]] = sizes.get(row["task"], 0) + row["cost_usd"]
    tasks = sorted(sizes, key=lambda task: (-sizes[task], str(task)))[:MOST_TASKS]
    labels = words.apart(tasks)
    frame = pl.DataFrame(
        [
            {
                "task": labels[task],
                "model": words.name(row["model"]),
                "usd": row["cost_per_success_usd"],
                "low_usd": row["low_usd"],
                "high_usd": row["high_usd"],
                "succeeded": int(row["succeeded"]),
            }
            for task in tasks
            for row in sorted(rows, key=lambda row: str(row["model"]))
            if row["task"] == task
        ],
        schema_overrides={"low_usd": pl.Float64, "high_usd": pl.Float64},
    )
    table = plain_table(
        "cost_per_success",
        "Cost per successful operation",
        frame,
        {
            "task": ("task", words.name),
            "model": ("model", words.name),
            "usd": ("USD", words.money),
            "low_usd": ("95 % from", words.money),
            "high_usd": ("to", words.money),
            "succeeded": ("succeeded", words.count),
        },
        [weeks.command("cost_per_success", by)],
    )
    dearest = max(frame.to_dicts(), key=lambda row: row["usd"])
    return Figure(
        "cost_per_success",
        "Is the dear model worth it?",
        "What an operation that succeeded cost, failed attempts included, with 95 % intervals over "
        "sessions. What it achieved is a question of scores, not of this chart.",
        f"Dearest: {dearest['task']} on {dearest['model']}, {words.money(dearest['usd'])}.",
        charts.cost_per_success(frame, palette),
        charts.cost_per_success(frame, palette, narrow=True),
        table,
    )


def of(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def cost_cell(total: float) -> Any:
    digits = 0 if total >= 10_000 else 2 if total >= 10 else 4

    def cell(row: Row, _: Row) -> Cell:
        if row["cost_usd"] is None:
            return Cell(words.DASH, "no price", "quiet")
        return Cell(words.money(row["cost_usd"], digits))

    return cell


def cost_change(row: Row, past: Row) -> Cell:
    value = words.change(row["cost_usd"], past.get("cost_usd"))
    if value is None and row["cost_usd"] and past.get("cost_usd") is None:
        return Cell("new", tone="quiet")
    return Cell(words.signed_percent(value), tone="quiet")


def per_thousand(row: Row, _: Row) -> str:
    priced = row["n"] - row["n_without_cost"]
    if row["cost_usd"] is None or not priced:
        return words.DASH
    return words.money(row["cost_usd"] / priced * 1000, 2)


def unpriced(row: Row, _: Row) -> Cell:
    return Cell(words.count(row["n_without_cost"]), tone="quiet")


def millions(tokens: float | None) -> str:
    if tokens is None:
        return words.DASH
    value = tokens / 1e6
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def cached(row: Row, _: Row) -> str:
    return words.percent(of(row["cache_read_tokens"], row["input_tokens"]), unit=False)


def cost_lead(weeks: Weeks, whole: Row) -> Text:
    """Return what the section comes to: the dearest model and task, and what is missing."""
    text: Text = ()
    for dimension in ("model", "task"):
        known = [r for r in records(weeks.rows("account", [dimension])) if r[dimension]]
        rows = [row for row in known if row["cost_usd"]]
        top = max(rows, key=lambda row: (row["cost_usd"], str(row[dimension])), default=None)
        if top:
            share = words.percent(top["cost_usd"] / whole["cost_usd"])
            text += (
                f"{' The dearest task' if text else 'The dearest model'} was ",
                Strong(words.name(top[dimension])),
                f" with {words.money(top['cost_usd'])}, {share} of the whole.",
            )
    if whole["n_without_cost"]:
        text += (
            f" {words.plural(whole['n_without_cost'], 'request')} without a known cost "
            f"{'is' if whole['n_without_cost'] == 1 else 'are'} in no sum.",
        )
    return text


def days_figure(weeks: Weeks, palette: dict[str, str]) -> Figure:
    """Return cost by day, stacked by model, with the week before as a line."""
    import polars as pl

    rows = records(weeks.rows("account", ["day", "model"]))
    labels = words.apart([row["model"] for row in rows])
    days = [weeks.monday + timedelta(i) for i in range(7)]
    frame = pl.DataFrame(
        [
            {
                "position": (row["day"] - weeks.monday).days,
                "day": words.weekday(row["day"]),
                "model": labels[row["model"]],
                "cost_usd": row["cost_usd"],
            }
            for row in rows
            if row["cost_usd"]
        ]
    ).sort("position", "model")
    past = records(weeks.rows("account", ["day"], before=True))
    before = pl.DataFrame(
        [
            {
                "position": (row["day"] - weeks.monday + WEEK).days,
                "day": words.weekday(row["day"] + WEEK),
                "cost_usd": row["cost_usd"],
            }
            for row in past
            if row["cost_usd"]
        ],
        schema={"position": pl.Int64, "day": pl.String, "cost_usd": pl.Float64},
    ).sort("position")
    sums = frame.group_by("position", "day").agg(pl.col("cost_usd").sum())
    dearest = sums.sort("cost_usd", "position").row(-1, named=True)
    alternative = (
        f"Cost of {words.plural(len(set(frame['day'])), 'day')}, highest on {dearest['day']} with "
        f"{words.money(dearest['cost_usd'])}."
    )
    table = plain_table(
        "cost_by_day",
        "Cost by day and model",
        frame,
        {
            "day": ("day", words.name),
            "model": ("model", words.name),
            "cost_usd": ("cost", words.money),
        },
        [weeks.command("account", ["day", "model"])],
    )
    line = f" Dashed line: W{weeks.number_before}, all models." if before.height else ""
    names = [words.weekday(day) for day in days]
    return Figure(
        "cost_by_day",
        "Growth, or a spike?",
        f"Cost by day ({weeks.tz}), stacked by model.{line}",
        alternative,
        charts.cost_by_day(frame, before, palette, names, f"W{weeks.number_before}"),
        charts.cost_by_day(frame, before, palette, names, f"W{weeks.number_before}", narrow=True),
        table,
    )
