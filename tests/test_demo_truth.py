"""The planted truth of the demo logs, found again in the written files without logscope's help."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from logscope.demo import planted, write_demo

QUERIES = Path(__file__).parent / "demo_calls.sql"
LARGE = 20_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    write_demo(folder, LARGE)
    return folder


@pytest.fixture(scope="module")
def calls(large: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """What two gateways and the native log tell of the large world, read without logscope."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(QUERIES.read_text(encoding="utf-8").replace("FOLDER", str(large)))
    yield connection
    connection.close()


def one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row


def test_the_world_covers_four_whole_weeks(calls: duckdb.DuckDBPyConnection) -> None:
    first, last, days = one(
        calls,
        "select min(started_at)::date::varchar, max(started_at)::date::varchar, "
        "count(distinct started_at::date) from calls",
    )
    assert (first, last, days) == ("2026-10-19", "2026-11-15", 28)


def ttft_ratio(calls: duckdb.DuckDBPyConnection, model: str, region: str) -> float:
    """Return the geometric mean TTFT after the regression to before, at equal input size."""
    truth = planted()
    base, growth = truth["ttft_ms"][model], truth["ttft_growth_per_50k"][model]
    extra = truth["region_extra_ms"][region]
    return float(
        one(
            calls,
            f"""
            with compared as (
                select
                    started_at >= '{truth["ttft_regression"]["starts_at"]}'::timestamptz as later,
                    {base} * (1 + {growth} * input_tokens / 50000) + {extra} as usual_ms,
                    ttft_ms,
                from calls
                where model = '{model}' and region = '{region}' and error_code = '' and ttft_ms > 0
            )
            select exp(
                avg(ln(ttft_ms / usual_ms)) filter (where later)
                - avg(ln(ttft_ms / usual_ms)) filter (where not later)
            )
            from compared
            """,
        )[0]
    )


def test_one_pair_became_slower(calls: duckdb.DuckDBPyConnection) -> None:
    size = planted()["ttft_regression"]["size"]
    assert ttft_ratio(calls, "gpt-5.5", "eu-west-1") == pytest.approx(size, abs=0.13)
    assert ttft_ratio(calls, "gpt-5.5", "us-east-1") == pytest.approx(1, abs=0.11)


def test_regions_add_their_distance(calls: duckdb.DuckDBPyConnection) -> None:
    near, far = one(
        calls,
        "select median(ttft_ms) filter (where region = 'us-east-1'), "
        "median(ttft_ms) filter (where region = 'ap-south-1') from calls "
        "where model <> 'claude-opus-4-7' and input_tokens < 4000 and error_code = ''",
    )
    assert far - near == pytest.approx(planted()["region_extra_ms"]["ap-south-1"], abs=40)


@pytest.mark.parametrize("model", sorted(planted()["tpot_ms"]))
def test_time_per_output_token(calls: duckdb.DuckDBPyConnection, model: str) -> None:
    tpot = one(
        calls,
        "select median(rest_s * 1000 / (output_tokens - 1)) from standard "
        f"where streamed and error_code = '' and output_tokens > 20 and model = '{model}'",
    )[0]
    assert tpot == pytest.approx(planted()["tpot_ms"][model], rel=0.05)


def test_throttling_hits_one_pair_for_two_hours(calls: duckdb.DuckDBPyConnection) -> None:
    effect = planted()["throttling"]
    inside, share, throttled = one(
        calls,
        f"""
        select
            count(*) filter (where error_code = '429' and here) ,
            avg((error_code = '429')::int) filter (where here),
            count(*) filter (where error_code = '429')
        from (
            select *, model = '{effect["model"]}' and region = '{effect["region"]}'
                and started_at >= '{effect["starts_at"]}'::timestamptz
                and started_at < '{effect["ends_at"]}'::timestamptz as here
            from calls
        )
        """,
    )
    assert share == pytest.approx(effect["size"], abs=0.08)
    assert inside / throttled > 0.75


def test_a_provider_failed_for_an_hour(calls: duckdb.DuckDBPyConnection) -> None:
    effect = planted()["incident"]
    share, n = one(
        calls,
        "select avg((error_code in ('500', '503', '504'))::int), count(*) from calls "
        f"where model = '{effect['model']}' "
        f"and started_at between '{effect['starts_at']}' and '{effect['ends_at']}'",
    )
    assert n > 50 and share == pytest.approx(effect["size"], abs=0.1)


def test_the_router_chose_by_its_propensities(calls: duckdb.DuckDBPyConnection) -> None:
    weights = planted()["routes"]["smart"]
    assert weights["claude-sonnet-4-6"] == 0.4
    rows = calls.execute(
        "select model, count(*) / sum(count(*)) over (), min(propensity), max(propensity) "
        "from standard where route = 'smart' and propensity is not null group by model"
    ).fetchall()
    assert len(rows) == 3
    for model, share, low, high in rows:
        assert low == high == weights[model]
        assert share == pytest.approx(weights[model], abs=0.03)


@pytest.mark.parametrize("task", ["extract", "code", "research"])
def test_quality_depends_on_task_and_model(calls: duckdb.DuckDBPyConnection, task: str) -> None:
    sonnet, opus, n = one(
        calls,
        "select avg(value) filter (where model = 'claude-sonnet-4-6'), "
        "avg(value) filter (where model = 'claude-opus-4-7'), count(*) "
        f"from scores join standard on id = request_id "
        f"where task = '{task}' and name = 'correct' and route = 'smart'",
    )
    assert n > 100
    wanted = planted()["quality_sonnet_minus_opus"][task]
    assert sonnet - opus == pytest.approx(wanted, abs=3 * (0.5 / n) ** 0.5 + 0.01)


def test_gpt55_writes_less_code(calls: duckdb.DuckDBPyConnection) -> None:
    ratio = one(
        calls,
        "select exp(avg(ln(output_tokens)) filter (where model = 'gpt-5.5') "
        "- avg(ln(output_tokens)) filter (where model = 'gpt-5.4')) "
        "from standard where task = 'code' and error_code = '' and output_tokens > 0",
    )[0]
    assert ratio == pytest.approx(planted()["code_output_tokens_gpt55_to_gpt54"], abs=0.1)


def test_logged_costs_follow_the_price_book(calls: duckdb.DuckDBPyConnection) -> None:
    prices = planted()["prices_usd_per_mtok"]
    rows = calls.execute(
        "select model, input_tokens, cache_read, coalesce(write_5m, 0), coalesce(write_1h, 0), "
        "output_tokens, cost from standard where error_code = ''"
    ).fetchall()
    assert len(rows) > 5000
    for model, given, read, write_5m, write_1h, output, cost in rows:
        price = prices[model]
        micro = (given - read - write_5m - write_1h) * price["input_usd"]
        micro += read * price["cache_read_usd"] + write_5m * price["cache_write_5m_usd"]
        micro += write_1h * price["cache_write_1h_usd"] + output * price["output_usd"]
        assert cost == pytest.approx(micro / 1e6, abs=1e-9)
    assert sum(row[3] > 0 for row in rows) > 100 < sum(row[2] > 0 for row in rows)
    assert sum(row[4] > 0 for row in rows) > 20


def test_retries_and_fallbacks_share_a_trace(calls: duckdb.DuckDBPyConnection) -> None:
    again, failed_first, one_session, fell_back = one(
        calls,
        """
        with traces as (
            select
                trace_id,
                max_by(error_code, started_at) as last_error,
                count(*) filter (where error_code = '') as answers,
                count(distinct session_id) as sessions,
                count(distinct route) as routes,
            from standard
            group by trace_id
            having count(*) > 1
        )
        select
            count(*),
            count(*) filter (where answers = 0 or (answers = 1 and last_error = '')),
            count(*) filter (where sessions = 1),
            count(*) filter (where routes > 1),
        from traces
        """,
    )
    assert again > 100 and fell_back > 10
    assert again == failed_first == one_session


def test_some_streams_stall(large: Path) -> None:
    stalled, n = one(
        duckdb.connect(),
        f"""
        with streams as (
            select offsets_ms[2:] as moments
            from read_json(
                '{large}/native_streams.jsonl', format = 'newline_delimited', ignore_errors = true,
                columns = {{offsets_ms: 'double[]'}}
            )
            where len(offsets_ms) > 3
        ),
        gaps as (
            select list_max(list_transform(
                moments[2:], lambda moment, position: moment - moments[position]
            )) as longest
            from streams
        )
        select count(*) filter (where longest > 1000), count(*) from gaps
        """,
    )
    assert n > 300
    assert stalled / n == pytest.approx(planted()["stalled_streams"], abs=0.04)


def test_some_callers_hang_up(calls: duckdb.DuckDBPyConnection) -> None:
    share = one(
        calls,
        "select count(*) filter (where error_code = '499') / count(*) from standard "
        "where streamed and error_code in ('', '499')",
    )[0]
    assert share == pytest.approx(planted()["cancelled_streams"], abs=0.006)
