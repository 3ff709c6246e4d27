"""Figures of latency: how it is spread, and what it depends on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from logscope import latency_charts, words
from logscope.page import Figure
from logscope.sections.tables import plain_table, records
from logscope.weeks import Weeks

MOST_TASKS = 6
LEAST = 60  # requests that a line needs


def drawn(model: str | None, palette: dict[str, str]) -> bool:
    """Return whether a model gets a line: those with a colour, and what has no name."""
    return model is None or words.name(model) in palette


def curves_figure(weeks: Weeks, palette: dict[str, str], limits: dict[str, float]) -> Figure | None:
    """Return the distribution of first tokens per task and model, None if hardly any is logged.

    `limits` has the objectives of tasks in ms.
    """
    import polars as pl

    counted = weeks.rows("ttft_curve", ("task", "model"))
    group = ["task", "model"]
    counted = (
        counted.sort(*group, "bucket", nulls_last=True)
        .with_columns(
            n=pl.col("requests").sum().over(group),
            share=pl.col("requests").cum_sum().over(group) / pl.col("requests").sum().over(group),
        )
        .filter(pl.col("n") >= LEAST)
    )
    if not counted.height:
        return None
    sizes = counted.group_by("task").agg(pl.col("requests").sum())
    sizes = sizes.sort("requests", "task", descending=[True, False], nulls_last=True)
    tasks = sizes["task"].to_list()[:MOST_TASKS]
    labels = words.apart(tasks)
    rows = [
        {
            "task": labels[row["task"]],
            "model": words.name(row["model"]),
            "ms": row["from_ms"] * 1.1,
            "share": row["share"],
            "n": row["n"],
        }
        for task in tasks
        for row in records(counted)
        if row["task"] == task and drawn(row["model"], palette)
    ]
    if not rows:
        return None
    frame = pl.DataFrame(rows)
    told = {labels[task]: limits[task] for task in tasks if task in limits}
    note = "Share of answers that had begun by then; ms, log scale."
    if told:
        note += " Dashed: the task's objective."
    table = plain_table(
        "ttft_curve",
        "First tokens by task and model",
        frame,
        {
            "task": ("task", words.name),
            "model": ("model", words.name),
            "ms": ("begun within, ms", words.ms),
            "share": ("share", words.percent),
            "n": ("of requests", words.count),
        },
        [weeks.command("ttft_curve", ("task", "model"))],
        most=120,
    )
    return Figure(
        "ttft_curve",
        "Which model is fast enough for which task?",
        note,
        f"Distribution of first-token times of {words.plural(len(tasks), 'task')}.",
        latency_charts.ttft_curves(frame, palette, told),
        latency_charts.ttft_curves(frame, palette, told, narrow=True),
        table,
    )


def inputs_figure(weeks: Weeks, palette: dict[str, str]) -> Figure | None:
    """Return the first-token p95 by the length of the prompt, None if hardly any is logged."""
    rows = [
        (row["model"], row["from_input_tokens"], row["ttft_p95_ms"], row["n"])
        for row in records(weeks.rows("ttft_by_input", ("model",)))
        if row["ttft_p95_ms"] and drawn(row["model"], palette)
    ]
    return tokens_figure(
        rows,
        palette,
        "ttft_by_input",
        "Slow model, or long prompts?",
        "First-token p95 by the tokens of the prompt; points from 60 requests.",
        ("input tokens", "p95, ms"),
        words.ms,
        weeks.command("ttft_by_input", ("model",)),
    )


def durations_figure(weeks: Weeks, palette: dict[str, str]) -> Figure | None:
    """Return the median duration by the length of the answer, None if hardly any is logged."""
    rows = [
        (row["model"], row["from_output_tokens"], row["duration_p50_ms"] / 1000, row["n"])
        for row in records(weeks.rows("duration_by_length", ("model",)))
        if row["n"] >= LEAST and row["duration_p50_ms"] and drawn(row["model"], palette)
    ]
    return tokens_figure(
        rows,
        palette,
        "durations",
        "Slow model, or long answers?",
        "Median duration of an answer by its output tokens; points from 60 requests.",
        ("output tokens", "median, s"),
        lambda value: words.seconds(value * 1000),
        weeks.command("duration_by_length", ("model",)),
    )


def tokens_figure(
    rows: Sequence[tuple[Any, int, float, int]],
    palette: dict[str, str],
    name: str,
    title: str,
    note: str,
    axes: tuple[str, str],
    show: Callable[[Any], str],
    command: str,
) -> Figure | None:
    """Return a time by tokens, a line per model; rows: model, tokens from, time, requests."""
    import polars as pl

    if len({row[1] for row in rows}) < 2:
        return None
    labels = words.apart(sorted({row[0] for row in rows}, key=str))
    frame = pl.DataFrame(
        [
            {"model": labels[model], "tokens": tokens, "time": time, "n": n}
            for model, tokens, time, n in rows
        ]
    ).sort("model", "tokens")
    table = plain_table(
        name,
        title,
        frame,
        {
            "model": ("model", words.name),
            "tokens": (f"{axes[0]} from", words.count),
            "time": (axes[1], show),
            "n": ("requests", words.count),
        },
        [command],
    )
    return Figure(
        name,
        title,
        note,
        f"{axes[1]} by {axes[0]} of {words.plural(len(labels), 'model')}.",
        latency_charts.by_tokens(frame, palette, axes),
        latency_charts.by_tokens(frame, palette, axes, narrow=True),
        table,
    )


def load_figure(weeks: Weeks, palette: dict[str, str]) -> Figure | None:
    """Return the first-token p95 by requests in flight, None if the load never varied."""
    import polars as pl

    rows = records(weeks.rows("load", ("model",)))
    rows = [row for row in rows if row["ttft_p95_ms"] and drawn(row["model"], palette)]
    if len({row["from_in_flight"] for row in rows}) < 2:
        return None
    labels = words.apart(sorted({row["model"] for row in rows}, key=str))
    frame = pl.DataFrame(
        [
            {
                "model": labels[row["model"]],
                "from_in_flight": row["from_in_flight"],
                "in_flight": span(row["from_in_flight"], row["to_in_flight"]),
                "n": row["n"],
                "ttft_p95_ms": row["ttft_p95_ms"],
                "throttled": row["throttled"],
            }
            for row in rows
        ]
    ).sort("model", "from_in_flight")
    table = plain_table(
        "load",
        "First-token p95 under load",
        frame,
        {
            "model": ("model", words.name),
            "in_flight": ("in flight", words.name),
            "n": ("requests", words.count),
            "ttft_p95_ms": ("p95, ms", words.ms),
            "throttled": ("throttled", words.percent),
        },
        [weeks.command("load", ("model",))],
    )
    return Figure(
        "load",
        "More quota, or spill over?",
        "First-token p95 by how many requests of the same model and region were in flight, the new "
        "one included. Callers that wait before they ask again hide part of the queueing.",
        f"First-token p95 under load of {words.plural(len(labels), 'model')}.",
        latency_charts.under_load(frame, palette),
        latency_charts.under_load(frame, palette, narrow=True),
        table,
    )


def span(first: Any, last: Any) -> str:
    return f"{first:,}" if first == last else f"{first:,}{words.DASH}{last:,}"
