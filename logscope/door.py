"""The door: one small DuckDB file through which any other client sees the store.

It holds no data: the tables as views over the live files, their comments, and the named queries as
table macros. Each commit replaces it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from logscope import gaps, tables
from logscope.config import identifier, quote
from logscope.queries import find_queries, shipped_folder
from logscope.tables import (
    TABLES_SQL,
    VIEWS_SQL,
    create_selection,
    create_views,
    new_connection,
    view_name,
)

CATALOG = "logscope.duckdb"
COMMENT = re.compile(r"^(comment on (?:table|view|column) (\w+)(?:\.\w+)? is .*?;)$", re.MULTILINE)
# How other clients see requests grouped in the named queries.
GROUPS = {name: name for name in ("model", "region", "task")}


def prepare_door(
    root: Path, version: int, scans: Mapping[str, str], changed: Iterable[str]
) -> Path:
    """Write a door that shows a version of the store beside the one there is; `show` puts it in place.

    DuckDB from 1.4 opens it. `scans` are the SELECTs over the live files by table. Most of it stays
    the same from commit to commit: of a door made by the same SQL only the views of the `changed`
    tables are made anew.
    """
    old, new = root / CATALOG, root / f"{CATALOG}.{os.getpid()}"
    # The caller holds the writer's place: these are of writers that were killed.
    for left in root.glob(f"{CATALOG}.*"):
        left.unlink()
    with new_connection() as connection:
        if old.is_file():
            shutil.copyfile(old, new)
            connection.execute(f"attach {quote(str(new))} as door")
            connection.execute("use door")
        stamp, shown = door_of(connection)
        if stamp == door_stamp():
            connection.execute("begin")
            # After a kill between the commit and the door, the door lags behind.
            stale = set(changed) if shown == version - 1 else set(scans)
            replace_views(connection, {name: scans[name] for name in scans if name in stale})
        else:
            if old.is_file():
                connection.execute("use memory; detach door")
                new.unlink()
            connection.execute(f"attach {quote(str(new))} as door (storage_version 'v1.2.0')")
            connection.execute("use door")
            # One transaction: each of several hundred statements would wait for the disk.
            connection.execute("begin")
            create_views(connection, scans)
            create_macros(connection)
            comment(connection, shown_views(connection))
            connection.execute(f"create macro door_stamp() as {quote(door_stamp())}")
        connection.execute(f"create or replace macro door_version() as {version}")
        connection.execute("commit; use memory; detach door")
    return new


def is_shown(root: Path, version: int) -> bool:
    """Return whether logscope.duckdb shows a version of the store, as the SQL of now makes it."""
    door = root / CATALOG
    if not door.is_file() or any(root.glob(f"{CATALOG}.*")):
        return False
    with new_connection() as connection:
        try:
            connection.execute(f"attach {quote(str(door))} as door (read_only)")
        except duckdb.Error:
            return False
        return door_of(connection) == (door_stamp(), version)


def show(root: Path, door: Path) -> None:
    """Put a door that was prepared in place of logscope.duckdb."""
    door.replace(root / CATALOG)


def replace_views(connection: Any, scans: Mapping[str, str]) -> None:
    """Point the views of some tables to their live files of now."""
    for table, sql in scans.items():
        connection.execute(f"create or replace view {view_name(table)} as {sql}")
    comment(connection, map(view_name, scans))


def comment(connection: Any, names: Iterable[str]) -> None:
    """Put the comments of tables.sql and views.sql on the views of these names."""
    shown = set(names)
    for path in (TABLES_SQL, VIEWS_SQL):
        for statement, name in COMMENT.findall(path.read_text(encoding="utf-8")):
            if name in shown:
                connection.execute(statement.replace("comment on table", "comment on view", 1))


@cache
def door_stamp() -> str:
    """Return a hash of all that makes the door."""
    queries = find_queries(shipped_folder()).values()
    code = Path(__file__), Path(tables.__file__), Path(gaps.__file__)
    parts = [TABLES_SQL, VIEWS_SQL, *code, *(query.path for query in queries)]
    digest = hashlib.sha256(duckdb.__version__.encode())
    for path in parts:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def door_of(connection: Any) -> tuple[str | None, int | None]:
    """Return the stamp of the attached door and the store version it shows, None without a door."""
    try:
        row = connection.execute(
            "select door.main.door_stamp(), door.main.door_version()"
        ).fetchone()
    except duckdb.Error:
        return None, None
    return str(row[0]), int(row[1])


def create_macros(connection: Any) -> None:
    """Create the named queries as table macros, grouped by model, region and task.

    A macro is bound when it is made. For that empty tables stand in for the views, which have
    windows and joins behind them: a quarter of the time.
    """
    create_selection(connection, GROUPS, "true")
    for name in gaps.CHUNKS:
        connection.execute(f"create view {name} as {gaps.as_view(name)}")
    stand_ins = connection.execute(
        "select table_name, list(format('\"{}\" {}', column_name, data_type) order by column_index) "
        "from duckdb_columns() where not internal and database_name = current_database() "
        "group by table_name order by table_name"
    ).fetchall()
    for name, columns in stand_ins:
        connection.execute(f"create temp table {name} ({', '.join(columns)})")
    for query in find_queries(shipped_folder()).values():
        sql = query.sql.strip().rstrip(";")
        for name in query.params:
            sql = sql.replace(f"${name}", name)
        if "group_key" in sql:
            sql = f"select * exclude (group_key) from groups join ({sql}) using (group_key)"
        params = ", ".join(f"{name} := {quote(value)}" for name, value in query.params.items())
        connection.execute(f"create macro {identifier(query.name)}({params}) as table {sql}")
    for name, _ in stand_ins:
        connection.execute(f"drop table temp.{name}")


def shown_views(connection: Any) -> list[str]:
    """Return the names of the door's views."""
    return [
        row[0]
        for row in connection.execute(
            "select view_name from duckdb_views() "
            "where not internal and database_name = current_database() order by 1"
        ).fetchall()
    ]
