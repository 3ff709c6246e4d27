"""The report on streams: how often one goes silent, and for how long."""

from __future__ import annotations

from logscope import latency_charts, words
from logscope.page import Figure, Section, Strong, Text
from logscope.sections.curves import drawn
from logscope.sections.tables import one, plain_table, records
from logscope.weeks import Weeks

STALL_MS = 1000.0


def streams_section(weeks: Weeks, palette: dict[str, str]) -> Section | None:
    """Return the section on the chunks of streams, or None if no stream log was read."""
    import polars as pl

    stalls = weeks.rows("stalls", ["model"])
    counted = weeks.rows("stream_pauses", ["model"]).sort("model", "bucket", nulls_last=True)
    counted = counted.filter([drawn(model, palette) for model in counted["model"]])
    if not stalls.height or not counted.height:
        return None
    whole = one(weeks.rows("stalls"))
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
        [weeks.command("stalls"), weeks.command("stream_pauses", ["model"])],
    )
    past = one(weeks.rows("stalls", before=True))
    silent = f"{words.duration(whole['stall_ms'])} in total; " if whole["n_stalled"] else ""
    lead: Text = (
        Strong(f"{words.part_of(whole['n_stalled'], whole['n'], 'logged stream')} stalled"),
        f" (went silent for more than a second): {silent}the longest silence was "
        f"{words.duration(whole['longest_gap_ms'])}.",
    )
    if past["n"]:
        stalled = words.part_of(past["n_stalled"], past["n"], "stream")
        lead += (f" Week {weeks.number_before}: {stalled[0].lower()}{stalled[1:]}.",)
    worst = max(records(stalls), key=lambda row: (row["n_stalled"] / row["n"], str(row["model"])))
    figure = Figure(
        "pauses",
        "How often a stream goes silent, and for how long",
        "Share of a model's streams whose longest gap between two chunks is at least this long. "
        "Read it at the dashed line: that share stalled.",
        f"Most stalls: {words.name(worst['model'])}, "
        f"{words.part_of(worst['n_stalled'], worst['n'], 'stream')}.",
        latency_charts.stream_pauses(frame, palette, STALL_MS),
        latency_charts.stream_pauses(frame, palette, STALL_MS, narrow=True),
        table,
    )
    return Section("streams", "Streams", [lead], [figure])
