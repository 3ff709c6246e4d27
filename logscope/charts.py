"""Charts as Vega-Lite specifications, made with Altair from small frames summed up already.

Every function takes a frame and says which columns it reads, and returns the specification as a
mapping: no parameter, no generated name and no clock in it, so that equal frames give equal bytes.
`narrow` is the variant for a telephone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from logscope.chart_data import Spec, data, values, with_shared_rows

if TYPE_CHECKING:
    import polars

# Told apart by people with any colour vision, on white and on dark ground (tests measure it).
PALETTE = ("#4472B2", "#E0912F", "#289A7D", "#BA5491", "#726FD3", "#A6802B", "#5FB2DA")
OTHERS = "#98A1AB"  # everything beyond the palette, and what has no name
BEFORE = "#98A1AB"  # the week before
INK, MUTED, GRID, PAPER = "#1B1F24", "#5B6470", "#E3E6EA", "#FFFFFF"
ALARM = "#C2413B"

WIDE, NARROW = 980, 360
# A longer bar of an error budget would leave the others no room.
BUDGET_SHOWN = 3.0
CONFIG: Spec = {
    # A font that the renderer brings along: text measures the same on every machine.
    "font": "Liberation Sans, Arial, Helvetica, sans-serif",
    "background": None,
    # The figure around a chart has a text alternative; its marks are no texts of their own.
    "mark": {"aria": False},
    "view": {"stroke": None},
    "axis": {
        "aria": False,
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
        "aria": False,
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


def colours(names: Sequence[str], by_age: Sequence[str]) -> dict[str, str]:
    """Return a colour per name, which a newer name does not take from it.

    `names` are those that deserve a colour, at most as many as the palette has; the rest is grey.
    `by_age` are all that ever were, the oldest first.
    """
    free = list(PALETTE)
    found: dict[str, str] = {}
    for place, name in enumerate(by_age):
        if name in names:
            own = PALETTE[place % len(PALETTE)]
            found[name] = own if own in free else free[0]
            free.remove(found[name])
    return found


def finished(chart: alt.Chart | alt.LayerChart | alt.FacetChart, narrow: bool) -> Spec:
    """Return a chart's specification with the shared style."""
    right = 4 if narrow else 8
    config = {**CONFIG, "padding": {"left": 2, "right": right, "top": 4, "bottom": 2}}
    # The goldens are validated in the tests; here it would take longer than the rest of the chart.
    return {**with_shared_rows(chart.to_dict(validate=False)), "config": config}


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
                legend=alt.Legend(columns=2 if narrow else len(present)),
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
        labelLimit=130 if narrow else 320,
        labelColor=INK,
        labelPadding=10,
        title=None,
        **two_lines("split(replace(datum.label, ' moving to ', ' moving|to '), '|')", narrow),
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
    size = {"width": 150 if narrow else 560, "height": (34 if narrow else 26) * len(rows)}
    return finished(alt.layer(bars, text).properties(**size), narrow)


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
    shown = [day.split()[0] if narrow else day for day in days]
    day_rows = [{"hour": 24 * i + 12, "day": day} for i, day in enumerate(shown)]
    day = alt.Chart(data(day_rows)).mark_text(color=MUTED, baseline="top", fontSize=11, dy=5)
    height = 20 * rows
    layers = [
        area,
        label.encode(x=alt.value(-8), y=y, text="format:N"),
        day.encode(x=x, y=alt.value(height), text="day:N"),
    ]
    size = {"width": 220 if narrow else 820, "height": height}
    return finished(alt.layer(*layers).properties(**size), narrow)


def log_scale(low: float, high: float) -> alt.Scale:
    """Return a log scale between two limits; a 0, which it has no place for, is drawn at its end."""
    return alt.Scale(type="log", domain=[low, high], nice=False, clamp=True)


def log_limits(numbers: Iterable[float], room: float) -> tuple[float, float]:
    """Return the least and the largest number above 0 with a share of room beside them, else 1 and 10."""
    found = [number for number in numbers if number > 0]
    return (min(found) * (1 - room), max(found) * (1 + room)) if found else (1.0, 10.0)


def log_ticks(low: float, high: float, dense: bool = True) -> list[float]:
    """Return round numbers between two limits: 1, 2, 5 of each power of ten, or fewer where two do."""
    steps = (1,) if high / low >= 1000 else (1, 2, 5) if dense else (1, 3)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]
    return found if dense or len(found) > 1 else log_ticks(low, high)


def two_lines(expression: str, narrow: bool) -> dict[str, Any]:
    """Return the option that breaks an axis's labels where there is no room for them in one."""
    return {"labelExpr": expression} if narrow else {}


def outcome_hours(frame: polars.DataFrame, days: Sequence[str], narrow: bool = False) -> Spec:
    """Return an hour by weekday map of requests throttled or failed; the darker, the more.

    `frame`: day (one of `days`), hour (0 to 23), failed, n, share.
    """
    most = max(frame["failed"].to_list(), default=0)
    rows = [
        # Five steps of the square root: one storm must not hide all others.
        {**row, "shade": math.ceil(5 * math.sqrt(row["failed"] / most)) / 5}
        for row in values(frame)
        if row["failed"]
    ]
    axis_y = alt.Axis(title=None, labelColor=INK, labelPadding=10)
    axis_x = alt.Axis(
        title=None,
        labelAngle=0,
        values=list(range(0, 24, 6 if narrow else 3)),
        labelExpr="datum.value + ':00'",
    )
    cells = (
        alt.Chart(data(rows))
        .mark_rect(color=ALARM, stroke=PAPER, strokeWidth=1)
        .encode(
            x=alt.X("hour:O", scale=alt.Scale(domain=list(range(24))), axis=axis_x),
            y=alt.Y("day:N", sort=list(days), scale=alt.Scale(domain=list(days)), axis=axis_y),
            fillOpacity=alt.FillOpacity("shade:Q", scale=None),
            tooltip=[
                alt.Tooltip("day:N", title="day"),
                alt.Tooltip("hour:O", title="hour"),
                alt.Tooltip("failed:Q", title="throttled or failed", format=","),
                alt.Tooltip("n:Q", title="of requests", format=","),
                alt.Tooltip("share:Q", title="share", format=".1%"),
            ],
        )
    )
    size = {"width": 280 if narrow else 860, "height": 7 * (18 if narrow else 22)}
    return finished(cells.properties(**size), narrow)


def cost_per_success(
    frame: polars.DataFrame, palette: Mapping[str, str], narrow: bool = False
) -> Spec:
    """Return what a successful operation cost by task and model, as dots with intervals.

    `frame`: task, model, usd, low_usd, high_usd (NULL without an interval), succeeded.
    """
    tasks = list(dict.fromkeys(frame["task"].to_list()))
    present = stack_order(palette, frame["model"].to_list())
    limits = [v for key in ("usd", "low_usd", "high_usd") for v in frame[key].drop_nulls()]
    low, high = log_limits(limits, 0.1)
    scale = log_scale(low, high)
    axis_x = alt.Axis(values=log_ticks(low, high, dense=not narrow), format="$,~r")
    labels = alt.Axis(title=None, labelColor=INK, labelPadding=10, labelLimit=110, grid=False)
    base = alt.Chart(data(frame)).encode(
        y=alt.Y("task:N", sort=tasks, axis=labels, scale=alt.Scale(paddingInner=0.35)),
        yOffset=alt.YOffset("model:N", sort=None, scale=alt.Scale(domain=present)),
        color=alt.Color(
            "model:N",
            scale=colour_scale(palette, present),
            legend=alt.Legend(
                columns=2 if narrow else len(present), symbolType="circle", symbolOpacity=1
            ),
        ),
    )
    intervals = (
        base.transform_filter("isValid(datum.low_usd)")
        .mark_rule(strokeWidth=3, opacity=0.5, strokeCap="round")
        .encode(x=alt.X("low_usd:Q"), x2="high_usd:Q")
    )
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("usd:Q", title="USD, log scale", scale=scale, axis=axis_x),
        tooltip=[
            alt.Tooltip("task:N", title="task"),
            alt.Tooltip("model:N", title="model"),
            alt.Tooltip("usd:Q", title="per success", format="$,.4f"),
            alt.Tooltip("low_usd:Q", title="95 % from", format="$,.4f"),
            alt.Tooltip("high_usd:Q", title="to", format="$,.4f"),
            alt.Tooltip("succeeded:Q", title="succeeded", format=","),
        ],
    )
    step = alt.Step(11, **{"for": "offset"})
    size = {"width": 240 if narrow else 780, "height": step}
    return finished(alt.layer(intervals, dots).properties(**size), narrow)


def error_budget(frame: polars.DataFrame, narrow: bool = False) -> Spec:
    """Return bars of the error budget used per objective; the rule is where it is used up.

    `frame`: objective (in order), used (a share, over 1 is missed), goal, goodput, operations.
    """
    order = frame["objective"].to_list()
    highest = max(1.2, *(min(used, BUDGET_SHOWN) for used in frame["used"].to_list()))
    rows = [
        {
            **row,
            "bar": min(row["used"], highest),
            "colour": ALARM if row["used"] > 1 else PALETTE[2],
            "text": f"{row['used'] * 100:,.0f}%{' →' if row['used'] > highest else ''}",
        }
        for row in values(frame)
    ]
    labels = alt.Axis(
        labelLimit=130 if narrow else 260, labelColor=INK, labelPadding=10, title=None
    )
    base = alt.Chart(data(rows)).encode(
        y=alt.Y("objective:N", sort=order, axis=labels, scale=alt.Scale(paddingInner=0.35))
    )
    bars = base.mark_bar().encode(
        x=alt.X(
            "bar:Q",
            title=None,
            scale=alt.Scale(domain=[0, highest], nice=False),
            axis=alt.Axis(format=".0%", values=[0, 1, 2, 3] if narrow else [0, 0.5, 1, 2, 3]),
        ),
        color=alt.Color("colour:N", scale=None),
        tooltip=[
            alt.Tooltip("objective:N", title="objective"),
            alt.Tooltip("used:Q", title="budget used", format=".0%"),
            alt.Tooltip("goodput:Q", title="met", format=".2%"),
            alt.Tooltip("goal:Q", title="goal", format=".6~%"),
            alt.Tooltip("operations:Q", title="operations", format=","),
        ],
    )
    text = base.mark_text(align="left", dx=6, color=INK).encode(x="bar:Q", text="text:N")
    rule = alt.Chart(data([{"bar": 1}])).mark_rule(color=INK, strokeDash=[3, 3]).encode(x="bar:Q")
    size = {"width": 180 if narrow else 640, "height": 28 * len(rows)}
    return finished(alt.layer(bars, rule, text).properties(**size), narrow)
