"""Reading again: sources whose log format has changed since, as if they had not been read before.

What is stored of these files is left out, and they are read into what remains, all in one
transaction. Files that share requests with them come along. Sources that are gone, or are other
files now, cannot be read: what is stored of them stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from logscope import containers, plain_files, staging
from logscope.config import Config, quote
from logscope.delta import Change, LiveFile
from logscope.digests import Digest
from logscope.formats import find_formats, format_stamps
from logscope.intake import gather, plan_file, recorded_formats
from logscope.known import KnownFile, KnownFiles
from logscope.reading import Plan
from logscope.store import MEMORY_LIMIT, Store
from logscope.tables import new_connection, scan_sql

# What of a table is of the files in `again`. A row of `streams`, `scores` or `spans` may hold what
# other files told as well: these tables stay, and what is read again is merged into them.
OF_FILES = dict.fromkeys(
    ("requests", "parents", "files", "rejects", "merges"), "file_id in (from again)"
)
OF_FILES["bills"] = "format in (from bill_formats)"


@dataclass(frozen=True)
class Reread:
    """What was read again, and the paths of sources that could not be."""

    files: int = 0
    records: int = 0
    gone: tuple[str, ...] = ()


def changed_formats(store: Store) -> list[str]:
    """Return the shipped formats whose files in the store were read by another SQL than today's."""
    before, today = recorded_formats(store), format_stamps()
    if before == today:
        return []
    read = {file.format for file in KnownFiles(store).files}
    return sorted(name for name in read & set(today) if before.get(name) != today[name])


def read_again(
    store: Store, config: Config, formats: Collection[str], scratch: Path, stamps: Mapping[str, str]
) -> Reread:
    """Read the sources of `formats` again and commit it under `stamps`; the caller holds the lock."""
    known = KnownFiles(store)
    concerned = files_of(store, known, formats)
    plans = [plan for file in concerned if (plan := plan_again(file, scratch))]
    again = {plan.file_id for plan in plans}
    gone = tuple(sorted(file.path for file in concerned if file.file_id not in again))
    connection = new_connection(MEMORY_LIMIT, scratch)
    try:
        staging.prepare(connection)
        base = without(connection, store, again, {plan.format.name for plan in plans}, gone)
        changes: dict[str, Change] = {}
        records = 0
        if plans:
            plans = staging.stage(connection, plans, scratch)
            staging.settle(connection, plans)
            digests = {file.file_id: file.sha256 for file in known.files}
            changes = gather(connection, base, config, plans, digests)
            row = connection.execute("select sum(records) from next_files").fetchone()
            records = int(row[0])
        store.commit(onto(store, base, changes), stamps)
    finally:
        connection.close()
    return Reread(len(plans), records, gone)


def files_of(store: Store, known: KnownFiles, formats: Collection[str]) -> list[KnownFile]:
    """Return the files of some formats, and all that share a request with one of these."""
    with store.connect() as connection:
        pairs = connection.execute(
            "select distinct file_id, into_file_id from merges where into_file_id is not null"
        ).fetchall()
    beside: dict[str, set[str]] = {}
    for one, other in pairs:
        beside.setdefault(one, set()).add(other)
        beside.setdefault(other, set()).add(one)
    open_ids = [file.file_id for file in known.files if file.format in formats]
    found = set(open_ids)
    while open_ids:
        new = beside.get(open_ids.pop(), set()) - found
        found |= new
        open_ids += new
    return [file for file in known.files if file.file_id in found]


def plan_again(file: KnownFile, scratch: Path) -> Plan | None:
    """Return how to read a file again as it was, None if it is not there any more."""
    format = find_formats().get(file.format)
    path = Path(file.path)
    try:
        digest = Digest(path).run()
    except OSError:
        return None
    source = path
    if digest.sha256 != file.sha256:
        if digest.of_beginning(file.size_bytes) != file.sha256:
            return None
        # It has grown since; the next ingest reads on where this one ends.
        source = scratch / f"{file.file_id}-as-it-was"
        plain_files.copy_beginning(path, file.size_bytes, source)
    if format is None:
        return None
    plan = plan_file(source, format, containers.read_head(source), scratch, file.file_id)
    return replace(plan, path=path, size_bytes=file.size_bytes, file_id=file.file_id)


def without(
    connection: Any,
    store: Store,
    again: Collection[str],
    formats: Collection[str],
    gone: Sequence[str],
) -> Store:
    """Return the store as if the files `again` had not been read: its other rows in files of their own.

    These count only once they are committed.
    """
    listed = ", ".join(map(quote, sorted(again))) or "null"
    connection.execute(f"create table again as select unnest([{listed}]) as file_id")
    # Bills do not tell their file: they go if all files of their format are read again.
    kept = {file.format for file in KnownFiles(store).files if file.file_id not in again}
    bills = ", ".join(map(quote, sorted(set(formats) - kept))) or "null"
    connection.execute(f"create table bill_formats as select unnest([{bills}]) as format")
    rest: dict[str, list[LiveFile]] = {}
    for table, condition in OF_FILES.items():
        rows = scan_sql(table, store.files(table))
        rest[table] = store.write_parquet(
            connection, table, f"from ({rows}) where not coalesce({condition}, false)"
        )
    return store.showing(rest)


def onto(store: Store, base: Store, changes: Mapping[str, Change]) -> dict[str, Change]:
    """Return what brings the store to what `changes` make of its `base`."""
    whole = dict(changes)
    for table in OF_FILES:
        change = changes.get(table, Change())
        removed = {file.path for file in change.removes}
        kept = [file for file in base.files(table) if file.path not in removed]
        whole[table] = Change(adds=[*kept, *change.adds], removes=store.files(table))
    return whole
