"""The report on objectives: who kept what [slo] promises, and what is left of the error budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from logscope import charts, words
from logscope.config import Config
from logscope.objectives import as_parameter, read_objectives
from logscope.page import Figure, Section, Sentence, Strong, Table, Text
from logscope.sections.tables import Row, plain_table, records
from logscope.weeks import Weeks

KINDS = ("task", "input_bucket")  # what is asked, told without clustering
MOST_KINDS = 12


def task_limits(config: Config) -> dict[str, float]:
    """Return the first-token objective of each task that has one; ms."""
    return {
        known.task: known.ttft_ms
        for known in read_objectives(config)
        if known.task is not None and known.ttft_ms is not None
    }


def judged(weeks: Weeks, config: Config, before: bool = False) -> list[dict[str, Any]]:
    """Return goodput and error budget per objective, in the order of [slo]; nothing without it."""
    known = read_objectives(config)
    if not known:
        return []
    rows = records(weeks.rows("objectives", before=before, **as_parameter(known)))
    place = {objective.name: i for i, objective in enumerate(known)}
    return sorted(
        (row for row in rows if row["goodput"] is not None), key=lambda row: place[row["objective"]]
    )


def used(row: dict[str, Any]) -> float | None:
    """Return the share of the error budget that is used up; None without a goal."""
    if row["goal"] is None or row["goodput"] is None:
        return None
    return float((1 - row["goodput"]) / (1 - row["goal"]))


def objective_section(weeks: Weeks, config: Config) -> Section | None:
    """Return the section on objectives, or None without [slo] or an operation to judge."""
    import polars as pl

    rows = judged(weeks, config)
    if not rows:
        return None
    past = {row["objective"]: row for row in judged(weeks, config, before=True)}
    labels = words.apart([row["objective"] for row in rows])
    frame = pl.DataFrame(
        [
            {
                "objective": labels[row["objective"]],
                "limit": limits(row),
                "goal": row["goal"],
                "goodput": row["goodput"],
                "goodput_before": past.get(row["objective"], {}).get("goodput"),
                "used": used(row),
                "operations": row["n_met"] + row["n_missed"],
                "late": row["n_late"],
                "failed": row["n_failed"],
                "unknown": row["n_unknown"],
            }
            for row in rows
        ],
        infer_schema_length=None,
    )
    table = plain_table(
        "objectives",
        "Objectives",
        frame,
        {
            "objective": ("objective", words.name),
            "limit": ("limit", words.name),
            "goal": ("goal", words.goal),
            "goodput": ("met", words.percent),
            "goodput_before": (f"W{weeks.number_before}", words.percent),
            "used": ("budget used", words.percent),
            "operations": ("operations", words.count),
            "late": ("late", words.count),
            "failed": ("failed", words.count),
            "unknown": ("not known", words.count),
        },
        [weeks.command("traffic --slo")],
    )
    with_goal = frame.filter(pl.col("used").is_not_null())
    note = (
        "Share of the week's error budget that is used up: misses over the misses that the goal "
        "allows. Failed and throttled operations count as missed."
    )
    if any(row["used"] > charts.BUDGET_SHOWN for row in with_goal.to_dicts()):
        note += f" An arrow marks a bar that is cut off at {words.goal(charts.BUDGET_SHOWN)}."
    burning = burners_table(weeks, config, labels)
    if not with_goal.height:
        return Section("objectives", "Objectives", [lead(rows)], [table, *burning])
    figure = Figure(
        "objectives",
        "Stop or ship?",
        note,
        "; ".join(
            f"{row['objective']}: {words.percent(row['used'])}" for row in with_goal.to_dicts()
        ),
        charts.error_budget(with_goal),
        charts.error_budget(with_goal, narrow=True),
        table,
    )
    return Section("objectives", "Objectives", [lead(rows)], [figure, *burning])


def burners_table(weeks: Weeks, config: Config, labels: Mapping[str, str]) -> list[Table]:
    """Return the table of the kinds of requests that missed an objective, if any did; worst first."""
    import polars as pl

    asked = as_parameter(read_objectives(config))
    frame = weeks.rows("objectives", KINDS, before=False, **asked).filter(pl.col("n_missed") > 0)
    if not frame.height:
        return []
    order = ["budget_burned", "n_missed", "objective", *KINDS]
    falls = [True, True, *(False for _ in order[2:])]
    frame = frame.sort(order, descending=falls, nulls_last=True).with_columns(
        pl.col("objective").replace(labels),
        pl.col("input_bucket").str.slice(2),  # the first two characters are for the order
    )
    table = plain_table(
        "objectives_by_kind",
        "Which requests burn it",
        frame,
        {
            "objective": ("objective", words.name),
            "task": ("task", words.name),
            "input_bucket": ("input tokens", words.name),
            "operations": ("operations", words.count),
            "n_late": ("late", words.count),
            "n_failed": ("failed", words.count),
            "goodput": ("met", words.percent),
            "budget_burned": ("of the budget", words.percent),
        },
        [weeks.command("traffic --slo", KINDS), weeks.command("traffic --slo")],
        MOST_KINDS,
    )
    note = "An operation whose attempts are of several kinds is in each. "
    return [replace(table, note=f"{note}By type of request: the second command.")]


def limits(row: dict[str, Any]) -> str:
    """Return an objective's limits in words."""
    return ", ".join(each_limit(row, "first token", "answer"))


def met(row: dict[str, Any]) -> str:
    """Return what an operation did that met its objective."""
    return " and ".join(each_limit(row, "began to answer within", "were done within"))


def each_limit(row: dict[str, Any], ttft: str, duration: str) -> list[str]:
    """Return the limits that an objective has, each after its own words."""
    told = ((ttft, row["ttft_slo_ms"]), (duration, row["duration_slo_ms"]))
    return [f"{text} {words.duration(limit)}" for text, limit in told if limit is not None]


def objective_name(row: Row) -> str:
    """Return an objective's name as a sentence begins: the name of its task or route."""
    text = str(row["objective"])
    for kind in ("task ", "route "):
        text = text.removeprefix(kind)
    name = words.name(text)
    return name[:1].upper() + name[1:]


def lead(rows: list[dict[str, Any]]) -> Text:
    """Say which objectives were missed, or that none was."""
    missed = [row for row in rows if (used(row) or 0) > 1]
    if not any(used(row) is not None for row in rows):
        return ("No objective has a goal, so there is goodput but no error budget.",)
    if not missed:
        return ("Every objective was met.",)
    text: Text = ()
    for row in sorted(missed, key=lambda row: -(used(row) or 0))[:2]:
        text += (
            Strong(f"{objective_name(row)} missed its goal"),
            f": {words.short_of(row['goodput'], row['goal'])} of operations {met(row)} (goal "
            f"{words.goal(row['goal'])}), {round((used(row) or 0) * 100):,}{words.THIN}% of the "
            "error budget. ",
        )
    return text


def missed_objectives(weeks: Weeks, config: Config) -> list[dict[str, Any]]:
    """Return the objectives whose goal was missed, the worst first."""
    rows = [row for row in judged(weeks, config) if (used(row) or 0) > 1]
    return sorted(rows, key=lambda row: -(used(row) or 0))


def objective_sentence(weeks: Weeks, config: Config) -> Sentence | None:
    """Return the summary's sentence on objectives, None without a goal."""
    rows = judged(weeks, config)
    if not any(used(row) is not None for row in rows):
        return None
    return Sentence(lead(rows), "objectives")
