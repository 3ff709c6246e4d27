"""Charts as Vega-Lite specifications, made with Altair from small frames summed up already.

Every function takes a frame and says which columns it reads, and returns the specification as a
mapping: no parameter, no generated name and no clock in it, so that equal frames give equal bytes.
`narrow` is the variant for a telephone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

if TYPE_CHECKING:
    import polars

Spec = dict[str, Any]

# Told apart by people with any colour vision, on white and on dark ground (tests measure it).
PALETTE = ("#3E74B8", "#E0912F", "#2BA084", "#C65D96", "#7F6BC8", "#A8852A", "#63B3DB")
OTHERS = "#98A1AB"  # everything beyond the palette, and what has no name
BEFORE = "#98A1AB"  # the week before
INK, MUTED, GRID, PAPER = "#1B1F24", "#5B6470", "#E3E6EA", "#FFFFFF"
ALARM = "#C2413B"

WIDE, NARROW = 980, 360
CONFIG: Spec = {
    # A font that the renderer brings along: text measures the same on every machine.
    "font": "Liberation Sans, Arial, Helvetica, sans-serif",
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": GRID,
        "labelColor": MUTED,
        "labelFontSize": 12,
        "labelPadding": 6,
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 10,
    },
    "legend": {
        "orient": "top",
        "direction": "horizontal",
        "title": None,
        "labelColor": INK,
        "labelFontSize": 12,
        "labelLimit": 260,
        "symbolType": "square",
        "symbolSize": 110,
        "symbolStrokeWidth": 0,
        "columnPadding": 16,
        "offset": 10,
    },
    "header": {"labelColor": INK, "labelFontSize": 12, "labelFontWeight": "bold", "title": None},
    "text": {"color": INK, "fontSize": 12},
}


def colours(names: Sequence[str]) -> dict[str, str]:
    """Return a colour per name: by the order of names, not of ranks, so that it stays.

    `names` are those that deserve a colour, at most as many as the palette has; the rest is grey.
    """
    return dict(zip(sorted(names), PALETTE, strict=False))


def values(frame: polars.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows for a specification: floats with seven digits, dates as text."""
    rows = []
    for row in frame.iter_rows(named=True):
        rows.append({key: plain(value) for key, value in row.items()})
    return rows


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def finished(chart: alt.Chart | alt.LayerChart | alt.FacetChart, narrow: bool) -> Spec:
    """Return a chart's specification with the shared style."""
    right = 4 if narrow else 8
    config = {**CONFIG, "padding": {"left": 2, "right": right, "top": 4, "bottom": 2}}
    return {**chart.to_dict(), "config": config}


def data(rows: polars.DataFrame | Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Return rows as the data of a chart."""
    return alt.InlineData([*rows] if isinstance(rows, Sequence) else values(rows))


def colour_scale(palette: Mapping[str, str], present: Sequence[str]) -> alt.Scale:
    """Return the colours of those present, in the order of their names; grey for all others."""
    return alt.Scale(domain=list(present), range=[palette.get(name, OTHERS) for name in present])


def stack_order(palette: Mapping[str, str], present: Sequence[str]) -> list[str]:
    """Return names in the order of stacks and legends: those with a colour first, by name."""
    return sorted(set(present), key=lambda name: (name not in palette, name))


def cost_by_day(
    frame: polars.DataFrame,
    before: polars.DataFrame,
    palette: Mapping[str, str],
    days: Sequence[str],
    before_name: str,
    narrow: bool = False,
) -> Spec:
    """Return bars of cost by day, stacked by model, with the week before as a line.

    `frame`: day (one of `days`, the labels of the axis), model, cost_usd; `before`: day, cost_usd.
    """
    present = stack_order(palette, frame["model"].to_list())
    order = {name: number for number, name in enumerate(present)}
    axis_x = alt.Axis(title=None, labelAngle=0, grid=False, labelColor=INK)
    x = alt.X("day:N", sort=list(days), scale=alt.Scale(domain=list(days)), axis=axis_x)
    y = alt.Y(
        "cost_usd:Q",
        title=None,
        axis=alt.Axis(format="$,~r", tickCount=5),
    )
    rows = [{**row, "order": order[row["model"]]} for row in values(frame)]
    bars = (
        alt.Chart(data(rows))
        .mark_bar(stroke=PAPER, strokeWidth=1)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "model:N",
                scale=colour_scale(palette, present),
                legend=alt.Legend(columns=1 if narrow else len(present)),
            ),
            order="order:Q",
            tooltip=[
                alt.Tooltip("day:N", title="day"),
                alt.Tooltip("model:N", title="model"),
                alt.Tooltip("cost_usd:Q", title="cost", format="$,.2f"),
            ],
        )
    )
    layers = [bars]
    if before.height:
        past = alt.Chart(data(before)).encode(x=x, y=alt.Y("cost_usd:Q"))
        tooltip = [
            alt.Tooltip("day:N", title="day"),
            alt.Tooltip("cost_usd:Q", title=before_name, format="$,.2f"),
        ]
        layers += [
            past.mark_line(color=PAPER, strokeWidth=4),
            past.mark_line(color=INK, strokeWidth=1.5, strokeDash=[4, 3]),
            past.mark_point(color=INK, fill=PAPER, opacity=1, size=36, strokeWidth=1.5).encode(
                tooltip=tooltip
            ),
        ]
    size = {"width": 300 if narrow else 900, "height": 220 if narrow else 260}
    return finished(alt.layer(*layers).properties(**size), narrow)


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
    low, high = (min(limits) * 0.93, max(limits) * 1.07) if limits else (100.0, 1000.0)
    rows = [
        {**row, "colour": palette.get(row["model"], OTHERS) if row["week"] == weeks[0] else BEFORE}
        for row in values(frame)
    ]
    axis_y = alt.Axis(
        title=None, grid=False, labelLimit=150 if narrow else 300, labelColor=INK, labelPadding=10
    )
    offset = alt.YOffset("week:N", sort=None, scale=alt.Scale(domain=list(weeks)))
    axis_x = alt.Axis(
        values=log_ticks(low, high, dense=not narrow), format=",", labelOverlap=True, grid=True
    )
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    x = alt.X("value_ms:Q", title="ms, log scale", scale=scale, axis=axis_x)
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
            base.mark_rule(strokeWidth=3, opacity=0.5, strokeCap="round").encode(
                x=alt.X("low_ms:Q"), x2="high_ms:Q"
            ),
            base.mark_point(strokeWidth=2, opacity=1, size=46).encode(fill=fill, tooltip=tooltip),
        ]
    size = {"width": 196 if narrow else 700, "height": alt.Step(14, **{"for": "offset"})}
    return finished(alt.layer(*layers).properties(**size), narrow)


def bridge(frame: polars.DataFrame, narrow: bool = False) -> Spec:
    """Return a waterfall of what each cause added or took, and below it what they come to.

    `frame`: label (in order), start, end, kind (more, less or total), text (the amount in words).
    """
    order = frame["label"].to_list()
    colour = {"total": MUTED, "more": PALETTE[1], "less": PALETTE[2]}
    rows = [
        {**row, "colour": colour[row["kind"]], "right": max(row["start"], row["end"])}
        for row in values(frame)
    ]
    lowest = min(min(row["start"], row["end"]) for row in rows)
    highest = max(row["right"] for row in rows)
    scale = alt.Scale(domain=[lowest, highest], nice=False)
    axis_x = alt.Axis(title=None, format="$,~r", tickCount=3 if narrow else 6)
    labels = alt.Axis(
        labelLimit=130 if narrow else 320, labelColor=INK, labelPadding=10, title=None
    )
    y = alt.Y("label:N", sort=order, axis=labels, scale=alt.Scale(paddingInner=0.35))
    base = alt.Chart(data(rows)).encode(y=y)
    bars = base.mark_bar().encode(
        x=alt.X("start:Q", scale=scale, axis=axis_x),
        x2="end:Q",
        color=alt.Color("colour:N", scale=None),
        tooltip=[alt.Tooltip("label:N", title="cause"), alt.Tooltip("text:N", title="USD")],
    )
    text = base.mark_text(align="left", dx=6, color=INK).encode(x="right:Q", text="text:N")
    size = {"width": 150 if narrow else 560, "height": 26 * len(rows)}
    return finished(alt.layer(bars, text).properties(**size), narrow)


def stream_pauses(
    frame: polars.DataFrame, palette: Mapping[str, str], stall_ms: float, narrow: bool = False
) -> Spec:
    """Return the share of streams whose longest pause exceeds x, per model; a rule marks a stall.

    `frame`: model, pause_ms, share (of the model's streams that paused longer), streams.
    """
    present = stack_order(palette, frame["model"].to_list())
    pauses = frame["pause_ms"].to_list()
    low, high = max(min(pauses), 1.0), max(pauses)
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
                    columns=1 if narrow else len(present), symbolType="stroke", symbolStrokeWidth=3
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


def coverage(frame: polars.DataFrame, days: Sequence[str], narrow: bool = False) -> Spec:
    """Return requests per hour as one small area per log format.

    `frame`: row (from 0), format, hour (0 to 167, from Monday 0:00), height (0 to 0.8), n.
    """
    names = frame.unique("row", maintain_order=True).sort("row")
    rows = names.height
    area_rows = [
        {**row, "base": row["row"] + 0.9, "top": row["row"] + 0.9 - row["height"]}
        for row in values(frame)
    ]
    x = alt.X(
        "hour:Q",
        scale=alt.Scale(domain=[0, 168], nice=False),
        axis=alt.Axis(title=None, values=list(range(0, 168, 24)), labels=False, grid=True),
    )
    y = alt.Y("base:Q", scale=alt.Scale(domain=[0, rows], reverse=True, nice=False), axis=None)
    area = (
        alt.Chart(data(area_rows))
        .mark_area(color=PALETTE[0], opacity=0.85, interpolate="step-after")
        .encode(x=x, y=y, y2="top:Q", detail="row:N")
    )
    titles = alt.Chart(data(values(names.select("row", "format"))))
    label = titles.transform_calculate(base="datum.row + 0.9").mark_text(
        align="right", baseline="bottom", color=MUTED, limit=150, fontSize=11
    )
    day_rows = [{"hour": 24 * i + 12, "day": day} for i, day in enumerate(days)]
    day = alt.Chart(data(day_rows)).mark_text(color=MUTED, baseline="top", fontSize=11, dy=5)
    height = 20 * rows
    layers = [
        area,
        label.encode(x=alt.value(-8), y=y, text="format:N"),
        day.encode(x=x, y=alt.value(height), text="day:N"),
    ]
    size = {"width": 220 if narrow else 820, "height": height}
    return finished(alt.layer(*layers).properties(**size), narrow)


def log_ticks(low: float, high: float, dense: bool = True) -> list[float]:
    """Return round numbers between two limits: 1, 2, 5 of each power of ten."""
    steps = (1, 2, 5) if high / low < 1000 and dense else (1, 3) if high / low < 1000 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]
