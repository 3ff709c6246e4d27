"""Request types: planted kinds are found, by nothing but what is known before the answer."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

import logscope
from logscope.cli import app
from logscope.errors import NoDataError
from logscope.request_types import PRE_ANSWER, find_types
from logscope.selection import select
from logscope.store import Store
from logscope.tables import table_columns
from logscope.type_names import names_of
from tests.made_store import make_store

# Three kinds of requests over the weeks 45 and 46 of 2026; `code` is twice as frequent in week 46.
KINDS = """
with numbered as (
    select
        i,
        timestamptz '2026-11-02 00:00:00+00' + to_minutes(i * 5) as started_at,
        (hash(i) % 1000)::integer as noise
    from range(4032) t(i)
),
kinds as (
    select *, case
        when i % 10 < if(started_at < timestamptz '2026-11-09 00:00:00+00', 2, 4)
            then 'code'
        when i % 10 < 7 then 'extract'
        else 'chat'
    end as kind
    from numbered
)
select
    'r' || i as request_id,
    's' || (i // 3) as session_id,
    started_at,
    if(i % 2 = 0, 'gpt-5.4', 'gpt-5.5') as model,
    kind as task,
    case kind when 'code' then 9000 + noise when 'extract' then 1000 + noise else 3000 + noise end
        as input_tokens,
    case kind when 'code' then 4 else 0 end as n_tools,
    case kind when 'chat' then 8 else 2 end as n_messages,
    kind = 'chat' as stream,
    100 + noise as output_tokens,
    (0.002 + (kind = 'code')::integer * 0.05)::decimal(18, 10) as cost_usd,
    400.0 as ttft_ms,
    2000.0 + noise as duration_ms,
    'ok' as status,
from kinds
"""
FIRST_DAY = "2026-11-02"


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("kinds") / "store", KINDS)


def test_planted_kinds_are_found_and_named(kinds: Store) -> None:
    frame, note = find_types(kinds, select(store=kinds))
    assert note is None
    assert dict(frame.select("name", "n").iter_rows()) == {
        "extract, 1K–2K in": 1613,
        "chat, 2K–4K in": 1209,
        "code, over 8K in, tools": 1210,
    }
    assert frame["n"].to_list() == sorted(frame["n"], reverse=True)
    assert frame["share"].sum() == pytest.approx(1)
    assert frame["share_before"].is_null().all()
    code = frame.row(by_predicate=pl.col("name").str.starts_with("code"), named=True)
    # 1,000 x (0.002 + 0.05) USD, and the medians as DuckDB has them.
    assert code["cost_per_1000_p50_usd"] == pytest.approx(52.0)
    assert code["ttft_p50_ms"] == 400.0
    with kinds.connect() as connection:
        (medians,) = connection.execute(
            "select median(input_tokens), median(output_tokens), median(duration_ms) "
            "from requests where task = 'code'"
        ).fetchall()
    assert (
        code["input_tokens_p50"], code["output_tokens_p50"], code["duration_p50_ms"]
    ) == medians  # fmt: skip


def test_requests_are_grouped_by_their_type(kinds: Store) -> None:
    logs = logscope.open(kinds.path)
    found = logs.latency(by="request_type", week="2026-W46")
    types = logs.types(week="2026-W46")
    assert dict(found.select("request_type", "n").iter_rows()) == dict(
        types.select("name", "n").iter_rows()
    )
    with kinds.connect() as connection:
        medians = connection.execute(
            "select task, median(duration_ms) from requests "
            "where started_at >= timestamptz '2026-11-09 00:00:00+00' group by task"
        ).fetchall()
    told = found.select("request_type", "duration_p50_ms").iter_rows()
    assert {name.split(",")[0]: value for name, value in told} == dict(medians)
    moved = logs.changes(by="request_type", week="2026-W46", measure="duration")
    assert set(moved["request_type"]) == set(logs.types()["name"])


def test_a_page_per_type_is_refused_in_one_line(kinds: Store, tmp_path: Path) -> None:
    words = ["report", "--each", "request_type", "-o", str(tmp_path), "--store", str(kinds.path)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert result.stderr.startswith("logscope: Nothing here is grouped by request_type.")
    assert result.stderr.count("\n") == 1


def test_drift_is_told_against_the_week_before(kinds: Store) -> None:
    frame, _ = find_types(kinds, select(week="2026-W46", store=kinds))
    code = frame.row(by_predicate=pl.col("name").str.starts_with("code"), named=True)
    assert code["share"] == pytest.approx(0.4, abs=0.002)
    assert code["share_before"] == pytest.approx(0.2, abs=0.002)
    first, _ = find_types(kinds, select(week="2026-W45", store=kinds))
    assert first["share_before"].is_null().all()


def test_outcomes_and_the_chosen_model_decide_nothing(kinds: Store, tmp_path: Path) -> None:
    known = ", ".join(PRE_ANSWER)
    assert not set(PRE_ANSWER) & {"model", "deployment", "status", "cost_usd", "output_tokens"}
    other = make_store(
        tmp_path / "store",
        f"select request_id, started_at, 'x' as model, null as route, 'error' as status, {known} "
        f"from (select *, null as max_output_tokens, null as prompt_chars, null as prompt_steps, "
        f"null as prompt_questions, null as has_images, null as prompt_has_code, "
        f"null as reasoning_effort from ({KINDS}))",
    )
    mine = find_types(kinds, select(store=kinds))[0].select("cluster", "name", "n", "share")
    assert_frame_equal(find_types(other, select(store=other))[0].select(mine.columns), mine)


def test_the_order_of_the_log_decides_nothing(kinds: Store, tmp_path: Path) -> None:
    backwards = make_store(tmp_path / "store", f"select * from ({KINDS}) order by i desc".replace(
        "order by i desc", "order by started_at desc"
    ))  # fmt: skip
    expected = find_types(kinds, select(store=kinds))[0]
    assert_frame_equal(find_types(backwards, select(store=backwards))[0], expected)
    assert find_types(kinds, select(store=kinds))[0].write_csv() == expected.write_csv()


def test_few_requests_are_one_type_and_say_so(kinds: Store) -> None:
    selection = select(since=FIRST_DAY, until="2026-11-02T12:00", store=kinds)
    frame, note = find_types(kinds, selection)
    assert frame.select("cluster", "name", "n", "share").rows() == [(1, "all requests", 144, 1.0)]
    assert note == "144 requests are too few to tell kinds apart (at least 200)."


def test_no_requests_are_no_answer(kinds: Store) -> None:
    with pytest.raises(NoDataError, match="No request is selected"):
        find_types(kinds, select(where="task = 'none'", store=kinds))


def test_requests_of_one_kind_are_one_type(tmp_path: Path) -> None:
    store = make_store(
        tmp_path / "store",
        "select 'r' || i as request_id, timestamptz '2026-11-02 00:00:00+00' as started_at, "
        "'gpt-5.4' as model, 500 as input_tokens from range(500) t(i)",
    )
    frame, note = find_types(store, select(store=store))
    assert frame["name"].to_list() == ["all requests"]
    assert note == "The requests fall into no kinds that two halves of the data agree on."


def test_what_a_log_leaves_out_is_no_kind_of_request(kinds: Store, tmp_path: Path) -> None:
    """Half the logs do not know n_tools, n_messages and stream: their requests join the others."""
    store = make_store(
        tmp_path / "store",
        "select * replace (if(left(md5(request_id), 1) < '6', null, n_tools) as n_tools, "
        "if(left(md5(request_id), 1) < '6', null, n_messages) as n_messages, "
        f"if(left(md5(request_id), 1) < '6', null, stream) as stream) from ({KINDS})",
    )
    frame, _ = find_types(store, select(store=store))
    assert frame["n"].to_list() == find_types(kinds, select(store=kinds))[0]["n"].to_list()


def test_a_failed_request_with_0_tokens_has_no_size(tmp_path: Path) -> None:
    """Gateways log 0 input tokens where a call failed before it was counted."""
    store = make_store(
        tmp_path / "store",
        f"select * replace (if(hash(request_id) % 5 = 0, 0, input_tokens) as input_tokens) "
        f"from ({KINDS})",
    )
    names = find_types(store, select(store=store))[0]["name"].to_list()
    assert sorted(names) == ["chat, 2K–4K in", "code, over 8K in, tools", "extract, 1K–2K in"]


def facts(**columns: list[object]) -> pl.DataFrame:
    height = len(next(iter(columns.values())))
    empty: dict[str, list[object]] = {
        name: [None] * height
        for name in (
            "n_task", "tasks", "n_tasks", "effort", "n_effort", "with_tools", "with_images",
            "with_code", "streamed", "input_tokens_p10", "input_tokens_p90", "messages_p50",
            "max_output_tokens_p50", "tools_p50", "steps_p50", "questions_p50", "chars_p50",
        )
    }  # fmt: skip
    return pl.DataFrame({"n": [100] * height} | empty | columns, strict=False)


def test_names_say_what_sets_types_apart() -> None:
    assert names_of(facts(n=[5])) == ("all requests",)
    assert names_of(
        facts(input_tokens_p10=[100, 9000, 40000], input_tokens_p90=[3500, 30000, 300000])
    ) == ("under 4K in", "8K–32K in", "over 32K in")
    twins = {"input_tokens_p10": [100, 100], "input_tokens_p90": [3500, 3500]}
    assert names_of(facts(**twins, with_tools=[0.9, 0.1])) == ("under 4K in, tools", "under 4K in")
    assert names_of(facts(**twins, messages_p50=[2.0, 9.0])) == (
        "under 4K in, 2 messages",
        "under 4K in, 9 messages",
    )
    assert names_of(facts(**twins)) == ("under 4K in", "under 4K in (2)")
    shared = facts(
        n=[100, 100], n_task=[100, 40], tasks=[["code", "chat"], ["code"]], n_tasks=[[60, 40], [40]]
    )
    assert names_of(shared) == ("code and chat", "other")


def test_the_columns_exist() -> None:
    assert set(PRE_ANSWER) <= set(table_columns()["requests"])
