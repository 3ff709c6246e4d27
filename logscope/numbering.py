"""Numbering: records kept in a table, where each tells its place in its file and can be left out.

Where a format's own SQL throws, the records at fault are found by halving, so that they alone are
rejected.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from logscope.config import quote

# So many reads at most: one throwing record among a million takes 40. What is in doubt then is
# rejected, a few records around each that throws.
READS = 1000

Range = tuple[int, int]  # places of records: the first, and the one behind the last


def number_rows(connection: Any, rows: str, in_parts: bool = False) -> None:
    """Keep the rows of a SELECT in a table, and make the view `source` of them with their numbers.

    With `in_parts` the table `parts` tells which rows of the one file are which files.
    """
    connection.execute(f"create or replace table source_rows as {rows}")
    if not in_parts:
        # rowid follows the order of insertion, so it numbers the records of a file for nothing.
        connection.execute(
            "create or replace table parts as select record_file as plain, min(rowid) as first_row "
            "from source_rows group by record_file"
        )
    open_source(connection, in_parts)


def open_source(connection: Any, in_parts: bool, condition: str = "true") -> None:
    """Make the view `source` of the kept rows whose `place` fulfils a condition."""
    join = (
        "asof join parts on place >= first_row" if in_parts else "join parts on plain = read_from"
    )
    connection.execute(
        "create or replace view source as select rows.* exclude (read_from, place), "
        "plain as record_file, place - first_row + 1 as record_line from ("
        "select * exclude (record_file), record_file as read_from, rowid as place from source_rows "
        f"where {condition.replace('place', 'rowid')}) as rows {join}"
    )


def keep_readable(
    connection: Any,
    keep: Callable[[str], Path],
    query: str,
    format_name: str,
    in_parts: bool,
    error: duckdb.Error,
) -> list[Path]:
    """Keep what `query` makes of the numbered records; reject those on which it throws.

    `keep` writes the rows of a query to a file. Returns these files, the readable rows last. Raises
    `error` if no record is at fault by itself.
    """

    def throws(places: Range) -> bool:
        open_source(connection, in_parts, within(places))
        try:
            keep(query).unlink()
        except duckdb.OperationalError:
            raise
        except duckdb.Error:
            return True
        return False

    count = connection.execute("select count(*) from source_rows").fetchone()[0]
    found = find_throwing(throws, count)
    if not found:
        raise error
    # The rest of the message may quote the record.
    kind = str(error).partition(":")[0]
    kept = []
    for places in found:
        alone = places[1] - places[0] == 1
        reason = f"{'' if alone else 'one of these records is such that '}{format_name} throws"
        open_source(connection, in_parts, within(places))
        outcome = quote(f"rejected: {reason} ({kind})")
        kept.append(
            keep(
                f"select record_file, record_line, {outcome} as outcome, "
                f"{quote(format_name)} as format from source"
            )
        )
    open_source(connection, in_parts, " and ".join(f"not ({within(places)})" for places in found))
    return [*kept, keep(query)]


def within(places: Range) -> str:
    return f"place >= {places[0]} and place < {places[1]}"


def find_throwing(throws: Callable[[Range], bool], count: int) -> list[Range]:
    """Return the ranges of `count` records, known to throw together, that throw by themselves.

    Each is one record, unless they are so many that reading must end before.
    """
    found: list[Range] = []
    doubtful = [(0, count)] if count else []
    reads = 0
    while doubtful and reads < READS:
        halves = []
        for first, end in doubtful:
            if end - first == 1:
                found.append((first, end))
            else:
                middle = (first + end) // 2
                halves += [(first, middle), (middle, end)]
        reads += len(halves)
        doubtful = [half for half in halves if throws(half)]
    return sorted(found + doubtful)
