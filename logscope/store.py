"""The store: a directory of Delta tables, and connections that see one state of it.

Writers stage Parquet files with DuckDB and make them count through the Delta log; readers get a
DuckDB connection whose views list the live files, so that queries run at plain Parquet speed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from logscope.config import identifier, quote
from logscope.errors import StoreError

if TYPE_CHECKING:
    import polars

    from logscope.delta import Change, LiveFile, Snapshot

FOLDER_NAME = "logscope-store"
CATALOG = "logscope.duckdb"
LOCK = ".lock"
SCRATCH = ".scratch"
TABLES_SQL = Path(__file__).with_name("tables.sql")
VIEWS_SQL = Path(__file__).with_name("views.sql")

# How other clients see requests grouped in the named queries.
DOOR_GROUPS = {name: name for name in ("model", "region", "task")}

# Bounded on purpose: a partitioned write otherwise takes several GB (DuckDB 2.0).
MEMORY_LIMIT = "2GB"


def find_store(path: Path | None = None) -> Path:
    """Return the store to use: `path`, LOGSCOPE_STORE, or the nearest logscope-store/ upward."""
    if path is not None:
        return path
    if os.environ.get("LOGSCOPE_STORE"):
        return Path(os.environ["LOGSCOPE_STORE"])
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FOLDER_NAME).is_dir():
            return folder / FOLDER_NAME
    return here / FOLDER_NAME


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
    connection.execute("set TimeZone = 'UTC'")
    return connection


@cache
def table_columns() -> dict[str, dict[str, str]]:
    """Return the columns of every table with their SQL types, from tables.sql."""
    with duckdb.connect() as connection:
        connection.execute(TABLES_SQL.read_text(encoding="utf-8"))
        rows = connection.execute(
            "select table_name, column_name, data_type from duckdb_columns() "
            "where not internal order by table_oid, column_index"
        ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        tables.setdefault(table, {})[column] = kind
    return tables


class Store:
    """One store on disk. Opening it reads nothing; `Store.create` makes an empty one."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    @classmethod
    def open(cls, path: Path) -> Store:
        """Return an existing store, or raise StoreError with the remedy."""
        store = cls(path)
        if not store.exists():
            what = "is no logscope store" if path.exists() else "does not exist"
            raise StoreError(
                f"{path} {what}. Make one with `logscope ingest FOLDER`, or name one with --store."
            )
        return store

    @classmethod
    def create(cls, path: Path) -> Store:
        """Return the store at `path`, making an empty one where there is none."""
        from logscope import delta

        store = cls(path)
        if store.exists():
            return store
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise StoreError(
                f"{path} exists and is no logscope store. Choose another place with --store."
            )
        try:
            store.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path} cannot be made: {error.strerror}. Choose another.") from error
        with duckdb.connect() as connection:
            connection.execute(TABLES_SQL.read_text(encoding="utf-8"))
            schemas = {
                name: connection.sql(f"select * from {name}").to_arrow_table().schema
                for name in table_columns()
            }
        # The ledger last: a store is there when its ledger is.
        ledger = {delta.LEDGER: schemas.pop(delta.LEDGER)}
        delta.create_tables(store.path, {**schemas, **ledger})
        return store

    def exists(self) -> bool:
        return (self.path / "files" / "_delta_log").is_dir()

    @cached_property
    def snapshot(self) -> Snapshot:
        """The state of the store that this object sees; read once."""
        from logscope import delta

        return delta.read_snapshot(self.path, list(table_columns()))

    @cached_property
    def _live(self) -> dict[str, list[LiveFile]]:
        """The live files of the tables asked for so far; those of a snapshot never change."""
        return {}

    def refreshed(self) -> Store:
        """Return the same store as it is now."""
        now = Store(self.path)
        now.remember(self)
        return now

    def remember(self, earlier: Store) -> None:
        """Take over what another object read of the tables that are still at the same version."""
        for table, files in earlier._live.items():
            if self.snapshot.tables[table] == earlier.snapshot.tables[table]:
                self._live[table] = files

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """Hold the only writer's place and give the store as it is at that moment."""
        import filelock

        try:
            with filelock.FileLock(self.path / LOCK, timeout=600):
                yield self.refreshed()
        except filelock.Timeout as error:
            raise StoreError(
                f"{self.path} is in use by another writer. Try again later."
            ) from error
        except PermissionError as error:
            raise StoreError(
                f"{self.path} is read-only for you. Copy it or change --store."
            ) from error

    def files(
        self, table: str, since: date | None = None, until: date | None = None
    ) -> list[LiveFile]:
        """Return the live Parquet files of a table, cut to the days asked for (both included)."""
        from logscope import delta

        if table not in self._live:
            version = self.snapshot.tables[table]
            self._live[table] = delta.live_files(self.path, table, version)
        return [
            file
            for file in self._live[table]
            if file.day is None
            or (
                (since is None or file.day >= since.isoformat())
                and (until is None or file.day <= until.isoformat())
            )
        ]

    def days(self) -> list[date]:
        """Return the UTC days that have requests, in order."""
        return sorted({date.fromisoformat(file.day) for file in self.files("requests") if file.day})

    def connect(
        self, since: date | None = None, until: date | None = None, memory_limit: str | None = None
    ) -> Any:
        """Return a DuckDB connection with all tables and views over the days asked for.

        One day before `since` is included, because requests in flight and operations reach over
        midnight; a selection cuts the rows themselves.
        """
        connection = new_connection(memory_limit)
        earlier = since - timedelta(days=1) if since else None
        self.create_views(connection, earlier, until)
        return connection

    def create_views(
        self, connection: Any, since: date | None = None, until: date | None = None
    ) -> None:
        """Create the tables as views over their live files, then the views upon them."""
        for table in table_columns():
            name = "stored_requests" if table == "requests" else table
            files = self.files(table, since, until)
            connection.execute(f"create view {name} as {scan_sql(table, files)}")
        connection.execute(VIEWS_SQL.read_text(encoding="utf-8"))

    def write_parquet(self, connection: Any, table: str, query: str) -> list[LiveFile]:
        """Write a query's rows as Parquet files of a table; they count only after a commit."""
        folder = self.path / table
        columns = ", ".join(table_columns()[table])
        connection.execute(f"create or replace table outgoing as select {columns} from ({query})")
        days: list[date | None] = [None]
        if "day" in table_columns()[table]:
            rows = connection.execute("select distinct day from outgoing order by day").fetchall()
            days = [row[0] for row in rows]
        # One file per day, two at a time: less than half the work of a partitioned COPY (DuckDB 2.0),
        # and its memory does not grow with the days.
        with ThreadPoolExecutor(2) as writers:
            written = list(writers.map(lambda day: write_file(connection, folder, day), days))
        connection.execute("drop table outgoing")
        return sorted((file for file in written if file), key=lambda file: file.path)

    def commit(self, changes: Mapping[str, Change], stamps: Mapping[str, str]) -> Store:
        """Make the changes count at once, replace the door for other clients, and return the result."""
        from logscope import delta

        snapshot = delta.commit(self.path, self.snapshot, changes, stamps)
        after = Store(self.path)
        after.__dict__["snapshot"] = snapshot
        after.remember(self)
        after.write_catalog([*changes, "files"])
        return after

    def write_catalog(self, changed: Iterable[str]) -> None:
        """Replace logscope.duckdb: views over the live files for any DuckDB from 1.4 on, no data.

        Most of it stays the same from commit to commit: of a door made by the same SQL only the
        views of the `changed` tables are made anew.
        """
        old, new = self.path / CATALOG, self.path / f"{CATALOG}.{os.getpid()}"
        new.unlink(missing_ok=True)
        with new_connection() as connection:
            if old.is_file():
                shutil.copyfile(old, new)
                connection.execute(f"attach {quote(str(new))} as door")
                connection.execute("use door")
            stamp, version = door_of(connection)
            if stamp == door_stamp():
                # After a kill between the commit and the door, the door lags behind.
                next_to = version == self.snapshot.version - 1
                self.replace_views(connection, changed if next_to else table_columns())
            else:
                if old.is_file():
                    connection.execute("use memory; detach door")
                    new.unlink()
                connection.execute(f"attach {quote(str(new))} as door (storage_version 'v1.2.0')")
                connection.execute("use door")
                self.create_views(connection)
                comment(connection, table_columns())
                create_macros(connection)
                connection.execute(f"create macro door_stamp() as {quote(door_stamp())}")
            connection.execute(f"create or replace macro door_version() as {self.snapshot.version}")
            connection.execute("use memory; detach door")
        new.replace(old)

    def replace_views(self, connection: Any, changed: Iterable[str]) -> None:
        """Point the views of some tables to their live files of now."""
        for table in changed:
            name = "stored_requests" if table == "requests" else table
            sql = scan_sql(table, self.files(table))
            connection.execute(f"create or replace view {name} as {sql}")
        # The comments of requests lie on the view upon them, which stays.
        comment(connection, [table for table in changed if table != "requests"])


def comment(connection: Any, tables: Iterable[str]) -> None:
    """Put the comments of tables.sql on the views of the same names."""
    text = TABLES_SQL.read_text(encoding="utf-8")
    for table in tables:
        for statement in re.findall(
            rf"^comment on (?:table {table}|column {table}\.\w+) is .*?;$", text, re.MULTILINE
        ):
            connection.execute(statement.replace("comment on table", "comment on view", 1))


@cache
def door_stamp() -> str:
    """Return a hash of all SQL that makes the door."""
    from logscope.queries import find_queries, shipped_folder

    queries = find_queries(shipped_folder()).values()
    parts = [TABLES_SQL, VIEWS_SQL, Path(__file__), *(query.path for query in queries)]
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


def write_file(connection: Any, folder: Path, day: date | None) -> LiveFile | None:
    """Write the rows of `outgoing` (of one day, if given) as one Parquet file, None without rows."""
    from logscope.delta import LiveFile

    target = folder if day is None else folder / f"day={day}"
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"part-{uuid.uuid4()}.parquet"
    rows = (
        "outgoing" if day is None else f"(select * exclude (day) from outgoing where day = '{day}')"
    )
    with connection.cursor() as own:
        count = own.execute(
            f"copy {rows} to {quote(str(path))} (format parquet, compression zstd)"
        ).fetchone()[0]
    if not count:
        path.unlink()
        return None
    return LiveFile(str(path), str(day) if day else None, int(count), path.stat().st_size)


def create_macros(connection: Any) -> None:
    """Create the named queries as table macros, grouped by model, region and task."""
    from logscope.queries import find_queries, shipped_folder

    create_selection(connection, DOOR_GROUPS, "true")
    for query in find_queries(shipped_folder()).values():
        if "params" not in query.keys:
            sql = query.sql.strip().rstrip(";")
            if "group_key" in sql:
                sql = f"select * exclude (group_key) from groups join ({sql}) using (group_key)"
            connection.execute(f"create macro {identifier(query.name)}() as table {sql}")


def create_selection(connection: Any, columns: Mapping[str, str], condition: str) -> None:
    """Create the views `selection` (requests with their `group_key`) and `groups` (what it stands for).

    The key is an integer, because grouping by it is several times faster than by names.
    """
    key = f"hash({', '.join(columns.values())})" if columns else "0::ubigint"
    connection.execute(
        f"create view selection as select *, {key} as group_key from requests where {condition}"
    )
    names = "".join(f", {sql} as {identifier(name)}" for name, sql in columns.items())
    connection.execute(f"create view groups as select distinct group_key{names} from selection")


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


def fetch(connection: Any, query: str, params: Mapping[str, Any] | None = None) -> polars.DataFrame:
    """Return a query's rows as a polars frame: the one way out of DuckDB.

    By way of an Arrow table, because DuckDB 2.0 complains at exit of relations that polars read.
    """
    import polars as pl

    frame = pl.from_arrow(connection.sql(query, params=params or None).to_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame
