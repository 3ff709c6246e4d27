"""The report on latency: who answers how fast, and who moved."""

from __future__ import annotations

from typing import Any

from logscope import latency_charts, words
from logscope.changes import Shift
from logscope.page import Cell, Column, Figure, Section, Strong, Text
from logscope.sections.changes import PAIR
from logscope.sections.curves import curves_figure, durations_figure, inputs_figure, load_figure
from logscope.sections.tables import Row, grouped_table, one, plain_table, records
from logscope.weeks import Weeks

MOST_PAIRS = 14


def withheld(row: Row, measure: str, level: int) -> str:
    """Return why a percentile is not told: nothing was logged, or too few requests."""
    n = row.get(f"{measure}_n") or 0
    return "not logged" if n == 0 else f"n < {60 if level == 95 else 300}"


def percentile(measure: str, level: int, show: Any = words.ms) -> Any:
    """Return the function that writes a percentile's cell."""

    def cell(row: Row, _: Row) -> Cell:
        value = row[f"{measure}_p{level}_ms"]
        if value is None:
            return Cell(words.DASH, withheld(row, measure, level), "quiet")
        return Cell(show(value))

    return cell


def interval(measure: str, show: Any = words.ms) -> Any:
    def cell(row: Row, _: Row) -> Cell:
        low, high = row[f"{measure}_low_ms"], row[f"{measure}_high_ms"]
        if low is None or high is None:
            return Cell("")
        return Cell(f"{show(low)}{words.DASH}{show(high)}", tone="quiet")

    return cell


def p95_change(row: Row, past: Row) -> Cell:
    value = words.change(row["ttft_p95_ms"], past.get("ttft_p95_ms"))
    return Cell(words.signed_percent(value) if value is not None else "", tone="quiet")


def ok_share(row: Row, _: Row) -> str:
    return words.percent(row["n_ok"] / row["n"], unit=False)


def latency_section(
    weeks: Weeks, palette: dict[str, str], moved: list[Shift], limits: dict[str, float]
) -> Section | None:
    """Return the section on first token, duration and time per token; None if no log has times."""
    whole = one(weeks.rows("latency"))
    if not (whole["ttft_n"] or whole["duration_n"]):
        return None
    before = f"vs W{weeks.number_before}"
    first, whole_answer, token = "first token, ms", "whole answer, s", "per output token, ms"
    columns = [
        (Column("requests"), lambda row, _: words.count(row["n"])),
        (Column("ok %"), ok_share),
        (Column("p50", group=first), percentile("ttft", 50)),
        (Column("p95", group=first), percentile("ttft", 95)),
        (Column("95 % interval", group=first), interval("ttft_p95")),
        *([(Column(before, group=first), p95_change)] if weeks.before else []),
        (Column("p99", group=first), percentile("ttft", 99)),
        (Column("p50", group=whole_answer), percentile("duration", 50, words.seconds)),
        (Column("p95", group=whole_answer), percentile("duration", 95, words.seconds)),
        (Column("p50", group=token), percentile("tpot", 50)),
        (Column("p95", group=token), percentile("tpot", 95)),
    ]
    table = grouped_table(weeks, "latency", "Latency by model, region and task", "latency", columns)
    figures = [
        dots_figure(weeks, palette),
        curves_figure(weeks, palette, limits),
        inputs_figure(weeks, palette),
        durations_figure(weeks, palette),
        load_figure(weeks, palette),
    ]
    parts = [figure for figure in figures if figure]
    lead = latency_lead(weeks, whole, moved)
    return Section("latency", "Latency", [lead], [*parts[:1], table, *parts[1:]])


def latency_lead(weeks: Weeks, whole: Row, moved: list[Shift]) -> Text:
    """Return what the section comes to."""
    if whole["ttft_p50_ms"] is None:
        return (
            "No log of this week tells when the first token came; half of the ",
            words.plural(whole["duration_n"], "answered request"),
            f" took {words.duration(whole['duration_p50_ms'])} or less.",
        )
    text: Text = (
        f"Of the {words.count(whole['ttft_n'])} answered requests whose first token was logged, "
        f"half began within {words.ms(whole['ttft_p50_ms'])} ms",
    )
    if whole["ttft_p95_ms"] is not None:
        text += (" and 95 % within ", Strong(f"{words.ms(whole['ttft_p95_ms'])} ms"))
    if whole["ttft_p95_low_ms"] is not None:
        text += (
            f" (95 % interval {words.ms(whole['ttft_p95_low_ms'])} to "
            f"{words.ms(whole['ttft_p95_high_ms'])})",
        )
    text += (".",)
    tested = {shift.group for shift in moved if shift.tested}
    if tested and not any(shift.beyond_noise for shift in moved):
        text += (f" None of {len(tested)} pairs of model and region moved beyond noise.",)
    return text


def dots_figure(weeks: Weeks, palette: dict[str, str]) -> Figure | None:
    """Return p50 and p95 of the first token by model and region as dots with intervals."""
    import polars as pl

    known = weeks.rows("latency", PAIR).filter(pl.col("ttft_p50_ms").is_not_null())
    if not known.height:
        return None
    largest = records(known.head(MOST_PAIRS))
    largest.sort(key=lambda row: (str(row["model"]), str(row["region"])))
    labels = words.apart((tuple(row[key] for key in PAIR) for row in largest), pair_name)
    past = {tuple(row[k] for k in PAIR): row for row in records(weeks.rows("latency", PAIR, True))}
    this_week, last_week = f"W{weeks.number}", f"W{weeks.number_before}"
    rows = []
    for row in largest:
        key = tuple(row[name] for name in PAIR)
        for week, found in ((this_week, row), (last_week, past.get(key))):
            for level in ("p50", "p95"):
                if found and found[f"ttft_{level}_ms"] is not None:
                    rows.append(
                        {
                            "pair": labels[key],
                            "model": words.name(row["model"]),
                            "week": week,
                            "level": level,
                            "n": found["ttft_n"],
                            "value_ms": found[f"ttft_{level}_ms"],
                            "low_ms": found[f"ttft_{level}_low_ms"],
                            "high_ms": found[f"ttft_{level}_high_ms"],
                        }
                    )
    ends = {"low_ms": pl.Float64, "high_ms": pl.Float64}
    frame = pl.DataFrame(rows, infer_schema_length=None, schema_overrides=ends)
    table = plain_table(
        "ttft_by_model_and_region",
        "First token by model and region",
        frame,
        {
            "pair": ("model, region", words.name),
            "week": ("week", words.name),
            "level": ("percentile", words.name),
            "n": ("requests", words.count),
            "value_ms": ("ms", words.ms),
            "low_ms": ("95 % from", words.ms),
            "high_ms": ("to", words.ms),
        },
        [weeks.command("latency", PAIR)],
    )
    slowest = max(
        (row for row in rows if row["week"] == this_week and row["level"] == "p95"),
        key=lambda row: float(str(row["value_ms"])),
        default=None,
    )
    pairs = words.plural(len(largest), "pair")
    with_p95 = any(row["level"] == "p95" for row in rows)
    p95 = "filled: 95 % came sooner (p95)" if with_p95 else "p95 needs 60 requests"
    grey = f" Grey: W{weeks.number_before}, below W{weeks.number}." if weeks.before else ""
    alternative = f"First-token latency of {pairs} of model and region."
    if slowest:
        value = words.ms(float(str(slowest["value_ms"])))
        alternative += f" Slowest p95: {slowest['pair']}, {value} ms."
    return Figure(
        "ttft",
        "Who answers first, and who moved",
        f"Time to the first token. Hollow: half came sooner (p50); {p95}; bars: 95 % intervals.{grey}",
        alternative,
        latency_charts.ttft_dots(frame, palette, (this_week, last_week)),
        latency_charts.ttft_dots(frame, palette, (this_week, last_week), narrow=True),
        table,
    )


def pair_name(pair: tuple[Any, ...]) -> str:
    return " · ".join(words.name(part) for part in pair)
