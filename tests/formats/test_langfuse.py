"""Langfuse: three shapes of a record, parts or subsets by the total, traces as sessions, scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

FIXTURE = Path(__file__).parent.parent / "fixtures" / "langfuse_openai_agents.trace.json"
PARTS = {"input": 24, "input_cached_tokens": 0, "output": 378, "output_reasoning": 1029,
         "total": 1431}  # fmt: skip


def observation(**changes: Any) -> dict[str, Any]:
    """One generation as the blob export has it: 100 new and 50 cached in, 20 out, a first token."""
    return {
        "id": "obs-1", "trace_id": "trace-1", "type": "GENERATION", "parent_observation_id": None,
        "start_time": "2026-11-10T12:00:00.000Z", "end_time": "2026-11-10T12:00:02.000Z",
        "completion_start_time": "2026-11-10T12:00:00.400Z", "level": "DEFAULT",
        "provided_model_name": "gpt-5.4", "environment": "production",
        "usage_details": {"input": 100, "input_cached_tokens": 50, "output": 20, "total": 170},
        "cost_details": {"total": 0.01}, "total_cost": 0.01,
    } | changes  # fmt: skip


def test_the_real_trace(bench):
    """Two generations of five observations, and two scores of the trace (toxicity 0.8 is one)."""
    bench.ingest(FIXTURE)
    document = json.loads(FIXTURE.read_text(encoding="utf-8"))["trace"]
    scores = [score["name"] for score in document["scores"]]
    assert bench.counts == (5 + len(scores), 2 + len(scores), 0, 3, 0)
    rows = {row["request_id"]: row for row in bench.rows()}
    row = rows["90d94774e8e3724d"]
    assert (row["input_tokens"], row["output_tokens"], row["duration_ms"]) == (85, 29, 1150)
    assert (row["model"], row["stream"], row["ttft_ms"]) == ("gpt-4.1", None, None)
    assert float(row["logged_cost_usd"]) == 0.000402
    assert row["session_id"] == "fee618f96dc31e0ca38b2f7b26eb8b29", "the trace, for want of one"
    found = bench.rows("select * from scores order by name")
    assert {score["session_id"] for score in found} == {row["session_id"]}
    assert {score["name"]: score["value"] for score in found}["toxicity"] == 0.8


def camel(record: dict[str, Any]) -> dict[str, Any]:
    """Return the same record as the public API names it."""
    names = {key: "".join(part.title() if at else part for at, part in enumerate(key.split("_")))
             for key in record}  # fmt: skip
    return {names[key]: value for key, value in record.items()}


@pytest.mark.parametrize("shape", ["jsonl", "list", "page", "csv", "parquet"])
def test_every_shape_gives_the_same_row(bench, shape):
    record = observation()
    if shape == "jsonl":
        path = bench.write([record], "a.jsonl")
    elif shape == "list":
        path = bench.write(json.dumps([record]), "a.json")
    elif shape == "page":
        path = bench.write(json.dumps({"data": [camel(record)], "meta": {"page": 1}}), "a.json")
    else:
        texts = {key: json.dumps(value) if isinstance(value, dict) else value
                 for key, value in record.items()}  # fmt: skip
        path = bench.folder / f"a.{shape}"
        frame = pl.DataFrame([texts], schema_overrides={"parent_observation_id": pl.String})
        frame.write_csv(path) if shape == "csv" else frame.write_parquet(path)
    result = bench.ingest(path)
    assert [count.name for count in result.formats] == ["langfuse"]
    (row,) = bench.rows()
    assert (row["request_id"], row["session_id"], row["environment"]) == (
        "obs-1", "trace-1", "production",
    )  # fmt: skip
    assert (row["ttft_ms"], row["duration_ms"], row["stream"]) == (400, 2000, True)
    assert (row["input_uncached_tokens"], row["cache_read_tokens"]) == (100, 50)
    assert (row["input_tokens"], row["output_tokens"]) == (150, 20)
    assert float(row["logged_cost_usd"]) == 0.01


def test_the_total_tells_parts_from_subsets(ingest_rows):
    subsets = {"input": 100, "prompt_details.cache_read": 60, "output": 20,
               "completion_details.reasoning": 5, "total": 120}  # fmt: skip
    audio = {"input": 10, "input_audio": 90, "output": 20, "total": 120}
    written = {"input": 4, "input_cache_creation": 30, "input_cache_creation_5m": 10,
               "input_cache_creation_1h": 20, "output": 6}  # fmt: skip
    rows = ingest_rows([
        observation(id="parts", usage_details=PARTS),
        observation(id="subsets", usage_details=subsets),
        observation(id="audio", usage_details=audio),
        observation(id="written", usage_details=written | {"total": 70}),
    ])  # fmt: skip
    named = {row["request_id"]: row for row in rows}
    # The one real record with details: 24 + 378 + 0 + 1029 = 1431.
    assert (named["parts"]["output_tokens"], named["parts"]["output_text_tokens"]) == (1407, 378)
    assert (named["parts"]["token_semantics"], named["parts"]["input_tokens"]) == ("disjoint", 24)
    assert (named["subsets"]["input_tokens"], named["subsets"]["input_uncached_tokens"]) == (
        100,
        40,
    )
    assert (named["subsets"]["output_tokens"], named["subsets"]["output_text_tokens"]) == (20, 15)
    assert (named["audio"]["input_tokens"], named["audio"]["input_audio_tokens"]) == (100, 90)
    assert named["written"]["input_tokens"] == 34
    assert named["written"]["cache_write_1h_tokens"] == 20


def test_failures_updates_and_what_is_no_call(bench):
    later = observation(usage_details={"input": 100, "input_cached_tokens": 50, "output": 200,
                                       "total": 350})  # fmt: skip
    bench.ingest(bench.write([
        observation(usage_details={}, end_time=None, cost_details={}, total_cost=0),
        later,
        observation(id="span", type="SPAN"),
        observation(id="bad", level="ERROR", status_message="429 Too Many Requests: rate limit",
                    usage_details={}, total_cost=0, cost_details={}),
        observation(id="when", start_time=None),
    ]))  # fmt: skip
    assert bench.counts == (5, 2, 1, 1, 1)
    rows = {row["request_id"]: row for row in bench.rows()}
    assert (rows["obs-1"]["output_tokens"], rows["obs-1"]["duration_ms"]) == (200, 2000)
    assert (rows["bad"]["status"], rows["bad"]["logged_cost_usd"]) == ("throttled", None)


def test_scores(bench):
    def score(**changes: Any) -> dict[str, Any]:
        return {"id": "s", "name": "good", "value": 1, "dataType": "NUMERIC", "source": "EVAL",
                "traceId": "trace-1", "observationId": "obs-1", "sessionId": None,
                "timestamp": "2026-11-10T13:00:00Z"} | changes  # fmt: skip

    bench.ingest(bench.write([
        score(),
        score(observationId=None, value=0.5),
        score(observationId=None, traceId=None, sessionId="session-1", dataType="BOOLEAN"),
        score(dataType="CATEGORICAL", value=None, stringValue="friendly"),
        score(value=4),
        score(observationId=None, traceId=None),
    ]))  # fmt: skip
    assert bench.counts == (6, 3, 0, 1, 2)
    found = bench.rows("select request_id, session_id, value, source from scores order by value, 2")
    assert [tuple(row.values()) for row in found] == [
        (None, "trace-1", 0.5, "eval"), (None, "session-1", 1, "eval"), ("obs-1", None, 1, "eval"),
    ]  # fmt: skip


def test_exported_scores_are_langfuses(bench):
    """The blob export writes names that logscope's own score log has too."""
    path = bench.write("id,name,value,session_id,trace_id,observation_id,data_type\n"
                       "1,good,1,s,t,,BOOLEAN\n", "scores.csv")  # fmt: skip
    result = bench.ingest(path)
    assert [count.name for count in result.formats] == ["langfuse_scores"]


@pytest.mark.parametrize(
    "ids",
    [
        ["ce81a54fe23da061", "ce81a54fe23da062", "ce81a54fe23da063"],
        [f"aaaa1111-0000-4000-8000-00000000000{i}" for i in range(3)],
    ],
    ids=["OpenTelemetry", "UUID"],
)
@pytest.mark.parametrize("files", [1, 3])
def test_a_generation_around_another_counts_once_whatever_lies_between(bench, ids, files):
    trace = ids[0] if "-" in ids[0] else "615878eaca97ae1104336c0f159e9b7c"
    agent, step, call = (
        observation(id=id, trace_id=trace, parent_observation_id=parent)
        for id, parent in zip(ids, [None, *ids], strict=False)
    )
    step |= {"type": "SPAN", "usage_details": None, "provided_model_name": None}
    records = [agent, step, call]
    size = len(records) // files
    for i in range(files):
        part = bench.write(records[i * size : (i + 1) * size], f"{i}.jsonl")
        bench.ingest(part, format_name="langfuse")
    assert [row["request_id"] for row in bench.rows()] == [ids[2]]
    assert bench.rows("select sum(stored) as n, sum(ignored) as i from files") == [{"n": 1, "i": 2}]
