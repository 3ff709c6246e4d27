"""Every format declares itself, has a sample log, and reads it into what its golden says."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from logscope.containers import read_head
from logscope.formats import FOLDER, MACROS, claims, find_formats
from logscope.queries import read_sql
from logscope.tables import new_connection

ROOT = Path(__file__).parent.parent
GOLDENS = Path(__file__).parent / "golden" / "formats"
FILES = sorted(path for path in FOLDER.glob("*.sql") if path != MACROS)
NAMES = [path.stem for path in FILES]
HEADER = ("source", "get", "beware", "reads", "detect", "columns")
# Differ from run to run or with the price book, which has tests of its own.
VOLATILE = {"file_id", "cost_usd", "price_id"}

every_format = pytest.mark.parametrize("name", NAMES)


def sample(name: str) -> Path:
    found = sorted((ROOT / "sample_logs").glob(f"{name}.*"))
    assert len(found) == 1, f"sample_logs/{name}.* should be one file, found {len(found)}"
    return found[0]


def test_the_formats_are_found():
    assert len(NAMES) >= 8
    assert set(NAMES) == set(find_formats())


@every_format
def test_the_header_is_complete(name):
    file = read_sql(FOLDER / f"{name}.sql")
    assert file.title and not file.title.startswith("source")
    missing = [key for key in HEADER if not file.keys.get(key)]
    assert not missing, f"{name}.sql lacks {', '.join(missing)}"
    reads = set(file.keys["reads"].replace(" ", "").split(","))
    assert reads <= {"json", "csv", "parquet", "sqlite"}
    assert re.search(r"One row per [^.]+\.$", file.notes), "the header ends in the grain"


def facts(bench: Any) -> dict[str, Any]:
    """Return what became of a log: the account, how many rows fill each column, the first rows."""
    counts = dict(
        zip(("records", "stored", "merged", "ignored", "rejected"), bench.counts, strict=True)
    )
    tables = {
        "requests": bench.rows("select * from requests order by line, request_id"),
        "streams": bench.rows("select * from streams order by request_id"),
        "scores": bench.rows("select * from scores order by all"),
        "bills": bench.rows("select * from bills order by all"),
    }
    volatile = VOLATILE if tables["requests"] else {"file_id"}
    rows = [
        {key: value for key, value in row.items() if key not in volatile}
        for row in next((rows for rows in tables.values() if rows), [])
    ]
    columns = sorted({key for row in rows for key in row})
    filled = {key: sum(row.get(key) is not None for row in rows) for key in columns}
    return {
        "counts": counts,
        "rejects": [list(reject) for reject in bench.rejects()],
        "tables": {name: len(rows) for name, rows in tables.items()},
        "filled": {key: count for key, count in filled.items() if count},
        "rows": [
            {key: value for key, value in row.items() if value is not None} for row in rows[:6]
        ],
    }


@every_format
def test_the_sample_gives_its_golden(name: str, bench: Any, golden: Callable[[Path, Any], None]):
    result = bench.ingest(sample(name))
    assert name in [count.name for count in result.formats]
    found = facts(bench)
    counts = found["counts"]
    assert counts["records"] == sum(counts.values()) - counts["records"]
    golden(GOLDENS / f"{name}.json", found)


@every_format
def test_its_sample_is_claimed_by_it_alone(name):
    formats = list(find_formats().items())
    random.Random(name).shuffle(formats)
    head = read_head(sample(name))
    assert head is not None
    assert claims(new_connection(), {"sample": head}, dict(formats)) == {"sample": [name]}
