"""Charts of latency: first tokens, streams, lengths and load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import altair as alt

from logscope.chart_data import Spec, data, values
from logscope.charts import (
    BEFORE,
    INK,
    OTHERS,
    PAPER,
    colour_scale,
    finished,
    log_limits,
    log_scale,
    log_ticks,
    stack_order,
    two_lines,
)

if TYPE_CHECKING:
    import polars


def ttft_dots(
    frame: polars.DataFrame,
    palette: Mapping[str, str],
    weeks: tuple[str, str],
    narrow: bool = False,
) -> Spec:
    """Return p50 (hollow) and p95 (filled) of the first token with intervals, a row per week.

    `frame`: pair (label, in order), model, week (one of `weeks`: this, before), level (p50 or p95),
    value_ms, low_ms, high_ms (NULL where there is no interval).
    """
    pairs = list(dict.fromkeys(frame["pair"].to_list()))
    limits = [v for key in ("value_ms", "low_ms", "high_ms") for v in frame[key].drop_nulls()]
    low, high = log_limits(limits, 0.07)
    rows = [
        {**row, "colour": palette.get(row["model"], OTHERS) if row["week"] == weeks[0] else BEFORE}
        for row in values(frame)
    ]
    axis_y = alt.Axis(
        title=None,
        grid=False,
        labelLimit=150 if narrow else 300,
        labelColor=INK,
        labelPadding=10,
        **two_lines("split(datum.label, ' · ')", narrow),
    )
    offset = alt.YOffset("week:N", sort=None, scale=alt.Scale(domain=list(weeks)))
    axis_x = alt.Axis(
        values=log_ticks(low, high, dense=not narrow), format=",", labelOverlap=True, grid=True
    )
    x = alt.X("value_ms:Q", title="ms, log scale", scale=log_scale(low, high), axis=axis_x)
    bands = alt.Scale(paddingInner=0.4, paddingOuter=0.2)
    y = alt.Y("pair:N", sort=pairs, axis=axis_y, scale=bands)
    colour = alt.Color("colour:N", scale=None)
    tooltip = [
        alt.Tooltip("pair:N", title="model, region"),
        alt.Tooltip("week:N", title="week"),
        alt.Tooltip("level:N", title="percentile"),
        alt.Tooltip("value_ms:Q", title="ms", format=",.0f"),
        alt.Tooltip("low_ms:Q", title="95 % from", format=",.0f"),
        alt.Tooltip("high_ms:Q", title="to", format=",.0f"),
    ]
    layers = []
    for level in ("p50", "p95"):
        part = [row for row in rows if row["level"] == level]
        base = alt.Chart(data(part)).encode(x=x, y=y, yOffset=offset, color=colour)
        fill = alt.Fill("colour:N", scale=None) if level == "p95" else alt.value(PAPER)
        layers += [
            base.transform_filter("isValid(datum.low_ms)")
            .mark_rule(strokeWidth=3, opacity=0.5, strokeCap="round")
            .encode(x=alt.X("low_ms:Q"), x2="high_ms:Q"),
            base.mark_point(strokeWidth=2, opacity=1, size=46).encode(fill=fill, tooltip=tooltip),
        ]
    size = {"width": 196 if narrow else 700, "height": alt.Step(14, **{"for": "offset"})}
    return finished(alt.layer(*layers).properties(**size), narrow)


def stream_pauses(
    frame: polars.DataFrame, palette: Mapping[str, str], stall_ms: float, narrow: bool = False
) -> Spec:
    """Return the share of streams whose longest pause exceeds x, per model; a rule marks a stall.

    `frame`: model, pause_ms, share (of the model's streams that paused longer), streams.
    """
    present = stack_order(palette, frame["model"].to_list())
    pauses = frame["pause_ms"].to_list()
    low, high = max(min(pauses), 1.0), max(*pauses, 1.2 * stall_ms)
    x = alt.X(
        "pause_ms:Q",
        title="longest pause in the stream, ms, log scale",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(values=log_ticks(low, high, dense=not narrow), format=","),
    )
    curve = (
        alt.Chart(data(frame))
        .mark_line(strokeWidth=2, interpolate="step-after")
        .encode(
            x=x,
            y=alt.Y("share:Q", title="of the streams", axis=alt.Axis(format=".0%", tickCount=5)),
            color=alt.Color(
                "model:N",
                scale=colour_scale(palette, present),
                legend=alt.Legend(
                    columns=2 if narrow else len(present), symbolType="stroke", symbolStrokeWidth=3
                ),
            ),
            tooltip=[
                alt.Tooltip("model:N", title="model"),
                alt.Tooltip("pause_ms:Q", title="pause over, ms", format=",.0f"),
                alt.Tooltip("share:Q", title="of the streams", format=".1%"),
            ],
        )
    )
    mark = alt.Chart(data([{"pause_ms": stall_ms, "label": "stall"}]))
    rule = mark.mark_rule(color=INK, strokeDash=[3, 3], strokeWidth=1).encode(x="pause_ms:Q")
    label = mark.mark_text(align="left", dx=5, color=INK).encode(
        x="pause_ms:Q", y=alt.value(8), text="label:N"
    )
    size = {"width": 290 if narrow else 880, "height": 200 if narrow else 240}
    return finished(alt.layer(curve, rule, label).properties(**size), narrow)


def line_legend(palette_size: int, narrow: bool) -> alt.Legend:
    return alt.Legend(
        columns=2 if narrow else palette_size, symbolType="stroke", symbolStrokeWidth=3
    )


def ttft_curves(
    frame: polars.DataFrame,
    palette: Mapping[str, str],
    limits: Mapping[str, float],
    narrow: bool = False,
) -> Spec:
    """Return, per task, the share of answers that had begun by then, a line per model.

    `frame`: task (in order), model, ms, share, n; `limits` has a task's objective in ms, if any.
    """
    tasks = list(dict.fromkeys(frame["task"].to_list()))
    present = stack_order(palette, frame["model"].to_list())
    low, high = min(frame["ms"].to_list()), max(frame["ms"].to_list())
    firsts = frame.with_row_index("i").group_by("task").agg(first="i").to_dicts()
    ruled = {min(row["first"]) for row in firsts}
    rows = [
        {**row, "limit": limits.get(row["task"]) if i in ruled else None}
        for i, row in enumerate(values(frame))
    ]
    base = alt.Chart()
    axis_x = alt.Axis(values=log_ticks(low, high, dense=False), format=",", labelOverlap=True)
    curve = base.mark_line(strokeWidth=1.8, interpolate="monotone").encode(
        x=alt.X(
            "ms:Q",
            title=None,
            scale=alt.Scale(type="log", domain=[low, high], nice=False),
            axis=axis_x,
        ),
        y=alt.Y("share:Q", title=None, axis=alt.Axis(format=".0%", values=[0, 0.5, 0.95])),
        color=alt.Color(
            "model:N",
            scale=colour_scale(palette, present),
            legend=line_legend(len(present), narrow),
        ),
        tooltip=[
            alt.Tooltip("task:N", title="task"),
            alt.Tooltip("model:N", title="model"),
            alt.Tooltip("ms:Q", title="begun within, ms", format=",.0f"),
            alt.Tooltip("share:Q", title="of the answers", format=".1%"),
            alt.Tooltip("n:Q", title="answers", format=","),
        ],
    )
    limit = base.mark_rule(color=INK, strokeDash=[3, 3], strokeWidth=1).encode(x="limit:Q")
    layers = alt.layer(curve, limit, data=data(rows)).properties(
        width=128 if narrow else 264, height=90 if narrow else 130
    )
    facets = layers.facet(
        facet=alt.Facet("task:N", sort=tasks, header=alt.Header(title=None, labelAnchor="start")),
        columns=2 if narrow else 3,
        spacing={"row": 18, "column": 22},
    )
    return finished(facets, narrow)


def by_tokens(
    frame: polars.DataFrame,
    palette: Mapping[str, str],
    titles: tuple[str, str],
    narrow: bool = False,
) -> Spec:
    """Return a time by a number of tokens, both on log scales, a line per model.

    `frame`: model, tokens (the least of a bucket), time, n; `titles` are those of the axes.
    """
    present = stack_order(palette, frame["model"].to_list())
    tokens, times = frame["tokens"].to_list(), frame["time"].to_list()
    low, high = log_limits(times, 0.1)
    every = 3 if narrow else 2 if len(set(tokens)) > 12 else 1
    base = alt.Chart(data(frame)).encode(
        x=alt.X(
            "tokens:Q",
            title=f"{titles[0]}, log scale",
            scale=alt.Scale(type="log", domain=[min(tokens), max(tokens)], nice=False),
            axis=alt.Axis(values=sorted(set(tokens))[::every], format=",", grid=False),
        ),
        y=alt.Y(
            "time:Q",
            title=f"{titles[1]}, log scale",
            scale=log_scale(low, high),
            axis=alt.Axis(format=",~r", values=log_ticks(low, high)),
        ),
        color=alt.Color(
            "model:N",
            scale=colour_scale(palette, present),
            legend=line_legend(len(present), narrow),
        ),
    )
    line = base.mark_line(strokeWidth=1.8)
    dots = base.mark_point(filled=True, opacity=1, size=36).encode(
        tooltip=[
            alt.Tooltip("model:N", title="model"),
            alt.Tooltip("tokens:Q", title=f"{titles[0]} from", format=","),
            alt.Tooltip("time:Q", title=titles[1], format=",.4~r"),
            alt.Tooltip("n:Q", title="requests", format=","),
        ]
    )
    size = {"width": 270 if narrow else 860, "height": 200 if narrow else 240}
    return finished(alt.layer(line, dots).properties(**size), narrow)


def under_load(frame: polars.DataFrame, palette: Mapping[str, str], narrow: bool = False) -> Spec:
    """Return the first-token p95 by requests in flight, a line per model.

    `frame`: model, in_flight (label, in order), ttft_p95_ms, n, throttled.
    """
    present = stack_order(palette, frame["model"].to_list())
    order: Sequence[str] = list(dict.fromkeys(frame.sort("from_in_flight")["in_flight"].to_list()))
    base = alt.Chart(data(frame)).encode(
        x=alt.X(
            "in_flight:O",
            sort=list(order),
            title="requests in flight",
            axis=alt.Axis(labelAngle=0, labelOverlap=True, grid=False),
        ),
        y=alt.Y("ttft_p95_ms:Q", title="p95, ms", axis=alt.Axis(format=",d", tickCount=5)),
        color=alt.Color(
            "model:N",
            scale=colour_scale(palette, present),
            legend=line_legend(len(present), narrow),
        ),
    )
    line = base.mark_line(strokeWidth=1.8)
    dots = base.mark_point(filled=True, opacity=1, size=44).encode(
        tooltip=[
            alt.Tooltip("model:N", title="model"),
            alt.Tooltip("in_flight:O", title="in flight"),
            alt.Tooltip("ttft_p95_ms:Q", title="p95, ms", format=",.0f"),
            alt.Tooltip("n:Q", title="requests", format=","),
            alt.Tooltip("throttled:Q", title="throttled", format=".1%"),
        ]
    )
    size = {"width": 270 if narrow else 860, "height": 200 if narrow else 240}
    return finished(alt.layer(line, dots).properties(**size), narrow)
