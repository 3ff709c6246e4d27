"""Raw provider bodies: each real body gives the counters that genai-prices' extractors give."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genai_prices.data_snapshot import get_snapshot

FIXTURE = Path(__file__).parent.parent / "fixtures" / "provider_usage_bodies.json"
BEGAN = "2026-11-10T12:00:00Z"


def bodies() -> list[dict[str, Any]]:
    """The real bodies: one per distinct shape, and the first with each counter that is not zero."""
    document = json.loads(FIXTURE.read_text(encoding="utf-8"))
    common = [entry["body"] for entry in document["most_common_shapes"]]
    return common + list(document["first_record_with_nonzero"].values())


def kind_of(body: dict[str, Any]) -> tuple[str, str, str]:
    """Return the format that reads a body, and the provider and the flavour of its extractor."""
    usage = body.get("usage", {})
    if "usageMetadata" in body:
        return "gemini", "google", "default"
    if "inputTokens" in usage:
        return "bedrock_converse", "aws", "default"
    if "prompt_tokens" in usage:
        if "prompt_cache_hit_tokens" in usage:
            return "openai_chat", "deepseek", "chat"
        if "num_cached_tokens" in usage:
            return "openai_chat", "mistral", "default"
        if "cached_tokens" in usage:
            return "openai_chat", "moonshotai", "chat"
        if "completion_tokens" not in usage:
            return "openai_chat", "openai", "embeddings"
        return "openai_chat", "openai", "chat"
    if "billed_units" in usage or "meta" in body:
        return "cohere", "cohere", "embeddings" if "meta" in body else "default"
    if "claude" in body.get("model", "") or "cache_creation_input_tokens" in usage:
        return "anthropic_messages", "anthropic", "default"
    return "openai_responses", "openai", "responses"


def as_record(body: dict[str, Any], format: str, name: str) -> dict[str, Any]:
    """Return what the caller would have logged: the body with its id and the time of the call."""
    shape: dict[str, dict[str, Any]] = {
        "openai_chat": {"object": "chat.completion"},
        "openai_responses": {"object": "response", "status": "completed"},
        "anthropic_messages": {"type": "message"},
        "gemini": {},
        "bedrock_converse": {},
        "cohere": {},
    }
    record = {key: value for key, value in body.items() if key != "file"}
    return record | shape[format] | {"id": name, "started_at": BEGAN}


def expected(body: dict[str, Any], provider: str, flavour: str) -> dict[str, int]:
    """Return the counters as the extractor has them; what it does not tell is 0."""
    providers = {known.id: known for known in get_snapshot().providers}
    _, usage = providers[provider].extract_usage(body, api_flavor=flavour)
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    return {name: getattr(usage, name) or 0 for name in names}


def test_all_real_bodies_agree_with_the_extractors(bench):
    checked: dict[str, int] = {}
    wanted: dict[str, dict[str, int]] = {}
    files: dict[str, list[dict[str, Any]]] = {}
    for number, body in enumerate(bodies()):
        format, provider, flavour = kind_of(body)
        checked[format] = checked.get(format, 0) + 1
        name = f"body-{number}"
        wanted[name] = expected(body, provider, flavour)
        files.setdefault(format, []).append(as_record(body, format, name))
    for format, records in files.items():
        bench.ingest(bench.write(records, f"{format}.jsonl"), format_name=format)
        assert bench.counts == (len(records), len(records), 0, 0, 0)
    found = {
        row["request_id"]: {
            "input_tokens": row["input_tokens"],
            "output_tokens": row["output_tokens"] or 0,
            "cache_read_tokens": row["cache_read_tokens"] or 0,
            "cache_write_tokens": (row["cache_write_5m_tokens"] or 0)
            + (row["cache_write_1h_tokens"] or 0)
            + (row["cache_write_unknown_tokens"] or 0),
        }
        for row in bench.rows()
    }
    unknown: list[str] = []
    for row in bench.rows():
        parts = ("input_uncached_tokens", "cache_read_tokens", "cache_write_5m_tokens",
                 "cache_write_1h_tokens", "cache_write_unknown_tokens")  # fmt: skip
        assert row["input_tokens"] == sum(row[part] or 0 for part in parts)
        if row["output_tokens"] is None:  # embeddings whose bodies have no total
            unknown.append(row["request_id"])
            continue
        assert row["output_tokens"] == row["output_text_tokens"] + (row["reasoning_tokens"] or 0)
    differ = {name: (found[name], want) for name, want in wanted.items() if found[name] != want}
    assert differ == {}
    assert len(unknown) == 2
    assert checked == {
        "anthropic_messages": 18, "bedrock_converse": 9, "gemini": 24, "openai_chat": 33,
        "openai_responses": 7, "cohere": 4,
    }  # fmt: skip
    assert sum(checked.values()) == 95


def test_cohere_bills_units_that_are_not_its_tokens(ingest_rows):
    """The billed units count, not the tokens; an embedding has no output; a search is no call."""
    body = {
        "id": "c-1", "model": "command-a-03-2025", "started_at": BEGAN, "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "x"}],
                    "tool_calls": [{"id": "t"}]},
        "usage": {"billed_units": {"input_tokens": 431, "output_tokens": 661},
                  "tokens": {"input_tokens": 2190, "output_tokens": 1257}, "cached_tokens": 2000},
    }  # fmt: skip
    embedding = {
        "id": "c-2", "model": "embed-v4.0", "started_at": BEGAN, "embeddings": {"float": [[0.1]]},
        "meta": {"billed_units": {"input_tokens": 4}},
    }  # fmt: skip
    rerank = {"id": "c-3", "started_at": BEGAN, "meta": {"billed_units": {"search_units": 1}}}
    cancelled = body | {"id": "c-4", "finish_reason": "USER_CANCEL"}
    first, second, third = ingest_rows([body, embedding, rerank, cancelled])
    assert (first["input_tokens"], first["output_tokens"]) == (431, 661)
    assert (first["cache_read_tokens"], first["n_tool_calls"]) == (None, 1)
    assert (first["provider"], first["model"]) == ("cohere", "command-a")
    assert (second["input_tokens"], second["output_tokens"]) == (4, 0)
    assert (third["request_id"], third["status"]) == ("c-4", "cancelled")


def chat(**changes: Any) -> dict[str, Any]:
    """A Chat Completions body: 100 tokens in, 40 of them cached; 20 out, 5 of them reasoning."""
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1794312000,
        "model": "gpt-5.4-2026-03-05", "service_tier": "default",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "Hi"}}],
        "usage": {
            "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 40},
            "completion_tokens_details": {"reasoning_tokens": 5},
        },
    } | changes  # fmt: skip


def test_chat_times_and_who_asked(ingest_rows):
    asked = {"model": "gpt-5.4", "messages": [{"role": "user", "content": "Why?"}], "stream": True}
    plain, timed = ingest_rows([
        chat(),
        chat(id="b", started_at="2026-11-10T12:00:00.250Z", ended_at="2026-11-10T12:00:01Z",
             first_token_at="2026-11-10T12:00:00.500Z", request=asked, labels={"task": "qa"}),
    ])  # fmt: skip
    assert plain["started_at"] == datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
    assert (plain["duration_ms"], plain["ttft_ms"], plain["stream"]) == (None, None, None)
    assert (plain["provider"], plain["model"]) == ("openai", "gpt-5.4")
    assert (plain["input_uncached_tokens"], plain["cache_read_tokens"]) == (60, 40)
    assert (plain["output_text_tokens"], plain["reasoning_tokens"]) == (15, 5)
    assert (timed["duration_ms"], timed["ttft_ms"], timed["stream"]) == (750, 250, True)
    assert (timed["task"], timed["n_messages"], timed["prompt_chars"]) == ("qa", 1, 4)


def test_chat_chunks_are_one_request(bench):
    """Usage stands in the last chunk, the finish in the one before."""
    kind = "chat.completion.chunk"
    finish = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    begun = [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]
    bench.ingest(bench.write([
        chat(object=kind, choices=begun, usage=None),
        chat(object=kind, choices=finish, usage=None),
        chat(object=kind, choices=[]),
    ]))  # fmt: skip
    assert bench.counts == (3, 1, 2, 0, 0)
    (row,) = bench.rows()
    assert (row["input_tokens"], row["output_tokens"], row["stream"]) == (100, 20, True)
    assert row["finish_reason"] == "stop"


def test_who_writes_the_chat_shape(ingest_rows):
    counts = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    deepseek = counts | {"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}
    # xAI: 100 + 20 + 30 = 150.
    beside = counts | {"total_tokens": 150, "completion_tokens_details": {"reasoning_tokens": 30}}
    router = counts | {"cost": 0.00125, "is_byok": False}
    rows = ingest_rows([
        chat(id="a", model="deepseek-chat", usage=deepseek),
        chat(id="b", model="grok-4", usage=beside),
        chat(id="c", model="google/gemini-2.5-pro", usage=router, provider="Google"),
        chat(id="d", model="openai/gpt-oss-120b", usage=counts | {"queue_time": 0.01}),
        chat(id="e", prompt_filter_results=[]),
        chat(id="f", model="qwen3"),
    ])  # fmt: skip
    assert [row["provider"] for row in rows] == [
        "deepseek", None, "openrouter", "groq", "azure", None,
    ]  # fmt: skip
    assert (rows[0]["input_uncached_tokens"], rows[0]["cache_read_tokens"]) == (36, 64)
    assert (rows[1]["output_tokens"], rows[1]["output_text_tokens"]) == (50, 20)
    assert (rows[2]["deployment"], float(rows[2]["logged_cost_usd"])) == ("Google", 0.00125)


def test_responses_as_bodies_and_as_events(bench):
    body = {
        "id": "resp_1", "object": "response", "created_at": 1794312000, "completed_at": 1794312009,
        "status": "completed", "model": "gpt-5.5", "output": [{"type": "function_call"}],
        "usage": {"input_tokens": 45, "input_tokens_details": {"cached_tokens": 0},
                  "output_tokens": 1719, "output_tokens_details": {"reasoning_tokens": 1408},
                  "total_tokens": 1764},
    }  # fmt: skip
    cut = body | {"id": "resp_2", "status": "incomplete",
                  "incomplete_details": {"reason": "max_output_tokens"}}  # fmt: skip
    bench.ingest(bench.write([
        {"type": "response.created", "response": body | {"status": "in_progress", "usage": None}},
        {"type": "response.output_text.delta", "delta": "Hi"},
        {"type": "response.completed", "response": body},
        cut,
        body | {"id": "resp_3", "status": "failed", "usage": None,
                "error": {"code": "rate_limit_exceeded", "message": "slow down"}},
    ]))  # fmt: skip
    assert bench.counts == (5, 3, 0, 2, 0)
    rows = {row["request_id"]: row for row in bench.rows()}
    whole = rows["resp_1"]
    assert (whole["output_text_tokens"], whole["reasoning_tokens"]) == (311, 1408)
    assert (whole["stream"], whole["n_tool_calls"], whole["duration_ms"]) == (True, 1, None)
    assert rows["resp_2"]["finish_reason"] == "max_output_tokens"
    assert (rows["resp_3"]["status"], rows["resp_3"]["output_tokens"]) == ("throttled", None)


def test_messages_count_without_the_cache(bench):
    usage = {
        "input_tokens": 3, "cache_read_input_tokens": 9511, "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        "output_tokens": 1944, "service_tier": "batch", "inference_geo": "not_available",
        "output_tokens_details": {"thinking_tokens": 944},
    }  # fmt: skip
    message = {"id": "msg_1", "type": "message", "model": "claude-opus-4-7", "usage": usage,
               "content": [{"type": "tool_use"}], "stop_reason": "tool_use"}  # fmt: skip
    error = {"type": "error", "error": {"type": "overloaded_error"}, "request_id": "req_1"}
    bench.ingest(bench.write([
        message | {"started_at": BEGAN},
        message | {"id": "msg_2"},
        error | {"started_at": BEGAN},
        {"type": "message_delta", "usage": {"output_tokens": 15}},
    ]))  # fmt: skip
    assert bench.counts == (4, 2, 0, 1, 1)
    assert bench.rejects() == [(2, "no readable start time")]
    row, failed = bench.rows()
    assert (row["input_tokens"], row["input_uncached_tokens"]) == (3 + 9511 + 300, 3)
    assert (row["cache_write_5m_tokens"], row["cache_write_1h_tokens"]) == (100, 200)
    assert row["cache_write_unknown_tokens"] == 0, "the sum is not written twice"
    assert (row["output_text_tokens"], row["reasoning_tokens"]) == (1000, 944)
    assert (row["service_tier"], row["region"], row["n_tool_calls"]) == ("batch", None, 1)
    assert (failed["status"], failed["http_status"]) == ("throttled", 529)


def test_gemini_thinking_tools_and_nothing_written(ingest_rows):
    def answer(name: str, **counts: Any) -> dict[str, Any]:
        return {"responseId": name, "createTime": BEGAN, "modelVersion": "gemini-2.5-pro",
                "usageMetadata": counts}  # fmt: skip

    tools, empty, vertex = ingest_rows([
        answer("a", promptTokenCount=432, toolUsePromptTokenCount=78, thoughtsTokenCount=18,
               candidatesTokenCount=4, cachedContentTokenCount=400, totalTokenCount=532),
        answer("b", promptTokenCount=15, thoughtsTokenCount=100, totalTokenCount=115),
        answer("c", promptTokenCount=6, candidatesTokenCount=1, totalTokenCount=7,
               trafficType="ON_DEMAND"),
    ])  # fmt: skip
    assert (tools["input_tokens"], tools["input_uncached_tokens"]) == (510, 110)
    assert (tools["output_tokens"], tools["reasoning_tokens"]) == (22, 18)
    assert (empty["output_tokens"], empty["output_text_tokens"]) == (100, 0)
    assert [row["provider"] for row in (tools, vertex)] == ["gemini", "vertex_ai"]
    assert vertex["service_tier"] == "standard"


def test_chunks_of_gemini_repeat_the_usage(bench):
    chunks = [
        {"responseId": "a", "createTime": BEGAN, "modelVersion": "gemini-2.5-pro",
         "usageMetadata": {"promptTokenCount": 6, "candidatesTokenCount": count,
                           "totalTokenCount": 6 + count}}
        for count in (3, 9, 27)
    ]  # fmt: skip
    bench.ingest(bench.write(chunks))
    assert bench.counts == (3, 1, 2, 0, 0)
    assert [row["output_tokens"] for row in bench.rows()] == [27]


def test_converse_with_the_time_of_its_header(ingest_rows):
    (row,) = ingest_rows([{
        "modelId": "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-opus-4-7-v1:0",
        "ResponseMetadata": {"RequestId": "r-1", "HTTPStatusCode": 200,
                             "HTTPHeaders": {"date": "Tue, 10 Nov 2026 12:00:05 GMT"}},
        "stopReason": "end_turn", "metrics": {"latencyMs": 3407},
        "usage": {"inputTokens": 22, "outputTokens": 13, "totalTokens": 2527,
                  "cacheWriteInputTokens": 2492,
                  "cacheDetails": [{"ttl": "1h", "inputTokens": 492}]},
    }])  # fmt: skip
    assert row["started_at"] == datetime(2026, 11, 10, 12, 0, 5, tzinfo=UTC)
    assert (row["model"], row["region"], row["duration_ms"]) == (
        "claude-opus-4-7",
        "eu-west-1",
        3407,
    )
    assert (row["input_tokens"], row["input_uncached_tokens"]) == (2514, 22)
    assert (row["cache_write_1h_tokens"], row["cache_write_unknown_tokens"]) == (492, 2000)


def test_the_call_and_the_session_log_are_one_request(bench):
    """The id of the answer is the same in Claude Code's transcript."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-7",
               "usage": {"input_tokens": 3, "output_tokens": 50}}  # fmt: skip
    line = {"type": "assistant", "sessionId": "s", "timestamp": BEGAN, "message": message}
    bench.ingest(bench.write([message | {"started_at": BEGAN}], "bodies.jsonl"))
    bench.ingest(bench.write([line], "session.jsonl"))
    assert bench.counts == (1, 0, 1, 0, 0)


def test_bodies_in_lines_of_request_and_response(bench):
    """Home-made logs: the body under `response`, what was asked under `request`, times around both."""
    around = {"started_at": BEGAN, "ended_at": "2026-11-10T12:00:02Z", "latency": 2, "url": "x"}
    usage = {"input_tokens": 7, "output_tokens": 5}
    bodies = {
        "openai_chat": {"id": "a", "object": "chat.completion", "model": "gpt-5.5", "choices": [],
                        "usage": {"prompt_tokens": 7, "completion_tokens": 5}},
        "openai_responses": {"id": "b", "object": "response", "status": "completed",
                             "model": "gpt-5.5", "usage": usage},
        "anthropic_messages": {"id": "c", "type": "message", "model": "claude-opus-4-7",
                               "usage": usage},
        "gemini": {"responseId": "d", "modelVersion": "gemini-2.5-pro",
                   "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 5}},
        "bedrock_converse": {"usage": {"inputTokens": 7, "outputTokens": 5},
                             "ResponseMetadata": {"RequestId": "e"}},
        "cohere": {"id": "f", "usage": {"billed_units": usage}},
    }  # fmt: skip
    for number, (format, body) in enumerate(bodies.items()):
        asked = {"model": body.get("model", "m"), "modelId": "m", "messages": [], "max_tokens": 9}
        # The answer's own id counts, where it has one.
        own = {} if format == "bedrock_converse" else {"id": "mine"}
        wrapped = {**own, "request": asked, "response": body, **around}
        failed = f"failed-{format}"
        broken = {"id": failed, "request": asked, "response": "502 Bad Gateway", **around}
        bench.ingest(bench.write([wrapped, broken], f"{format}.jsonl"))
        assert bench.counts[0] == 2
        rows = bench.rows(f"select * from requests where request_id = '{'abcdef'[number]}'")
        assert [(row["format"], row["input_tokens"], row["output_tokens"]) for row in rows] == [
            (format, 7, 5)
        ]
        assert (rows[0]["duration_ms"], rows[0]["status"]) == (2000, "ok")
        (row,) = bench.rows(f"select * from requests where request_id = '{failed}'")
        assert (row["status"], row["input_tokens"], row["cost_usd"]) == ("error", None, None)


def test_an_error_body_beside_its_request_is_a_failed_call(ingest_rows):
    def failed(name, error):
        return {"id": name, "started_at": BEGAN, "request": {"model": "gpt-5.5"},
                "response": {"error": error}}  # fmt: skip

    answered = {"id": "x", "started_at": BEGAN, "object": "chat.completion", "choices": [],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1}}  # fmt: skip
    rows = ingest_rows([
        {"response": answered},
        failed("slow", {"type": "requests", "code": "rate_limit_exceeded", "message": "wait"}),
        failed("bad", {"type": "invalid_request_error", "code": None, "message": "no"}),
    ])  # fmt: skip
    assert [(row["request_id"], row["status"], row["error_type"]) for row in rows] == [
        ("x", "ok", None), ("slow", "throttled", "requests"), ("bad", "error", "invalid_request_error"),
    ]  # fmt: skip
    assert rows[2]["model"] == "gpt-5.5"
