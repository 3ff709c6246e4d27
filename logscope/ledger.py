"""The ledger: which records are no row of their own, and what became part of what.

The table `merges` holds every record that was merged into what another record had told of, and every
record of a request that only repeats its children. Where an ingest finds that stored requests are
one, or that a stored request is a parent (or none any more), the earlier records are accounted for
anew, and so are the counts of their files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from logscope.accounting import REPEATS
from logscope.config import quote
from logscope.delta import Change
from logscope.merging import KEYS
from logscope.store import Store
from logscope.tables import scan_sql, table_columns

MERGES = Path(__file__).with_name("merges.sql")
# The line that broke off when a file was read that has grown since: it is whole now.
CUT = "coalesce((file_id, line) in (select (file_id, cut_line) from grown), false)"
# What a stale file of the ledger or of the list of files holds when it is written anew.
KEPT = {
    "merges": """
        select stale.* replace (coalesce(canonical_id, stale.request_id) as request_id)
        from stale left join renamed on renamed.request_id = stale.request_id
        where not (record = 'request' and stale.request_id in (select stored_id from reassigned))
    """,
    "files": """
        select stale.* replace (
            coalesce(later.path, stale.path) as path,
            coalesce(later.size_bytes, stale.size_bytes) as size_bytes,
            coalesce(later.sha256, stale.sha256) as sha256,
            coalesce(later.ingested_at, stale.ingested_at) as ingested_at,
            stale.records - (cut_line is not null)::bigint + coalesce(later.records, 0) as records,
            stale.stored + coalesce(more_stored, 0) + coalesce(later.stored, 0) as stored,
            stale.merged + coalesce(more_merged, 0) + coalesce(later.merged, 0) as merged,
            stale.ignored + coalesce(more_ignored, 0) + coalesce(later.ignored, 0) as ignored,
            stale.rejected - (cut_line is not null)::bigint + coalesce(later.rejected, 0) as rejected
        )
        from stale
        left join recounted using (file_id)
        left join grown using (file_id)
        left join next_files as later on later.file_id = grown.file_id
    """,
    "rejects": f"select * from stale where not {CUT}",
}
STALE = {
    "merges": "request_id in (select stored_id from reassigned) "
    "or (record <> 'request' and request_id in (select request_id from renamed))",
    "files": "file_id in (select file_id from recounted union select file_id from grown)",
    "rejects": CUT,
}
# A file that has grown stays one file.
NEW = {"files": "file_id not in (select file_id from grown)"}


def write_ledger(connection: Any, store: Store) -> dict[str, Change]:
    """Return the changes of `merges`, `files` and `rejects`, from what this ingest made of them."""
    for table in STALE:
        sql = scan_sql(table, store.files(table), origin=True)
        connection.execute(f"create or replace view stored_{table} as {sql}")
    find_first_records(connection)
    connection.execute(f"create or replace table next_merges as {MERGES.read_text('utf-8')}")
    find_doubled(connection)
    connection.execute("insert into next_merges by name from doubled")
    account_anew(connection)
    changes = {table: rewrite(connection, store, table) for table in STALE}
    return {table: change for table, change in changes.items() if change.adds or change.removes}


def find_first_records(connection: Any) -> None:
    """Make `roots` and `first_records`: the record of each stored request that is counted as stored.

    A row tells one of its records; if that one was merged, the ledger tells into which. Of several
    stored requests that are one now the first record stands (`first_records`).
    """
    connection.execute(
        f"""
        create or replace table roots as
        with concerned as (
            select request_id, stored_id, stored_in, file_id, line
            from stored_rows semi join touched using (request_id)
        ),
        merged as (
            select
                request_id as stored_id,
                file_id,
                line,
                any_value(into_file_id) as into_file_id,
                any_value(into_line) as into_line,
            from stored_merges
            where record = 'request' and into_file_id is not null
            group by all
        ),
        of_parents as (
            select
                request_id as stored_id,
                any_value(file_id) as first_file_id,
                any_value(line) as first_line,
            from stored_merges
            where outcome = {quote(REPEATS)} and into_file_id is null
            group by all
        )
        select
            request_id,
            stored_id,
            stored_in,
            coalesce(first_file_id, into_file_id, file_id) as file_id,
            coalesce(first_line, into_line, line) as line,
        from concerned
        left join merged using (stored_id, file_id, line)
        left join of_parents using (stored_id);
        create or replace table first_records as
        select request_id, unnest(min(struct_pack(file_id, line))) from roots group by request_id
        """
    )


def account_anew(connection: Any) -> None:
    """Add to `next_merges` earlier records of requests that are others now; make `recounted`."""
    connection.execute(
        f"""
        -- Stored under another id, one with another stored request, or in the wrong table.
        create or replace table reassigned as
        select * from roots
        where stored_id <> request_id
            or request_id in (select request_id from roots group by request_id having count(*) > 1)
            or (stored_in = 'parents') <> (request_id in (from repeating));
        create or replace table earlier as
        with records as (
            select request_id, file_id, line, stored_id as shared_id, 'stored' as fate
            from reassigned where stored_in = 'requests'
            union all
            select
                reassigned.request_id,
                stored_merges.file_id,
                stored_merges.line,
                shared_id,
                if(outcome = 'merged', 'merged', 'ignored'),
            from stored_merges
            join reassigned on stored_merges.request_id = reassigned.stored_id
            where record = 'request'
        )
        select
            records.*,
            first_records.file_id as first_file_id,
            first_records.line as first_line,
            -- A line may hold several records of one request.
            row_number() over (
                partition by request_id
                order by
                    (records.file_id, records.line) = (first_records.file_id, first_records.line) desc,
                    records.fate = 'stored' desc,
                    shared_id
            ) = 1 as is_first,
            case
                when request_id in (from repeating) then 'ignored'
                when is_first then 'stored'
                else 'merged'
            end as next_fate,
        from records
        join first_records using (request_id);
        insert into next_merges by name
        select
            file_id,
            line,
            'request' as record,
            request_id,
            shared_id,
            if(is_first, null, first_file_id) as into_file_id,
            if(is_first, null, first_line) as into_line,
            if(next_fate = 'merged', 'merged', {quote(REPEATS)}) as outcome,
        from earlier
        where next_fate <> 'stored';
        create or replace table recounted as
        with changed as (
            select file_id, fate, next_fate from earlier where next_fate <> fate
            union all
            select file_id, 'stored', 'merged' from doubled
        )
        select
            file_id,
            count(*) filter (where next_fate = 'stored') - count(*) filter (where fate = 'stored')
                as more_stored,
            count(*) filter (where next_fate = 'merged') - count(*) filter (where fate = 'merged')
                as more_merged,
            count(*) filter (where next_fate = 'ignored') - count(*) filter (where fate = 'ignored')
                as more_ignored,
        from changed
        group by file_id
        """
    )


def find_doubled(connection: Any) -> None:
    """Make `doubled`: records of stored streams and scores that are one now with an earlier one."""
    connection.execute(
        "create or replace table doubled (file_id varchar, line bigint, record varchar, "
        "request_id varchar, shared_id varchar, into_file_id varchar, into_line bigint, "
        "outcome varchar)"
    )
    for table in ("streams", "scores"):
        key = KEYS[table]
        connection.execute(
            f"""
            insert into doubled by name
            select
                file_id,
                line,
                '{table[:-1]}' as record,
                request_id,
                stored_id as shared_id,
                first(file_id) over same_key as into_file_id,
                first(line) over same_key as into_line,
                'merged' as outcome,
            from stored_{table}
            where file_id is not null
                and {key} in (select {key} from stored_{table} where stored_id <> request_id)
            window same_key as (partition by {key} order by file_id, line)
            qualify row_number() over same_key > 1
            """
        )


def rewrite(connection: Any, store: Store, table: str) -> Change:
    """Write `next_<table>`, and anew the files of the stored table in which a row changes."""
    stale = [
        row[0]
        for row in connection.execute(
            f"select distinct filename from stored_{table} where {STALE[table]} order by 1"
        ).fetchall()
    ]
    columns = ", ".join(table_columns()[table])
    rows = f"select {columns} from next_{table} where {NEW.get(table, 'true')}"
    if stale:
        connection.execute(
            f"create or replace view stale as select {columns} from stored_{table} "
            f"where filename in ({', '.join(map(quote, stale))})"
        )
        rows = f"{rows} union all by name {KEPT[table]}"
    removes = [file for file in store.files(table) if file.path in set(stale)]
    return Change(adds=store.write_parquet(connection, table, rows), removes=removes)
