"""Staging: run the formats over their files and keep every record, with where it came from.

Everything lands in one view `staged`: the columns a format gave, cast to the types of
the request table, and an `outcome` for records that are ignored or rejected. One read per format
and layout, however many files there are.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from logscope import containers, plain_files
from logscope.config import quote
from logscope.errors import InputError, LogscopeError, is_interrupt
from logscope.formats import MACROS
from logscope.reading import (
    JSON_LAYOUTS,
    KEPT,
    MAX_LINE_BYTES,
    MAX_RECORD_BYTES,
    Plan,
    read_group,
    staged_columns,
)
from logscope.tables import fill

RECORDS = Path(__file__).with_name("records.sql")


def prepare(connection: Any) -> None:
    """Create the tables that merging fills and the functions that formats use."""
    # Streams that have neither a start of their own nor a request (filled while merging).
    connection.execute("create table homeless (request_id varchar)")
    # Ids that another id of the same call stands for (filled by identity).
    connection.execute("create table renamed (request_id varchar, canonical_id varchar)")
    # Spans around those that requests name as their parents (filled by identity).
    connection.execute(
        "create table climbed (span_id varchar, id varchar, steps integer, is_new boolean)"
    )
    # Requests that only repeat what their children used (filled while merging).
    connection.execute("create table repeating (request_id varchar)")
    # Keys of records that the store had before (filled while merging).
    connection.execute("create table stored_before (key varchar)")
    connection.execute(MACROS.read_text(encoding="utf-8"))
    # Of the records of one row that which is counted as stored: an earlier ingest's, else the first.
    connection.execute(
        "create macro first_place(place, is_stored) as case when bool_or(is_stored) "
        "then min(place) filter (where is_stored) else min(place) end"
    )


def stage(connection: Any, plans: Sequence[Plan], scratch: Path) -> list[Plan]:
    """Read all files into the view `staged`; return the plans, with what was found damaged.

    What was read waits in Parquet files in `scratch`: memory stays bounded whatever the input, both
    cores read, and each row knows its place.
    """
    groups: dict[tuple[str, str], list[Plan]] = {}
    for plan in plans:
        groups.setdefault((plan.format.name, plan.layout), []).append(plan)
    done: list[Plan] = []
    for (_, layout), group in sorted(groups.items()):
        if layout == "csv":
            group = [closed(plan, scratch) for plan in group]
        if layout == "newline_delimited":
            # Where the last line broke off, another reading would only find that out at the end.
            lenient = not all(plain_files.ends_a_line(plan.plain) for plan in group)
            group = [replace(plan, lenient=lenient) for plan in group]
        # DuckDB 2.0 takes a number column without NULLs for one that stays so when it is cast; NaN
        # does not.
        careful = "statistics_propagation" if layout == "parquet" else ""
        connection.execute(f"set disabled_optimizers = '{careful}'")
        done.extend(read_halves(connection, group, scratch))
    connection.execute("reset disabled_optimizers")
    if not any(scratch.glob(KEPT)):
        raise InputError(
            f"{done[0].path} {done[0].problem}. "
            "Try `logscope formats FILE`, or name the format with --from."
        )
    open_staged(connection, scratch)
    return done


def open_staged(connection: Any, scratch: Path) -> None:
    """Make the view `staged` over everything kept; `row` numbers the rows of one file of it."""
    reader = (
        f"read_parquet({quote(str(scratch / KEPT))}, union_by_name = true, file_row_number = true)"
    )
    there = {row[0] for row in connection.execute(f"describe from {reader}").fetchall()}
    columns = ", ".join(
        name if name in there else f"null::{kind} as {name}"
        for name, kind in staged_columns().items()
    )
    connection.execute(
        f"create or replace view staged as select {columns}, file_row_number as row from {reader}"
    )


def read_halves(connection: Any, plans: Sequence[Plan], scratch: Path) -> list[Plan]:
    """Read files of one format and layout; one that cannot be read must not take others with it.

    Returns their plans, with the reason where a file could not be read as a whole.
    """
    before = set(scratch.glob(KEPT))
    try:
        read_group(connection, plans, scratch)
    except Exception as error:
        if isinstance(error, LogscopeError) or is_interrupt(error):
            raise
        for piece in set(scratch.glob(KEPT)) - before:
            piece.unlink()
        if plans[0].layout == "newline_delimited" and not plans[0].lenient:
            tolerant = [replace(plan, lenient=True) for plan in plans]
            return read_halves(connection, tolerant, scratch)
        if len(plans) == 1:
            return [read_alone(connection, repaired(plans[0], scratch), scratch)]
        middle = len(plans) // 2
        return [
            *read_halves(connection, plans[:middle], scratch),
            *read_halves(connection, plans[middle:], scratch),
        ]
    return list(plans)


def read_alone(connection: Any, plan: Plan, scratch: Path) -> Plan:
    """Read one file; return its plan, with the reason if that was not possible."""
    try:
        read_group(connection, [replace(plan, parallel=False)], scratch)
    except Exception as error:
        if isinstance(error, LogscopeError) or is_interrupt(error):
            raise
        reason = str(error).splitlines()[0]
        return replace(plan, problem=f"could not be read as {plan.format.name} ({reason})")
    return plan


def closed(plan: Plan, scratch: Path) -> Plan:
    """Return the plan of a CSV file in which no row begins a quote and does not end it."""
    broken = plain_files.open_quotes(plan.plain, MAX_RECORD_BYTES)
    if not broken:
        return plan
    target = scratch / f"closed-{uuid.uuid4()}.csv"
    plain_files.mend_csv(plan.plain, target, broken)
    return replace(plan, plain=target)


def repaired(plan: Plan, scratch: Path) -> Plan:
    """Return the plan with the sound records of a broken JSON file, one per line.

    Of a line that is too long for the reader it has a short one that is no JSON.
    """
    if plan.layout not in JSON_LAYOUTS:
        return plan
    problem = plan.problem
    lines = plan.plain
    if plan.layout != "newline_delimited":
        lines = scratch / f"repaired-{uuid.uuid4()}.jsonl"
        problem = containers.unwrap(plan.plain, plan.format.records, lines, plan.format.around)
    target = scratch / f"shortened-{uuid.uuid4()}.jsonl"
    plain_files.shorten(lines, target, MAX_LINE_BYTES)
    return replace(plan, layout="newline_delimited", plain=target, problem=problem, lenient=True)


def settle(connection: Any, plans: Sequence[Plan]) -> None:
    """Give every staged record its file, its line, its kinds and its final outcome."""
    connection.execute(
        "create or replace table plans (plain varchar, file_id varchar, records_before bigint)"
    )
    fill(
        connection,
        "plans",
        [
            [str(plan.plain), plan.file_id, plan.grown.records if plan.grown else 0]
            for plan in plans
        ],
    )
    # Rows are kept in the order in which they were read, so their place numbers the records.
    connection.execute(
        """
        create or replace table sources as
        select plans.*, first_row
        from plans
        join (select record_file, min(row) as first_row from staged group by record_file)
            on plain = record_file
        """
    )
    connection.execute(f"create or replace view records as {RECORDS.read_text()}")
