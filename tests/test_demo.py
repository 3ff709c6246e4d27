"""The demo logs: same bytes, whole accounts, and the producers' own shapes."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from logscope.demo import planted, write_demo
from logscope.errors import UsageError

SAMPLE_LOGS = Path(__file__).parent.parent / "sample_logs"
NAMES = (
    "aiperf_profile.jsonl",
    "bedrock_invocation.jsonl.gz",
    "litellm_spendlogs.csv",
    "litellm_standard.jsonl",
    "native_requests.csv",
    "native_scores.csv",
    "native_streams.jsonl",
    "otlp_genai.jsonl",
)
LARGE = 20_000


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    write_demo(folder)
    return folder


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    write_demo(folder, LARGE)
    return folder


def lines_of(path: Path) -> list[str]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()


def records_of(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the JSON records of a file and how many lines are none."""
    records, broken = [], 0
    for line in lines_of(path):
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            broken += 1
    return records, broken


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def spans_of(path: Path) -> list[dict[str, Any]]:
    return [
        {**span, "attributes": {a["key"]: a["value"] for a in span.get("attributes", [])}}
        for record in records_of(path)[0]
        for resource in record["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row


# ---------- bytes


def test_same_arguments_same_bytes(small: Path, tmp_path: Path) -> None:
    files = write_demo(tmp_path)
    assert [file.name for file in files] == list(NAMES)
    for file in files:
        assert file.read_bytes() == (small / file.name).read_bytes(), file.name


def test_another_seed_is_another_world(small: Path, tmp_path: Path) -> None:
    for file in write_demo(tmp_path, seed=1):
        assert file.read_bytes() != (small / file.name).read_bytes(), file.name


def test_committed_sample_logs_are_the_default_world(small: Path) -> None:
    for name in NAMES:
        assert (SAMPLE_LOGS / name).read_bytes() == (small / name).read_bytes(), name


def test_sample_logs_stay_small(small: Path) -> None:
    assert sum(file.stat().st_size for file in small.iterdir()) < 3_000_000


def test_gzip_carries_no_time(small: Path) -> None:
    assert (small / "bedrock_invocation.jsonl.gz").read_bytes()[4:8] == b"\0\0\0\0"


def test_large_worlds_are_split_and_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logscope.demo.writing.IN_ONE_FILE", 2000)
    monkeypatch.setattr("logscope.demo.writing.CHUNK", 2000)
    told: list[int] = []
    files = write_demo(tmp_path, 5000, progress=told.append)
    assert (tmp_path / "litellm_standard-003.jsonl") in files
    assert sorted(told) == told and told[-1] == 5000 and len(told) == 3
    assert all(file.stat().st_size > 0 for file in files)
    assert len(request_ids(tmp_path)) == len(set(request_ids(tmp_path))) == 5000
    starts = [
        [json.loads(line)["startTime"] for line in lines_of(file) if line.endswith("}")]
        for file in files
        if file.name.startswith("litellm_standard")
    ]
    assert starts[0][len(starts[0]) // 2] < starts[2][len(starts[2]) // 2]


def test_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="200 or more"):
        write_demo(tmp_path, 10)
    (tmp_path / "litellm_standard-001.jsonl").touch()
    with pytest.raises(UsageError, match="left from another demo"):
        write_demo(tmp_path)


# ---------- counts


def request_ids(folder: Path) -> list[str]:
    """Return the ids of all requests of a world, each once although some stand in two logs."""
    found: list[str] = []
    standard: set[str] = set()
    for path in sorted(folder.iterdir()):
        name = path.name.split(".")[0].split("-")[0]
        if name == "litellm_standard":
            standard |= {r["id"] for r in records_of(path)[0] if r["call_type"] == "acompletion"}
        elif name == "litellm_spendlogs":
            rows = (row for row in rows_of(path) if row["call_type"] == "acompletion")
            found += [row["request_id"] for row in rows if "-13-" not in row["startTime"]]
        elif name == "bedrock_invocation":
            records = records_of(path)[0]
            found += [r["requestId"] for r in records if r["operation"] != "ApplyGuardrail"]
        elif name == "native_requests":
            rows_ = rows_of(path)
            parents = {row["parent_request_id"] for row in rows_}
            found += [
                row["request_id"]
                for row in rows_
                if row["started_at"].endswith("Z") and row["request_id"] not in parents
            ]
        elif name == "aiperf_profile":
            found += [
                r["metadata"]["x_request_id"]
                for r in records_of(path)[0]
                if r["metadata"]["benchmark_phase"] == "profiling"
            ]
    for path in sorted(folder.glob("otlp_genai*")):
        for span in spans_of(path):
            if "gen_ai.operation.name" in span["attributes"]:
                answer = span["attributes"].get("gen_ai.response.id", {}).get("stringValue")
                if answer not in standard:
                    found.append(answer or span["spanId"])
    return found + sorted(standard)


def test_every_request_is_told_once_or_twice(small: Path) -> None:
    ids = request_ids(small)
    assert len(ids) == len(set(ids)) == 1200


def test_part_of_the_requests_stand_in_two_logs(large: Path) -> None:
    records = records_of(large / "litellm_standard.jsonl")[0]
    answered = {r["id"] for r in records if r["status"] == "success"}
    seen = {
        span["attributes"]["gen_ai.response.id"]["stringValue"]
        for span in spans_of(large / "otlp_genai.jsonl")
        if "gen_ai.response.id" in span["attributes"]
    }
    assert len(answered & seen) / len(answered) == pytest.approx(planted()["twins"], abs=0.02)


@pytest.mark.parametrize("name", [name for name in NAMES if "json" in name])
def test_one_line_of_each_file_is_cut_off(small: Path, name: str) -> None:
    records, broken = records_of(small / name)
    assert records and broken == 1


def test_one_record_of_each_file_is_no_model_call(small: Path) -> None:
    standard = records_of(small / "litellm_standard.jsonl")[0]
    spend = rows_of(small / "litellm_spendlogs.csv")
    assert [r["model"] for r in standard if r["call_type"] != "acompletion"] == ["MCP: search_docs"]
    assert [r["model"] for r in spend if r["call_type"] != "acompletion"] == ["MCP: search_docs"]
    bedrock = records_of(small / "bedrock_invocation.jsonl.gz")[0]
    assert [r["operation"] for r in bedrock].count("ApplyGuardrail") == 1
    aiperf = records_of(small / "aiperf_profile.jsonl")[0]
    assert [r["metadata"]["benchmark_phase"] for r in aiperf].count("warmup") == 1
    streams = records_of(small / "native_streams.jsonl")[0]
    assert [r["offsets_ms"] for r in streams].count([]) == 1
    scores = rows_of(small / "native_scores.csv")
    assert [row["value"] for row in scores].count("") == 1
    batches = records_of(small / "otlp_genai.jsonl")[0]
    assert ["gen_ai." in json.dumps(batch) for batch in batches].count(False) == 1

    native = rows_of(small / "native_requests.csv")
    (child,) = (row for row in native if row["parent_request_id"])
    (parent,) = (row for row in native if row["request_id"] == child["parent_request_id"])
    assert {parent[k] == child[k] for k in parent if k.endswith("_tokens")} == {True}


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("litellm_spendlogs.csv", "startTime"),
        ("native_requests.csv", "started_at"),
        ("native_scores.csv", "scored_at"),
    ],
)
def test_one_row_of_each_table_has_an_unreadable_time(small: Path, name: str, column: str) -> None:
    readable = one(
        duckdb.connect(),
        f"select count(*), count(try_cast({column} as timestamptz)) "
        f"from read_csv('{small / name}', all_varchar = true)",
    )
    assert readable[0] - readable[1] == 1


# ---------- shapes: the keys of real records, as published with each producer's tests or documents


# BerriAI/litellm tests/logging_callback_tests (GCS bucket).
STANDARD_KEYS = """
id trace_id call_type cache_hit stream status custom_llm_provider saved_cache_cost
startTime endTime completionStartTime response_time model metadata cache_key response_cost
total_tokens prompt_tokens completion_tokens request_tags end_user api_base model_group model_id
requester_ip_address messages response model_parameters hidden_params model_map_information
error_str error_information response_cost_failure_debug_info guardrail_information"""
STANDARD_METADATA_KEYS = """user_api_key_hash user_api_key_alias user_api_key_team_id
user_api_key_org_id user_api_key_user_id user_api_key_team_alias spend_logs_metadata
requester_ip_address requester_metadata user_api_key_end_user_id prompt_management_metadata"""
# BerriAI/litellm schema.prisma, model LiteLLM_SpendLogs, in the order of the table.
SPEND_COLUMNS = """request_id call_type api_key spend total_tokens prompt_tokens completion_tokens
startTime endTime request_duration_ms completionStartTime model model_id model_group
custom_llm_provider api_base user metadata cache_hit cache_key request_tags team_id organization_id
end_user requester_ip_address messages response session_id status mcp_namespaced_tool_name agent_id
proxy_server_request"""
# ai-dynamo/aiperf docs/tutorials/working-with-profile-exports.md.
AIPERF_METADATA_KEYS = """session_num x_request_id x_correlation_id conversation_id turn_index
request_start_ns request_ack_ns request_end_ns worker_id record_processor_id benchmark_phase
was_cancelled cancellation_time_ns"""
AIPERF_METRICS = """input_sequence_length time_to_first_token request_latency output_token_count
inter_chunk_latency output_sequence_length inter_token_latency output_token_throughput_per_user"""


def test_litellm_standard_has_the_keys_of_a_real_record(small: Path) -> None:
    for record in records_of(small / "litellm_standard.jsonl")[0]:
        assert set(record) == set(STANDARD_KEYS.split())
        assert set(record["metadata"]) == set(STANDARD_METADATA_KEYS.split())
        assert record["total_tokens"] == record["prompt_tokens"] + record["completion_tokens"]
        assert record["startTime"] <= record["completionStartTime"] <= record["endTime"]
        if record["response"]:
            assert record["response"]["id"] == record["id"]
            assert record["response"]["choices"][0]["message"]["role"] == "assistant"
            assert record["response"]["usage"]["prompt_tokens"] == record["prompt_tokens"]


def test_litellm_spendlogs_has_the_columns_of_the_table(small: Path) -> None:
    rows = rows_of(small / "litellm_spendlogs.csv")
    assert list(rows[0]) == SPEND_COLUMNS.split()
    failed = [row for row in rows if row["status"] == "failure"]
    for row in failed:  # as LiteLLM writes them: one time three times, no address, no tokens
        assert row["startTime"] == row["completionStartTime"] == row["endTime"]
        assert (row["api_base"], row["total_tokens"], row["spend"]) == ("", "0", "0.0")
        assert json.loads(row["metadata"])["error_information"]["error_code"]
    assert failed


def test_otlp_has_the_shape_of_the_file_exporter(small: Path) -> None:
    batches = records_of(small / "otlp_genai.jsonl")[0]
    assert {tuple(batch) for batch in batches} == {("resourceSpans",)}
    assert any(len(b["resourceSpans"][0]["scopeSpans"][0]["spans"]) > 2 for b in batches)
    spans = spans_of(small / "otlp_genai.jsonl")
    ids = {span["spanId"] for span in spans}
    assert len(ids) == len(spans)
    for span in spans:
        assert len(span["traceId"]) == 32 and len(span["spanId"]) == 16
        assert isinstance(span["startTimeUnixNano"], str)
        assert int(span["startTimeUnixNano"]) < int(span["endTimeUnixNano"])
        assert span.get("parentSpanId", "") in ids | {""}
        for value in span["attributes"].values():
            assert isinstance(value.get("intValue", ""), str)
    keys = {key for span in spans for key in span["attributes"]}
    assert {"gen_ai.provider.name", "gen_ai.system", "gen_ai.usage.prompt_tokens"} <= keys
    assert {"gen_ai.response.time_to_first_chunk", "gen_ai.usage.input_tokens"} <= keys
    events = {event["name"] for span in spans for event in span.get("events", [])}
    assert events == {"First Token Stream Event"}


def test_bedrock_has_the_shapes_of_its_operations(small: Path) -> None:
    records = records_of(small / "bedrock_invocation.jsonl.gz")[0]
    operations = {record["operation"] for record in records}
    assert operations == {
        "ApplyGuardrail",
        "Converse",
        "ConverseStream",
        "InvokeModel",
        "InvokeModelWithResponseStream",
    }
    for record in records:
        assert record["schemaType"] == "ModelInvocationLog"
        assert len(record["timestamp"]) == len("2026-11-09T10:00:00Z")
        if "errorCode" in record or record["operation"] == "ApplyGuardrail":
            assert "inputTokenCount" not in record["input"]
            continue
        body = record["output"]["outputBodyJson"]
        if record["operation"].startswith("Converse"):
            usage = body["usage"]
            assert usage["inputTokens"] == record["input"]["inputTokenCount"]  # without the cache
            parts = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
            assert usage["totalTokens"] == sum(usage[part] for part in parts)
            assert body["metrics"]["latencyMs"] > 0
        elif record["operation"] == "InvokeModel":
            assert body["usage"]["output_tokens"] == record["output"]["outputTokenCount"]
        else:
            assert body[-2]["usage"]["output_tokens"] == record["output"]["outputTokenCount"]


def test_aiperf_has_the_keys_of_a_real_record(small: Path) -> None:
    records = records_of(small / "aiperf_profile.jsonl")[0]
    for record in records:
        assert set(record) == {"metadata", "metrics", "error"}
        assert set(record["metadata"]) == set(AIPERF_METADATA_KEYS.split())
        wanted = {"error_isl"} if record["error"] else set(AIPERF_METRICS.split())
        assert set(record["metrics"]) == wanted
    ok = [r["metrics"] for r in records if r["metrics"].get("inter_chunk_latency", {}).get("value")]
    for metrics in ok:
        gaps = sum(metrics["inter_chunk_latency"]["value"])
        whole = metrics["request_latency"]["value"]
        assert metrics["time_to_first_token"]["value"] + gaps == pytest.approx(whole, abs=0.1)
    assert len(ok) > 30


def test_native_streams_end_with_their_requests(small: Path) -> None:
    rows = {row["request_id"]: row for row in rows_of(small / "native_requests.csv")}
    streams = [r for r in records_of(small / "native_streams.jsonl")[0] if r["offsets_ms"]]
    assert len(streams) > 30
    for stream in streams:
        offsets, kinds = stream["offsets_ms"], stream["kinds"]
        assert offsets == sorted(offsets)
        assert len(offsets) == len(kinds) == len(stream["tokens_per_chunk"])
        assert (kinds[0], kinds[-1]) == ("role", "usage")
        row = rows[stream["request_id"]]
        output = int(row["output_text_tokens"]) + int(row["reasoning_tokens"] or 0)
        assert sum(stream["tokens_per_chunk"]) == output
        duration, ttft = one(
            duckdb.connect(),
            f"select epoch_us('{row['ended_at']}'::timestamptz - start), "
            f"epoch_us('{row['first_token_at']}'::timestamptz - start) "
            f"from (select '{row['started_at']}'::timestamptz as start)",
        )
        assert offsets[1] == pytest.approx(ttft / 1000, abs=0.01)
        assert offsets[-1] == pytest.approx(duration / 1000, abs=0.01)
