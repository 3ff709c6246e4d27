"""Write the drawn world as log files: DuckDB runs one SQL file per format over it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from logscope.demo import truth
from logscope.demo.answers import answer, draw_chunks
from logscope.demo.sessions import (
    OK,
    Clock,
    Column,
    Table,
    draw_attempts,
    since_start,
    storm_rows,
    take,
)
from logscope.errors import UsageError

FOLDER = Path(__file__).parent
LEAST = 200
CHUNK = 100_000  # requests drawn at a time; bounds the memory
SPARE = 1000  # numbers left free between chunks, for the records to ignore and to reject
IN_ONE_FILE = 200_000  # a larger world is split into one set of files per chunk
# Logs made from the others' requests, beside those that see requests of their own.
FILES = (*truth.HOME_NAMES, "native_streams", "native_scores")
KINDS = ("request", "ignored", "rejected")
# A text column written as it is: one record per line.
AS_LINES = "format csv, header false, quote '', escape '', delimiter e'\\x01'"
AS_CSV = "format csv, header true"


def write(
    folder: Path, requests: int, seed: int, progress: Callable[[int], None] | None
) -> list[Path]:
    """Draw the world chunk by chunk and write each format's records; see `logscope.demo`."""
    if requests < LEAST:
        raise UsageError(f"{requests} requests are too few for a demo. Give {LEAST} or more.")
    if seed < 0:
        raise UsageError(f"The seed {seed} is negative. Give 0 or more.")
    clock = Clock(seed)
    sizes = chunk_sizes(requests, clock)
    programs = {name: (FOLDER / f"{name}.sql").read_text(encoding="utf-8") for name in FILES}
    targets = {
        (name, chunk): folder / target_name(program, chunk, len(sizes))
        for name, program in programs.items()
        for chunk in range(len(sizes))
    }
    refuse_leftovers(folder, set(targets.values()))
    folder.mkdir(parents=True, exist_ok=True)

    written: list[Path] = []
    for chunk, size in enumerate(sizes):
        rng = np.random.default_rng([seed, 1 + chunk])
        low, high = chunk / len(sizes), (chunk + 1) / len(sizes)
        table = answer(rng, clock, draw_attempts(rng, clock, size, requests, low, high))
        table, streams = arrange(rng, table, requests, sum(sizes[:chunk]) + SPARE * chunk)
        connection = connect(seed, table, streams)
        for code, (name, program) in enumerate(programs.items()):
            if (table["file"] == code).any():
                copy(connection, program, targets[name, chunk])
                written.append(targets[name, chunk])
        connection.close()
        if progress is not None:
            progress(sum(sizes[: chunk + 1]))
    return sorted(written)


def chunk_sizes(requests: int, clock: Clock) -> list[int]:
    """Return how many requests each chunk draws: equal parts of the rhythm, plus its storms."""
    chunks = 1 if requests <= IN_ONE_FILE else -(-requests // CHUNK)
    storms = [0] * chunks
    for storm in truth.STORMS:
        at = int(clock.quantile_of(since_start(storm.starts_at)) * chunks)
        storms[at] += storm_rows(storm, requests)
    edges = np.linspace(0, requests - sum(storms), chunks + 1).astype(int)
    return [int(size) + storm for size, storm in zip(np.diff(edges), storms, strict=True)]


def copy(connection: Any, program: str, target: Path) -> None:
    """Run one format's SQL and write its records."""
    options = AS_CSV if target.suffix == ".csv" else AS_LINES
    if target.suffix == ".gz":
        options += ", compression gzip"
    path = str(target).replace("'", "''")
    connection.execute(f"copy ({program.rstrip()}) to '{path}' ({options})")


def target_name(program: str, chunk: int, chunks: int) -> str:
    """Return the file that a format's SQL file says it writes, numbered where there are several."""
    match = re.search(r"^-- writes: (\w+)(\S*)$", program, re.MULTILINE)
    assert match, "every format of the demo says what it writes"
    return f"{match[1]}-{chunk + 1:03d}{match[2]}" if chunks > 1 else f"{match[1]}{match[2]}"


def refuse_leftovers(folder: Path, wanted: set[Path]) -> None:
    """Raise UsageError for files of another demo: their requests would mix with the new ones."""
    stems = "|".join(FILES)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        ours = re.fullmatch(rf"({stems})(-\d{{3}})?\.(jsonl|jsonl\.gz|csv)", path.name)
        if ours and path not in wanted:
            raise UsageError(
                f"{path} is left from another demo. Remove it, or give an empty folder."
            )


def arrange(rng: np.random.Generator, table: Table, total: int, base: int) -> tuple[Table, Table]:
    """Return the table in order of time, with a record to ignore and one to reject in each file.

    Requests, operations and sessions are numbered from `base`. The second table holds the chunks
    of the streams that are logged.
    """
    table = take(table, np.argsort(table["started"], kind="stable"))
    n = len(table["started"])
    home = table["home"]
    native = truth.HOME_NAMES.index("native_requests")
    streamed = np.flatnonzero(table["streamed"] & (table["outcome"] == OK))
    logged = streamed[home[streamed] == native]
    most = min(total * truth.STREAMS, truth.STREAMS_MOST) * n / total
    logged = np.sort(rng.permutation(logged)[: max(round(most), 3)])
    loaded = streamed[home[streamed] == truth.HOME_NAMES.index("aiperf_profile")]
    chunks = draw_chunks(rng, table, np.union1d(logged, loaded))

    table["stream_logged"] = np.isin(np.arange(n), logged)
    table["file"] = home
    table["kind"] = np.zeros(n, dtype=np.int64)
    table["parent"] = np.full(n, -1)
    rows = np.arange(n)
    clones, files, kinds = specials(table)
    rows = np.concatenate((rows, clones))
    order = np.argsort(rows, kind="stable")  # a clone stands right after its original
    table = take(table, rows)
    copied = np.arange(n, len(rows))
    table["file"][copied], table["kind"][copied] = files, kinds
    table["twin"][copied] = False
    table["stream_logged"][copied] = files == FILES.index("native_streams")
    for score in ("correct", "tool_args_correct", "refusal_on_missing_record"):
        table[score][copied[files != FILES.index("native_scores")]] = -1

    table["request_no"] = base + np.arange(len(rows))
    parents = np.flatnonzero((files == native) & (kinds == KINDS.index("ignored")))
    table["parent"][clones[parents]] = table["request_no"][copied[parents]]
    table["operation_no"] = table["operation_no"] + base
    table["session_no"] = table["session_no"] + base
    chunks["request_no"] = table["request_no"][chunks.pop("row")]
    return take(table, order), chunks


def specials(table: Table) -> tuple[Column, Column, Column]:
    """Return which rows to copy to be ignored (kind 1) or rejected (2), and into which file."""
    answered = (table["outcome"] == OK) & (table["attempt"] == 1)
    clones, files, kinds = [], [], []
    for code, name in enumerate(FILES):
        if name == "native_streams":
            eligible = np.flatnonzero(table["stream_logged"])
        elif name == "native_scores":
            eligible = np.flatnonzero(answered & (table["correct"] >= 0))
        else:
            eligible = np.flatnonzero(answered & (table["home"] == code))
        if len(eligible) == 0:
            continue
        for kind in (1, 2):
            clones.append(eligible[len(eligible) * kind // 3])
            files.append(code)
            kinds.append(kind)
    return np.array(clones), np.array(files), np.array(kinds)


def connect(seed: int, table: Table, streams: Table) -> Any:
    """Return a connection in which `truth` and `chunks` are the drawn world with readable names."""
    import duckdb

    connection = duckdb.connect()
    # Insertion order is kept, so the bytes do not depend on the number of threads.
    connection.execute("set timezone = 'UTC'; set preserve_insertion_order = true")
    connection.register("drawn", {name: np.ascontiguousarray(c) for name, c in table.items()})
    connection.register("drawn_chunks", streams)
    lists: dict[str, Any] = {
        "models": truth.MODEL_NAMES,
        "regions": truth.REGION_NAMES,
        "tasks": truth.TASK_NAMES,
        "teams": truth.TEAMS,
        "routes": truth.ROUTE_NAMES,
        "files": FILES,
        "kinds": KINDS,
        "features": [feature for task in truth.TASKS for feature in task.features],
        "temperatures": [task.temperature for task in truth.TASKS],
        "error_types": truth.ERROR_TYPES,
        "error_codes": truth.ERROR_CODES,
        "system_texts": truth.SYSTEM_TEXTS,
        "user_texts": [text for texts in truth.USER_TEXTS for text in texts],
    }
    for name, values in lists.items():
        connection.execute(f"set variable {name} = ?", [list(values)])
    connection.execute("set variable seed = ?", [str(seed)])
    connection.execute("set variable config_id = ?", [truth.CONFIG_ID])
    connection.execute("set variable start = ?::timestamptz", [truth.START.isoformat()])
    connection.execute((FOLDER / "truth.sql").read_text(encoding="utf-8"))
    return connection
