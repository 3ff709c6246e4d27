"""Merging: staged records become rows, each request once, beside what the store already holds.

Only Parquet files in which a row really differs are written again; equal repeats cost a comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logscope import names, prices
from logscope.config import Config, quote
from logscope.delta import Change, LiveFile
from logscope.identity import climb, exists, open_stored, resolve
from logscope.reading import DERIVED
from logscope.store import Store
from logscope.tables import fill, table_columns

HERE = Path(__file__).parent
# How rows of a table are recognised as the same.
KEYS = {
    "requests": "request_id",
    "parents": "request_id",
    "streams": "request_id",
    "scores": "concat_ws(chr(31), request_id, session_id, name, source, request_id is null)",
    "bills": "bill_id",
    "spans": "concat_ws(':', trace_id, span_id)",
}
# The same for a record: a stream that comes with its request is one record, that of the request.
RECORD_KEY = """case
    when is_request then 'request ' || request_id
    when is_stream then 'stream ' || request_id
    when is_bill then 'bill ' || bill_id
    else 'score ' || concat_ws(chr(31), request_id, session_id, name, score_source, request_id is null)
end"""
# What requests take over from their streams.
STREAM_FACTS = ("n_chunks", "first_generated_ms", "first_visible_ms", "max_gap_ms", "stall_ms")
# Cloud regions as they stand in host names: AWS, then Google, then Azure.
HOST_REGION = (
    r"\b((?:us|eu|ap|sa|ca|me|af|il|mx|europe|asia|australia|africa|northamerica|southamerica)"
    r"(?:-gov)?-[a-z]+-?[0-9]+)\b"
)
AZURE_REGION = r"(?:^|//)([a-z]+[0-9]?)\.api\.cognitive\."


@dataclass(frozen=True)
class Rewrite:
    """The rows of a table that are to be written, and the files that these replace."""

    query: str
    removes: Sequence[LiveFile] = ()
    days: str | None = None  # the days of the rows, see `Store.write_parquet`


def read(name: str) -> str:
    return (HERE / f"{name}.sql").read_text(encoding="utf-8")


def merge_records(connection: Any, store: Store, config: Config) -> dict[str, Rewrite]:
    """Turn the view `records` into what is to be written of the tables that hold what logs tell.

    Leaves the views `next_requests` and `next_parents` (all rows that the ingest concerns) for the
    account.
    """
    rewrites = {}
    has_spans = climb(connection, store)
    resolve(connection, store)
    scores, bills, streams = connection.execute(
        "select bool_or(is_score), bool_or(is_bill), bool_or(is_stream) "
        "from records where outcome is null"
    ).fetchone()
    if is_renamed(connection, store, "scores") or scores:
        rewrites["scores"] = merge_scores(connection, store)
    if bills:
        rewrites["bills"] = merge_bills(connection, store)
    if has_spans:
        rewrites["spans"] = replace_rows(connection, store, "spans")
    connection.execute(
        "create or replace view logged as "
        "select * from records where outcome is null and is_request"
    )
    connection.execute(f"create or replace view normalised as {read('normalise')}")
    has_streams = bool(is_renamed(connection, store, "streams") or streams)
    if has_streams:
        stage_streams(connection, store)
    collect_touched(connection, has_streams)
    has_parents = any(
        exists(connection, f"select 1 from {rows} where parent_request_id is not null")
        for rows in ("staged", "stored_rows")
    )
    if has_parents or exists(connection, "from touched"):
        merge_versions(connection, has_streams)
    else:
        connection.execute("create or replace view rows as from normalised")
    if has_parents:
        find_parents(connection)
    facts = stream_facts(connection, store, has_streams)
    connection.execute(f"create or replace table stream_facts as {facts}")
    written = ["requests"]
    if store.files("parents") or exists(connection, "from repeating"):
        written.append("parents")
    derive(connection, config, written)
    if has_streams:
        written.append("streams")
    return rewrites | {table: replace_rows(connection, store, table) for table in written}


def merge_versions(connection: Any, has_streams: bool) -> None:
    """Make the view `rows`: requests that came once as they are, others merged (merge.sql).

    What a stored row has from its stream counts no more once a fuller version of that may come.
    """
    stored = f"select {as_logged()} from stored_rows semi join touched using (request_id)"
    if has_streams:
        stored = (
            "select stored.* replace (nullif(ttft_visible_ms, first_visible_ms) as ttft_visible_ms) "
            f"from ({stored}) as stored left join stored_streams using (request_id)"
        )
    connection.execute(
        f"""
        create or replace view versions as
        select * from normalised semi join touched using (request_id)
        union all by name
        {stored};
        create or replace table merged_rows as {read("merge")};
        create or replace view rows as
        select * from normalised anti join touched using (request_id)
        union all by name
        select * from merged_rows
        """
    )


def is_renamed(connection: Any, store: Store, table: str) -> bool:
    """Open a stored table under the ids of now; return whether that changes any of them."""
    open_stored(connection, store, table)
    return exists(connection, f"select 1 from stored_{table} where stored_id <> request_id")


def find_parents(connection: Any) -> None:
    """Fill `repeating`: requests, new or stored, that repeat their children (parents.sql).

    A stored row whose table is not the right one any more is taken along among the touched.
    """
    connection.execute(
        f"""
        create or replace table judged as {read("parents")};
        insert into repeating select request_id from judged where repeats;
        create or replace table moved as
        select {as_logged()}
        from stored_rows
        join judged using (request_id)
        where (stored_in = 'parents') <> repeats and request_id not in (select * from touched);
        insert into merged_rows by name from moved;
        insert into touched select request_id from moved
        """
    )


def as_logged() -> str:
    """Return the columns of a stored request that are not derived, as a select list."""
    ids = "ids_beside(request_id, other_ids, stored_id) as other_ids"
    names = (name for name in table_columns()["requests"] if name not in DERIVED)
    return ", ".join(ids if name == "other_ids" else name for name in names)


def collect_touched(connection: Any, has_streams: bool) -> None:
    """Find the requests that more than one record or the store tells of, or a stream belongs to."""
    parts = [
        "select request_id from logged group by request_id having count(*) > 1",
        "select distinct request_id from logged semi join stored_rows using (request_id)",
    ]
    if has_streams:
        parts.append(
            "select request_id from next_streams semi join ("
            "select request_id from logged union all select request_id from stored_rows) "
            "using (request_id)"
        )
    connection.execute(f"create or replace table touched as {' union '.join(parts)}")


def stage_streams(connection: Any, store: Store) -> None:
    """Make `next_streams`: each stream once, the fullest version of what is new and stored.

    A stream without a start of its own lies on the day of its request. One that has neither goes to
    the table `homeless`, which makes its record a rejected one.
    """
    connection.execute(
        f"""
        create or replace table fullest_streams as {read("streams")};
        insert into homeless select request_id from fullest_streams where day is null;
        create or replace table next_streams as {read("stream_facts")} where day is not null
        """
    )


def stream_facts(connection: Any, store: Store, has_streams: bool) -> str:
    """Return the SELECT of what streams, new and stored, say about the requests concerned."""
    facts = f"select request_id, {', '.join(STREAM_FACTS)} from"
    open_stored(connection, store, "streams")
    concerned = "semi join rows using (request_id)" if store.files("streams") else ""
    unseen = "anti join next_streams using (request_id)" if has_streams else ""
    older = f"{facts} stored_streams {concerned} {unseen}"
    return f"{facts} next_streams union all {older}" if has_streams else older


def merge_scores(connection: Any, store: Store) -> Rewrite:
    """Bring scores into the store; of the same score the last one stands."""
    connection.execute(
        f"""
        create or replace table next_scores as
        with given as (
            select
                request_id, session_id, name, value, score_source as source, scored_at,
                struct_pack(file_id, line) as place, false as is_stored,
            from records where outcome is null and is_score
            union all
            select
                request_id, session_id, name, value, source, scored_at,
                struct_pack(file_id, line), true
            from stored_scores where stored_id <> request_id
        ),
        versions as (
            select * from given
            union all
            select
                request_id, session_id, name, value, source, scored_at,
                struct_pack(file_id, line), true
            from stored_scores
            where {KEYS["scores"]} in (select {KEYS["scores"]} from given)
        )
        select
            unnest(max_by(
                struct_pack(request_id, session_id, name, value, source, scored_at),
                struct_pack(a := coalesce(epoch_us(scored_at), -1), b := value)
            )),
            unnest(first_place(place, is_stored)),
        from versions group by {KEYS["scores"]}
        """
    )
    return replace_rows(connection, store, "scores")


def merge_bills(connection: Any, store: Store) -> Rewrite:
    """Bring bills into the store; of the same bill the fullest version stands (bills.sql)."""
    open_stored(connection, store, "bills")
    pairs = connection.execute(
        "select distinct provider, model_logged from records where outcome is null and is_bill "
        "order by all"
    ).fetchall()
    write_canonical(connection, pairs)
    connection.execute(f"create or replace table next_bills as {read('bills')}")
    return replace_rows(connection, store, "bills")


def derive(connection: Any, config: Config, tables: Sequence[str] = ("requests",)) -> None:
    """Make the view `next_<table>` of requests or parents from `rows`: names, rules, prices."""
    name_models(connection, config)
    rules = ", ".join(f"{config.rule_sql(name)} as {name}" for name in ("task", "team"))
    join = {"requests": "anti", "parents": "semi"}
    for table in tables:
        # One view: each of several, one upon the other, would be bound with all below it.
        connection.execute(
            f"""
            create or replace view next_{table} as
            with derived as ({read("derive")}),
            priced_input as (
                select * replace ({config.rule_sql("region")} as region), {rules} from derived
            )
            from ({read("cost")}) {join[table]} join repeating using (request_id)
            """
        )


def name_models(connection: Any, config: Config) -> None:
    """Make the tables `names` and `prices` for every distinct model that was logged."""
    connection.execute(
        f"""
        create or replace table logged_names as
        select distinct
            provider as provider_logged,
            model_logged,
            region_logged,
            case
                when contains(region_logged, '/') or contains(region_logged, '.') then nullif(coalesce(
                    nullif(regexp_extract(region_logged, {quote(HOST_REGION)}, 1), ''),
                    regexp_extract(region_logged, {quote(AZURE_REGION)}, 1)
                ), '')
                else nullif(lower(replace(region_logged, ' ', '')), '')
            end as region,
        from rows
        """
    )
    pairs = connection.execute(
        "select distinct provider_logged, model_logged from logged_names order by all"
    ).fetchall()
    canonical = write_canonical(connection, pairs)
    connection.execute(
        """
        create or replace view names as
        select logged_names.*, canonical.provider, canonical.model
        from logged_names
        join canonical
            on logged_names.provider_logged is not distinct from canonical.provider_logged
            and logged_names.model_logged is not distinct from canonical.model_logged
        """
    )
    book = prices.price_book(
        sorted({(row[2], row[1]) for row in canonical if row[1]}, key=repr),
        config.section("prices"),
    )
    prices.create_prices(connection, book)


def write_canonical(connection: Any, pairs: Sequence[tuple[Any, Any]]) -> list[list[Any]]:
    """Make the table `canonical`: logged provider and model, and their names in one spelling."""
    canonical = [
        [
            provider,
            model,
            names.canonical_provider(provider) if provider else None,
            names.canonical_model(provider, model) if model else None,
        ]
        for provider, model in pairs
    ]
    connection.execute(
        "create or replace table canonical "
        "(provider_logged varchar, model_logged varchar, provider varchar, model varchar)"
    )
    fill(connection, "canonical", canonical)
    return canonical


def replace_rows(connection: Any, store: Store, table: str) -> Rewrite:
    """Find what of `next_<table>` differs from `stored_<table>`: new rows, files whose rows differ.

    A stored row is as before, or has changed, or is gone: its id is another one now, or it stands
    in the other table of `requests` and `parents`.
    """
    key = KEYS[table]
    columns = ", ".join(table_columns()[table])
    concerned = f"select {key} from next_{table}"
    if table in ("requests", "parents"):
        concerned = "select request_id from touched"
    renamed = "stored_id <> request_id" if "request_id" in table_columns()[table] else "false"
    known, changed = f"stored_keys_of_{table}", f"changed_keys_of_{table}"
    connection.execute(
        f"create or replace table {known} as "
        f"select {key} as row_key, filename, coalesce({renamed}, false) as is_renamed "
        f"from stored_{table} where {key} in ({concerned})"
    )
    kind = "request" if table == "parents" else table[:-1]
    connection.execute(
        f"insert into stored_before select distinct '{kind} ' || row_key from {known}"
    )
    if not exists(connection, f"select 1 from {known}"):
        # To tell their days takes no prices.
        days = "select started_at::date as day from rows" if table == "requests" else None
        return Rewrite(f"select {columns} from next_{table}", days=days)
    connection.execute(
        f"""
        create or replace table {changed} as
        select {key} as row_key from (
            select {columns} from next_{table} where {key} in (select row_key from {known})
            except
            select {columns} from stored_{table} where {key} in (select row_key from {known})
        )
        union
        select row_key from {known}
        where is_renamed or row_key not in (select {key} from next_{table})
        """
    )
    stale = [
        row[0]
        for row in connection.execute(
            f"select distinct filename from {known} semi join {changed} using (row_key) order by 1"
        ).fetchall()
    ]
    kept = (
        f"union all by name select {columns} from stored_{table} "
        f"where filename in ({', '.join(map(quote, stale))}) "
        f"and {key} not in (select row_key from {changed})"
        if stale
        else ""
    )
    return Rewrite(
        f"select {columns} from next_{table} where {key} not in (select row_key from {known}) "
        f"or {key} in (select row_key from {changed}) {kept}",
        [file for file in store.files(table) if file.path in set(stale)],
    )


def write_rows(connection: Any, store: Store, rewrites: Mapping[str, Rewrite]) -> dict[str, Change]:
    """Write rows that differ as Parquet files; they count only after a commit."""
    return {
        table: Change(store.write_parquet(connection, table, one.query, one.days), one.removes)
        for table, one in rewrites.items()
    }
