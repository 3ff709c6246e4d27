"""Status: what is in the store, which time it covers, how fresh it is, and what is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logscope.measures import bind
from logscope.measures import frame as answer
from logscope.output import UNKNOWN, clean, text_table
from logscope.queries import find_query
from logscope.screens import shown
from logscope.selection import day_name, select, span
from logscope.words import plural

if TYPE_CHECKING:
    import polars

    from logscope.store import Store

Row = Mapping[str, Any]
LACKED = ("ttft", "region", "task", "price", "session", "score")
FORMATS_SHOWN = 8
NAMES_SHOWN = 3
PRICES_SHOWN = 2
MAX_NAME = 24
COUNTS = ("records", "stored", "merged", "ignored", "rejected")


def status_screen(frame: polars.DataFrame, store: Store) -> str:
    """Return the state of a store for a person, in 80 columns; `frame` has the rows of `known`."""
    days = store.days()
    requests = int(frame["requests"].sum())
    when = f" · {span(days[0], days[-1])} (UTC)" if days else ""
    lines = [
        f"{shown(store)} · version {store.snapshot.version} · {plural(requests, 'request')}{when}",
        *read_lines(frame),
    ]
    with closing(store.connect()) as connection:
        lines += changed_lines(connection)
    if days:
        told = answers(store, "coverage", "gaps", "stale_files", "ahead", "unknowns", "unpriced")
        lines += [*coverage_lines(told), *stale_lines(told["stale_files"])]
        lines += ahead_lines(told["ahead"])
        lines += ["", *unknown_lines(told["unknowns"]), "", *format_lines(frame), ""]
        lines += price_lines(told["unpriced"])
        lines.append("See logscope query unknowns, unpriced, known, coverage, gaps or stale_files")
    if frame["rejected"].sum():
        lines.append("Rejected records: logscope status --rejects")
    lines.append(f"SQL: duckdb -readonly {shown(store)}/logscope.duckdb")
    return "\n".join(lines) + "\n"


def answers(store: Store, *names: str) -> dict[str, polars.DataFrame]:
    """Return the rows of named queries over all requests, asked on one connection."""
    everything = select(by=[], store=store)
    with closing(everything.connect(store)) as connection:
        return {
            query.name: answer(connection, query, bind(query, {}), everything)
            for query in map(find_query, names)
        }


def read_lines(frame: polars.DataFrame) -> list[str]:
    """Return what was read, and what became of the records."""
    if not frame.height:
        return ["Nothing was read yet: logscope ingest FOLDER"]
    files, *counts = (int(frame[name].sum()) for name in ("files", *COUNTS))
    records, *fates = (f"{count:,}" for count in counts)
    parts = " + ".join(f"{n} {name}" for n, name in zip(fates, COUNTS[1:], strict=True))
    return [
        f"Read      {plural(files, 'file')} in {plural(frame.height, 'format')}",
        f"          {records} records = {parts}",
    ]


def coverage_lines(told: Mapping[str, polars.DataFrame]) -> list[str]:
    """Return the share of hours with requests and the longest time without any."""
    whole = told["coverage"].row(0, named=True)
    line = f"Covered   {percent(whole['covered'])} of {plural(whole['hours'], 'hour')}"
    if told["gaps"].height:
        gap = told["gaps"].row(0, named=True)
        line += f"; longest gap {plural(gap['hours'], 'hour')}, from {moment(gap['starts_at'])}"
    return [line]


def stale_lines(frame: polars.DataFrame) -> list[str]:
    """Return the formats whose newest file ends a day or more before the newest request."""
    if not frame.height:
        return []
    rows = list(frame.head(NAMES_SHOWN).iter_rows(named=True))
    ends = ", ".join(f"{row['format']} {row['last_at']:%-d %b}" for row in rows)
    return [
        f"Stale     {plural(frame.height, 'format')} ended a day or more before the newest request:",
        f"          {ends}{more(frame.height)}",
    ]


def ahead_lines(frame: polars.DataFrame) -> list[str]:
    """Return the files whose requests start a day or more after they were read."""
    if not frame.height:
        return []
    rows = list(frame.head(NAMES_SHOWN).iter_rows(named=True))
    names = ", ".join(f"{clean(Path(row['path']).name)} {row['last_at']:%-d %b %Y}" for row in rows)
    return [
        f"Ahead     {plural(int(frame['requests'].sum()), 'request')} a day or more after being read: "
        "a wrong clock",
        f"          {names}{more(frame.height)}",
    ]


def changed_lines(connection: Any) -> list[str]:
    """Return the files that are not any more what was read, as far as they are still there."""
    known = connection.execute(
        "select path, max_by(size_bytes, ingested_at) from files group by path order by path"
    ).fetchall()
    paths = [
        path
        for path, size_bytes in known
        if Path(path).is_file() and Path(path).stat().st_size != size_bytes
    ]
    if not paths:
        return []
    names = ", ".join(clean(Path(path).name) for path in paths[:NAMES_SHOWN])
    return [
        f"Changed   {plural(len(paths), 'file')} since {'it was' if len(paths) == 1 else 'they were'} "
        "read: ingest again",
        f"          {names}{more(len(paths))}",
    ]


def unknown_lines(frame: polars.DataFrame) -> list[str]:
    """Return what requests lack and what that makes impossible."""
    if not frame.height:
        return ["Every request has its first token, region, task, price, session and score."]
    rows = [
        [row["unknown"], f"{row['requests']:,}", percent(row["share"]), row["makes_impossible"]]
        for row in frame.iter_rows(named=True)
    ]
    table = text_table(
        ["Unknown", "requests", "share", "so there is"], rows, [False, True, True, False]
    )
    return table.rstrip("\n").splitlines()


def format_lines(frame: polars.DataFrame) -> list[str]:
    """Return the shares that are unknown in the formats with most requests."""
    asked = frame.filter(frame["requests"] > 0).sort(
        ["requests", "format"], descending=[True, False]
    )
    rows = [
        [
            row["format"],
            f"{row['requests']:,}",
            *(percent(row[f"unknown_{name}"]) for name in LACKED),
        ]
        for row in asked.head(FORMATS_SHOWN).iter_rows(named=True)
    ]
    header = ["Unknown in", "requests", *LACKED]
    lines = text_table(header, rows, [False, *(True for _ in header[1:])]).rstrip("\n").splitlines()
    if asked.height > FORMATS_SHOWN:
        lines.append(f"+ {plural(asked.height - FORMATS_SHOWN, 'format')}: logscope query known")
    return lines


def price_lines(frame: polars.DataFrame) -> list[str]:
    """Return the commonest models without a price."""
    if not frame.height:
        return []
    rows = list(frame.head(PRICES_SHOWN).iter_rows(named=True))
    names = ", ".join(map(price_name, rows))
    return [f"No price for {names}{more(frame.height, PRICES_SHOWN)}"]


def price_name(row: Row) -> str:
    """Return provider, model and tier of what has no price; the usual tier goes without saying."""
    tier = "" if row["service_tier"] == "standard" else f" ({clean(row['service_tier'])})"
    known = [clean(row[name]) for name in ("provider", "model") if row[name]]
    return ("/".join(known) or "calls without a model")[:MAX_NAME] + tier


def more(count: int, shown_count: int = NAMES_SHOWN) -> str:
    return f" and {count - shown_count} more" if count > shown_count else ""


def moment(at: datetime) -> str:
    return f"{day_name(at.date())} {at:%H:%M}"


def percent(share: float | None) -> str:
    """Return a share as a whole percentage; under one, and not quite all, are said as such."""
    if share is None:
        return UNKNOWN
    if 0 < share < 0.005:
        return "<1 %"
    return f"{share:.0%}".replace("%", " %") if share == 1 or share < 0.995 else ">99 %"
