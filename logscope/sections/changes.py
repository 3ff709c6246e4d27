"""The report on what changed: why the cost did, and who answers slower or faster since when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from logscope import charts, words
from logscope.bridge import CAUSES, Bridge, bridge
from logscope.changes import Shift, shifts
from logscope.page import Body, Cell, Column, Figure, Section, Strong, Table, Text
from logscope.sections.tables import plain_table, records
from logscope.selection import Selection
from logscope.week_changes import LEAST_PAST, week_changes
from logscope.weeks import Weeks

PAIR = ("model", "region")
MOST_SHOWN = 12
# A cause below this share of the week's cost goes into "all else".
LEAST_CAUSE = 0.005


def ttft_shifts(weeks: Weeks) -> list[Shift]:
    """Return how the first token of each model and region moved since the week before."""
    if weeks.before is None:
        return []
    asked = Selection(where=weeks.where, by=PAIR, tz=weeks.tz)
    moved = week_changes(weeks.store, asked, weeks.monday, days=len(weeks.days))
    return shifts(moved, PAIR)


def cost_bridge(weeks: Weeks) -> Bridge | None:
    """Return why the cost of the two weeks differs, None without a week to compare with."""
    now, before = (
        records(weeks.rows("cost_parts", ("task", "model"), before=past)) for past in (False, True)
    )
    return bridge(now, before) if weeks.before else None


def changes_section(weeks: Weeks, moved: list[Shift], found: Bridge | None) -> Section | None:
    """Return the section on what changed since the week before, or None if there is none."""
    parts: list[Any] = []
    lead: list[Text] = []
    if found:
        parts.append(bridge_figure(weeks, found))
        # Why is the summary's sentence; here it would stand twice on the first pages.
        lead.append(
            (
                f"Cost went from {words.money(found.before)} in week {weeks.number_before} to ",
                Strong(words.money(found.now)),
                f" in week {weeks.number}: {dollars(found.now - found.before)}.",
            )
        )
    if moved:
        parts.append(shift_table(weeks, moved))
    if not parts:
        return None
    return Section("changes", "What changed", lead, parts)


def cause_name(cause: str, found: Bridge) -> str:
    """Return what a cause did, in words: `more traffic`, `code moving to claude-opus-4-7`."""
    up = found.total(cause) > 0
    if cause == "models":
        return model_move(found)
    return {
        "paid requests": "more paid requests" if up else "fewer paid requests",
        "tasks": f"a {'dearer' if up else 'cheaper'} mix of tasks",
        "prompt length": "longer prompts" if up else "shorter prompts",
        "caching": "worse caching" if up else "better caching",
        "answer length": "longer answers" if up else "shorter answers",
        "prices and tiers": "higher prices or tiers" if up else "lower prices or tiers",
        "other fees": "more other fees" if up else "fewer other fees",
    }[cause]


def model_move(found: Bridge) -> str:
    """Return which task moved to which model, the one that explains most of the effect."""
    effect, total = found.effects["models"], found.total("models")
    by_task: dict[Any, float] = {}
    for (task, _), value in zip(found.cells, effect, strict=True):
        by_task[task] = by_task.get(task, 0.0) + float(value)
    task = max(by_task, key=lambda key: (by_task[key] * (1 if total > 0 else -1), str(key)))
    gains = {
        model: float(gain)
        for (cell_task, model), gain in zip(found.cells, found.model_share_gain, strict=True)
        if cell_task == task
    }
    model = max(gains, key=lambda key: (gains[key], str(key)))
    named = "requests without a task" if task is None else words.name(task)
    return f"{named} moving to {words.name(model)}"


def causes(weeks: Weeks, found: Bridge) -> Text:
    """Say why the cost changed, the largest causes first; the parts add up to the difference."""
    ordered = sorted(CAUSES, key=lambda cause: (-abs(found.total(cause)), cause))
    large = [
        c for c in ordered[:4] if abs(found.total(c)) >= LEAST_CAUSE * max(found.now, found.before)
    ]
    if not large:
        return (
            f"No single cause moved the cost by more than {LEAST_CAUSE:.1%} against week "
            f"{weeks.number_before}.".replace("%", f"{words.THIN}%"),
        )
    told = [f"{cause_name(c, found)} {dollars(found.total(c))}" for c in large]
    text = f"{told[0][0].upper()}{told[0][1:]}"
    first, amount = text.rsplit(" ", 1)
    verb = "explains" if large[0] in ("tasks", "models", "caching") else "explain"
    parts = [f"{first} {verb} {amount}", *told[1:]]
    rest = found.now - found.before - sum(found.total(c) for c in large)
    if abs(rest) >= 0.5 or abs(rest) >= 0.01 * abs(found.now - found.before):
        parts.append(f"all else {dollars(rest)}")
    return (", ".join(parts), f"; {price_changes(weeks)}.")


def dollars(value: float) -> str:
    digits = 0 if abs(value) >= 100 else 2
    return words.signed(words.money(value, digits), value)


def price_changes(weeks: Weeks) -> str:
    """Say whether a price that requests of the two weeks paid began within them.

    Without one, what prices and tiers did is what tiers did: batch, priority, long prompts.
    """
    first = (weeks.before or weeks.this).first_day()
    changed = {
        words.name(row["model"])
        for row in records(weeks.rows("prices_used"))
        if row["valid_from"] and first and row["valid_from"] > first
    }
    if not changed:
        return "no list price changed"
    return f"list prices changed for {words.listed(sorted(changed))}"


def bridge_figure(weeks: Weeks, found: Bridge) -> Figure:
    """Return the waterfall from the cost of the week before to this week's."""
    import polars as pl

    shown = [c for c in CAUSES if abs(found.total(c)) >= 1e-4 * max(found.now, found.before)]
    steps: list[Mapping[str, Any]] = []
    level = 0.0
    for cause in shown:
        effect = found.total(cause)
        kind = "more" if effect > 0 else "less"
        steps.append(
            {
                "label": cause_label(cause, found),
                "start": level,
                "end": level + effect,
                "kind": kind,
            }
        )
        level += effect
    total = found.now - found.before
    name = f"W{weeks.number} against W{weeks.number_before}"
    steps.append({"label": name, "start": 0.0, "end": total, "kind": "total"})
    frame = pl.DataFrame(
        [
            {
                **row,
                "usd": row["end"] - row["start"],
                "text": dollars(row["end"] - row["start"]),
            }
            for row in steps
        ]
    )
    table = plain_table(
        "cost_bridge",
        "Why the cost changed",
        frame.select("label", "usd"),
        {"label": ("cause", words.name), "usd": ("USD", dollars)},
        [weeks.command("cost_parts", ("task", "model"))],
    )
    return Figure(
        "bridge",
        "Why the cost changed",
        "Each bar is what one cause alone did, averaged over all orders in which the causes could "
        "have changed; together they make up the difference exactly.",
        words.listed([f"{step['label']} {dollars(step['end'] - step['start'])}" for step in steps])
        + ".",
        charts.bridge(frame),
        charts.bridge(frame, narrow=True),
        table,
    )


def cause_label(cause: str, found: Bridge) -> str:
    return model_move(found) if cause == "models" else cause


def shift_table(weeks: Weeks, moved: list[Shift]) -> Table:
    """Return every pair of model and region with its first token in both weeks."""
    import polars as pl

    rows = []
    for shift in moved[:MOST_SHOWN]:
        rows.append(
            [
                Cell(words.name(shift.group[0])),
                Cell(words.name(shift.group[1])),
                Cell(shift.percentile),
                Cell(words.ms(shift.before_ms)),
                Cell(words.ms(shift.now_ms)),
                Cell(words.signed_percent(shift.change)),
                Cell(bounds(shift), tone="quiet"),
                Cell(p_value(shift.p_value)),
                Cell(verdict(shift), tone=tone(shift)),
            ]
        )
    frame = pl.DataFrame(
        [
            {
                "model": shift.group[0],
                "region": shift.group[1],
                "percentile": shift.percentile,
                "before_ms": shift.before_ms,
                "now_ms": shift.now_ms,
                "change": shift.change,
                "low": shift.low,
                "high": shift.high,
                "past_changes": shift.past_changes,
                "p_value": shift.p_value,
                "verdict": shift.verdict,
                "since": shift.since,
                "until": shift.until,
            }
            for shift in moved
        ],
        infer_schema_length=None,
    )
    left = len(moved) - len(rows)
    return Table(
        "ttft_shifts",
        f"First token, week {weeks.number_before} to {weeks.number}",
        [
            Column("model", right=False),
            Column("region", right=False),
            Column("percentile", right=False),
            Column(f"W{weeks.number_before}, ms"),
            Column(f"W{weeks.number}, ms"),
            Column("same requests"),
            Column("95 % interval"),
            Column("p"),
            Column("verdict", right=False),
        ],
        [Body("", rows, f"and {left} more" if left > 0 else "")],
        [weeks.command("traffic --changes", PAIR)],
        frame,
        "Same requests: weighted to the mix of both weeks (task, input size, region, streaming). "
        "Beyond noise: p below 0.05 against the spread of past weeks, after Holm's correction, and "
        f"over 5 %. Provisional: under {LEAST_PAST} past changes from week to week; never an alarm.",
    )


def bounds(shift: Shift) -> str:
    """Return the interval of a change in words: `−2.1 % to +8.0 %`."""
    return f"{words.signed_percent(shift.low)} to {words.signed_percent(shift.high)}"


def p_value(value: float | None) -> str:
    return words.DASH if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def direction(shift: Shift) -> str:
    return "slower" if shift.change > 0 else "faster"


def verdict(shift: Shift) -> str:
    if not shift.tested:
        return "provisional"
    return f"{direction(shift)}{when(shift)}" if shift.beyond_noise else "within noise"


def when(shift: Shift, form: str = "%a %H:%M") -> str:
    """Return ` since Wed 14:00`, ` until ...`, both, or nothing where the hours do not tell."""
    ends = (("since", shift.since), ("until", shift.until))
    return "".join(f" {word} {moment:{form}}" for word, moment in ends if moment)


def tone(shift: Shift) -> str:
    return "" if not shift.beyond_noise else "worse" if shift.change > 0 else "better"
