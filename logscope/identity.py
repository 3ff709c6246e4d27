"""Identity: which records tell of the same request, whoever logged it.

A record may name its call by several ids: the provider's, a proxy's, a trace and span. Records that
share any of them are one request, whether they come together or in different ingests; the best of
all their ids stands for it (`ranked_id`). Ingests without such ids pay one look.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from logscope.store import Store
from logscope.tables import scan_sql, table_columns

IDS = Path(__file__).with_name("ids.sql")
CLIMBED = Path(__file__).with_name("climbed.sql")


def open_stored(connection: Any, store: Store, table: str) -> None:
    """Create the view `stored_<table>`: its rows under the ids that stand for them now.

    Each row tells the id it is stored under (`stored_id`) and its Parquet file (`filename`).
    """
    sql = scan_sql(table, store.files(table), origin=True)
    if "request_id" not in table_columns()[table]:
        canonical = sql
    elif exists(connection, "select 1 from renamed"):
        canonical = (
            "select stored.* replace (coalesce(canonical_id, stored.request_id) as request_id), "
            f"stored.request_id as stored_id from ({sql}) as stored left join renamed "
            "on renamed.request_id = stored.request_id"
        )
    else:
        canonical = f"select *, request_id as stored_id from ({sql})"
    connection.execute(f"create or replace view stored_{table} as {canonical}")


def open_rows(connection: Any, store: Store) -> None:
    """Create `stored_rows`: stored requests and stored parents, with the table each stands in."""
    for table in ("requests", "parents"):
        open_stored(connection, store, table)
    parents = "union all select *, 'parents' from stored_parents" if store.files("parents") else ""
    connection.execute(
        "create or replace view stored_rows as "
        f"select *, 'requests' as stored_in from stored_requests {parents}"
    )


def climb(connection: Any, store: Store) -> bool:
    """Make `climbed` (climbed.sql) and `next_spans`: the spans in the records that are no requests.

    Returns whether there are any of these.
    """
    open_rows(connection, store)
    open_stored(connection, store, "spans")
    connection.execute(
        """
        create or replace table next_spans as
        with given as (
            select
                list_filter(list_append(other_ids, request_id), lambda id: is_span_key(id))[1]
                    as span_id,
                parent_request_id as parent_id,
            from staged
            where outcome like 'ignored:%' and is_span_key(parent_request_id)
        ),
        versions as (
            select
                split_part(span_id, ':', 1) as trace_id,
                split_part(span_id, ':', 2) as span_id,
                split_part(parent_id, ':', 2) as parent_id,
            from given where span_id is not null
        ),
        all_versions as (
            select * from versions
            union all
            select trace_id, span_id, parent_id
            from stored_spans semi join versions using (trace_id, span_id)
        )
        select trace_id, span_id, min(parent_id) as parent_id
        from all_versions group by all order by all
        """
    )
    has_new = exists(connection, "from next_spans")
    if has_new or store.files("spans"):
        connection.execute(f"create or replace table climbed as {CLIMBED.read_text('utf-8')}")
    return has_new


def resolve(connection: Any, store: Store) -> None:
    """Fill `renamed`: ids in records and in the store that another id of the call stands for.

    Leaves the views `stored_requests`, `stored_parents` and `stored_rows` under the new ids, and
    the table `known_ids`: every id of the calls concerned but the one that stands for it.
    """
    open_rows(connection, store)
    connection.execute("create or replace table known_ids (id varchar, request_id varchar)")
    if not (
        exists(connection, "select 1 from staged where other_ids is not null")
        or exists(connection, "select 1 from stored_rows where other_ids is not null")
    ):
        return
    connection.execute(f"create or replace table ids as {IDS.read_text(encoding='utf-8')}")
    connect_calls(connection)
    connection.execute(
        """
        insert into known_ids
        with calls as (
            select coalesce(label, ids.request_id) as call, ids.id
            from ids left join labels using (request_id)
        ),
        best as (select call, min(ranked_id(id))[2:] as canonical_id from calls group by call)
        select distinct id, canonical_id from calls join best using (call) where id <> canonical_id
        """
    )
    for table in ("streams", "scores"):
        open_stored(connection, store, table)
    connection.execute(
        """
        insert into renamed
        select id, request_id from known_ids
        where id in (
            select own_id from records
            union all select request_id from stored_rows
            union all select request_id from stored_streams
            union all select request_id from stored_scores
        )
        """
    )
    open_rows(connection, store)


def connect_calls(connection: Any) -> None:
    """Make `labels`: the calls that share an id with another one, and a label they all share.

    The least label spreads along the shared ids; each round also takes the label of its label, so
    that long chains need few rounds.
    """
    connection.execute(
        """
        create or replace table shared_ids as
        select ids.* from ids
        join (
            select id from ids group by id having min(request_id) <> max(request_id)
        ) using (id);
        create or replace table labels as
        select distinct request_id, request_id as label from shared_ids
        """
    )
    while exists(connection, "select 1 from shared_ids"):
        connection.execute(
            """
            create or replace table next_labels as
            with by_id as (
                select id, min(label) as label
                from shared_ids join labels using (request_id) group by id
            ),
            spread as (
                select request_id, min(label) as label
                from shared_ids join by_id using (id) group by request_id
            )
            select spread.request_id, least(spread.label, labels.label) as label
            from spread join labels on labels.request_id = spread.label
            """
        )
        if not exists(connection, "select * from next_labels except select * from labels"):
            return
        connection.execute("create or replace table labels as from next_labels")


def exists(connection: Any, query: str) -> bool:
    return connection.execute(f"select exists({query})").fetchone()[0] is True
