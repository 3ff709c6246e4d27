"""The Delta log: which Parquet files count, and how a set of them starts to count at once.

Several tables make one store. Each is a Delta table of its own, readable by any Delta client; the
table `files` is committed last, and its application transactions name the version of every other
table that belongs to it. A reader that follows them sees all of an ingest or nothing of it; what a
killed writer left behind is undone by the next one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from deltalake import CommitProperties, DeltaTable, Field, Schema, Transaction
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import ArrayType, MapType, PrimitiveType
from deltalake.transaction import AddAction, RemoveAction

from logscope.errors import StoreError

LEDGER = "files"
STORE = "logscope"
# How Delta names types that SQL names otherwise.
PRIMITIVE = {"varchar": "string", "bigint": "long", "timestamptz": "timestamp"}
KEEP_REPLACED = {"delta.deletedFileRetentionDuration": "interval 7 days"}


@dataclass(frozen=True)
class LiveFile:
    """A Parquet file of a table: absolute path, its day (ISO date, None if unpartitioned), rows."""

    path: str
    day: str | None
    rows: int
    size_bytes: int


@dataclass(frozen=True)
class Change:
    """What a commit does to one table: files that start to count and files that stop."""

    adds: Sequence[LiveFile] = ()
    removes: Sequence[LiveFile] = ()


@dataclass(frozen=True)
class Snapshot:
    """One state of the whole store."""

    version: int
    created_ms: int
    tables: Mapping[str, int]
    stamps: Mapping[str, str]


def create_tables(root: Path, tables: Mapping[str, Mapping[str, str]]) -> None:
    """Create an empty Delta table for each of `tables` (SQL types by column).

    They are partitioned by `day` where they have one.
    """
    for name, columns in tables.items():
        if not DeltaTable.is_deltatable(str(root / name)):
            DeltaTable.create(
                root / name,
                schema=Schema(
                    [Field(column, delta_type(kind)) for column, kind in columns.items()]
                ),
                partition_by=["day"] if "day" in columns else None,
                configuration=KEEP_REPLACED,
            )


def delta_type(kind: str) -> PrimitiveType | ArrayType | MapType:
    """Return the Delta type of an SQL type of tables.sql."""
    if kind.endswith("[]"):
        return ArrayType(delta_type(kind.removesuffix("[]")), contains_null=True)
    if kind == "map(varchar, varchar)":
        return MapType(PrimitiveType("string"), PrimitiveType("string"), value_contains_null=True)
    return PrimitiveType(PRIMITIVE.get(kind, kind))


def read_snapshot(root: Path, names: Sequence[str]) -> Snapshot:
    """Return the last committed state of the store under `root`.

    Raises StoreError if there is no ledger there.
    """
    ledger = _open(root / LEDGER)
    if missing := [name for name in names if not (root / name / "_delta_log").is_dir()]:
        raise made_otherwise(root, f"it has no {missing[0]}")
    version = ledger.transaction_version(STORE)
    if version is None:
        return Snapshot(0, 0, dict.fromkeys(names, 0), {})
    tables = {name: ledger.transaction_version(name) or 0 for name in names if name != LEDGER}
    last = ledger.history(1)[0]
    stamps = {key.removeprefix("stamp:"): value for key, value in last.items() if "stamp:" in key}
    return Snapshot(version, int(last["timestamp"]), {**tables, LEDGER: ledger.version()}, stamps)


def made_otherwise(root: Path, how: str) -> StoreError:
    return StoreError(
        f"{root} was made by another version of logscope ({how}). "
        "Ingest the logs into a new store, or use that version."
    )


def live_files(root: Path, table: str, version: int, columns: Collection[str]) -> list[LiveFile]:
    """Return the files of a table at a version, in a stable order.

    Raises StoreError if its columns are not `columns`: nobody knows what those that lack would say.
    """
    delta = _open(root / table, version)
    there = {field.name for field in delta.schema().fields}
    if missing := sorted(set(columns) - there):
        raise made_otherwise(root, f"its {table} have no {missing[0]}")
    if unknown := sorted(there - set(columns)):
        raise made_otherwise(root, f"its {table} have {unknown[0]} as well")
    features = delta.protocol().reader_features or []
    if {"deletionVectors", "columnMapping"} & set(features):
        raise StoreError(
            f"{root / table} uses {', '.join(features)}, which logscope does not read. "
            "Rewrite the table without them."
        )
    actions = delta.get_add_actions(flatten=True)
    told = {name: actions.column(name).to_pylist() for name in actions.column_names}
    days = told.get("partition.day") or [None] * len(told["path"])
    return sorted(
        (
            LiveFile(str(root / table / unquote(path)), str(day) if day else None, rows, size)
            for path, day, rows, size in zip(
                told["path"], days, told["num_records"], told["size_bytes"], strict=True
            )
        ),
        key=lambda file: file.path,
    )


def commit(
    root: Path, before: Snapshot, changes: Mapping[str, Change], stamps: Mapping[str, str]
) -> Snapshot:
    """Make `changes` count, all at once, on top of `before`; the caller holds the store's lock.

    Raises StoreError if somebody else committed since `before` was read.
    """
    ledger = _open(root / LEDGER)
    if (ledger.transaction_version(STORE) or 0) != before.version:
        raise StoreError(f"{root} changed while this command was at work. Run it again.")
    tables = dict(before.tables)
    for name in sorted(changes):
        if name != LEDGER:
            tables[name] = _write(_at(root / name, tables[name]), root / name, changes[name])
    versions = {STORE: before.version + 1}
    versions |= {name: version for name, version in tables.items() if name != LEDGER}
    properties = CommitProperties(
        app_transactions=[Transaction(name, version) for name, version in sorted(versions.items())],
        custom_metadata={f"stamp:{key}": value for key, value in sorted(stamps.items())},
    )
    _write(ledger, root / LEDGER, changes.get(LEDGER, Change()), properties)
    return read_snapshot(root, [*before.tables])


def _open(path: Path, version: int | None = None) -> DeltaTable:
    try:
        return DeltaTable(path, version=version)
    except (TableNotFoundError, DeltaError) as error:
        raise StoreError(
            f"{path.parent} is no logscope store ({path.name} is missing or damaged). "
            "Give --store the folder that `logscope ingest` made, or ingest into a new one."
        ) from error


def _at(path: Path, version: int) -> DeltaTable:
    """Open a table at `version`, taking back what a killed writer committed after it."""
    table = _open(path)
    if table.version() != version:
        table.restore(version)
        table.update_incremental()
    return table


def _write(
    table: DeltaTable, path: Path, change: Change, properties: CommitProperties | None = None
) -> int:
    now_ms = int(time.time() * 1000)
    actions: list[AddAction | RemoveAction] = []
    for file in change.adds:
        day = {"day": file.day} if table.metadata().partition_columns else {}
        stats = json.dumps({"numRecords": file.rows})
        relative = Path(file.path).relative_to(path).as_posix()
        actions.append(AddAction(relative, file.size_bytes, day, now_ms, True, stats))
    for file in change.removes:
        relative = Path(file.path).relative_to(path).as_posix()
        actions.append(RemoveAction(relative, True, now_ms, file.size_bytes))
    table.create_write_transaction(
        actions,
        mode="append",
        schema=table.schema(),
        partition_by=table.metadata().partition_columns or None,
        commit_properties=properties,
    )
    table.update_incremental()
    return table.version()
