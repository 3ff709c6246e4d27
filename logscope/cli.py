"""The command line. A command reads its options, calls one function and prints the answer.

Exit codes: 0 done; 1 a gate, check or tolerance says no; 2 wrong usage; 3 nothing could be judged for
lack of data; 4 nothing readable in the input; 130 interrupted.
"""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from logscope.errors import LogscopeError, UsageError

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

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LogscopeError as error:
            from logscope.output import clean

            typer.echo(f"logscope: {clean(str(error))}", err=True)
            code = error.exit_code
        except KeyboardInterrupt:
            typer.echo("logscope: interrupted; the store is as it was.", err=True)
            code = 130
        except BrokenPipeError:
            # The reader has seen enough (`logscope ... | head`).
            sys.stderr.close()
            code = 0
        raise typer.Exit(code)


class Rows(str, Enum):
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

START, CLOSER, ROUTE, SET_UP = "Start", "Look closer", "Route", "Set up"

StorePath = Annotated[
    Path | None,
    typer.Option("--store", help="The store; default: LOGSCOPE_STORE, or logscope-store/ upward."),
]
Since = Annotated[str | None, typer.Option(help="From this day or time on, e.g. 2026-11-09.")]
Until = Annotated[str | None, typer.Option(help="Until this day (included) or time.")]
Week = Annotated[str | None, typer.Option(help="An ISO week, e.g. 2026-W46, or last.")]
Where = Annotated[str | None, typer.Option(help="SQL condition, e.g. \"team = 'search'\".")]
By = Annotated[
    str | None,
    typer.Option(
        help="Group by any columns of requests, labels (label:feature) and day, week, hour, "
        "hour_of_day, weekday, hour_of_week, input_bucket: e.g. model,region or task,input_bucket."
    ),
]
Tz = Annotated[str, typer.Option(help="Time zone of days and weeks.")]
Format = Annotated[Rows, typer.Option("--format", help="How to write the rows.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")]


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
    """Exact latency, true cost and proven routing from the LLM request logs you already have.

    Nothing leaves this machine.
    """
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
    frame: polars.DataFrame, format: Rows, output: Path | None, screen: str | None = None
) -> None:
    """Print rows in the format asked for; `screen` is how a person sees them."""
    from logscope import output as out

    content = (
        screen if screen is not None and format is Rows.table else out.render(frame, format.value)
    )
    out.write(content, output)


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
        typer.Option("--refresh", help="Recompute task, team, region and cost by today's rules."),
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
        changed = opened.refresh()
        typer.echo(f"Refreshed: {changed:,} requests changed.", err=True)
    if paths:
        with showing() as progress:
            result = opened.ingest(
                paths,
                format_name=format_name,
                adapters=adapter or (),
                max_rejects=share(max_rejects),
                progress=progress,
            )
        typer.echo(screens.ingest_summary(result, opened.store), nl=False)


def share(text: str | None) -> float | None:
    """Read `1%` or `0.01`."""
    if text is None:
        return None
    try:
        value = float(text.rstrip("% ")) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
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
    top: Annotated[int | None, typer.Option(help="Only the largest groups.")] = None,
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

    opened = logs(store)
    selection = opened.select(by, since=since, until=until, week=week, where=where, tz=tz)
    if like or distribution:
        if like and distribution:
            raise UsageError("--like and --distribution are two questions. Ask one at a time.")
        if top:
            raise UsageError("--top is for the table of groups. Use --where to ask for fewer.")
        answer(
            measures.latency_like(opened.store, selection, like)
            if like
            else measures.run_query(opened.store, "distribution", selection, {}),
            format,
            output,
        )
        return
    frame, bars = measures.latency_with_histogram(opened.store, selection)
    shown = frame.head(top) if top else frame
    screen = screens.latency_table(shown, selection.by, selection.title(opened.store), bars)
    if shown.height < frame.height:
        screen += f"+ {frame.height - shown.height} groups: leave --top out.\n"
    answer(shown, format, output, screen)


@app.command(rich_help_panel=START)
def cost(
    by: By = "model",
    since: Since = None,
    until: Until = None,
    week: Week = None,
    where: Where = None,
    tz: Tz = "UTC",
    store: StorePath = None,
    format: Format = Rows.table,
    output: Output = None,
) -> None:
    """What it cost, by the price in force at the time of each request; what has no price is listed."""
    from logscope import screens
    from logscope.measures import run_query

    opened = logs(store)
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
    week: Annotated[str, typer.Option(help="An ISO week, e.g. 2026-W46, or last.")] = "last",
    where: Where = None,
    tz: Tz = "UTC",
    static: Annotated[bool, typer.Option("--static", help="Without any script.")] = False,
    store: StorePath = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A folder, or a file that ends in .html.")
    ] = Path("reports"),
) -> None:
    """Write the week as one self-contained page: what changed, latency, cost, routing."""
    from logscope.report import write_report
    from logscope.selection import week_start

    opened = logs(store)
    monday = week_start(week, opened.store)
    path = write_report(opened.store, monday, tz, opened.config, output, static, where)
    typer.echo(f"Wrote {path}. Open it in a browser; it needs no network.")


@app.command(rich_help_panel=START)
def recommend(
    policy: Annotated[Path | None, typer.Option(help="A policy of its own, as TOML.")] = None,
    since: Since = None,
    until: Until = None,
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
    selection = opened.select([], since=since, until=until, where=where, tz=tz)
    chosen = load_policy(opened.config, policy)
    made, note = recommend_and_record(opened.store, selection, opened.config, chosen)
    write(made.text(), output)
    typer.echo(screens.recommend_screen(made), nl=False)
    if str(output) != "-":
        typer.echo(f"Wrote {output} ({made.config_id}). Next: logscope export --to litellm")
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
    """Run one SELECT over the store: requests, operations, sessions, streams, scores, files, rejects."""
    from logscope.sandbox import bound_process

    if (query is None) == (file is None):
        raise UsageError('Give one SELECT: logscope sql "SELECT ..." or -f FILE.')
    if file is not None:
        query = read_text(file)
    opened = logs(store)
    bound_process()
    answer(opened.sql(query or ""), format, output)


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
    from logscope.queries import find_query, list_queries

    if name is None:
        import polars as pl

        answer(pl.DataFrame(list_queries()), format, output)
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
    screen = None
    if name == "definitions":
        from logscope import screens

        screen = screens.definitions_screen(frame)
    answer(frame, format, output, screen)


@app.command(rich_help_panel=CLOSER)
def traffic(
    by: By = "model",
    since: Since = None,
    until: Until = None,
    week: Week = None,
    where: Where = None,
    tz: Tz = "UTC",
    load: Annotated[bool, typer.Option("--load", help="Against requests in flight.")] = False,
    slo: Annotated[bool, typer.Option("--slo", help="Goodput and error budgets of [slo].")] = False,
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

    views = {"load": load, "slo": slo, "regions": regions, "changes": changes}
    chosen = [name for name, wanted in views.items() if wanted]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} are two answers. Ask for one at a time.")
    if changes and (since or until):
        raise UsageError("--changes compares weeks: name one with --week instead of --since.")
    opened = logs(store)
    options = {"since": since, "until": until, "week": week, "where": where, "tz": tz}
    view = chosen[0] if chosen else "traffic"
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
    from logscope import screens

    opened = logs(store)
    if rejects:
        answer(opened.rejects(), format, output)
        return
    frame = opened.status()
    answer(frame, format, output, screens.status_screen(frame, opened.store))


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
    """The kinds of requests there are, by what is known before the answer."""
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
    from logscope.output import write as write_text
    from logscope.recommendation import find_recommendation
    from logscope.store import Store, find_store

    if write and base is None:
        raise UsageError("--write changes a configuration: name it with --base.")
    before = read_text(base) if base else None
    known = Store(find_store(store))
    made = find_recommendation(known if known.exists() else None, recommendation)
    exported = proxies.export(made, to, before)
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


def read_text(path: Path) -> str:
    """Read a text file of the user's, or say why not."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise UsageError(f"{path} cannot be read: {reason}. Name another file.") from error


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
    from logscope import screens
    from logscope.formats import find_formats

    known = find_formats(adapter or ())
    if name is None:
        frame = screens.formats_frame(known)
        answer(frame, format, output)
    elif name in known:
        typer.echo(screens.format_screen(known[name]), nl=False)
    else:
        typer.echo(screens.file_screen(name, known), nl=False)


@app.command(rich_help_panel=SET_UP)
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write the logs.")] = Path("demo-logs"),
    requests: Annotated[int, typer.Option(min=100, help="How many requests.")] = 1200,
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


def main() -> None:
    """Run the command line."""
    app(prog_name="logscope")
