"""Measures: named queries over a selection, and the percentiles of latency with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from logscope.config import identifier
from logscope.errors import NoDataError, UsageError, did_you_mean
from logscope.gaps import CHUNKS
from logscope.queries import SqlFile, find_query
from logscope.selection import CLUSTER, Selection
from logscope.store import Store
from logscope.tables import fetch

if TYPE_CHECKING:
    import polars

    from logscope.histogram import Histogram

MEASURES = ("ttft", "duration", "tpot")
LIKE = ("aiperf", "vllm", "guidellm", "otel")


def run_query(
    store: Store, name: str, selection: Selection, params: Mapping[str, Any]
) -> polars.DataFrame:
    """Return the rows of a named query over a selection.

    A query with the column `group_key` gets the columns of --by in its place. Raises UsageError for
    an unknown query or parameter.
    """
    query = find_query(name)
    bound = bind(query, params)
    with closing(selection.connect(store)) as connection:
        if any(name in query.sql for name in CHUNKS):
            from logscope.pools import make_tables

            make_tables(connection, store, selection, query.sql)
        answer = frame(connection, query, bound, selection)
        # What has groups has requests.
        if "selection" in query.sql and not ("group_key" in query.sql and answer.height):
            require_rows(connection, store)
        return answer


def require_rows(connection: Any, store: Store) -> None:
    """Raise NoDataError if the selection is empty, with what the store has."""
    if connection.execute("select exists(select 1 from selection)").fetchall()[0][0]:
        return
    days = store.days()
    held = f"It holds {days[0]} to {days[-1]}." if days else "It is empty."
    raise NoDataError(
        f"No request in the store matches. {held} Widen --since, --until, --week or --where."
    )


def bind(query: SqlFile, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a query: what was given over the defaults of its header."""
    declared = query.params
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise UsageError(
            f"The query {query.name} has no parameter {unknown[0]!r}."
            f"{did_you_mean(unknown[0], declared) if declared else ' It has none.'}"
        )
    return {**declared, **given}


def frame(
    connection: Any, query: SqlFile, params: Mapping[str, Any], selection: Selection
) -> polars.DataFrame:
    """Run a query on a connection that has the views of a selection."""
    import duckdb

    sql = query.sql.strip().rstrip(";")
    try:
        given = [row[0] for row in connection.execute(f"describe {sql}", params or None).fetchall()]
        if "group_key" in given:
            if twice := sorted(set(selection.by) & set(given)):
                raise UsageError(
                    f"--by {twice[0]}: the answer itself has a column of that name. Group by another, "
                    f"or write the SQL: logscope sql; see logscope query {query.name} --sql."
                )
            rest = ", ".join(f"answer.{identifier(name)}" for name in given if name != "group_key")
            sql = (
                f"select {listed(selection.by)}{rest} from ({sql}) as answer join groups using (group_key) "
                f"order by {order(query, given, selection.by)}"
            )
        return fetch(connection, sql, params)
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{query.path}: {reason}") from error


def listed(by: Sequence[str]) -> str:
    """Return the columns of --by for a SELECT, each with a comma after it."""
    return "".join(f"groups.{identifier(name)}, " for name in by)


def order(query: SqlFile, columns: list[str], by: Sequence[str]) -> str:
    """Return the order of an answer: the largest groups first, or as the header's `order` says.

    A query with several rows per group names in `order` the columns that tell them apart; then the
    rows of a group stay together.
    """
    within = [name.strip() for name in query.keys.get("order", "").split(",") if name.strip()]
    sizes = [name for name in ("n", "requests") if name in columns and not within]
    terms = [
        *(f"answer.{name} desc" for name in sizes[:1]),
        *(f"groups.{identifier(name)}" for name in by),
        *(f"answer.{identifier(name)}" for name in within),
    ]
    return ", ".join(terms) or "1"


def latency(store: Store, selection: Selection) -> polars.DataFrame:
    """Return latency per group of a selection; see `latency_with_histogram`."""
    return latency_with_histogram(store, selection)[0]


def latency_like(store: Store, selection: Selection, tool: str) -> polars.DataFrame:
    """Return latency as another tool defines it, under that tool's names.

    `tool` is one of LIKE. One row per group and metric: those of --by, then metric, unit, n, avg,
    std, min, p50, p90, p95, p99, max. Raises UsageError for another tool.
    """
    if tool not in LIKE:
        raise UsageError(f"--like {tool!r} is not known.{did_you_mean(tool, LIKE)}")
    return run_query(store, f"like_{tool}", selection, {})


def latency_with_histogram(
    store: Store, selection: Selection
) -> tuple[polars.DataFrame, Histogram | None]:
    """Return latency per group of a selection, the largest group first.

    Columns: those of --by, then n, n_ok, and for each of ttft, duration and tpot: `<m>_n`,
    `<m>_p50_ms`, `<m>_p95_ms`, `<m>_p99_ms`, each with `_low_ms` and `_high_ms` (95 % interval),
    all in ms; NULL where withheld (p95 under 60 requests, p99 under 300) or not logged. Last
    `interval_basis`: by what the requests were clustered. Beside it the histogram of the first
    token; None if none was logged.
    """
    import polars as pl

    from logscope.histogram import histogram
    from logscope.intervals import LEVELS, percentiles

    query = find_query("requests")
    with closing(selection.connect(store)) as connection:
        wide = fetch(
            connection,
            f"select answer.group_key, {listed(selection.by)}n, n_ok from ({query.sql}) as answer "
            f"join groups using (group_key) order by {order(query, ['n'], selection.by)}",
        )
        if not wide.height:
            require_rows(connection, store)
        rows = fetch(
            connection,
            f"select group_key, {CLUSTER} as session, day, "
            f"{', '.join(f'{name}_ms as {name}' for name in MEASURES)} "
            "from selection where status = 'ok'",
        )
    bars = histogram(rows, wide, selection.by)
    long = percentiles(rows, MEASURES)
    for measure in MEASURES:
        part = long.filter(pl.col("measure") == measure)
        wide = wide.join(
            part.group_by("group_key").agg(pl.col("n").first().alias(f"{measure}_n")),
            on="group_key",
            how="left",
            maintain_order="left",
        )
        for level in LEVELS:
            name = f"{measure}_p{round(level * 100)}"
            at = part.filter(pl.col("level") == level).select(
                "group_key",
                pl.col("value").alias(f"{name}_ms"),
                pl.col("low").alias(f"{name}_low_ms"),
                pl.col("high").alias(f"{name}_high_ms"),
            )
            wide = wide.join(at, on="group_key", how="left", maintain_order="left")
    basis = long.group_by("group_key").agg(pl.col("interval_basis").drop_nulls().first())
    wide = wide.join(basis, on="group_key", how="left", maintain_order="left")
    wide = wide.with_columns(pl.col(f"{measure}_n").fill_null(0) for measure in MEASURES)
    return wide.drop("group_key"), bars
