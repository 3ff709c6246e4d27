"""One SELECT of a user's over the store, with nothing else in reach.

The text is parsed first: only SELECT, and no table function but harmless generators, so that no file
is read beside the live ones. It then runs inside `query(...)`, which refuses a COPY hidden in a CTE,
on a connection without temp directory, extensions or external access. Memory and time are bounded
here; the command line also bounds its process, because a single value may outgrow DuckDB's limit.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import duckdb

from logscope.door import create_macros
from logscope.errors import LogscopeError, UsageError
from logscope.queries import find_queries
from logscope.store import Store
from logscope.tables import fetch

if TYPE_CHECKING:
    import polars

GENERATORS = {"range", "generate_series", "unnest"}
MEMORY_LIMIT = "4GB"
MEMORY_BYTES = 8 << 30
TIMEOUT_S = 300.0


def run_sql(store: Store, text: str, timeout_s: float = TIMEOUT_S) -> polars.DataFrame:
    """Return the rows of one SELECT over the tables and views of the store.

    Raises UsageError for anything but a SELECT over them, LogscopeError past the time limit.
    """
    connection = store.connect(memory_limit=MEMORY_LIMIT)
    check_select(connection, text)
    create_macros(connection)
    lock_down(connection, store)
    timer = threading.Timer(timeout_s, connection.interrupt)
    timer.start()
    try:
        return fetch(connection, "select * from query($text)", {"text": text})
    except duckdb.InterruptException as error:
        raise LogscopeError(
            f"The query ran longer than {timeout_s:g} s and was stopped. Narrow it by day, or open "
            f"{store.path}/logscope.duckdb with DuckDB."
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise LogscopeError(
            f"The query needs more than {MEMORY_LIMIT} of memory. Narrow it by day or columns."
        ) from error
    except duckdb.Error as error:
        raise UsageError(explain(error)) from error
    finally:
        timer.cancel()
        connection.close()


def explain(error: duckdb.Error) -> str:
    """Return DuckDB's message as one line: what, and what it proposes."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("LINE ", "^"))]
    return " ".join(told[:3])


def check_select(connection: Any, text: str) -> None:
    """Raise UsageError unless `text` is one SELECT over tables, views and generators."""
    tree = json.loads(
        connection.execute("select json_serialize_sql($text)", {"text": text}).fetchone()[0]
    )
    if tree.get("error"):
        message = str(tree.get("error_message", "it cannot be parsed"))
        if "Only SELECT" in message:
            message = "only a SELECT may run here"
        raise UsageError(
            f"This SQL is refused: {message}. Write one SELECT over the store's views."
        )
    if len(tree["statements"]) != 1:
        raise UsageError("This SQL is refused: one SELECT at a time.")
    macros = set(find_queries())
    for name in table_functions(tree):
        if name not in GENERATORS | macros:
            raise UsageError(
                f"This SQL is refused: {name}() may reach outside the store. Read the views (requests, "
                "operations, sessions, streams, scores, files, rejects); other files go in by `ingest`."
            )


def table_functions(node: Any) -> list[str]:
    """Return the names of all table functions in a serialised syntax tree."""
    names: list[str] = []
    if isinstance(node, dict):
        if node.get("type") == "TABLE_FUNCTION":
            names.append(str(node["function"]["function_name"]).lower())
        for value in node.values():
            names += table_functions(value)
    elif isinstance(node, list):
        for value in node:
            names += table_functions(value)
    return names


def lock_down(connection: Any, store: Store) -> None:
    """Leave the connection the live files and nothing else; settings cannot be changed back."""
    live = [file.path for table in store.snapshot.tables for file in store.files(table)]
    connection.execute("set temp_directory = ''")
    connection.execute("set allowed_paths = $paths", {"paths": live})
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def bound_process() -> None:
    """Bound the memory of this process: one huge value is outside DuckDB's own limit."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY or soft > MEMORY_BYTES:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, hard))
