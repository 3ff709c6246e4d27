"""The store: a directory of Delta tables, and connections that see one state of it.

Writers stage Parquet files with DuckDB and make them count through the Delta log; readers get a
DuckDB connection whose views list the live files, so that queries run at plain Parquet speed.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Hashable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logscope.config import quote
from logscope.door import is_shown, prepare_door, show
from logscope.errors import StoreError
from logscope.tables import create_views, new_connection, scan_sql, table_columns

if TYPE_CHECKING:
    from logscope.delta import Change, LiveFile, Snapshot

LOCK = ".lock"
SCRATCH = ".scratch"

# Up to so many days a query runs once for each of them (logs lie in order of time, so most of the
# rest is skipped unread); for more its rows are kept in a table first.
DAYS_IN_PLACE = 8

# Bounded on purpose; under 1 GB DuckDB 2.0 writes with a single thread.
MEMORY_LIMIT = "2GB"
# DuckDB's would be 122,880 rows. A reader holds a whole group of long lists: of 100 chunks each that
# is 100 MB for each of its threads. Several groups of requests are written at once.
ROW_GROUPS = {"streams": 20_480, "requests": 40_960}


class Store:
    """One store on disk. Opening it reads nothing; `Store.create` makes an empty one."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._uncommitted: list[Path] = []

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
        # The ledger last: a store is there when its ledger is.
        tables = dict(table_columns())
        ledger = {delta.LEDGER: tables.pop(delta.LEDGER)}
        delta.create_tables(store.path, tables | ledger)
        return store

    @classmethod
    @contextmanager
    def making(cls, path: Path) -> Iterator[Store]:
        """Give the store at `path` as `create` does; one made for work that fails is gone afterwards."""
        is_new = not path.exists()
        store = cls.create(path)
        try:
            yield store
        except BaseException:
            if is_new:
                store.discard()
            raise

    def discard(self) -> None:
        """Remove the store if nothing was ever committed to it and nobody is at work in it."""
        with self.writing() as now:
            if now.snapshot.version == 0 and not any((self.path / SCRATCH).glob("*")):
                shutil.rmtree(self.path, ignore_errors=True)

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

    @cached_property
    def _open(self) -> dict[tuple[date | None, date | None], Any]:
        """The connections kept open, by their days."""
        return {}

    @cached_property
    def answers(self) -> dict[Hashable, Any]:
        """What several questions need and was found already: a snapshot's answers never change."""
        return {}

    def refreshed(self) -> Store:
        """Return the same store as it is now."""
        now = Store(self.path)
        now._uncommitted = self._uncommitted
        now.remember(self)
        return now

    def showing(self, files: Mapping[str, list[LiveFile]]) -> Store:
        """Return the same store with other files in some tables, for writing upon them."""
        other = self.refreshed()
        other._live.update(files)
        return other

    def remember(self, earlier: Store) -> None:
        """Take over what another object read of the tables that are still at the same version."""
        for table, files in earlier._live.items():
            if self.snapshot.tables[table] == earlier.snapshot.tables[table]:
                self._live[table] = files

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """Hold the only writer's place and give the store as it is at that moment.

        Files written meanwhile that no commit made count are gone afterwards.
        """
        with self._held(self.path / LOCK, timeout_s=600):
            now = self.refreshed()
            try:
                yield now
            finally:
                now.clean()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder for unpacked files inside the store, gone afterwards.

        What a killed process left of its own goes as well: a lock beside each folder tells.
        """
        parent = self.path / SCRATCH
        for left in parent.glob("*.lock"):
            with suppress(StoreError), self._held(left, timeout_s=0):
                shutil.rmtree(left.with_suffix(""), ignore_errors=True)
                left.unlink(missing_ok=True)
        folder = parent / str(uuid.uuid4())
        with self._held(Path(f"{folder}.lock"), timeout_s=0):
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                Path(f"{folder}.lock").unlink(missing_ok=True)

    @contextmanager
    def _held(self, path: Path, timeout_s: float) -> Iterator[None]:
        """Hold a lock inside the store; StoreError where that cannot be."""
        import filelock

        lock = filelock.FileLock(path, timeout=timeout_s)
        try:
            path.parent.mkdir(exist_ok=True)
            lock.acquire()
        except filelock.Timeout as error:
            raise StoreError(
                f"{self.path} is in use by another writer. Try again later."
            ) from error
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be written ({error.strerror}). Copy it or change --store."
            ) from error
        try:
            yield
        finally:
            lock.release()

    def clean(self) -> None:
        """Remove what was written and not committed, with the folders of days that held nothing else."""
        for path in self._uncommitted:
            path.unlink(missing_ok=True)
            if "=" in path.parent.name:
                with suppress(OSError):
                    path.parent.rmdir()
        self._uncommitted.clear()

    def files(
        self, table: str, since: date | None = None, until: date | None = None
    ) -> list[LiveFile]:
        """Return the live Parquet files of a table, cut to the days asked for (both included)."""
        from logscope import delta

        if table not in self._live:
            version = self.snapshot.tables[table]
            self._live[table] = delta.live_files(self.path, table, version, table_columns()[table])
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
        create_views(connection, self.scans(earlier, until))
        return connection

    def cursor(self, since: date | None = None, until: date | None = None) -> Any:
        """Return what `connect` does, upon a connection that stays open for all who ask of these days.

        Opening one takes longer than many a question. What is made on it has to be temporary.
        """
        days = since, until
        if days not in self._open:
            self._open[days] = self.connect(since, until)
        return self._open[days].cursor()

    def scans(self, since: date | None = None, until: date | None = None) -> dict[str, str]:
        """Return for each table the SELECT that reads its live files of the days asked for."""
        return {
            table: scan_sql(table, self.files(table, since, until)) for table in table_columns()
        }

    def write_parquet(
        self, connection: Any, table: str, query: str, listed: str | None = None
    ) -> list[LiveFile]:
        """Write a query's rows as Parquet files of a table; they count only after a commit.

        `listed` is a query that gives the days of the rows, and perhaps others, at less cost.
        """
        folder = self.path / table
        columns = table_columns()[table]
        rows = f"select {', '.join(columns)} from ({query})"
        if "day" not in columns:
            file = self._write(connection, folder, rows)
            return [file] if file else []
        of_days = f"select distinct day from ({listed or query}) order by day"
        days = [row[0] for row in connection.execute(of_days).fetchall()]
        # A range of times passes through views down to the file; a day made of them does not.
        condition = (
            "started_at >= timestamptz '{day} 00:00Z' "
            "and started_at < timestamptz '{day} 00:00Z' + interval 1 day"
        )
        if len(days) > DAYS_IN_PLACE or "started_at" not in columns:
            connection.execute(f"create or replace table outgoing as {rows}")
            rows, condition = "from outgoing", "day = '{day}'"

        def write_day(day: date) -> LiveFile | None:
            of_day = f"select * exclude (day) from ({rows}) where {condition.format(day=day)}"
            with connection.cursor() as own:
                return self._write(own, folder, of_day, day)

        # One file per day, two at a time: less than half the work of a partitioned COPY (DuckDB 2.0),
        # and its memory does not grow with the days.
        with ThreadPoolExecutor(2) as writers:
            written = list(writers.map(write_day, days))
        connection.execute("drop table if exists outgoing")
        return sorted((file for file in written if file), key=lambda file: file.path)

    def _write(
        self, connection: Any, folder: Path, rows: str, day: date | None = None
    ) -> LiveFile | None:
        """Write the rows of a query, all of one day if given, as one Parquet file; None without rows."""
        from logscope.delta import LiveFile

        target = folder if day is None else folder / f"day={day}"
        target.mkdir(parents=True, exist_ok=True)
        path = target / f"part-{uuid.uuid4()}.parquet"
        self._uncommitted.append(path)
        size = f", row_group_size {ROW_GROUPS[folder.name]}" if folder.name in ROW_GROUPS else ""
        count = connection.execute(
            f"copy ({rows}) to {quote(str(path))} (format parquet, compression zstd{size})"
        ).fetchone()[0]
        if not count:
            return None
        return LiveFile(str(path), str(day) if day else None, int(count), path.stat().st_size)

    def open_door(self) -> None:
        """Bring the door to what the store is now, where it is missing, behind or made by other SQL.

        The caller holds the writer's place.
        """
        version, scans = self.snapshot.version, self.scans()
        if not is_shown(self.path, version):
            show(self.path, prepare_door(self.path, version, scans, scans))

    def mend_door(self) -> None:
        """Bring the door to what the store is, if a writer was killed before it came to that."""
        if not is_shown(self.path, self.snapshot.version):
            with self.writing() as store:
                store.open_door()

    def commit(self, changes: Mapping[str, Change], stamps: Mapping[str, str]) -> Store:
        """Make the changes count at once, replace the door for other clients, and return the result."""
        from logscope import delta

        files = {table: self.files(table) for table in table_columns()}
        for table, change in changes.items():
            gone = {file.path for file in change.removes}
            kept = (file for file in files[table] if file.path not in gone)
            files[table] = sorted((*kept, *change.adds), key=lambda file: file.path)
        scans = {table: scan_sql(table, live) for table, live in files.items()}
        changed = {*changes, delta.LEDGER}
        with ThreadPoolExecutor(1) as beside:
            door = beside.submit(prepare_door, self.path, self.snapshot.version + 1, scans, changed)
            try:
                snapshot = delta.commit(self.path, self.snapshot, changes, stamps)
            except BaseException:
                door.result().unlink()
                raise
            show(self.path, door.result())
        counting = {file.path for change in changes.values() for file in change.adds}
        self._uncommitted[:] = [path for path in self._uncommitted if str(path) not in counting]
        after = Store(self.path)
        after.__dict__["snapshot"] = snapshot
        after._live.update(files)
        return after
