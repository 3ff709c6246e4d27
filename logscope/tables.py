"""Tables: what SQL knows of a store. Their columns, connections to see them with, and rows out.

The tables are declared in tables.sql; here stands how their files become relations of DuckDB.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from logscope.config import identifier, quote

if TYPE_CHECKING:
    import polars

    from logscope.delta import LiveFile

TABLES_SQL = Path(__file__).with_name("tables.sql")
VIEWS_SQL = Path(__file__).with_name("views.sql")
# Types that a frame, JSON or CSV has no place for, alone or inside of others.
AS_TEXT = re.compile(r"\b(?:INTERVAL|UNION|BIT|BLOB|BIGNUM|VARIANT|TIME(?! ZONE))\b")


def new_connection(memory_limit: str | None = None, scratch: Path | None = None) -> Any:
    """Return an in-memory DuckDB connection in UTC that fetches nothing from the network."""
    settings: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if memory_limit:
        settings["memory_limit"] = memory_limit
    if scratch:
        settings["temp_directory"] = str(scratch)
    connection = duckdb.connect(config=settings)
    # Of all its cursors, too.
    connection.execute("set global TimeZone = 'UTC'")
    return connection


def declared(path: Path) -> str:
    """Return what a file creates, without the comments: there are hundreds of them."""
    text = path.read_text(encoding="utf-8")
    return "".join(re.findall(r"^create .*?;$", text, re.MULTILINE | re.DOTALL))


@cache
def table_columns() -> dict[str, dict[str, str]]:
    """Return the columns of every table with their SQL types, as tables.sql spells them.

    Its text is enough: DuckDB would need longer to tell than many a question to answer.
    """
    text = TABLES_SQL.read_text(encoding="utf-8")
    tables: dict[str, dict[str, str]] = {}
    for table, columns, like in re.findall(
        r"^create table (\w+) (?:\((.*?)^\)|as select \* from (\w+));$",
        text,
        re.MULTILINE | re.DOTALL,
    ):
        tables[table] = (
            tables[like]
            if like
            else dict(re.findall(r"^    (\w+) (.*?),?$", columns, re.MULTILINE))
        )
    return tables


def view_name(table: str) -> str:
    """Return the view over the files of a table; upon that of the requests lies another one."""
    return "stored_requests" if table == "requests" else table


def create_views(connection: Any, scans: Mapping[str, str]) -> None:
    """Create the tables as views (`scans`: the SELECT of each), then the views upon them."""
    for table, sql in scans.items():
        connection.execute(f"create view {view_name(table)} as {sql}")
    connection.execute(declared(VIEWS_SQL))


def create_selection(
    connection: Any,
    columns: Mapping[str, str],
    condition: str,
    source: str = "requests",
    as_text: Collection[str] = (),
    names_in: str | None = None,
    kind: str = "view",
) -> None:
    """Create the views `selection` (requests with their `group_key`) and `groups` (what it stands for).

    The key is an integer, because grouping by it is several times faster than by names. Of `columns`
    those in `as_text` are shown as text, whatever they are in `source`. `names_in` is a relation with
    all that occurs in them, if there is one that is smaller than the selection.
    """
    key = f"hash({', '.join(columns.values())})" if columns else "0::ubigint"
    connection.execute(
        f"create {kind} selection as select *, {key} as group_key from {source} where {condition}"
    )
    names = "".join(f", {sql} as {identifier(name)}" for name, sql in columns.items())
    shown = "".join(
        f", {identifier(name)}{'::varchar' if name in as_text else ''} as {identifier(name)}"
        for name in columns
    )
    connection.execute(
        f"create {kind} groups as select group_key{shown} "
        f"from (select distinct {key} as group_key{names} from {names_in or 'selection'})"
    )


def scan_sql(table: str, files: Sequence[LiveFile], origin: bool = False) -> str:
    """Return the SELECT that reads a table's live files, or its empty shape.

    With `origin` each row also tells its Parquet file in the column `filename`.
    """
    columns = table_columns()[table]
    if not files:
        shape = columns | ({"filename": "varchar"} if origin else {})
        empty = ", ".join(f"null::{kind} as {name}" for name, kind in shape.items())
        return f"select {empty} where false"
    listed = ", ".join(quote(file.path) for file in files)
    hive = ", hive_partitioning = true, hive_types = {day: date}" if "day" in columns else ""
    names = ", ".join([*columns, "filename"] if origin else columns)
    return f"select {names} from read_parquet([{listed}], filename = {str(origin).lower()}{hive})"


def fill(connection: Any, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows into a table, all at once: a statement for each would take longer by far."""
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        marks = ", ".join("unnest(?)" for _ in columns)
        connection.execute(f"insert into {table} select {marks}", columns)


def fetch(connection: Any, query: str, params: Mapping[str, Any] | None = None) -> polars.DataFrame:
    """Return a query's rows as a polars frame: the one way out of DuckDB.

    By way of an Arrow table, because DuckDB 2.0 complains at exit of relations that polars read.
    What a frame has no type for comes as text.
    """
    import polars as pl

    rows = connection.sql(query, params=params or None)
    if any(AS_TEXT.search(str(kind)) for kind in rows.types):
        rows = rows.project(
            ", ".join(
                f"{identifier(name)}{'::varchar' if AS_TEXT.search(str(kind)) else ''} "
                f"as {identifier(name)}"
                for name, kind in zip(rows.columns, rows.types, strict=True)
            )
        )
    frame = pl.from_arrow(rows.to_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    for name, kind in zip(frame.columns, rows.types, strict=True):
        if str(kind) == "HUGEINT":
            # What a sum of integers is; a frame takes it for a decimal. Mostly an integer holds it.
            narrow = frame[name].cast(pl.Int64, strict=False)
            if narrow.null_count() == frame[name].null_count():
                frame = frame.with_columns(narrow)
    return frame
