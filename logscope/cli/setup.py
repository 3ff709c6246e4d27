"""The panel Set up: formats and sample logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from logscope.cli.app import SET_UP, Format, Output, Rows, answer, app
from logscope.errors import UsageError


@app.command(rich_help_panel=SET_UP)
def formats(
    name: Annotated[
        str | None, typer.Argument(help="A format's name, or a file to explain.")
    ] = None,
    adapter: Annotated[list[Path] | None, typer.Option(help="A format of your own.")] = None,
    format: Format = Rows.table,
    output: Output = None,
) -> None:
    """Which logs are read and how to get them; why a file is taken for what it is."""
    from logscope import explain
    from logscope.formats import find_formats

    known = find_formats(adapter or ())
    if name is None:
        answer(explain.formats_frame(known), format, output)
    elif name in known:
        answer(
            explain.formats_frame({name: known[name]}),
            format,
            output,
            explain.format_screen(known[name]),
        )
    else:
        frame, screen = explain.explain(name, known, adapter or ())
        answer(frame, format, output, screen)


@app.command(rich_help_panel=SET_UP)
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write the logs.")] = Path("demo-logs"),
    requests: Annotated[int, typer.Option(min=200, help="How many requests.")] = 1200,
    seed: Annotated[int, typer.Option(help="Another seed gives another world.")] = 20261116,
) -> None:
    """Write sample logs in the producers' own formats, with a known truth in them."""
    from logscope.demo import write_demo
    from logscope.progress import counting

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file. Name a folder.")
    with counting("Writing", requests) as progress:
        written = write_demo(folder, requests, seed, progress)
    for path in written:
        typer.echo(path)
    typer.echo(f"Next: logscope ingest {folder}", err=True)
