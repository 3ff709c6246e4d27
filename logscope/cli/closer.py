"""The panel Look closer: named queries, traffic, what is in the store."""

from __future__ import annotations

from typing import Annotated

import typer

from logscope.cli.app import (
    BY_HELP,
    CLOSER,
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
)
from logscope.errors import UsageError


@app.command(rich_help_panel=CLOSER)
def query(
    name: Annotated[str | None, typer.Argument(help="A named query; without: the list.")] = None,
    param: Annotated[
        list[str] | None, typer.Option("-p", "--param", help="A parameter, as key=value.")
    ] = None,
    by: By = "model",
    since: Since = None,
    until: Until = None,
    week: Week = None,
    where: Where = None,
    tz: Tz = "UTC",
    show_sql: Annotated[
        bool, typer.Option("--sql", help="Show the SQL instead of running it.")
    ] = False,
    store: StorePath = None,
    format: Format = Rows.table,
    output: Output = None,
) -> None:
    """Run a named query; without a name: the list, with grain, unit and parameters."""
    from logscope import screens
    from logscope.queries import find_query, list_queries

    if name is None:
        import polars as pl

        listed = list_queries()
        answer(pl.DataFrame(listed), format, output, screens.query_list(listed))
        return
    if show_sql:
        typer.echo(find_query(name).path.read_text(encoding="utf-8"), nl=False)
        return
    params = {}
    for item in param or ():
        key, separator, value = item.partition("=")
        if not separator:
            raise UsageError(f"-p {item!r} is no parameter. Write -p key=value.")
        params[key] = value
    opened = logs(store)
    options = {"since": since, "until": until, "week": week, "where": where, "tz": tz}
    frame = opened.query(name, params, by, **options)
    selection = opened.select(by, **options)
    screen = None
    if name == "definitions":
        screen = screens.definitions_screen(frame)
    elif format is Rows.table:
        title = selection.title(opened.store)
        screen = screens.named_table(frame, selection.by, find_query(name), title)
    answer(frame, format, output, screen, by=selection.by)


@app.command(rich_help_panel=CLOSER)
def traffic(
    by: Annotated[
        str | None, typer.Option(help=BY_HELP, show_default="model; with --slo request_type")
    ] = None,
    since: Since = None,
    until: Until = None,
    week: Week = None,
    where: Where = None,
    tz: Tz = "UTC",
    load: Annotated[bool, typer.Option("--load", help="Against requests in flight.")] = False,
    slo: Annotated[
        bool,
        typer.Option("--slo", help=r"Goodput and error budgets of \[slo], and what burns them."),
    ] = False,
    regions: Annotated[
        bool, typer.Option("--regions", help="How regions differ for the same requests.")
    ] = False,
    changes: Annotated[
        bool, typer.Option("--changes", help="What moved since the week before, beyond noise.")
    ] = False,
    measure: Annotated[
        str, typer.Option(help="ttft, duration or tpot, for --regions and --changes.")
    ] = "ttft",
    store: StorePath = None,
    format: Format = Rows.table,
    output: Output = None,
) -> None:
    """Requests, errors, 429s, peaks, goodput; under load, by region, and what changed."""
    from logscope import traffic_screens
    from logscope.selection import DEFAULT_BY, REQUEST_TYPE

    views = {"load": load, "slo": slo, "regions": regions, "changes": changes}
    chosen = [name for name, wanted in views.items() if wanted]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} are two answers. Ask for one at a time.")
    if changes and (since or until):
        raise UsageError("--changes compares weeks: name one with --week instead of --since.")
    opened = logs(store)
    options = {"since": since, "until": until, "week": week, "where": where, "tz": tz}
    view = chosen[0] if chosen else "traffic"
    if by is None:
        by = REQUEST_TYPE if slo else DEFAULT_BY[0]
    frame, screen = traffic_screens.show(opened, view, by, options, measure, format is Rows.table)
    answer(frame, format, output, screen)


@app.command(rich_help_panel=CLOSER)
def status(
    rejects: Annotated[bool, typer.Option("--rejects", help="List the rejected records.")] = False,
    store: StorePath = None,
    format: Format = Rows.table,
    output: Output = None,
) -> None:
    """What is in the store, how fresh it is, what is unknown; how to open it with DuckDB."""
    from logscope.status import status_screen

    opened = logs(store)
    if rejects:
        answer(opened.rejects(), format, output)
        return
    frame = opened.status()
    screen = status_screen(frame, opened.store) if format is Rows.table else None
    answer(frame, format, output, screen)
