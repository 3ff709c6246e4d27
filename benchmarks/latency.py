"""How long all latency queries take over a million requests with streams of a hundred chunks.

    python benchmarks/latency.py [--requests 1000000] [--chunks 100] [--store FOLDER]

All latency queries are `logscope latency` and every query of queries/latency, each by model, but for
lists of rows and words; what `--like` asks for, the definitions of four other tools, is among them.
Together they are promised in 10 s and 2 GB. Whichever asks first for gaps (itl) pools them for all.

Makes the store once (in a process of its own; --store keeps it), then asks all of them in one other
process and prints for each the seconds, of the clock and of the processors, and how often one could
have read all arrival times in them: the floor. Last the sums and the peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

DAYS, BATCH = 7, 100_000
MOST_SECONDS, MOST_GB = 10, 2
# Not asked: lists of rows and words.
NOT_MEASURES = {"requests", "definitions", "distribution"}
FLOOR = "read all arrival times"


def whole_rows(connection: Any, table: str, query: str) -> str:
    """Return the query with all columns of a table; those left out are NULL."""
    from logscope.tables import table_columns

    given = {row[0] for row in connection.execute(f"describe {query}").fetchall()}
    columns = [
        f"{name if name in given else 'null'}::{kind} as {name}"
        for name, kind in table_columns()[table].items()
    ]
    return f"select {', '.join(columns)} from ({query})"


def make(folder: Path, requests: int, chunks: int) -> None:
    """Write a store: log-normal first tokens and gaps, one gap in two thousand a stall.

    Every second stream tells the kinds of its chunks: the role first, the usage last.
    """
    import pyarrow as pa

    from logscope.delta import Change
    from logscope.merging import read
    from logscope.store import Store
    from logscope.tables import new_connection

    store = Store.create(folder)
    rng = np.random.default_rng(1)
    written: dict[str, list[Any]] = {"streams": [], "requests": []}
    with closing(new_connection()) as connection:
        for start in range(0, requests, BATCH):
            n = min(BATCH, requests - start)
            gaps = np.round(rng.lognormal(2.5, 0.6, (n, chunks)), 3)
            gaps[:, 0] = np.round(rng.lognormal(6, 0.5, n), 3)
            gaps[:, 1:][rng.random((n, chunks - 1)) < 0.0005] += 1500
            offsets = pa.ListArray.from_arrays(
                pa.array(np.arange(0, n * chunks + 1, chunks, dtype=np.int32)),
                pa.array(np.round(gaps.cumsum(axis=1), 3).ravel()),
            )
            made = pa.table({"i": np.arange(start, start + n), "offsets_ms": offsets})
            connection.register("made", made)
            # Tables, because each day is written on a cursor of its own.
            connection.execute(
                f"""
                create or replace table fullest_streams as
                select 'r' || lpad(i::varchar, 9, '0') as request_id,
                    date '2026-11-09' + {start * DAYS // requests} as day, offsets_ms,
                    case when i % 2 = 0 then ['role'] || repeat(['text'], {chunks - 2}) || ['usage']
                        end as kinds,
                    null as tokens_per_chunk, null as file_id, null as line, i
                from made;
                create or replace table next_streams as {read("stream_facts")};
                """
            )
            connection.unregister("made")
            tables = {
                "streams": "from next_streams",
                "requests": """
                    select request_id, day, request_id as operation_id,
                    's' || (i // 5) as session_id,
                    day::timestamp at time zone 'UTC' + to_seconds(i % 86400) as started_at,
                    started_at + to_microseconds((last_chunk_ms * 1000)::bigint) as ended_at,
                    'model-' || (i % 4) as model, 'region-' || (i % 3) as region, true as stream,
                    first_generated_ms as ttft_ms, first_visible_ms as ttft_visible_ms,
                    last_chunk_ms as duration_ms, 5.0 as overhead_ms,
                    (last_chunk_ms - first_generated_ms) / 149 as tpot_ms, 1000 / tpot_ms as output_tps,
                    1000 as input_tokens, 150 as output_tokens, 140 as output_text_tokens,
                    10 as reasoning_tokens, n_chunks, max_gap_ms, stall_ms, 'ok' as status
                    from next_streams join (select request_id, i from fullest_streams)
                    using (request_id)""",
            }
            for table, query in tables.items():
                rows = whole_rows(connection, table, query)
                written[table] += store.write_parquet(connection, table, rows)
    store.commit({table: Change(adds=files) for table, files in written.items()}, {})


def ask(folder: Path) -> dict[str, Any]:
    """Ask the floor and every latency query by model; return seconds of each and the peak memory."""
    from logscope.measures import latency, run_query
    from logscope.queries import find_queries
    from logscope.selection import Selection
    from logscope.store import Store

    store, selection = Store.open(folder), Selection()
    asked: dict[str, Callable[[], Any]] = {
        FLOOR: lambda: read_streams(store),
        "logscope latency": lambda: latency(store, selection),
    }
    for name, query in sorted(find_queries().items()):
        if query.path.parent.name == "latency" and name not in NOT_MEASURES:
            asked[name] = partial(run_query, store, name, selection, {})
    seconds = {}
    for name, question in asked.items():
        began, used = time.perf_counter(), cpu_seconds()
        question()
        seconds[name] = (time.perf_counter() - began, cpu_seconds() - used)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak_gb": peak * 1024 / 1e9}


def read_streams(store: Any) -> None:
    """Read every arrival time once and do next to nothing with it."""
    with closing(store.connect()) as connection:
        connection.execute("select sum(list_sum(offsets_ms)) from streams").fetchall()


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def tell(told: dict[str, Any], requests: int, chunks: int) -> bool:
    """Print the seconds of each query against the floor, and the sums; True if the promise holds."""
    seconds = told["seconds"]
    floor = seconds[FLOOR][1]
    print(f"{'':<28}{'clock':>8}  {'CPU':>8}  {'of the floor':>12}")
    for name, (wall, cpu) in seconds.items():
        print(f"{name:<28}{wall:7.2f}s  {cpu:7.2f}s  {cpu / floor:11.1f}x")
    print(f"{requests:,} requests with {chunks} chunks each:")
    asked = set(seconds) - {FLOOR}
    mine = {name for name in asked if not name.startswith("like_")}
    for words, names in (
        ("own measures", mine),
        ("as others define them", asked - mine),
        ("together", asked),
    ):
        wall, cpu = (sum(seconds[name][i] for name in names) for i in (0, 1))
        print(f"{words}: {wall:.1f} s, CPU {cpu:.1f} s, {cpu / floor:.0f} times the floor")
    print(f"peak {told['peak_gb']:.2f} GB; promised are {MOST_SECONDS} s and {MOST_GB} GB")
    return wall <= MOST_SECONDS and told["peak_gb"] <= MOST_GB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--chunks", type=int, default=100)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--step", choices=("make", "ask"))
    given = parser.parse_args()
    if given.step == "make":
        make(given.store, given.requests, given.chunks)
    elif given.step == "ask":
        print(json.dumps(ask(given.store)))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            folder = given.store or Path(scratch) / "store"
            command = [sys.executable, __file__, "--store", str(folder)]
            command += ["--requests", str(given.requests), "--chunks", str(given.chunks)]
            if not folder.exists():
                subprocess.run([*command, "--step", "make"], check=True)
            asked = subprocess.run([*command, "--step", "ask"], check=True, capture_output=True)
        told = json.loads(asked.stdout)
        if not tell(told, given.requests, given.chunks):
            raise SystemExit("a promise is not kept")


if __name__ == "__main__":
    main()
