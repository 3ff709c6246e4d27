"""Law 4: NULL is never turned into 0, and 0 never into NULL, whatever the format and the file."""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from logscope import containers, staging
from logscope.formats import Format, find_formats
from logscope.intake import plan_file
from logscope.merging import read
from logscope.tables import new_connection, table_columns
from tests.test_arrangements import tried

MAX_RECORDS = 8
MAX_LEAVES = 60
SAMPLES = Path(__file__).parent.parent / "sample_logs"
NUMBERS = (
    "input_uncached_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
    "cache_write_unknown_tokens", "output_text_tokens", "reasoning_tokens", "input_audio_tokens",
    "output_audio_tokens", "input_image_tokens", "web_searches",
    "ttft_ms", "ttft_visible_ms", "duration_ms", "overhead_ms", "logged_cost_usd", "n_messages",
    "n_tools", "max_output_tokens", "temperature", "prompt_chars", "n_tool_calls", "propensity",
)  # fmt: skip

SUMS = ("input_tokens", "output_tokens")

Rows = dict[int, list[dict[str, Any]]]


def rows_of(format: Format, path: Path) -> Rows:
    """Return the numbers of each record of a file, by its line, before anything is merged."""
    with TemporaryDirectory() as scratch, closing(new_connection()) as connection:
        staging.prepare(connection)
        plan = plan_file(path, format, containers.read_head(path), Path(scratch), 0)
        staging.settle(connection, staging.stage(connection, [plan], Path(scratch)))
        connection.execute(
            "create view logged as select * from records where is_request and outcome is null"
        )
        found = connection.execute(
            f"select line, {', '.join(NUMBERS + SUMS)} from ({read('normalise')}) order by all"
        )
        rows: Rows = {}
        for line, *values in found.fetchall():
            rows.setdefault(line, []).append(dict(zip(NUMBERS + SUMS, values, strict=True)))
        return rows


def leaves(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the path and the value of every number in a record, texts of digits included."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*way, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield way, value
    elif isinstance(value, str) and value.isdigit():
        yield way, float(value)


def with_leaf(record: Any, way: tuple[Any, ...], value: Any) -> Any:
    changed = target = copy.deepcopy(record)
    for step in way[:-1]:
        target = target[step]
    target[way[-1]] = value
    return changed


def records_of(format: Format) -> list[Any]:
    """Return the records of a format's sample log as JSON values, wrapped ones taken out."""
    (path,) = SAMPLES.glob(f"{format.name}.*")
    with containers.open_plain(path) as file:
        text = file.read().decode()
    if path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text)))
    try:
        document = json.loads(text)
    except ValueError:
        lines = [line for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
        return [json.loads(line) for line in lines]
    inner = containers.inner_records(document, format.records, format.around)
    return inner or (document if isinstance(document, list) else [document])


def write_records(format: Format, records: list[Any], folder: Path) -> Path:
    if "json" in format.reads:
        path = folder / "log.jsonl"
        path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    else:
        path = folder / "log.csv"
        with path.open("w", newline="") as file:
            rows = csv.DictWriter(file, list(records[0]))
            rows.writeheader()
            rows.writerows(records)
    return path


def variants(records: list[Any]) -> list[tuple[int, tuple[Any, ...], Any, Any]]:
    """Return record number, path, old and new value: each number once unknown and once 0."""
    return [
        (number, way, value, new)
        for number, record in enumerate(records)
        for way, value in list(leaves(record))[:MAX_LEAVES]
        for new in (None, 0)
    ]


def broken_laws(format: Format, folder: Path) -> tuple[int, set[tuple[str, str, str]]]:
    """Return how many variants gave a row, and where NULL became 0 or a number that was 0 got lost."""
    records = records_of(format)[:MAX_RECORDS]
    changes = variants(records)
    changed = [with_leaf(records[number], way, new) for number, way, _, new in changes]
    rows = rows_of(format, write_records(format, [*records, *changed], folder))
    compared, found = 0, set()
    for place, (number, way, value, new) in enumerate(changes):
        before, after = rows.get(number + 1, []), rows.get(len(records) + place + 1, [])
        compared += bool(after)
        where = ".".join("*" if isinstance(step, int) else step for step in way)
        if len(before) == len(after) == 1:
            ((old,), (now,)) = before, after
            for column in NUMBERS:
                if new is None and old[column] and now[column] == 0:
                    found.add((where, column, "NULL became 0"))
                if new == 0 and now[column] is None and old[column] and float(old[column]) == value:
                    found.add((where, column, "0 became NULL"))
    return compared, found


# A time of 0 ms is how these producers write that they measured none.
NOT_MEASURED = {
    "helicone": {("time_to_first_token", "ttft_ms")},
    "openrouter_activity": {
        ("generation_time_ms", "duration_ms"),
        ("time_to_first_token_ms", "ttft_ms"),
    },
}


def test_every_format_of_requests_keeps_unknown_and_zero_apart(tmp_path: Path) -> None:
    compared = {}
    for name, format in find_formats().items():
        if "sqlite" in format.reads:
            continue
        (tmp_path / name).mkdir()
        compared[name], found = broken_laws(format, tmp_path / name)
        allowed = {(*item, "0 became NULL") for item in NOT_MEASURED.get(name, set())}
        assert found - allowed == set(), name
    # Bills, scores and streams have no rows among the requests.
    assert sum(count > 0 for count in compared.values()) >= 31
    assert sum(compared.values()) >= 4000


OPTIONAL = [
    name for name in NUMBERS + SUMS if name not in ("input_uncached_tokens", "output_text_tokens")
]
KINDS = ("jsonl", "csv", "parquet")


@tried
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {}, optional=dict.fromkeys(OPTIONAL, st.sampled_from([None, 0, 0.5]))
        ),
        min_size=1,
        max_size=30,
    ),
    kind=st.sampled_from(KINDS),
)
def test_what_is_logged_as_unknown_or_zero_stays_so(
    rows: list[dict[str, float | None]], kind: str
) -> None:
    """All optional numbers of logscope's own format: missing, NULL, 0 and a number come back as such."""
    whole = {
        name for name in OPTIONAL if table_columns()["requests"][name] in ("bigint", "integer")
    }
    given_rows = [
        {"request_id": f"r{number}", "model": "m", "started_at": "2026-11-09T10:00:00Z"}
        | {name: 7 if value and name in whole else value for name, value in row.items()}
        for number, row in enumerate(rows)
    ]
    with TemporaryDirectory() as folder:
        path = write_rows(given_rows, kind, Path(folder))
        found = rows_of(find_formats()["native_requests"], path)
    for number, row in enumerate(given_rows):
        (stored,) = found[number + 1]
        for name in OPTIONAL:
            if name in SUMS and row.get(name) is not None:
                # Where more is cached than came in, the input leaves the cache out: the sum is larger.
                assert stored[name] >= row[name]
            else:
                assert stored[name] == row.get(name), name


def write_rows(rows: list[dict[str, Any]], kind: str, folder: Path) -> Path:
    path = folder / f"log.{kind}"
    names = list(dict.fromkeys(name for row in rows for name in row))
    if kind == "jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    elif kind == "csv":
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, names)
            table.writeheader()
            table.writerows(rows)
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {name: [row.get(name) for row in rows] for name in names}
        pq.write_table(pa.table(columns), path)
    return path
