"""What a SELECT of a user's may reach: the store's views, and nothing else."""

from __future__ import annotations

import mmap
import resource
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import logscope
from logscope.cli import app
from logscope.sandbox import MEMORY_BYTES
from tests.conftest import Bench, native


@pytest.fixture
def store(bench: Bench) -> logscope.Logs:
    bench.ingest(bench.write([native(f"r{i}") for i in range(3)]))
    return bench.logs


HOSTILE = [
    "select * from read_csv('{secret}')",
    "select * from read_text('{secret}')",
    "select * from '{secret}'",
    "select * from glob('/*')",
    "select content from read_blob('{secret}')",
    "copy (select 1) to '{target}'",
    "with x as (copy (select 1) to '{live}' (use_tmp_file false)) select 1",
    "attach '{target}' as other",
    "install httpfs",
    "load httpfs",
    "set memory_limit = '100GB'",
    "select 1; drop view requests",
    "select * from query('select 1')",
    "select * from json_execute_serialized_sql('x')",
    "select * from duckdb_secrets()",
    "select getenv('HOME')",
    "create table t as select 1",
    "pragma database_list",
    "explain analyze select 1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_reaches_outside_is_refused(text: str, store: logscope.Logs, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("token\nhunter2\n")
    live = store.store.files("requests")[0].path
    before = Path(live).read_bytes()
    filled = text.format(secret=secret, target=tmp_path / "out", live=live)
    with pytest.raises(logscope.UsageError):
        store.sql(filled)
    assert not (tmp_path / "out").exists()
    assert Path(live).read_bytes() == before


def test_there_are_at_least_eight_hostile_forms() -> None:
    assert len(HOSTILE) >= 8


def test_a_select_over_the_views_works(store: logscope.Logs) -> None:
    assert store.sql("select count(*) as n from requests").item() == 3
    assert store.sql("with a as (select 1 as x) select * from a, range(3)").height == 3
    assert store.sql("select * from operations order by started_at").height == 3
    assert "p95_ms" in store.sql("select * from latency()").columns


def test_sums_of_integers_are_integers_while_one_holds_them(store: logscope.Logs) -> None:
    frame = store.sql(
        "select sum(output_tokens) as tokens, sum(4 * 10::hugeint ** 19) as huge from requests"
    )
    assert frame.schema["tokens"] == pl.Int64
    assert frame["huge"].to_list() == [12 * 10**19]  # three requests; an Int64 ends at 9.2e18


def test_a_query_that_runs_too_long_is_stopped(store: logscope.Logs) -> None:
    from logscope.sandbox import run_sql

    with pytest.raises(logscope.UsageError, match="longer than"):
        run_sql(
            store.store, "select count(*) from range(1000000) a, range(1000000) b", timeout_s=0.5
        )


def test_a_wrong_column_names_the_near_ones(store: logscope.Logs) -> None:
    with pytest.raises(logscope.UsageError, match="model"):
        store.sql("select modle from requests")


def test_the_limit_of_the_process_ends_with_the_command(store: logscope.Logs) -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    # What the process has reserved already does not count, be it more than the limit.
    reserved = mmap.mmap(-1, MEMORY_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    done = CliRunner().invoke(app, ["sql", "select 1 as one", "--store", str(store.path)])
    reserved.close()
    assert done.exit_code == 0
    assert resource.getrlimit(resource.RLIMIT_AS) == before
