"""Accounting: what became of every record of an ingest. records = stored + merged + ignored + rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from logscope import merging
from logscope.config import quote
from logscope.delta import Change
from logscope.reading import Plan
from logscope.sources import place_of
from logscope.tables import fill, scan_sql

# What becomes of the records of a request that only repeats what its children used.
REPEATS = "ignored: repeats its children"


@dataclass(frozen=True)
class FormatCount:
    """What one format brought: files, records, first and last day."""

    name: str
    files: int
    records: int
    first: date | None
    last: date | None


@dataclass(frozen=True)
class IngestResult:
    """The account of one ingest. records = stored + merged + ignored + rejected."""

    files: int = 0
    size_bytes: int = 0
    seconds: float = 0.0
    records: int = 0
    stored: int = 0
    merged: int = 0
    ignored: int = 0
    rejected: int = 0
    formats: tuple[FormatCount, ...] = ()
    unknown_files: tuple[Path, ...] = ()
    unchanged_files: int = 0
    merged_how: tuple[tuple[str, int], ...] = ()
    unknown_shares: tuple[tuple[str, float], ...] = ()
    unpriced_models: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()


def open_written(connection: Any, change: Change) -> None:
    """Make the view `written_requests`: the request rows that this ingest wrote."""
    sql = scan_sql("requests", list(change.adds))
    connection.execute(f"create or replace view written_requests as {sql}")


def account(connection: Any, plans: Sequence[Plan], digests: dict[str, str]) -> None:
    """Make `next_files`: what became of the records of each file, and `fates` behind it.

    A request's first record in the order of files and lines is stored, the others are merged; all
    are merged if the store had the request. `fates` leaves out the records that are a row alone. Of
    files that have `grown` only what was added counts here.
    """
    connection.execute(
        "create or replace table read_files (file_id varchar, path varchar, format varchar, "
        "size_bytes bigint, sha256 varchar, damaged bigint, bytes_read bigint);"
        "create or replace table grown (file_id varchar, cut_line bigint)"
    )
    read = []
    for plan in plans:
        size = plan.path.stat().st_size if plan.size_bytes is None else plan.size_bytes
        begins = plan.grown.begins if plan.grown else 0
        place = [
            plan.file_id,
            place_of(plan.path),
            plan.format.name,
            size,
            digests[plan.file_id],
        ]
        read.append([*place, int(plan.problem is not None), size - begins])
    fill(connection, "read_files", read)
    fill(
        connection,
        "grown",
        [[plan.grown.file_id, plan.grown.cut] for plan in plans if plan.grown],
    )
    connection.execute(
        f"""
        create or replace table fates as
        with keyed as (
            select
                * exclude (outcome),
                case
                    when outcome is null and is_request and request_id in (from repeating)
                        then {quote(REPEATS)}
                    else outcome
                end as outcome,
                {merging.RECORD_KEY} as key,
            from records
            where outcome is not null
                or not is_request
                or request_id in (from touched)
                or request_id in (from repeating)
        ),
        known as (
            select *, key in (from stored_before) as was_stored from keyed
        )
        select
            file_id,
            line,
            split_part(key, ' ', 1) as record,
            case when not is_bill then request_id end as request_id,
            own_id,
            other_ids,
            outcome,
            was_stored,
            not was_stored and row_number() over same_key = 1 as is_first,
            case
                when outcome like 'ignored:%' then 'ignored'
                when outcome is not null then 'rejected'
                when was_stored then 'merged'
                when is_first then 'stored'
                else 'merged'
            end as fate,
            first(file_id) over same_key as first_file_id,
            first(line) over same_key as first_line,
        from known
        window same_key as (
            partition by outcome is null or outcome = {quote(REPEATS)}, key order by file_id, line
        );
        create or replace table next_files as
        with fated as (
            select file_id, fate from fates
            union all
            select file_id, 'stored'
            from records
            where outcome is null and is_request
                and request_id not in (from touched)
                and request_id not in (from repeating)
        )
        select
            read_files.file_id,
            path,
            format,
            size_bytes,
            sha256,
            now() as ingested_at,
            any_value(bytes_read) as bytes_read,
            count(fate) + any_value(damaged) as records,
            count(*) filter (where fate = 'stored') as stored,
            count(*) filter (where fate = 'merged') as merged,
            count(*) filter (where fate = 'ignored') as ignored,
            count(*) filter (where fate = 'rejected') + any_value(damaged) as rejected,
        from read_files
        left join fated using (file_id)
        group by all
        """
    )


def count(connection: Any, result: IngestResult) -> IngestResult:
    """Fill in the four counts, and why records were rejected."""
    one = connection.execute(
        "select count(*), sum(bytes_read), sum(records), sum(stored), sum(merged), sum(ignored), "
        "sum(rejected) from next_files"
    ).fetchone()
    reasons = connection.execute(
        "select reason, count(*) from next_rejects group by reason order by 2 desc, 1"
    ).fetchall()
    return replace(
        result,
        files=one[0],
        size_bytes=int(one[1] or 0),
        records=int(one[2]),
        stored=int(one[3]),
        merged=int(one[4]),
        ignored=int(one[5]),
        rejected=int(one[6]),
        reasons=tuple(reasons),
    )


def summarise(connection: Any, result: IngestResult) -> IngestResult:
    """Fill in what each format brought, what is unknown, and how records came to be merged."""
    spans = connection.execute(
        """
        with spans as (
            select
                format,
                min(coalesce(started_at, starts_at))::date as first,
                max(coalesce(started_at, starts_at))::date as last,
            from records where outcome is null group by format
        )
        select next_files.format, count(*), sum(records), any_value(first), any_value(last)
        from next_files left join spans using (format)
        group by next_files.format order by sum(records) desc, next_files.format
        """
    ).fetchall()
    unknown = connection.execute(
        """
        select
            count(*) filter (where ttft_ms is null) / nullif(count(*), 0) as ttft,
            count(*) filter (where region is null) / nullif(count(*), 0) as region,
            count(*) filter (where task is null) / nullif(count(*), 0) as task,
            count(*) filter (where status = 'ok' and cost_usd is null)
                / nullif(count(*) filter (where status = 'ok'), 0) as price,
        from written_requests
        """
    )
    shares = zip([column[0] for column in unknown.description], unknown.fetchone(), strict=True)
    unpriced = connection.execute(
        "select model from written_requests where status = 'ok' and cost_usd is null "
        "and input_tokens is not null and model is not null "
        "group by model order by count(*) desc, model limit 10"
    ).fetchall()
    labels = connection.execute(
        "select label from (select unnest(map_keys(labels)) as label from written_requests) "
        "where label not in ('task', 'team') group by label order by count(*) desc, label limit 5"
    ).fetchall()
    return replace(
        result,
        formats=tuple(FormatCount(*row) for row in spans),
        unknown_shares=tuple((name, share) for name, share in shares if share),
        unpriced_models=tuple(row[0] for row in unpriced),
        labels=tuple(row[0] for row in labels),
        merged_how=tuple(summarise_merged(connection) if result.merged else ()),
    )


def summarise_merged(connection: Any) -> list[tuple[str, int]]:
    """Return how records came to be merged, and how many."""
    rows: list[tuple[str, int]] = connection.execute(
        """
        with seen as (
            select request_id, list_sort(list_distinct(list(format))) as formats, count(*) - 1 as n
            from (
                select request_id, format from logged
                union all
                select request_id, format from stored_rows
            )
            semi join touched using (request_id)
            anti join repeating using (request_id)
            group by request_id
        )
        select
            case
                when len(formats) = 1 then 'written twice'
                else 'seen by both ' || array_to_string(formats, ' and ')
            end as how,
            sum(n)::bigint as records
        from seen where n > 0 group by how order by records desc, how
        """
    ).fetchall()
    return rows
