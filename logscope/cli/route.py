"""The panel Route: request types, and recommendations as configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logscope.cli.app import (
    ROUTE,
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


@app.command(rich_help_panel=ROUTE)
def types(
    since: Since = None,
    until: Until = None,
    week: Week = None,
    where: Where = None,
    tz: Tz = "UTC",
    store: StorePath = None,
    format: Format = Rows.table,
    output: Output = None,
) -> None:
    """The kinds of requests, by what is known before the answer; others group by them (--by request_type)."""
    from logscope.request_types import find_types

    opened = logs(store)
    selection = opened.select([], since=since, until=until, week=week, where=where, tz=tz)
    frame, note = find_types(opened.store, selection)
    answer(frame, format, output)
    if note:
        typer.echo(note, err=True)


@app.command(rich_help_panel=ROUTE)
def export(
    recommendation: Annotated[
        str | None, typer.Argument(help="A file or config_id; default: the latest.")
    ] = None,
    to: Annotated[str, typer.Option(help="The proxy to write for.")] = "litellm",
    base: Annotated[
        Path | None, typer.Option(help="Your own configuration: shows the diff.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Change BASE, or write the -o file.")
    ] = False,
    store: StorePath = None,
    output: Output = None,
) -> None:
    """Turn a recommendation into the proxy's configuration, as a diff on your own file."""
    from logscope import proxies
    from logscope.config import find_store
    from logscope.output import write as write_text
    from logscope.recommendation import find_recommendation
    from logscope.store import Store

    if write and base is None and output is None:
        raise UsageError("--write changes a file: name it with --base or -o.")
    before = proxies.read_base(base) if base else None
    known = Store(find_store(store))
    made = find_recommendation(known if known.exists() else None, recommendation)
    exported = proxies.export(made, to, before, str(base))
    for note in exported.notes:
        typer.echo(note, err=True)
    if write:
        target = output or base
        write_text(exported.text, target)
        typer.echo(f"Wrote {target}.", err=True)
    elif base is None:
        write_text(exported.text, output)
    else:
        write_text(proxies.unified_diff(before or "", exported.text, base.name), output)
