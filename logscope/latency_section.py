"""The report on latency: who answers how fast, and who moved; streams and their pauses."""

from __future__ import annotations

from typing import Any

from logscope import charts, words
from logscope.changes import Shift
from logscope.changes_section import PAIR
from logscope.page import Cell, Column, Figure, Section, Strong, Text
from logscope.sections import Row, grouped_table, one, plain_table, records
from logscope.weeks import Weeks

MOST_PAIRS = 14
STALL_MS = 1000.0


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


def latency_section(weeks: Weeks, palette: dict[str, str], moved: list[Shift]) -> Section | None:
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
    parts: list[Any] = []
    figure = dots_figure(weeks, palette)
    if figure:
        parts.append(figure)
    return Section("latency", "Latency", [latency_lead(weeks, whole, moved)], [*parts, table])


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
    beyond = [shift for shift in moved if shift.beyond_noise]
    if moved and not beyond:
        text += (f" None of {len(moved)} pairs of model and region moved beyond noise.",)
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
    alternative = f"First-token latency of {pairs} of model and region."
    if slowest:
        value = words.ms(float(str(slowest["value_ms"])))
        alternative += f" Slowest p95: {slowest['pair']}, {value} ms."
    return Figure(
        "ttft",
        "Who answers first, and who moved",
        f"Time to the first token. Hollow: half came sooner (p50); filled: 95 % came sooner (p95); "
        f"bars: 95 % intervals. Colour: W{weeks.number}; grey below it: W{weeks.number_before}.",
        alternative,
        charts.ttft_dots(frame, palette, (this_week, last_week)),
        charts.ttft_dots(frame, palette, (this_week, last_week), narrow=True),
        table,
    )


def pair_name(pair: tuple[Any, ...]) -> str:
    return " · ".join(words.name(part) for part in pair)


def streams_section(weeks: Weeks, palette: dict[str, str]) -> Section | None:
    """Return the section on the chunks of streams, or None if no stream log was read."""
    import polars as pl

    stalls = weeks.rows("stalls", ["model"])
    if not stalls.height:
        return None
    whole = one(weeks.rows("stalls"))
    counted = weeks.rows("stream_pauses", ["model"]).sort("model", "bucket", nulls_last=True)
    labels = words.apart(counted["model"].to_list())
    frame = (
        counted.with_columns(model=pl.Series([labels[value] for value in counted["model"]]))
        .with_columns(
            total=pl.col("streams").sum().over("model"),
            longer=pl.col("streams").cum_sum(reverse=True).over("model"),
        )
        .with_columns(share=pl.col("longer") / pl.col("total"))
        .select("model", "share", pause_ms="from_ms", streams="longer")
    )
    table = plain_table(
        "stream_pauses",
        "Streams by their longest pause",
        frame,
        {
            "model": ("model", words.name),
            "pause_ms": ("paused at least, ms", words.ms),
            "streams": ("streams", words.count),
            "share": ("share", words.percent),
        },
        [weeks.command("stream_pauses", ["model"])],
    )
    past = one(weeks.rows("stalls", before=True))
    share = whole["n_stalled"] / whole["n"]
    lead: Text = (
        Strong(f"{words.percent(share)} of {words.plural(whole['n'], 'logged stream')} stalled"),
        f": they went silent for more than a second, {words.duration(whole['stall_ms'])} in total; "
        f"the longest silence was {words.duration(whole['longest_gap_ms'])}.",
    )
    if past["n"]:
        lead += (f" Week {weeks.number_before}: {words.percent(past['n_stalled'] / past['n'])}.",)
    worst = max(records(stalls), key=lambda row: (row["n_stalled"] / row["n"], str(row["model"])))
    figure = Figure(
        "pauses",
        "How often a stream goes silent, and for how long",
        "Share of a model's streams whose longest gap between two chunks is at least this long. "
        "Read it at the dashed line: that share stalled.",
        f"Most stalls: {words.name(worst['model'])}, "
        f"{words.percent(worst['n_stalled'] / worst['n'])} of "
        f"{words.plural(worst['n'], 'stream')}.",
        charts.stream_pauses(frame, palette, STALL_MS),
        charts.stream_pauses(frame, palette, STALL_MS, narrow=True),
        table,
    )
    return Section("streams", "Streams", [lead], [figure])
