"""The requests of a report, read once: a table in memory that its many questions scan.

What names a request has (model, region, status, ...) is one number there, ids are hashed to numbers,
and only what the report asks about is kept: some 160 bytes per request. Requests in flight are counted
here as `views.sql` defines them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from logscope.config import quote
from logscope.queries import find_query
from logscope.runs import small, stable_order
from logscope.selection import COMPUTED
from logscope.tables import create_selection, table_columns

NAMES = ("model", "region", "task", "team", "format", "status", "price_id")
AS_THEY_ARE = (
    "started_at",
    "day",
    "stream",
    "ttft_ms",
    "duration_ms",
    "tpot_ms",
    "max_gap_ms",
    "stall_ms",
    "input_tokens",
    "input_uncached_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_write_unknown_tokens",
    "output_tokens",
    "output_text_tokens",
    "reasoning_tokens",
    "cost_usd",
)
COLUMNS = frozenset((*NAMES, "operation_id", "session_id", *AS_THEY_ARE))
UNDER_WAY = ("started_at", "ttft_ms", "tpot_ms")
# What the view of requests computes from other rows.
COMPUTED_FROM_OTHERS = frozenset(("attempt", "in_flight", "joined_by", "logged_operation_id"))
WORD = re.compile(r"\w+")


def keep(connection: Any, where: str | None) -> str:
    """Keep the requests and return the relation that has all columns of them, as cheap as can be.

    Makes the view `kept`, of all the connection's days, upon two tables: `kept_rows`, and
    `kept_names`: what names go together. `asked` tells the requests that the condition is about.
    """
    listed = ", ".join(NAMES)
    connection.execute(
        "create table kept_names as select *, (row_number() over () - 1)::uinteger as nth, "
        f"hash({listed}) as names_key from (select distinct {listed} from stored_requests order by all)"
    )
    connection.execute(
        "create view plain_requests as select * replace "
        "(coalesce(operation_id, request_id) as operation_id) from stored_requests"
    )
    # A condition may be about what the view computes, and a failure may belong to an operation by the
    # view's rule; without either the rows as they are stored do.
    plain = not asks_other_rows(where or "") and not has_unmarked_failures(connection)
    source = "plain_requests" if plain else "requests"
    connection.execute(
        f"""
            create table kept_rows as
            with asked as (
                select
                    hash({listed}) as names_key,
                    hash(operation_id) as operation_id,
                    case when session_id is not null then hash(session_id) end as session_id,
                    {", ".join(AS_THEY_ARE)},
                    coalesce(ended_at, started_at) as over_at,
                    coalesce(({where or "true"}), false) as asked
                from {source}
            )

            select nth, asked.* exclude (names_key) from asked join kept_names using (names_key)
        """
    )
    connection.execute("create view kept as select * from kept_rows join kept_names using (nth)")
    return source


def asks_other_rows(condition: str) -> bool:
    """Return whether an SQL condition may be about what the view of requests computes."""
    # COLUMNS names columns by a pattern.
    return bool((COMPUTED_FROM_OTHERS | {"columns"}) & {*WORD.findall(condition.lower())})


def has_unmarked_failures(connection: Any) -> bool:
    """Return whether the rule of `views.sql` may join a failure to a later success."""
    found = connection.execute(
        "select exists(select 1 from stored_requests where status in ('error', 'throttled') "
        "and operation_id is null and session_id is not null and prompt_chars is not null)"
    ).fetchone()
    return bool(found[0])


def keep_in_flight(connection: Any, since: datetime | None) -> None:
    """Make the table `under_way`: the requests from `since` on, with how many were in flight.

    Of the same model and region, those that started by then less those that were over before. What
    was over before `since` is in no such count.
    """
    rows = connection.sql(
        f"select nth, epoch_us(started_at) as start, epoch_us(over_at) as over, asked, "
        f"{', '.join(UNDER_WAY)} from kept_rows "
        f"where greatest(started_at, over_at) >= timestamptz {quote(str(since or '-infinity'))}"
    ).to_arrow_table()
    # A pair of model and region goes with several names: its number is that of the first of them.
    pair_of = connection.execute(
        "select min(nth) over (partition by model, region) as pair from kept_names order by nth"
    ).fetchnumpy()["pair"]
    start, over = (rows[name].to_numpy() for name in ("start", "over"))
    pair = small(np.asarray(pair_of)[rows["nth"].to_numpy()])
    in_flight = np.zeros(len(pair), dtype=np.int32)
    order = stable_order(pair)
    for mine in np.split(order, np.flatnonzero(np.diff(pair[order])) + 1):
        # Stable, because that is fast where rows come in the order of time, or nearly so.
        mine = mine[np.argsort(start[mine], kind="stable")]
        starts, ends = start[mine], np.sort(over[mine], kind="stable")
        begun = np.searchsorted(starts, starts, side="right")
        in_flight[mine] = begun - np.searchsorted(ends, starts, side="left")
    counted = rows.drop_columns(["start", "over"]).append_column("in_flight", [in_flight])
    connection.register("counted", counted)
    connection.execute("create table under_way as select * from counted")
    connection.unregister("counted")


def serves(query: str, by: Sequence[str]) -> bool:
    """Return whether a named query grouped by some columns asks only for what is kept."""
    kept = {*NAMES, *UNDER_WAY} if "in_flight" in words_of(query) else COLUMNS
    asked = words_of(query) & {*table_columns()["requests"]}
    return asked <= kept and all(name in kept or name in COMPUTED for name in by)


def is_plain(query: str, by: Sequence[str]) -> bool:
    """Return whether a named query grouped by some columns asks for nothing from other rows."""
    return not COMPUTED_FROM_OTHERS & {*words_of(query), *by}


def words_of(query: str) -> set[str]:
    return set(WORD.findall(find_query(query).sql))


def see_kept(
    connection: Any, columns: Mapping[str, str], condition: str, in_flight: bool = False
) -> None:
    """Create the views `selection` and `groups` over `kept`, or over `under_way` if that is asked."""
    named = {*columns} <= {*NAMES}
    create_selection(
        connection,
        columns,
        f"asked and {condition}",
        "(from under_way join kept_names using (nth))" if in_flight else "kept",
        NAMES,
        "kept_names" if named else None,
    )
