"""Make a store of whole weeks by SQL: six models, three regions, five tasks, sessions of five.

    python benchmarks/weekly_store.py FOLDER --weeks 52 --requests 200000

The last week is 2026-W46. Every number follows from the row's own: no random state, no order.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

LAST_MONDAY = date(2026, 11, 9)
# One day: {day} is its date, {first} and {n} the numbers of its rows.
REQUESTS = """
with numbered as (
    select
        i,
        hash(i, 1) % 1000 / 1000.0 as u1,
        hash(i, 2) % 1000 / 1000.0 as u2,
        hash(i, 3) % 1000 / 1000.0 as u3,
        hash(i, 4) % 1000 / 1000.0 as u4,
        (hash(i // 5, 5) % 5)::int as task_number,
        (hash(i, 6) % 6)::int as model_number,
        (hash(i // 5, 7) % 3)::int as region_number,
        (hash(i, 8) % 100)::int as luck
    from range({first}, {first} + {n}) as numbers (i)
),

timed as (
    select
        *,
        -- Close to a log-normal: the sum of three uniforms is close to a normal.
        round(exp(5.6 + 0.2 * model_number + 1.2 * (u1 + u2 + u3 - 1.5)), 1) as first_ms,
        (200 + 8000 * u2 * u2 * (1 + task_number))::bigint as tokens_in,
        (20 + 900 * u3 * u3)::bigint as tokens_out
    from numbered
)

select
    case when luck < 96 then 'ok' when luck < 98 then 'error' else 'throttled' end as status,
    case when status = 'ok' then first_ms end as ttft_ms,
    case when status = 'ok' then round(first_ms + 12.5 * tokens_out * (0.8 + 0.4 * u4), 1)
        else 100.0 end as duration_ms,
    'r' || i as request_id,
    'o' || i as operation_id,
    's' || (i // 5) as session_id,
    timestamptz '{day} 00:00:00+00'
        + to_microseconds(((i - {first}) * 86400000000 / {n})::bigint) as started_at,
    started_at + to_microseconds((duration_ms * 1000)::bigint) as ended_at,
    date '{day}' as day,
    ['openai', 'anthropic'][1 + model_number % 2] as provider,
    ['gpt-5.5', 'claude-opus-4-7', 'gpt-5.4', 'claude-sonnet-4-6', 'gpt-5.4-mini',
        'claude-haiku-4-5'][1 + model_number] as model,
    'smart' as route,
    ['us-east-1', 'eu-west-1', 'ap-south-1'][1 + region_number] as region,
    ['chat', 'code', 'extract', 'research', 'voice'][1 + task_number] as task,
    ['search', 'platform', 'legal', 'data', 'support'][1 + task_number] as team,
    true as stream,
    'standard' as service_tier,
    tokens_in as input_tokens,
    tokens_in - tokens_in // 3 as input_uncached_tokens,
    tokens_in // 3 as cache_read_tokens,
    tokens_out as output_tokens,
    tokens_out as output_text_tokens,
    case when status = 'ok' then (duration_ms - first_ms) / greatest(tokens_out - 1, 1) end
        as tpot_ms,
    case when luck < 40 and status = 'ok' then round(exp(3 + 5 * u4 * u1), 1) end as max_gap_ms,
    case when max_gap_ms > 1000 then max_gap_ms when max_gap_ms is not null then 0.0 end
        as stall_ms,
    case when luck < 99 then
        ((tokens_in * 0.0000025) + tokens_out * 0.00001)::decimal(18, 10) end as cost_usd,
    'price-' || model_number as price_id,
    ['litellm_standard', 'otlp_genai'][1 + luck % 2] as format,
    'f1' as file_id,
    i as line
from timed
"""


def make(folder: Path, weeks: int, requests: int) -> None:
    """Write a store of `weeks` weeks with so many requests each, one file per day."""
    from logscope.delta import Change
    from logscope.store import Store
    from logscope.tables import new_connection, table_columns

    store = Store.create(folder)
    adds: list[Any] = []
    per_day = requests // 7
    with closing(new_connection()) as connection:
        for number in range(7 * weeks):
            day = LAST_MONDAY + timedelta(number + 7 - 7 * weeks)
            rows = REQUESTS.format(day=day, first=number * per_day, n=per_day)
            given = {row[0] for row in connection.execute(f"describe {rows}").fetchall()}
            columns = ", ".join(
                f"{name if name in given else 'null'}::{kind} as {name}"
                for name, kind in table_columns()["requests"].items()
            )
            adds += store.write_parquet(connection, "requests", f"select {columns} from ({rows})")
    store.commit({"requests": Change(adds=adds)}, {})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weeks", type=int, default=2)
    parser.add_argument("--requests", type=int, default=200_000, help="of each week")
    given = parser.parse_args()
    make(given.folder, given.weeks, given.requests)


if __name__ == "__main__":
    main()
