"""A store made from rows instead of logs, for tests of what is read from a store."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from logscope.delta import Change
from logscope.store import Store
from logscope.tables import new_connection, table_columns


def make_store(path: Path, requests: str, scores: str = "", setup: str = "") -> Store:
    """Return a store whose tables hold the rows of two queries; columns left out are NULL.

    `requests` needs request_id, model and started_at; `setup` is SQL that runs before.
    """
    store = Store.create(path)
    changes = {}
    with closing(new_connection()) as connection:
        if setup:
            connection.execute(setup)
        for table, query in {"requests": requests, "scores": scores}.items():
            if query:
                rows = whole_rows(connection, table, query)
                changes[table] = Change(adds=store.write_parquet(connection, table, rows))
    return store.commit(changes, {})


def whole_rows(connection: Any, table: str, query: str) -> str:
    """Return the query with all columns of a table."""
    given = {row[0] for row in connection.execute(f"describe {query}").fetchall()}
    derived = (
        {"day": "started_at::date", "operation_id": "request_id"} if table == "requests" else {}
    )
    columns = [
        f"{name}::{kind} as {name}"
        if name in given
        else f"{derived.get(name, 'null')}::{kind} as {name}"
        for name, kind in table_columns()[table].items()
    ]
    return f"select {', '.join(columns)} from ({query})"
