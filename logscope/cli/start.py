"""The panel Start: read logs, and the answers most people come for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logscope.cli.app import (
    START,
    By,
    Format,
    Output,
    Rows,
    Since,
    StorePath,
    Tz,
    Until,
    Week,
    Where,
    answer,
    app,
    logs,
    read_text,
)
from logscope.errors import UsageError
from logscope.output import fitted

NO_NETWORK = " Open it in a browser; it needs no network."


@app.command(rich_help_panel=START)
def ingest(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files, folders, globs, or - for stdin.")
    ] = None,
    store: StorePath = None,
    format_name: Annotated[
        str | None, typer.Option("--from", help="Take the files for this format.")
    ] = None,
    adapter: Annotated[
        list[Path] | None, typer.Option(help="A format of your own, as a SQL file.")
    ] = None,
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh", help="Bring what is stored up to today's rules, prices and formats."
        ),
    ] = False,
    max_rejects: Annotated[
        str | None, typer.Option(help="Store nothing if more records are rejected, e.g. 1%.")
    ] = None,
) -> None:
    """Read logs into the store: files, folders or globs; plain, gz, zst or bz2."""
    from logscope import api, screens
    from logscope.progress import showing

    opened = api.open(store)
    if not paths and not refresh:
        raise UsageError("Say what to read: logscope ingest FOLDER. See `logscope formats`.")
    if refresh:
        from logscope.refresh import refresh as bring_up_to_date

        typer.echo(screens.refresh_lines(bring_up_to_date(opened.store, opened.config)), err=True)
    if paths:
        with showing() as progress:
            result = opened.ingest(
                paths,
                format_name=format_name,
                adapters=adapter or (),
                max_rejects=share(max_rejects),
                progress=progress,
            )
        typer.echo(fitted(screens.ingest_summary(result, opened.store)), nl=False)


def share(text: str | None) -> float | None:
    """Read `1%` or `0.01`; a plain 1 could be either one per cent or all."""
    if text is None:
        return None
    try:
        percent = text.strip().endswith("%")
        value = float(text.rstrip("% ")) / (100 if percent else 1)
    except ValueError:
        value = -1.0
    if not (0 <= value < 1 or (value == 1 and percent)):
        raise UsageError(f"--max-rejects {text!r} is no share. Write 1% or 0.01.")
    return value


@app.command(rich_help_panel=START)
def latency(
    by: By = "model",
    since: Since = None,
    until: Until = None,
    week: Week = None,
    where: Where = None,
    tz: Tz = "UTC",
    top: Annotated[int | None, typer.Option(min=1, help="Only the largest groups.")] = None,
    like: Annotated[
        str | None, typer.Option(help="As another tool defines it: aiperf, vllm, guidellm, otel.")
    ] = None,
    distribution: Annotated[
        bool, typer.Option("--distribution", help="Every value with the share at or below it.")
    ] = False,
    store: StorePath = None,
    format: Format = Rows.table,
    output: Output = None,
) -> None:
    """First token, time per token and total time: exact percentiles with n and interval."""
    from logscope import measures, screens
    from logscope.queries import find_query

    opened = logs(store)
    selection = opened.select(by, since=since, until=until, week=week, where=where, tz=tz)
    if like or distribution:
        if like and distribution:
            raise UsageError("--like and --distribution are two questions. Ask one at a time.")
        if top:
            raise UsageError("--top is for the table of groups. Use --where to ask for fewer.")
        if not like:
            every = measures.run_query(opened.store, "distribution", selection, {})
            answer(every, format, output, by=selection.by)
            return
        frame = measures.latency_like(opened.store, selection, like)
        title, named = selection.title(opened.store), find_query(f"like_{like}")
        screen = screens.named_table(frame, selection.by, named, title)
        answer(frame, format, output, screen, by=selection.by)
        return
    frame, bars = measures.latency_with_histogram(opened.store, selection)
    screen = screens.latency_table(frame, selection.by, selection.title(opened.store), bars, top)
    answer(frame.head(top) if top else frame, format, output, screen)


@app.command(rich_help_panel=START)
def cost(
    by: By = "model",
    since: Since = None,
    until: Until = None,
    week: Week = None,
    where: Where = None,
    tz: Tz = "UTC",
    forecast: Annotated[
        bool, typer.Option("--forecast", help="What the coming week will cost, with an interval.")
    ] = False,
    store: StorePath = None,
    format: Format = Rows.table,
    output: Output = None,
) -> None:
    """What it cost, by the price in force when each request started; what has no price is listed."""
    from logscope import screens
    from logscope.measures import run_query

    opened = logs(store)
    if forecast:
        if since or until:
            raise UsageError(
                "--forecast reads whole weeks. Say with --week which was the last one."
            )
        frame = opened.forecast(by, week=week or "last", where=where, tz=tz)
        answer(frame, format, output, screens.forecast_table(frame, opened.select(by).by))
        return
    selection = opened.select(by, since=since, until=until, week=week, where=where, tz=tz)
    frame = run_query(opened.store, "cost", selection, {})
    answer(
        frame,
        format,
        output,
        screens.cost_table(frame, selection.by, selection.title(opened.store)),
    )


@app.command(rich_help_panel=START)
def report(
    week: Week = None,
    where: Where = None,
    tz: Tz = "UTC",
    static: Annotated[bool, typer.Option("--static", help="A page without any script.")] = False,
    md: Annotated[
        bool, typer.Option("--md", help="Markdown, for a chat or a pull request.")
    ] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="PDF, for paper.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Also write all numbers to this folder, as JSON and Parquet."),
    ] = None,
    each: Annotated[
        str | None, typer.Option(help="One small page per team (or task, model ...), and an index.")
    ] = None,
    every_week: Annotated[
        bool, typer.Option("--every-week", help="The weeks whose report is missing in the folder.")
    ] = False,
    store: StorePath = None,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="A folder, a file (.html, .md, .pdf), or - for stdout."
        ),
    ] = Path("reports"),
) -> None:
    """Write the week as one self-contained page: what changed, latency, cost, routing."""
    from logscope import report as reports
    from logscope.selection import week_start

    kinds = tuple(kind for kind, asked in (("md", md), ("pdf", pdf)) if asked)
    several = [f"--{name}" for name, asked in (("each", each), ("every-week", every_week)) if asked]
    given = ["--md"] * md + ["--pdf"] * pdf + ["--data"] * (data is not None)
    given += ["--week"] * bool(week and every_week) + ["--where"] * bool(where and several)
    if several and (given or several[1:]):
        raise UsageError(f"{several[0]} and {[*several[1:], *given][0]} do not go together.")
    to_stdout = str(output) == "-"
    if several and (to_stdout or output.suffix):
        raise UsageError(f"{several[0]} writes several files. Give a folder with -o.")
    opened = logs(store)
    if every_week:
        written = reports.write_every_week(opened.store, tz, opened.config, output, static)
        told = f"Wrote {len(written)} missing reports. " if written else "No report is missing. "
        typer.echo(f"{told}They are listed in {output / 'index.html'}.")
        return
    monday = week_start(week or "last", opened.store)
    if each:
        index, *written = reports.write_each(opened.store, monday, each, tz, opened.config, output)
        typer.echo(f"Wrote {len(written)} pages, listed in {index}.")
        return
    written = reports.write_report(
        opened.store, monday, tz, opened.config, output, static, where, kinds, data
    )
    for path in written:
        typer.echo(f"Wrote {path}.{NO_NETWORK if path.suffix == '.html' else ''}", err=to_stdout)
    if data:
        typer.echo(f"Wrote the numbers to {data}.", err=to_stdout)


@app.command(rich_help_panel=START)
def recommend(
    policy: Annotated[Path | None, typer.Option(help="A policy of its own, as TOML.")] = None,
    since: Since = None,
    until: Until = None,
    week: Week = None,
    where: Where = None,
    tz: Tz = "UTC",
    store: StorePath = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Where to write the recommendation.")
    ] = Path("recommendation.json"),
) -> None:
    """Recommend how to split traffic between models, with the evidence there is."""
    from logscope import screens
    from logscope.output import write
    from logscope.policy import load_policy
    from logscope.recommend import recommend_and_record

    opened = logs(store)
    selection = opened.select([], since=since, until=until, week=week, where=where, tz=tz)
    chosen = load_policy(opened.config, policy)
    made, note = recommend_and_record(opened.store, selection, opened.config, chosen)
    write(made.text(), output)
    piped = str(output) == "-"
    typer.echo(fitted(screens.recommend_screen(made)), nl=False, err=piped)
    if not piped:
        typer.echo(
            f"Wrote {output} ({made.config_id}, with rules and evidence). "
            "Next: logscope export --to litellm"
        )
    if note:
        typer.echo(note, err=True)


@app.command(rich_help_panel=START)
def sql(
    query: Annotated[str | None, typer.Argument(help="One SELECT.")] = None,
    file: Annotated[Path | None, typer.Option("-f", help="Read the SELECT from a file.")] = None,
    store: StorePath = None,
    format: Format = Rows.table,
    output: Output = None,
) -> None:
    """Run one SELECT over the store: requests, operations, sessions, streams, scores, files."""
    from logscope.sandbox import bounded_process

    if (query is None) == (file is None):
        raise UsageError('Give one SELECT: logscope sql "SELECT ..." or -f FILE.')
    if file is not None:
        query = read_text(file)
    opened = logs(store)
    with bounded_process():
        answer(opened.sql(query or ""), format, output)
