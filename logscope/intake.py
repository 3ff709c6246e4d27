"""Intake: what an ingest does with its files, from their first records to the commit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from logscope import containers, merging, plain_files, staging
from logscope.accounting import IngestResult, account, count, open_written, summarise
from logscope.config import Config, quote
from logscope.delta import Change
from logscope.digests import Digests
from logscope.errors import InputError, LogscopeError, StoreError, UsageError
from logscope.formats import Format, Head, claims, find_format, find_formats, format_stamps
from logscope.known import KnownFiles
from logscope.ledger import write_ledger
from logscope.price_listing import listed_providers
from logscope.prices import price_stamp, replace_prices
from logscope.progress import Progress
from logscope.reading import Growth, Plan
from logscope.rejects import rejected_records
from logscope.safe_sql import check_rules
from logscope.sources import Source
from logscope.store import MEMORY_LIMIT, Store
from logscope.tables import fill, new_connection

# First records are looked at in portions, so that the memory for them does not grow with the files.
HEADS_AT_ONCE = 500


def stamps(config: Config) -> dict[str, str]:
    """Return the hashes of what derived columns depend on, as each commit records them."""
    return {
        "rules": config.stamp(),
        "prices": price_stamp(config.section("prices")),
        "formats": json.dumps(format_stamps()),
    }


def stamps_beside(store: Store, config: Config) -> dict[str, str]:
    """Return the stamps for a commit that leaves earlier rows as they are: theirs stay."""
    today, recorded = stamps(config), store.snapshot.stamps
    read = {file.format for file in KnownFiles(store).files}
    if not read:
        return today
    before = recorded_formats(store)
    formats = {
        name: before.get(name, stamp) if name in read else stamp
        for name, stamp in format_stamps().items()
    }
    return {**today, **recorded, "formats": json.dumps(formats)}


def recorded_formats(store: Store) -> dict[str, str]:
    """Return the stamp of each format under which its files in the store were read."""
    try:
        return dict(json.loads(store.snapshot.stamps.get("formats", "{}")))
    except ValueError:
        return {}


def take_in(
    store_path: Path,
    sources: Sequence[Source],
    digests: Digests,
    config: Config,
    format_name: str | None,
    adapters: Sequence[Path],
    max_rejects: float | None,
    report: Progress,
) -> IngestResult:
    """Read files into the store; see `logscope.ingest.ingest`."""
    check_rules(config)
    formats = find_formats(adapters)
    report("look", 0, len(sources))
    heads = {source.path: containers.read_head(source.path) for source in sources}
    connection = new_connection(MEMORY_LIMIT)
    chosen = choose_formats(connection, sources, heads, formats, format_name, adapters)
    for path in chosen:
        digests.begin(path)
    beside = ThreadPoolExecutor(1)
    prepared = beside.submit(staging.prepare, connection)
    with connection, beside, Store.making(store_path) as store, store.scratch() as scratch:
        known = KnownFiles(store)
        plans, unchanged = [], 0
        taken: set[str] = set()
        for number, (path, format) in enumerate(chosen.items()):
            report("unpack", number, len(chosen))
            beginnings = known.beginnings(path, format, heads[path])
            # Only for a file that may be known its hash is waited for before it is read.
            if beginnings or path.stat().st_size in known.sizes:
                digest = digests.of(path)
                if known.holds(digest.sha256):
                    unchanged += 1
                    continue
                grown = known.growth(beginnings, digest)
                if grown and grown.file_id not in taken:
                    taken.add(grown.file_id)
                    plans.append(plan_growth(path, format, grown, scratch, number))
                    continue
            plans.append(plan_file(path, format, heads[path], scratch, number))
        result = IngestResult(
            unknown_files=tuple(path for path in heads if path not in chosen),
            unchanged_files=unchanged,
        )
        if plans:
            # What needs nothing of the records is made, once, while they are read.
            for made_once in (listed_providers, format_stamps):
                beside.submit(made_once)
            prepared.result()
            connection.execute(f"set temp_directory = {quote(str(scratch))}")
            report("read", 0, len(plans))
            plans = staging.stage(connection, plans, scratch)
            hashes = {plan.path: digests.of(plan.path).sha256 for plan in plans}
            plans, copies = identify(plans, hashes, known)
            result = replace(result, unchanged_files=unchanged + copies)
            if plans:
                staging.settle(connection, plans)
                report("merge", 0, 1)
                hash_of = {plan.file_id: hashes[plan.path] for plan in plans}
                with store.writing() as store:
                    result = write(connection, store, config, plans, hash_of, max_rejects, result)
        if not plans:
            store.mend_door()
    return result


def choose_formats(
    connection: Any,
    sources: Sequence[Source],
    heads: dict[Path, Head | None],
    formats: dict[str, Format],
    format_name: str | None,
    adapters: Sequence[Path],
) -> dict[Path, Format]:
    """Return the format of each file that is a log; refuse what is named and is none."""
    known = {str(path): head for path, head in heads.items() if head}
    if format_name:
        forced = find_format(format_name, formats)
        claimed = {path: [forced.name] for path, head in known.items() if head.kind in forced.reads}
    else:
        claimed = {}
        paths = list(known)
        for start in range(0, len(paths), HEADS_AT_ONCE):
            portion = {path: known[path] for path in paths[start : start + HEADS_AT_ONCE]}
            claimed |= claims(connection, portion, formats)
    own = {adapter.stem for adapter in adapters}
    chosen: dict[Path, Format] = {}
    for source in sources:
        names = claimed.get(str(source.path), [])
        # An adapter was given for files that a shipped format may also know: it goes first.
        names = [name for name in names if name in own] or names
        if len(names) > 1:
            raise UsageError(
                f"{source.path} looks like {' and '.join(names)}. Say which with --from NAME."
            )
        if names:
            chosen[source.path] = formats[names[0]]
        elif source.named:
            raise InputError(f"{source.path} {why_unreadable(source.path, heads[source.path])}")
    if not chosen:
        where = ", ".join(str(source.path) for source in sources[:3]) or "the folder"
        raise InputError(
            f"There is no log that logscope knows in {where}. See `logscope formats` for what it reads."
        )
    return chosen


def why_unreadable(path: Path, head: Head | None) -> str:
    """Return the reason and the remedy for a file that is no known log."""
    if path.stat().st_size == 0:
        return "is empty. Give a file that holds log records."
    if head is None:
        return (
            "is no log (neither JSON nor CSV nor Parquet). See `logscope formats` for what is read."
        )
    return (
        f"is {head.kind.upper()}, but no format that logscope knows. "
        f"See `logscope formats {path.name}`, or read it with --adapter mine.sql."
    )


def plan_file(
    path: Path, format: Format, head: Head | None, scratch: Path, number: int | str
) -> Plan:
    """Return how to read one file, unpacked if DuckDB would stumble over it."""
    layout = head.layout if head else "newline_delimited"
    plain, problem = path, None
    if not containers.is_plain(path):
        plain = scratch / f"{number}.plain"
        problem = containers.decompress(path, plain)
    if head and head.kind == "sqlite" and format.table:
        plain = scratch / f"{number}.jsonl"
        problem = containers.read_table(path, format.table, plain)
    if head and containers.inner_records(head.first, format.records) is not None:
        target = scratch / f"{number}.jsonl"
        problem = containers.unwrap(plain, format.records, target, format.around) or problem
        plain, layout = target, "newline_delimited"
    return Plan(path, format, layout, plain, problem=problem)


def plan_growth(path: Path, format: Format, grown: Growth, scratch: Path, number: int) -> Plan:
    """Return how to read what was added to a known file."""
    added = scratch / f"{number}.added.jsonl"
    plain_files.copy_from(path, grown.begins, added)
    return Plan(path, format, "newline_delimited", added, grown.file_id, grown=grown)


def identify(
    plans: Sequence[Plan], digests: dict[Path, str], known: KnownFiles
) -> tuple[list[Plan], int]:
    """Give each plan its file id; of files with the same bytes keep the first, of known ones none.

    A file that has grown keeps the id that it has. Returns also how many files were left out.
    """
    seen: dict[str, Plan] = {}
    for plan in plans:
        digest = digests[plan.path]
        if not known.holds(digest):
            seen.setdefault(digest, replace(plan, file_id=plan.file_id or digest[:16]))
    return list(seen.values()), len(plans) - len(seen)


def write(
    connection: Any,
    store: Store,
    config: Config,
    plans: Sequence[Plan],
    digests: dict[str, str],
    max_rejects: float | None,
    result: IngestResult,
) -> IngestResult:
    """Merge the staged records into the store, account for them, and commit it all at once.

    Raises StoreError if another writer has read on in a file that has grown.
    """
    grown = {plan.grown.sha256 for plan in plans if plan.grown}
    if grown and not grown <= KnownFiles(store).ids:
        raise StoreError(f"{store.path} changed while this command was at work. Run it again.")
    with ThreadPoolExecutor(1) as beside:
        # Merging leaves one core idle between its statements.
        door = beside.submit(store.open_door)
        changes = gather(connection, store, config, plans, digests)
        door.result()
    result = count(connection, result)
    reasons = "; ".join(f"{n} {reason}" for reason, n in result.reasons[:3])
    if result.rejected == result.records > 0 and not (grown or result.unchanged_files):
        raise InputError(
            f"No record of {plans[0].path}{' and others' if plans[1:] else ''} could be read: "
            f"{reasons}; nothing was stored. See `logscope formats FILE`; --from names another."
        )
    if max_rejects is not None and result.rejected > max_rejects * result.records:
        raise LogscopeError(
            f"{result.rejected} of {result.records} records are rejected, more than --max-rejects "
            f"allows ({reasons}); nothing was stored. Mend the file, or allow more and see "
            "`logscope status --rejects`."
        )
    with ThreadPoolExecutor(1) as beside:
        summary = beside.submit(summarise, connection, result)
        store.commit(changes, stamps_beside(store, config))
        return summary.result()


def gather(
    connection: Any,
    store: Store,
    config: Config,
    plans: Sequence[Plan],
    digests: dict[str, str],
) -> dict[str, Change]:
    """Merge the staged records into the store and account for them; return what is to be committed."""
    rewrites = merging.merge_records(connection, store, config)
    connection.execute(
        "create table next_rejects (file_id varchar, path varchar, line bigint, reason varchar, excerpt varchar)"
    )
    # The account needs the rows, not the files in which they are stored.
    with connection.cursor() as own, ThreadPoolExecutor(1) as beside:
        written = beside.submit(merging.write_rows, own, store, rewrites)
        fill(connection, "next_rejects", rejected_records(connection, plans))
        account(connection, plans, digests)
        ledger = write_ledger(connection, store)
        changes = written.result() | ledger
    open_written(connection, changes["requests"])
    if any(change.adds or change.removes for change in changes.values()):
        changes["prices"] = replace_prices(connection, store)
    return changes
