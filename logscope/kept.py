"""The requests of a report, read once: a table in memory that its many questions scan.

Names are numbers there (enums), ids are hashed to numbers, and only what the report asks about is
kept: some 170 bytes per request. Requests in flight are counted here as `views.sql` defines them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from logscope.queries import find_query
from logscope.runs import stable_order
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
# What the view of requests computes from other rows.
COMPUTED_FROM_OTHERS = frozenset(("attempt", "in_flight", "joined_by", "logged_operation_id"))
WORD = re.compile(r"\w+")


def keep(connection: Any, where: str | None) -> str:
    """Keep the requests and return the relation that has all columns of them, as cheap as can be.

    Makes the tables `kept`, of all the connection's days, and `kept_names`: what names go together.

    `asked` tells the requests that the condition is about.
    """
    for name in NAMES:
        connection.execute(
            f"create type {enum(name)} as enum (select distinct {name} from stored_requests "
            f"where {name} is not null order by {name})"
        )
    connection.execute(
        "create view plain_requests as select * replace "
        "(coalesce(operation_id, request_id) as operation_id) from stored_requests"
    )
    # A condition may be about any column, those that the view computes too, and a failure may belong
    # to an operation by the view's rule; without either the rows as they are stored do.
    source = "requests" if where or has_unmarked_failures(connection) else "plain_requests"
    columns = [f"{name}::{enum(name)} as {name}" for name in NAMES]
    columns += ["hash(operation_id) as operation_id"]
    columns += ["case when session_id is not null then hash(session_id) end as session_id"]
    columns += [*AS_THEY_ARE, "coalesce(ended_at, started_at) as over_at"]
    columns += [f"coalesce(({where or 'true'}), false) as asked"]
    connection.execute(f"create table kept as select {', '.join(columns)} from {source}")
    connection.execute(f"create table kept_names as select distinct {', '.join(NAMES)} from kept")
    return source


def has_unmarked_failures(connection: Any) -> bool:
    """Return whether the rule of `views.sql` may join a failure to a later success."""
    found = connection.execute(
        "select exists(select 1 from stored_requests where status in ('error', 'throttled') "
        "and operation_id is null and session_id is not null and prompt_chars is not null)"
    ).fetchone()
    return bool(found[0])


def enum(name: str) -> str:
    return f"names_of_{name}"


def keep_in_flight(connection: Any) -> None:
    """Make the table `under_way`: for each row of `kept`, in its order, its requests in flight.

    Of the same model and region, those that started by then less those that were over before.
    """
    rows = connection.execute(
        f"select coalesce(enum_code(model)::bigint + 1, 0) "
        f"* (len(enum_range(null::{enum('region')})) + 1) "
        f"+ coalesce(enum_code(region)::bigint + 1, 0) as pair, "
        "epoch_us(started_at) as start, epoch_us(over_at) as over from kept"
    ).fetchnumpy()
    pair, start, over = (np.asarray(rows[name]) for name in ("pair", "start", "over"))
    in_flight = np.zeros(len(pair), dtype=np.int32)
    order = stable_order(pair)
    for mine in np.split(order, np.flatnonzero(np.diff(pair[order])) + 1):
        # Stable, because that is fast where rows come in the order of time, or nearly so.
        mine = mine[np.argsort(start[mine], kind="stable")]
        starts, ends = start[mine], np.sort(over[mine], kind="stable")
        begun = np.searchsorted(starts, starts, side="right")
        in_flight[mine] = begun - np.searchsorted(ends, starts, side="left")
    connection.register("counted", pa.table({"in_flight": in_flight}))
    connection.execute("create table under_way as select * from counted")
    connection.unregister("counted")


def serves(query: str, by: Sequence[str]) -> bool:
    """Return whether a named query grouped by some columns asks only for what is kept."""
    asked = words_of(query) & {*table_columns()["requests"]}
    return asked <= COLUMNS and all(name in COLUMNS or name in COMPUTED for name in by)


def is_plain(query: str, by: Sequence[str]) -> bool:
    """Return whether a named query grouped by some columns asks for nothing from other rows."""
    return not COMPUTED_FROM_OTHERS & {*words_of(query), *by}


def words_of(query: str) -> set[str]:
    return set(WORD.findall(find_query(query).sql))


def see_kept(
    connection: Any, columns: Mapping[str, str], condition: str, in_flight: bool = False
) -> None:
    """Create the views `selection` and `groups` over `kept`, beside `in_flight` if that is asked."""
    # What lies beside it is read by one thread alone.
    source = "kept positional join under_way" if in_flight else "kept"
    named = {*columns} <= {*NAMES}
    create_selection(
        connection,
        columns,
        f"asked and {condition}",
        source,
        NAMES,
        "kept_names" if named else None,
    )
