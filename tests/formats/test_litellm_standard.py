"""StandardLoggingPayload: every trap of the producer, with values worked out by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

FIXTURE = Path(__file__).parent.parent / "fixtures" / "litellm_gcs_bucket_stream.json"


def call(**changes: Any) -> dict[str, Any]:
    """One streamed call: 10:00:00.000 start, first token at 0.5 s, end at 2.5 s."""
    record: dict[str, Any] = {
        "id": "chatcmpl-1",
        "trace_id": "trace-1",
        "call_type": "acompletion",
        "status": "success",
        "stream": True,
        "custom_llm_provider": "openai",
        "startTime": 1762768800.0,
        "completionStartTime": 1762768800.5,
        "endTime": 1762768802.5,
        "response_time": 0.5,
        "model": "gpt-5.5",
        "model_group": "smart",
        "model_id": "deploy-eu",
        "api_base": "https://eu.api.openai.com/v1",
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "total_tokens": 1050,
        "response_cost": 0.0125,
        "cache_hit": None,
        "request_tags": [],
        "messages": [{"role": "user", "content": "Hello"}],
        "metadata": {},
        "hidden_params": {"litellm_overhead_time_ms": 4.25},
        "model_parameters": {"temperature": 0.2},
        "response": {
            "model": "gpt-5.5-2026-03-01",
            "choices": [{"finish_reason": "stop", "message": {"tool_calls": None}}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
        },
        "error_str": None,
        "error_information": {"error_code": "", "error_class": "", "llm_provider": ""},
        "response_cost_failure_debug_info": None,
    }
    return record | changes


def failure(**changes: Any) -> dict[str, Any]:
    return call(
        status="failure", completionStartTime=1762768802.5, response=None, response_cost=0.0,
        prompt_tokens=0, completion_tokens=0, total_tokens=0, error_str="boom",
    ) | changes  # fmt: skip


def test_the_real_record(ingest_rows):
    (row,) = ingest_rows(FIXTURE.read_bytes(), suffix=".json")
    assert row["request_id"] == "chatcmpl-9870a859d6df402795f75dc5fca5b2e0"
    assert row["started_at"] == datetime(2025, 2, 11, 0, 56, 19, 683053, tzinfo=UTC)
    assert row["duration_ms"] == 162.277  # 1739235379.845330 - 1739235379.683053 s
    assert row["first_token_at"] is None and row["ttft_ms"] is None  # equal to the end
    assert row["stream"] is True  # model_parameters.stream says false
    assert (row["model_logged"], row["route"]) == ("gpt-3.5-turbo-0301", "fake-openai-endpoint")
    assert (row["input_tokens"], row["output_tokens"], row["cache_read_tokens"]) == (9, 12, None)
    assert row["logged_cost_usd"] == Decimal("0.0000375")
    assert row["overhead_ms"] == 2.126
    assert (row["status"], row["error_type"], row["http_status"]) == ("ok", None, None)
    assert (row["n_messages"], row["prompt_chars"]) == (1, len("very gm to u"))
    assert (row["finish_reason"], row["n_tool_calls"]) == ("stop", 0)
    assert row["operation_id"] == row["request_id"] and row["session_id"] is None
    assert row["key_alias"] is None and row["user_hash"] is None and row["labels"] is None


def test_times_of_a_stream(ingest_rows):
    (row,) = ingest_rows([call()])
    assert row["started_at"] == datetime(2025, 11, 10, 10, 0, tzinfo=UTC)
    assert row["ttft_ms"] == 500
    assert row["duration_ms"] == 2500, "response_time is the time to the first token, not this"
    assert row["overhead_ms"] == 4.25
    assert row["tpot_ms"] == pytest.approx(2000 / 49)


def test_a_first_token_at_the_end_is_none(ingest_rows):
    (row,) = ingest_rows([call(completionStartTime=1762768803, endTime=1762768803.0)])
    assert (row["ttft_ms"], row["first_token_at"], row["duration_ms"]) == (None, None, 3000)


def test_times_as_text_mean_utc(ingest_rows):
    (row,) = ingest_rows([
        call(
            startTime="2025-01-24 09:20:46.847371",
            completionStartTime="2025-01-24 09:20:46.849371",
            endTime="2025-01-24 09:20:46.851954",
        )
    ])  # fmt: skip
    assert row["started_at"] == datetime(2025, 1, 24, 9, 20, 46, 847371, tzinfo=UTC)
    assert (row["ttft_ms"], row["duration_ms"]) == (2.0, 4.583)


def test_names(ingest_rows):
    rows = ingest_rows([
        call(id="served"),
        # The proxy wrote the caller's alias into the response.
        call(id="alias", response={"model": "smart"}),
        call(id="sent", response={"model": "smart"},
             hidden_params={"litellm_model_name": "openai/gpt-5.5-eu"}),
        call(id="failed", response=None, model_group=""),
    ])  # fmt: skip
    assert [(row["model_requested"], row["model_logged"], row["route"]) for row in rows] == [
        ("smart", "gpt-5.5-2026-03-01", "smart"),
        ("smart", "gpt-5.5", "smart"),
        ("smart", "openai/gpt-5.5-eu", "smart"),
        ("gpt-5.5", "gpt-5.5", None),
    ]
    assert {row["provider"] for row in rows} == {"openai"}
    assert {row["deployment"] for row in rows} == {"deploy-eu"}


def test_tokens_are_inclusive(ingest_rows):
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "prompt_tokens_details": {
            "cached_tokens": 600,
            "cache_creation_tokens": 200,
            "cache_creation_token_details": {
                "ephemeral_5m_input_tokens": 120,
                "ephemeral_1h_input_tokens": 50,
            },
            "audio_tokens": 7,
        },
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 3},
        "server_tool_use": {"web_search_requests": 2},
    }
    (row,) = ingest_rows([call(response={"model": "m", "usage": usage})])
    assert row["cache_read_tokens"] == 600
    assert (row["cache_write_5m_tokens"], row["cache_write_1h_tokens"]) == (120, 50)
    assert row["cache_write_unknown_tokens"] == 30
    assert row["input_uncached_tokens"] == 200  # 1000 - 600 - 200
    assert (row["output_text_tokens"], row["reasoning_tokens"]) == (30, 20)
    assert (row["input_tokens"], row["output_tokens"]) == (1000, 50)
    assert row["token_semantics"] == "inclusive"
    assert (row["input_audio_tokens"], row["output_audio_tokens"], row["web_searches"]) == (7, 3, 2)


def test_usage_of_a_redacted_answer_is_in_the_metadata(ingest_rows):
    details = {"prompt_tokens_details": {"cached_tokens": 10}}
    (row,) = ingest_rows([
        call(response="redacted-by-litellm", metadata={"usage_object": details})
    ])  # fmt: skip
    assert (row["cache_read_tokens"], row["input_uncached_tokens"]) == (10, 990)
    assert row["finish_reason"] is None and row["n_tool_calls"] is None


def test_absent_counts_are_unknown_and_zero_is_zero(ingest_rows):
    zero = {"prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": None}
    rows = ingest_rows([call(id="a"), call(id="b", response={"model": "m", "usage": zero})])
    assert [row["cache_read_tokens"] for row in rows] == [None, 0]
    assert [row["reasoning_tokens"] for row in rows] == [None, None]


def test_cost_zero_means_three_things(ingest_rows):
    rows = ingest_rows([
        call(id="known"),
        call(id="no price", response_cost=0.0,
             response_cost_failure_debug_info={"error_str": "not mapped"}),
        call(id="cached", response_cost=0.0, cache_hit=True),
        call(id="free", response_cost=0.0),
        failure(id="failed"),
    ])  # fmt: skip
    assert [row["logged_cost_usd"] for row in rows] == [Decimal("0.0125"), None, 0, 0, None]
    assert [row["cache_hit"] for row in rows] == [None, None, True, None, None]


def test_failures(ingest_rows):
    def failed(name: str, code: str, kind: str) -> dict[str, Any]:
        return failure(id=name, error_information={"error_code": code, "error_class": kind})

    rows = ingest_rows([
        failed("429", "429", "RateLimitError"),
        failed("529", "529", "InternalServerError"),
        failed("503", "503", "ServiceUnavailableError"),
        failed("no code", "", "RateLimitError"),
        failed("499", "499", ""),
        failure(id="bare", error_information=None),
    ])  # fmt: skip
    # The id of a failed attempt ends in its start, because the attempts of a call share its own.
    assert {row["request_id"].split("#")[1] for row in rows} == {"1762768800000"}
    assert [
        (row["request_id"].split("#")[0], row["status"], row["http_status"], row["error_type"])
        for row in rows
    ] == [
        ("429", "throttled", 429, "RateLimitError"),
        ("529", "throttled", 529, "InternalServerError"),
        ("503", "error", 503, "ServiceUnavailableError"),
        ("no code", "throttled", None, "RateLimitError"),
        ("499", "cancelled", 499, None),
        ("bare", "error", None, None),
    ]
    assert {row["ttft_ms"] for row in rows} == {None}
    # 0 is what is logged where nobody counted: unknown, and so is the cost.
    assert {(row["input_tokens"], row["output_tokens"], row["cost_usd"]) for row in rows} == {
        (None, None, None)
    }


def test_retries_share_the_trace(ingest_rows):
    rows = ingest_rows([
        failure(id="call-1", startTime=1762768800.0),
        failure(id="call-1", startTime=1762768810.0, endTime=1762768811.0,
                metadata={"attempted_retries": 1}),
        call(id="chatcmpl-9", startTime=1762768820.0, completionStartTime=1762768820.5,
             endTime=1762768822.5),
        call(id="chatcmpl-10", trace_id="trace-2"),
    ])  # fmt: skip
    assert [(row["request_id"], row["operation_id"], row["attempt"]) for row in rows] == [
        ("call-1#1762768800000", "trace-1", 1),
        ("call-1#1762768810000", "trace-1", 2),
        ("chatcmpl-9", "trace-1", 3),
        ("chatcmpl-10", "trace-2", 1),
    ]


def test_a_trace_that_is_the_callers_session_is_no_operation(ingest_rows):
    rows = ingest_rows([
        call(id="old", trace_id="s-1", metadata={"requester_metadata": {"session_id": "s-1"}}),
        call(id="new", trace_id="t-1", session_id="s-1"),
        call(id="random", trace_id="6f1c-uuid", session_id="6f1c-uuid"),
    ])  # fmt: skip
    assert [(row["operation_id"], row["session_id"]) for row in rows] == [
        ("old", "s-1"),
        ("t-1", "s-1"),
        ("6f1c-uuid", "6f1c-uuid"),
    ]


def test_who_asked(ingest_rows):
    (row,) = ingest_rows([
        call(
            end_user="jane",
            request_tags=["feature:search", "User-Agent: openai", "User-Agent: openai/1.2",
                          "nightly", "https://example.org/x", "prompt_version: 7", "feature:chat"],
            metadata={
                "user_api_key_alias": "app-key",
                "user_api_key_team_alias": "legal",
                "spend_logs_metadata": {"task": "extract", "logscope_propensity": 0.25,
                                        "logscope_config_id": "c-7f3a", "logscope_rule_id": "r2"},
                "requester_metadata": {"tenant": "acme", "nested": {"a": 1}, "n": 3,
                                       "session_id": "s", "nothing": None},
            },
        )
    ])  # fmt: skip
    assert row["labels"] == {
        "feature": "chat,search",
        "tags": "https://example.org/x,nightly",
        "prompt_version": "7",
        "team": "legal",
        "task": "extract",
        "tenant": "acme",
        "n": "3",
    }
    assert (row["task"], row["team"], row["key_alias"]) == ("extract", "legal", "app-key")
    assert (row["propensity"], row["config_id"], row["rule_id"]) == (0.25, "c-7f3a", "r2")
    assert row["user_hash"] and "jane" not in row["user_hash"]
    assert row["session_id"] == "s"


def test_the_prompt_is_measured(ingest_rows):
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [
            {"type": "text", "text": "Why?\n1. so\n- or ```x```"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}},
        ]},
    ]  # fmt: skip
    tools = [{"type": "function", "function": {"name": "f"}}] * 2
    rows = ingest_rows([
        call(id="rich", messages=messages,
             model_parameters={"tools": tools, "max_completion_tokens": 300, "temperature": 0.5,
                               "reasoning_effort": "high"}),
        call(id="plain", model_parameters={}),
        # Inside a text the quotes are escaped: this is no image.
        call(id="quoting", messages=[{"role": "user", "content": '{"type": "image_url"}'}]),
        call(id="text", messages="What now?"),
        call(id="texts", messages=["What", "now?"]),
        call(id="redacted", messages=[{"role": "user", "content": "redacted-by-litellm"}]),
    ])  # fmt: skip
    rich, simple, quoting, text, texts, redacted = rows
    assert rich["prompt_chars"] == len("Be kind.\nWhy?\n1. so\n- or ```x```"), (
        "the image is not counted"
    )
    assert (rich["n_messages"], rich["n_tools"], rich["has_images"]) == (2, 2, True)
    assert (rich["prompt_steps"], rich["prompt_questions"], rich["prompt_has_code"]) == (2, 1, True)
    assert (rich["max_output_tokens"], rich["temperature"]) == (300, 0.5)
    assert rich["reasoning_effort"] == "high"
    assert rich["system_prompt_hash"] and simple["system_prompt_hash"] is None
    assert (simple["n_tools"], simple["prompt_chars"], simple["has_images"]) == (0, 5, False)
    assert quoting["has_images"] is False
    assert (text["prompt_chars"], text["n_messages"]) == (9, None)
    assert texts["prompt_chars"] is None, "unknown is not 0"
    assert redacted["prompt_chars"] is None and redacted["n_messages"] is None


def test_answers_of_three_apis(ingest_rows):
    rows = ingest_rows([
        call(id="chat", response={"model": "m", "choices": [
            {"finish_reason": "tool_calls",
             "message": {"tool_calls": [{"type": "function"}] * 2}}]}),
        call(id="messages", response={"model": "m", "stop_reason": "tool_use", "content": [
            {"type": "text", "text": "x"}, {"type": "tool_use", "name": "f"}],
            "usage": {"service_tier": "fast"}}),
        call(id="responses", response={"model": "m", "status": "completed", "service_tier": "flex",
             "output": [{"type": "reasoning"}, {"type": "function_call"}]}),
    ])  # fmt: skip
    assert [(row["finish_reason"], row["n_tool_calls"]) for row in rows] == [
        ("tool_calls", 2),
        ("tool_use", 1),
        ("completed", 1),
    ]
    assert [row["service_tier"] for row in rows] == [None, "priority", "flex"]


def test_region_is_where_it_was_served(ingest_rows):
    headers = {"llm_provider-x-ms-region": "West Europe"}
    vertex = "https://aiplatform.googleapis.com/v1/projects/p/locations/us-central1/x"
    rows = ingest_rows([
        call(id="azure", hidden_params={"additional_headers": headers}),
        call(id="bedrock", api_base="https://bedrock-runtime.us-east-1.amazonaws.com/model/x"),
        call(id="vertex", api_base=vertex),
        call(id="openai", api_base="https://user:secret@api.openai.com:443/v1"),
        call(id="none", api_base=""),
    ])  # fmt: skip
    assert [row["region_logged"] for row in rows] == [
        "West Europe",
        "bedrock-runtime.us-east-1.amazonaws.com",
        "us-central1",
        "api.openai.com",
        None,
    ]
    assert [row["region"] for row in rows] == ["westeurope", "us-east-1", "us-central1", None, None]


def test_rate_limits_are_the_headers_that_litellm_kept(ingest_rows):
    kept = {
        "x_ratelimit_limit_requests": 500,
        "x_ratelimit_remaining_requests": 0,
        "x_ratelimit_limit_tokens": 0,  # no limit is 0
        "x_ratelimit_remaining_tokens": "149984",
        "x_ratelimit_reset_tokens": "6ms",
    }
    rows = ingest_rows([
        call(id="a", hidden_params={"additional_headers": kept}),
        call(id="b", hidden_params={"additional_headers": {}}),
    ])  # fmt: skip
    names = ("limit_requests", "remaining_requests", "limit_tokens", "remaining_tokens")
    assert [[row[name] for name in names] for row in rows] == [
        [500, 0, None, 149_984],
        [None, None, None, None],
    ]


def test_only_the_required_fields(ingest_rows):
    (row,) = ingest_rows([
        {"id": "x", "call_type": "completion", "status": "success", "response_cost": 0.1,
         "total_tokens": 3, "prompt_tokens": 1, "completion_tokens": 2, "model": "gpt-5.5",
         "messages": [], "hidden_params": {}, "startTime": 1762768800}
    ])  # fmt: skip
    assert (row["request_id"], row["duration_ms"], row["stream"], row["provider"]) == (
        "x",
        None,
        None,
        None,
    )
    assert (row["input_tokens"], row["output_tokens"]) == (1, 2)


def test_a_wrong_type_costs_its_field_only(bench):
    bench.ingest(bench.write([
        call(id="a"),
        call(id="b", response=["what"], metadata="text", hidden_params={"additional_headers": []},
             model_parameters={"tools": {"x": 1}}, request_tags="tag", error_information=3),
        call(id="c", prompt_tokens="many", temperature={}, messages={"a": 1}),
    ]))  # fmt: skip
    assert bench.counts == (3, 3, 0, 0, 0)
    rows = {row["request_id"]: row for row in bench.rows()}
    assert (rows["b"]["output_tokens"], rows["b"]["model_logged"]) == (50, "gpt-5.5")
    assert (rows["c"]["output_tokens"], rows["c"]["input_tokens"]) == (50, None)


def test_every_record_is_accounted_for(bench):
    bench.ingest(bench.write([
        call(id="a"),
        "{broken",
        "",
        call(id="a"),
        call(id="b", call_type="aretrieve_batch"),
        call(id="c", call_type="call_mcp_tool"),
        call(id="d", startTime=None),
        call(id=None),
    ]))  # fmt: skip
    assert bench.counts == (7, 1, 1, 2, 3)
    assert bench.rejects() == [
        (2, "not JSON"),
        (7, "no readable start time"),
        (8, "no request id"),
    ]


@pytest.mark.parametrize("layout", ["one object", "list", "lines", "indented list"])
def test_layouts(bench, layout):
    two = [call(id="a"), call(id="b")]
    text = {
        "one object": json.dumps(two[0], indent=4),
        "list": json.dumps(two),
        "lines": "\n".join(map(json.dumps, two)),
        "indented list": json.dumps(two, indent=2),
    }[layout]
    bench.ingest(bench.write(text, "log.json"))
    expected = ["a"] if layout == "one object" else ["a", "b"]
    assert [row["request_id"] for row in bench.rows()] == expected


@pytest.mark.parametrize("before", [1, 20])
def test_a_plain_prompt_is_read_wherever_it_stands(ingest_rows, before: int) -> None:
    """A list of messages is read as such, until a text turns up: at once, or late in the file."""
    filler = "Say it. " * 10_000  # 80 kB: 20 of them pass what is looked at first
    calls = [
        call(id=f"list-{i:02}", messages=[{"role": "user", "content": filler}])
        for i in range(before)
    ]
    rows = ingest_rows([*calls, call(id="text", messages="What now? And then?"), call(id="z")])
    assert [row["prompt_chars"] for row in rows] == [80_000] * before + [19, 5]
    assert [row["prompt_questions"] for row in rows] == [0] * before + [2, 0]
    assert [row["n_messages"] for row in rows] == [1] * before + [None, 1]
    assert [row["line"] for row in rows] == list(range(1, before + 3))


def test_no_messages_is_no_text(ingest_rows) -> None:
    none, absent = ingest_rows([call(id="a", messages=None), call(id="b", messages={})])
    for row in (none, absent):
        assert (row["prompt_chars"], row["n_messages"], row["has_images"]) == (None, None, None)
