"""The application: its group, the options that commands share, and how they answer."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from logscope.errors import INTERRUPTED, LogscopeError, UsageError, is_interrupt, known_trouble
from logscope.output import Terminal

if TYPE_CHECKING:
    import polars

    from logscope.api import Logs

WELCOME = """\
logscope reads the LLM request logs you have: how fast, how dear, what changed, how to route.
  logscope demo                    write sample logs and try everything on them
  logscope ingest FOLDER           read your own logs; nothing leaves this machine
  logscope --help                  all commands; logscope formats: which logs, and how to get them
"""


class Group(TyperGroup):
    """The one place where an error becomes one line and an exit code."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run; wrong usage, which is found before a command starts, is one line too."""
        standalone = options.pop("standalone_mode", True)
        try:
            code = super().main(*args, **options | {"standalone_mode": False})
        except typer.TyperException as error:
            from logscope.output import clean

            context = getattr(error, "ctx", None)
            command = context.command_path if context else "logscope"
            said = clean(error.format_message()).rstrip(".?")
            mark = "?" if "Did you mean" in said else "."
            typer.echo(f"logscope: {said}{mark} See: {command} --help", err=True)
            code = UsageError.exit_code
        except OSError as error:
            # Help is printed before a command starts.
            code = told(error)
        if not standalone:
            return code
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader has seen enough (`logscope ... | head`).
            sys.stderr.close()
            code = 0
        except (Exception, KeyboardInterrupt) as error:
            code = told(error)
        raise typer.Exit(code)


def told(error: BaseException) -> int:
    """Say in one line what went wrong and return the exit code; raise on what nobody can help."""
    from logscope.output import clean

    if is_interrupt(error):
        typer.echo(INTERRUPTED, err=True)
        return 130
    known = error if isinstance(error, LogscopeError) else None
    if known is None and isinstance(error, Exception):
        known = known_trouble(error)
    if known is None:
        raise error
    typer.echo(f"logscope: {clean(str(known))}", err=True)
    return known.exit_code


class Rows(StrEnum):
    """Formats of an answer."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"
    parquet = "parquet"
    md = "md"


app = typer.Typer(
    cls=Group,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

# The panels of --help; each is a module here.
START, CLOSER, ROUTE, SET_UP = "Start", "Look closer", "Route", "Set up"

StorePath = Annotated[
    Path | None,
    typer.Option("--store", help="The store; default: LOGSCOPE_STORE, or logscope-store/ upward."),
]
Since = Annotated[str | None, typer.Option(help="From this day or time on, e.g. 2026-11-09.")]
Until = Annotated[str | None, typer.Option(help="Until this day (included) or time.")]
Week = Annotated[str | None, typer.Option(help="An ISO week, e.g. 2026-W46, or last.")]
Where = Annotated[str | None, typer.Option(help="SQL condition, e.g. \"team = 'search'\".")]
BY_HELP = (
    "Group by any columns of requests, labels (label:feature) and day, week, hour, hour_of_day, "
    "weekday, hour_of_week, input_bucket, request_type: e.g. model,region or task,input_bucket."
)
By = Annotated[str | None, typer.Option(help=BY_HELP)]
Tz = Annotated[str, typer.Option(help="Time zone of days and weeks.")]
Format = Annotated[Rows, typer.Option("--format", help="How to write the rows.")]


def for_a_file(path: Path | None) -> Path | None:
    """What goes to a file is not laid out for the terminal."""
    if path is not None and str(path) != "-":
        Terminal.columns = None
    return path


Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", callback=for_a_file, help="Write to this file."),
]


def version(value: bool) -> None:
    if value:
        from logscope import __version__

        typer.echo(f"logscope {__version__}")
        raise typer.Exit()


@app.callback()
def root(
    ctx: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Exact latency, true cost and routing from the LLM request logs you already have.

    Nothing leaves this machine.
    """
    Terminal.columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if ctx.invoked_subcommand is None:
        typer.echo(WELCOME, nl=False)


def logs(store: Path | None) -> Logs:
    """Open the store to use and say so if its derived columns are out of date."""
    from logscope import api

    opened = api.open(store)
    note = opened.staleness()
    if note:
        typer.echo(note, err=True)
    return opened


def answer(
    frame: polars.DataFrame,
    format: Rows,
    output: Path | None,
    screen: str | None = None,
    by: Collection[str] = (),
) -> None:
    """Print rows in the format asked for; `screen` is how a person sees them, `by` their groups.

    A file whose name ends in that of a format is written in it.
    """
    from logscope import output as out

    suffix = output.suffix.removeprefix(".") if output else ""
    if format is Rows.table and suffix in list(Rows):
        format = Rows(suffix)
    if format is not Rows.table:
        out.write(out.render(frame, format.value, by), output)
        return
    text = screen if screen is not None else str(out.render(frame, format.value, by))
    out.write(out.fitted(text), output)


def read_text(path: Path) -> str:
    """Read a text file of the user's, or say why not."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise UsageError(f"{path} cannot be read: {reason}. Name another file.") from error
