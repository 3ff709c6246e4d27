"""Reports as files: one week, every missing week, one per team, their index, their numbers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any

from logscope import words
from logscope.config import Config, column_sql, quote
from logscope.drawing import drawn_beside
from logscope.errors import NoDataError, UsageError
from logscope.markdown import render_markdown
from logscope.output import render, write
from logscope.page import Report, render_html, render_index
from logscope.selection import last_week, week_name
from logscope.store import Store
from logscope.weekly import build_report

HEADLINE = re.compile(r'<meta name="logscope-headline" content="([^"]*)">')
HEAD_BYTES = 200_000
KINDS = ("html", "md", "pdf")
EMPTY: Mapping[str, Any] = dict.fromkeys(
    ("title", "week", "span", "tz", "requests", "cost_usd", "ttft_p95_ms", "success")
)


def write_report(
    store: Store,
    week: date,
    tz: str = "UTC",
    config: Config | None = None,
    output: Path = Path("reports"),
    static: bool = False,
    where: str | None = None,
    kinds: Sequence[str] = (),
    data: Path | None = None,
) -> list[Path]:
    """Write the report of a week and return its files; none for stdout.

    `kinds` are of KINDS, by default what the name of `output` ends in, else html. `output` is a
    file, `-` for stdout, or a folder: files are then named after the week, and index.html lists the
    pages. `data` is a folder for the numbers. Equal stores and arguments give equal bytes. Raises
    UsageError for an unknown time zone or condition, or a place that cannot be written.
    """
    named = output.suffix[1:] if output.suffix[1:] in KINDS else None
    chosen = tuple(kinds) or (named or "html",)
    if named is None and output.suffix[1:].isalpha() and not output.is_dir():
        raise UsageError(f"{output}: a report is .{', .'.join(KINDS)}, or name a folder.")
    single = named is not None or str(output) == "-"
    if single and (len(chosen) > 1 or named not in (None, *chosen)):
        raise UsageError(f"{output} holds one kind of report, not {' and '.join(chosen)}.")
    written = []
    live = "html" in chosen and not static
    with drawn_beside() if live else nullcontext():
        report = build_report(store, week, tz, config, where)
        for kind in chosen:
            path = output if single else output / f"{report.name}.{kind}"
            write(rendered(report, kind, static), path)
            if str(path) != "-":
                written.append(path)
    if not single and "html" in chosen:
        write_index(output)
    if data:
        write_data(report, data)
    return written


def rendered(report: Report, kind: str, static: bool = False) -> str | bytes:
    """Return a report as html, md or pdf."""
    if kind == "pdf":
        from logscope.paper import render_pdf

        return render_pdf(report)
    return render_markdown(report) if kind == "md" else render_html(report, static)


def write_data(report: Report, folder: Path) -> list[Path]:
    """Write the numbers behind every table and chart, as JSON and as Parquet; return the files."""
    written = []
    for table in report.tables():
        for format in ("json", "parquet"):
            path = folder / f"{table.name}.{format}"
            write(render(table.frame, format), path)
            written.append(path)
    summary = [{"sentence": s.plain(), "section": s.section} for s in report.summary]
    path = folder / "summary.json"
    write(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", path)
    return [*written, path]


def write_every_week(
    store: Store,
    tz: str = "UTC",
    config: Config | None = None,
    folder: Path = Path("reports"),
    static: bool = False,
) -> list[Path]:
    """Write the reports missing in a folder, of every week that the store covers to its end.

    Returns the new files; weeks without a request get none. Raises NoDataError for an empty store.
    """
    days = store.days()
    last = last_week(days)
    mondays = sorted({day - timedelta(day.weekday()) for day in days})
    paths = {monday: folder / f"{week_name(monday)}.html" for monday in mondays if monday <= last}
    missing = {monday: path for monday, path in paths.items() if not path.exists()}
    with drawn_beside() if missing and not static else nullcontext():
        for monday, path in missing.items():
            report = build_report(store, monday, tz, config)
            write(render_html(report, static), path)
    write_index(folder)
    return [*missing.values()]


def write_each(
    store: Store,
    week: date,
    column: str = "team",
    tz: str = "UTC",
    config: Config | None = None,
    folder: Path = Path("reports"),
) -> list[Path]:
    """Write one small page without scripts per team (or other column), and an index of them.

    They lie in `<folder>/<week>-<column>/`; the index is the first of the returned files. Raises
    NoDataError if the week names none.
    """
    from logscope.weeks import Weeks

    frame = Weeks(store, week, tz).rows("account", [column])
    values = sorted(value for value in frame[column].to_list() if value is not None)
    if not values:
        raise NoDataError(f"No request of {week_name(week)} has a {column}. See `logscope status`.")
    place = folder / f"{week_name(week)}-{slug(column)}"
    named = column_sql(column) if column.startswith("label:") else column
    written = []
    for value in values:
        report = build_report(store, week, tz, config, f"{named} = {quote(value)}")
        title = words.name(value)
        headline = {**report.headline, "title": title}
        report = replace(report, title=f"{title}, {report.title.lower()}", headline=headline)
        path = place / f"{slug(value)}.html"
        write(render_html(report, static=True), path)
        written.append(path)
    return [write_index(place), *written]


def slug(value: str) -> str:
    """Return a file name for a name from a log: harmless, and another one for another name."""
    plain = re.sub("[^a-z0-9]+", "-", value.lower()).strip("-")[:40]
    if plain == value:
        return plain
    return f"{plain or 'name'}-{hashlib.sha256(value.encode()).hexdigest()[:6]}"


def write_index(folder: Path) -> Path:
    """Write index.html: the reports of a folder with their headline numbers, the newest first."""
    found = []
    for path in sorted(folder.glob("*.html")):
        headline = read_headline(path)
        if headline:
            found.append({**EMPTY, **headline, "file": path.name})
    found.sort(key=lambda row: (row.get("week", ""), row["file"]), reverse=True)
    path = folder / "index.html"
    write(render_index(found), path)
    return path


def read_headline(path: Path) -> Mapping[str, Any] | None:
    """Return the headline numbers that a report's page holds; None for any other page."""
    with path.open(encoding="utf-8", errors="replace") as page:
        match = HEADLINE.search(page.read(HEAD_BYTES))
    if not match:
        return None
    try:
        headline = json.loads(unescape(match.group(1)))
    except ValueError:
        return None
    return headline if isinstance(headline, dict) else None
