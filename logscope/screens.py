"""Screens: how the commonest answers look to a person in a terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from logscope.output import UNKNOWN, cell, clean, group, number, render, text_table
from logscope.words import plural

if TYPE_CHECKING:
    import polars

    from logscope.accounting import IngestResult
    from logscope.histogram import Histogram
    from logscope.queries import SqlFile
    from logscope.recommendation import Recommendation
    from logscope.refresh import Refreshed
    from logscope.store import Store

MIN_P95 = 60
MOST_FORMATS = 10  # of a longer list only the largest are told one by one


def refresh_lines(done: Refreshed) -> str:
    """Return what a refresh did: what was read again, which sources are gone, what changed."""
    lines = []
    reread = done.reread
    if reread.files:
        lines.append(
            f"Read again: {plural(reread.files, 'file')}, {plural(reread.records, 'record')}."
        )
    if reread.gone:
        listed = ", ".join(map(clean, reread.gone[:3]))
        more = f" and {len(reread.gone) - 3:,} more" if len(reread.gone) > 3 else ""
        lines.append(f"Gone or changed, so that their rows stay as they are: {listed}{more}.")
    lines.append(f"Refreshed: {plural(done.changed, 'request')} changed.")
    return "\n".join(lines)


def ingest_summary(result: IngestResult, store: Store) -> str:
    """Return what an ingest did: files, the four counts, what is unknown, what to do next."""
    from logscope.selection import span

    lines = [
        f"Read {plural(result.files, 'file')}, {size(result.size_bytes)} in {result.seconds:.1f} s"
    ]
    rows = [
        [
            f"  {count.name}",
            plural(count.files, "file"),
            plural(count.records, "record"),
            span(count.first, count.last),
        ]
        for count in result.formats[:MOST_FORMATS]
    ]
    rest = result.formats[MOST_FORMATS:]
    if rest:
        files, records = sum(count.files for count in rest), sum(count.records for count in rest)
        told = [f"  {len(rest)} more", plural(files, "file"), plural(records, "record")]
        rows.append([*told, "see: logscope status"])
    if rows:
        table = text_table(["", "", "", ""], rows, [False, True, True, False])
        lines += table.rstrip("\n").splitlines()[1:]
    if result.unknown_files:
        names = ", ".join(clean(path.name) for path in result.unknown_files[:3])
        more = f" and {len(result.unknown_files) - 3} more" if len(result.unknown_files) > 3 else ""
        lines.append(
            f"  not a log I know: {names}{more}    why: logscope formats {clean(str(result.unknown_files[0]))}"
        )
    if result.unchanged_files:
        lines.append(f"  {plural(result.unchanged_files, 'file')} read before, nothing new in it")
    lines.append(records_line(result))
    if result.merged_how:
        how = "; ".join(f"{n:,} {how}" for how, n in result.merged_how)
        lines.append(f"  merged: {how}    see: logscope query merged_records")
    if result.reasons:
        reasons = "; ".join(f"{n:,} {clean(reason)}" for reason, n in result.reasons[:3])
        lines.append(f"  rejected: {reasons}    see: logscope status --rejects")
    shares = [
        f"{name} {share:.0%}" if share >= 0.005 else f"{name} under 1 %"
        for name, share in result.unknown_shares
    ]
    if shares:
        unpriced = (
            f" (no price: {', '.join(map(clean, result.unpriced_models[:3]))})"
            if result.unpriced_models
            else ""
        )
        lines.append(
            "  unknown: " + ", ".join(shares).replace("%", " %").replace("1  %", "1 %") + unpriced
        )
    if result.labels and any(
        name == "task" for name, share in result.unknown_shares if share > 0.5
    ):
        lines.append(
            f"Your logs have labels {', '.join(map(clean, result.labels))}. "
            "To use one as task, put in logscope.toml:"
        )
        lines.append(
            f'  task = "label:{clean(result.labels[0])}"                 then: logscope ingest --refresh'
        )
    lines.append(
        f"Next: logscope latency --by model,region     SQL: duckdb -readonly {shown(store)}/logscope.duckdb"
    )
    return "\n".join(lines) + "\n"


def records_line(result: IngestResult) -> str:
    """Return what became of the records of an ingest, as a sum that adds up."""
    return (
        f"{plural(result.records, 'record')} = {result.stored:,} stored + {result.merged:,} merged + "
        f"{result.ignored:,} ignored + {result.rejected:,} rejected"
    )


def shown(store: Store) -> str:
    """Return the store's path as short as it is true from here."""
    return short_path(store.path)


def short_path(path: Path) -> str:
    """Return a path as short as it is true from here."""
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else str(path)


def size(size_bytes: int) -> str:
    value = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def latency_table(
    frame: polars.DataFrame,
    by: Sequence[str],
    title: str,
    bars: Histogram | None = None,
    top: int | None = None,
) -> str:
    """Return the latency table: per group n, success, percentiles with intervals, histogram.

    `frame` has all groups; with `top` that many are shown.
    """
    from logscope.intervals import FEW_DAYS

    total, ok = int(frame["n"].sum()), int(frame["n_ok"].sum())
    head = f"{title} · {plural(total, 'request')}, {ok:,} ok · times in ms\n"
    header = [
        *by,
        "n",
        "ok%",
        "ttft p50",
        "p95",
        "[95 % interval]",
        "p99",
        "tpot p95",
        "total p95",
        f"ttft {bars.scale}" if bars else "",
    ]
    rows = []
    shown = frame.head(top) if top else frame
    for row in shown.iter_rows(named=True):
        note = ""
        if not row["ttft_n"]:
            note = "no first token logged"
        elif row["ttft_n"] < MIN_P95:
            note = f"{plural(row['ttft_n'], 'first token')}: p95 from {MIN_P95}"
        interval = UNKNOWN
        if row["ttft_p95_low_ms"] is not None:
            interval = f"[{row['ttft_p95_low_ms']:,.0f}–{row['ttft_p95_high_ms']:,.0f}]"
        elif row["ttft_p95_ms"] is not None:
            note = "too bursty for an interval"
        drawn = bars.bars(tuple(row[name] for name in by)) if bars else ""
        rows.append(
            [
                *(group(row[name]) for name in by),
                f"{row['n']:,}",
                f"{100 * row['n_ok'] / row['n']:.1f}",
                milliseconds(row["ttft_p50_ms"]),
                milliseconds(row["ttft_p95_ms"]),
                interval,
                milliseconds(row["ttft_p99_ms"]),
                milliseconds(row["tpot_p95_ms"]),
                milliseconds(row["duration_p95_ms"]),
                f"{drawn}  {note}" if bars else note,
            ]
        )
    table = text_table(
        header, rows, [*(False for _ in by), *(True for _ in range(8)), False], len(by)
    )
    foot = (
        "ttft = first generated event - request start; "
        "tpot = (end - first token) / (output tokens - 1); total = end - start.\n"
        "Measures and what others call them: logscope query definitions. "
        "Rows: --format json. As SQL: logscope query latency --sql\n"
    )
    failed = (
        f"{plural(total - ok, 'request')} not ok: outside these times, inside goodput (logscope traffic).\n"
        if total > ok
        else ""
    )
    if (shown["interval_basis"] == FEW_DAYS).any():
        failed += "Intervals go by sessions alone where a group has fewer than 4 days.\n"
    more = frame.height - shown.height
    foot += f"+ {more} groups: leave --top out.\n" if more else ""
    return head + table + failed + foot


def named_table(frame: polars.DataFrame, by: Sequence[str], query: SqlFile, title: str) -> str:
    """Return the rows of a named query between what it answers and what its header says of them."""
    within = [name.strip() for name in query.keys.get("order", "").split(",")]
    asked = f" · {title}" if "selection" in query.sql else ""
    told = [f"{key}: {query.keys[key]}" for key in ("definition", "withheld") if key in query.keys]
    head = clean(query.title.rstrip(".")) + asked
    foot = "".join(f"{clean(line)}\n" for line in [*told, *query.notes.splitlines()])
    table = str(render(frame, "table", by=[*by, *within]))
    return f"{head}\n{table}{foot}SQL: logscope query {query.name} --sql. Rows: --format json\n"


def definitions_screen(frame: polars.DataFrame) -> str:
    """Return each measure with its formula, and below it what others call it or compute."""
    lines = []
    for row in frame.iter_rows(named=True):
        lines.append(f"{row['measure']} = {row['formula']}; {row['unit']}")
        others = [name for name in frame.columns[3:] if row[name] is not None]
        lines += [f"    {name:<19}  {row[name]}" for name in others]
        if not others:
            lines.append("    no other tool has it")
    return "\n".join(lines) + "\n"


def query_list(queries: Sequence[Mapping[str, str]]) -> str:
    """Return the named queries under their areas: what each answers, its grain and parameters."""
    lines, area = [], ""
    width = max(len(query["name"]) for query in queries)
    for query in queries:
        if query["area"] != area:
            area = query["area"]
            lines.append(clean(area))
        lines.append(f"  {query['name']:<{width}}  {clean(query['answers'])}")
        params = f"; -p {clean(query['params'])}" if query["params"] else ""
        lines.append(f"  {'':<{width}}    {clean(query['grain'])}{params}")
    lines.append(
        "Run one: logscope query NAME --by model --week last. Its SQL: logscope query NAME --sql"
    )
    return "\n".join(lines) + "\n"


def milliseconds(value: float | None) -> str:
    return UNKNOWN if value is None else number(value)


def cost_table(frame: polars.DataFrame, by: Sequence[str], title: str) -> str:
    """Return the cost table: per group requests, tokens and USD, with what has no price."""
    known = [float(cost) for cost in frame["cost_usd"] if cost is not None]
    total = sum(known)
    spent = f"${total:,.2f}" if known else "cost unknown"
    head = f"{title} · {plural(int(frame['n'].sum()), 'request')} · {spent}\n"
    header = [
        *by,
        "requests",
        "cost $",
        "share",
        "$ / 1,000 operations",
        "input tokens",
        "cached",
        "output tokens",
        "logged $",
        "",
    ]
    rows = []
    for row in frame.iter_rows(named=True):
        cost = row["cost_usd"]
        per_operation = row["cost_per_operation_usd"]
        cached = row["cache_read_tokens"]
        rows.append(
            [
                *(group(row[name]) for name in by),
                f"{row['n']:,}",
                UNKNOWN if cost is None else f"{cost:,.2f}",
                f"{float(cost) / total:.0%}" if cost is not None and total else UNKNOWN,
                UNKNOWN if per_operation is None else f"{1000 * float(per_operation):,.2f}",
                cell(row["input_tokens"]),
                f"{cached / row['input_tokens']:.0%}"
                if cached is not None and row["input_tokens"]
                else UNKNOWN,
                cell(row["output_tokens"]),
                UNKNOWN if row["logged_cost_usd"] is None else f"{row['logged_cost_usd']:,.2f}",
                f"{row['n_without_cost']:,} without a price or tokens"
                if row["n_without_cost"]
                else "",
            ]
        )
    table = text_table(
        header, rows, [*(False for _ in by), *(True for _ in range(8)), False], len(by)
    )
    foot = (
        "cost = tokens by the price in force when the request started; logged = what the producer wrote.\n"
        "Rows: --format json. As SQL: logscope query cost --sql\n"
    )
    return head + table + foot


def forecast_table(frame: polars.DataFrame, by: Sequence[str]) -> str:
    """Return the forecast: per group the coming week's cost with its interval, and from how much."""
    rows = [
        [
            *(group(row[name]) for name in by),
            f"{row['forecast_usd']:,.2f}",
            UNKNOWN if row["low_usd"] is None else f"{row['low_usd']:,.2f}",
            UNKNOWN if row["high_usd"] is None else f"{row['high_usd']:,.2f}",
            plural(row["past_changes"], "change"),
            "too few changes" if row["low_usd"] is None else "",
        ]
        for row in frame.sort(
            "forecast_usd", *by, descending=[True, *(False for _ in by)]
        ).to_dicts()
    ]
    header = [*by, "cost $", "95 % from", "to", "past", ""]
    table = text_table(header, rows, [*(False for _ in by), True, True, True, True, False], len(by))
    return (
        f"The week from {frame['week'][0]}, if weeks go on to differ as they did\n{table}"
        "cost = that of the last week; interval = t times the root mean square of the changes from week to week.\n"
        "Rows: --format json. As SQL: logscope query cost_forecast --sql\n"
    )


def recommend_screen(recommendation: Recommendation) -> str:
    """Return a recommendation as head, one row per type, and foot."""
    from logscope.recommend_summary import summary

    told = summary(recommendation)
    rows = [[clean(str(value)) for value in row] for row in told.rows.iter_rows()]
    right = [name in ("share", "operations") for name in told.rows.columns]
    table = text_table(told.rows.columns, rows, right, 2) if rows else ""
    return "\n".join([*map(clean, told.head), table.rstrip("\n"), *map(clean, told.foot)]) + "\n"
