"""One SELECT of a user's over the store, with nothing else in reach.

The text is parsed first: only SELECT, and no table function but harmless generators, so that no file
is read beside the live ones. It then runs inside `query(...)`, which refuses a COPY hidden in a CTE,
on a connection without temp directory, extensions or external access. Memory and time are bounded
here; the command line also bounds its process, because a single value may outgrow DuckDB's limit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from logscope.door import create_macros
from logscope.errors import UsageError
from logscope.safe_sql import check_select
from logscope.store import Store
from logscope.tables import fetch

if TYPE_CHECKING:
    import polars

MEMORY_LIMIT = "4GB"
MEMORY_BYTES = 8 << 30
TIMEOUT_S = 300.0


def run_sql(store: Store, text: str, timeout_s: float = TIMEOUT_S) -> polars.DataFrame:
    """Return the rows of one SELECT over the tables and views of the store.

    Raises UsageError for anything but a SELECT over them, and past the limits of time and memory.
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
        raise UsageError(
            f"The query ran longer than {timeout_s:g} s and was stopped. Narrow it by day, or open "
            f"{store.path}/logscope.duckdb with DuckDB."
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise UsageError(
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


def lock_down(connection: Any, store: Store) -> None:
    """Leave the connection the live files and nothing else; settings cannot be changed back."""
    live = [file.path for table in store.snapshot.tables for file in store.files(table)]
    connection.execute("set temp_directory = ''")
    connection.execute("set allowed_paths = $paths", {"paths": live})
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


@contextmanager
def bounded_process() -> Iterator[None]:
    """Bound what this process takes meanwhile: one huge value is outside DuckDB's own limit."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:  # elsewhere than on Linux the limit does not count what is reserved
        pages = 0
    most = pages * resource.getpagesize() + MEMORY_BYTES
    if soft != resource.RLIM_INFINITY:
        most = min(soft, most)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
