"""OTLP spans: both generations of names, dialects, and only the innermost call counted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

FIXTURE = Path(__file__).parent.parent / "fixtures" / "otlp_proto_examples_trace.json"
START = 1762768800_000_000_123  # 2025-11-10 10:00:00.000000123 UTC, past 2^53
TRACE = "5b8efff798038103d269b633813fc60c"


def value(item: Any, int_as_text: bool = True) -> dict[str, Any]:
    if isinstance(item, bool):
        return {"boolValue": item}
    if isinstance(item, int):
        return {"intValue": str(item) if int_as_text else item}
    if isinstance(item, float):
        return {"doubleValue": item}
    if isinstance(item, list):
        return {"arrayValue": {"values": [value(one) for one in item]}}
    return {"stringValue": item}


def attributes(entries: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(item)} for key, item in entries.items()]


def span(name: str, entries: dict[str, Any], parent: str = "", **changes: Any) -> dict[str, Any]:
    """A span of 2 s whose id is made of its name."""
    return {
        "traceId": TRACE,
        "spanId": name.encode().hex().rjust(16, "0")[-16:],
        "parentSpanId": parent and parent.encode().hex().rjust(16, "0")[-16:],
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 2_000_000_000),
        "attributes": attributes(entries),
        "status": {},
    } | changes


def key(name: str) -> str:
    """The id of a span that no producer's id stands for."""
    return f"{TRACE}:{span(name, {})['spanId']}"


def export(*spans: dict[str, Any], resource: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes(resource or {"service.name": "shop"})},
                "scopeSpans": [{"scope": {"name": "test"}, "spans": list(spans)}],
            }
        ]
    }


CURRENT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "azure.ai.openai",
    "gen_ai.request.model": "gpt-5.5",
    "gen_ai.response.model": "gpt-5.5-2026-03-01",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.conversation.id": "conv-1",
    "gen_ai.request.stream": True,
    "gen_ai.response.time_to_first_chunk": 0.25,
    "gen_ai.request.max_tokens": 300,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.reasoning.level": "high",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 50,
    "gen_ai.usage.cache_read.input_tokens": 600,
    "gen_ai.usage.cache_write.input_tokens": 100,
    "gen_ai.usage.reasoning.output_tokens": 20,
    "openai.response.service_tier": "default",
    "server.address": "westeurope.api.cognitive.microsoft.com",
}
DEPRECATED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "az.ai.openai",
    "gen_ai.request.model": "gpt-5.5",
    "gen_ai.response.model": "gpt-5.5-2026-03-01",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.is_streaming": True,
    "gen_ai.server.time_to_first_token": 0.25,
    "gen_ai.request.max_tokens": 300,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.reasoning_effort": "high",
    "gen_ai.completion.0.finish_reason": "stop",
    "gen_ai.usage.prompt_tokens": 1000,
    "gen_ai.usage.completion_tokens": 50,
    "llm.usage.total_tokens": 1050,
    "gen_ai.usage.cache_read_input_tokens": 600,
    "gen_ai.usage.cache_creation_input_tokens": 100,
    "gen_ai.usage.reasoning_tokens": 20,
    "gen_ai.openai.response.service_tier": "default",
    "server.address": "westeurope.api.cognitive.microsoft.com",
    "traceloop.association.properties.session_id": "conv-1",
}


@pytest.mark.parametrize("names", [CURRENT, DEPRECATED], ids=["current", "deprecated"])
def test_both_generations_say_the_same(ingest_rows, names):
    (row,) = ingest_rows([export(span("chat", names))])
    assert row["request_id"] == "chatcmpl-1"
    assert row["started_at"] == datetime(2025, 11, 10, 10, 0, tzinfo=UTC)
    assert (row["ttft_ms"], row["duration_ms"], row["stream"]) == (250, 2000, True)
    assert (row["provider"], row["model_requested"]) == ("azure", "gpt-5.5")
    assert row["model_logged"] == "gpt-5.5-2026-03-01"
    assert row["input_uncached_tokens"] == 300  # 1000 - 600 - 100
    assert (row["cache_read_tokens"], row["cache_write_unknown_tokens"]) == (600, 100)
    assert (row["output_text_tokens"], row["reasoning_tokens"]) == (30, 20)
    assert row["token_semantics"] == "inclusive"
    assert (row["max_output_tokens"], row["temperature"]) == (300, 0.5)
    assert (row["reasoning_effort"], row["service_tier"]) == ("high", "standard")
    assert (row["finish_reason"], row["status"], row["session_id"]) == ("stop", "ok", "conv-1")
    assert row["region_logged"] == "westeurope.api.cognitive.microsoft.com"
    assert row["operation_id"] == "chatcmpl-1", "a trace is no operation: it holds many calls"


def test_counts_that_leave_the_cache_out(ingest_rows):
    """Some instrumentations pass Anthropic's own count: more is cached than input."""
    names = CURRENT | {"gen_ai.usage.input_tokens": 3, "gen_ai.usage.cache_read.input_tokens": 5000}
    total = CURRENT | {
        "gen_ai.response.id": "b",
        "gen_ai.usage.total_tokens": 1750,
    }  # 1000+600+100+50
    rows = ingest_rows([export(span("a", names)), export(span("b", total))])
    assert [row["token_semantics"] for row in rows] == ["disjoint", "disjoint"]
    assert [row["input_tokens"] for row in rows] == [5103, 1700]


def test_the_real_record_is_no_model_call(bench):
    bench.ingest(FIXTURE)
    assert bench.counts == (1, 0, 0, 1, 0)


def test_numbers_as_numbers_and_zero_fields_left_out(ingest_rows):
    one = span("chat", CURRENT, startTimeUnixNano=START, endTimeUnixNano=START + 1_500_000)
    one["attributes"] = [
        {"key": key, "value": value(item, int_as_text=False)} for key, item in CURRENT.items()
    ]
    two = span("other", CURRENT | {"gen_ai.response.id": "b"})
    del two["endTimeUnixNano"], two["parentSpanId"], two["status"]
    two["attributes"].append({"key": "empty", "value": {}})
    rows = {row["request_id"]: row for row in ingest_rows([export(one, two)])}
    assert rows["chatcmpl-1"]["duration_ms"] == 1.5
    assert rows["chatcmpl-1"]["input_tokens"] == 1000
    assert rows["b"]["duration_ms"] is None and rows["b"]["status"] == "ok"


@pytest.mark.parametrize("shape", ["batches", "old library", "indented"])
def test_shapes(bench, shape):
    document = export(span("chat", CURRENT, status={"code": "STATUS_CODE_ERROR"}))
    (resource,) = document["resourceSpans"]
    if shape == "batches":
        document = {"batches": [resource]}
    if shape == "old library":
        resource["instrumentationLibrarySpans"] = resource.pop("scopeSpans")
    bench.ingest(
        bench.write(json.dumps(document, indent=2 if shape == "indented" else None), "t.json")
    )
    (row,) = bench.rows()
    assert (row["request_id"], row["status"]) == ("chatcmpl-1", "error")


def test_only_the_innermost_call_counts(bench):
    usage = {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 50}
    bench.ingest(bench.write([
        export(
            span("agent", usage | {"gen_ai.operation.name": "invoke_agent"}),
            span("tool", {"gen_ai.operation.name": "execute_tool"}, parent="agent"),
            # Two instrumentations wrap one call, with a plain span between them.
            span("outer", usage | {"gen_ai.operation.name": "chat"}, parent="agent"),
            span("between", {}, parent="outer"),
            span("inner", CURRENT, parent="between"),
        ),
        export(
            span("ai.streamText", {"ai.operationId": "ai.streamText",
                                   "ai.usage.promptTokens": 10}),
            span("doStream", {"ai.operationId": "ai.streamText.doStream",
                              "ai.usage.promptTokens": 10, "ai.usage.completionTokens": 4,
                              "ai.response.msToFirstChunk": 120.5,
                              "ai.model.id": "gpt-5.5", "ai.model.provider": "openai.chat",
                              "ai.response.id": "chatcmpl-2", "ai.response.finishReason": "stop",
                              "ai.telemetry.metadata.feature": "search"}, parent="ai.streamText"),
            span("alone", {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}),
        ),
    ]))  # fmt: skip
    assert bench.counts == (8, 3, 0, 5, 0)
    rows = {row["request_id"]: row for row in bench.rows()}
    assert set(rows) == {"chatcmpl-1", "chatcmpl-2", key("alone")}
    assert rows["chatcmpl-1"]["other_ids"] == [key("inner")]
    vercel = rows["chatcmpl-2"]
    assert (vercel["ttft_ms"], vercel["input_tokens"], vercel["output_tokens"]) == (120.5, 10, 4)
    assert (vercel["provider"], vercel["labels"]["feature"]) == ("openai", "search")
    # The span above as it was logged, though it is the call above that one which counts no more.
    assert rows["chatcmpl-1"]["parent_request_id"] == key("between")


def test_the_same_ids_in_another_trace_are_other_spans(bench):
    usage = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 1,
        "gen_ai.request.model": "m",
    }
    bench.ingest(bench.write([
        export(span("a", usage | {"gen_ai.response.id": "1"})),
        export(span("b", usage | {"gen_ai.response.id": "2"}, parent="a", traceId="f" * 32)),
    ]))  # fmt: skip
    assert bench.counts == (2, 2, 0, 0, 0)


def test_chunk_events_are_a_stream(bench):
    events = [
        {"name": "llm.content.completion.chunk", "timeUnixNano": str(START + offset * 1_000_000)}
        for offset in (400, 450, 2000)
    ]
    names = {key: item for key, item in DEPRECATED.items() if "time_to_first" not in key}
    names.pop("gen_ai.is_streaming")
    bench.ingest(bench.write([export(span("chat", names, events=events))]))
    assert bench.counts == (1, 1, 0, 0, 0)
    (row,) = bench.rows()
    assert (row["ttft_ms"], row["stream"], row["n_chunks"]) == (400, True, 3)
    assert row["stall_ms"] == 1550
    assert bench.rows("select * from streams")[0]["offsets_ms"] == [400, 450, 2000]


def test_first_token_events(ingest_rows):
    names = {key: item for key, item in CURRENT.items() if "time_to_first" not in key}
    event = {"name": "First Token Stream Event", "timeUnixNano": START + 300_000_000}
    (row,) = ingest_rows([export(span("chat", names, events=[event]))])
    assert row["ttft_ms"] == 300


def test_openinference_names(ingest_rows):
    names = {
        "openinference.span.kind": "LLM",
        "llm.system": "anthropic",
        "llm.model_name": "claude-opus-4-7",
        "llm.invocation_parameters": '{"temperature": 0.1, "max_tokens": 64}',
        "llm.token_count.prompt": 229,
        "llm.token_count.completion": 21,
        "llm.token_count.total": 250,
        "llm.token_count.prompt_details.cache_read": 200,
        "llm.cost.total": 0.0125,
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Why?",
        "session.id": "s-1",
        "user.id": "jane",
        "tag.tags": ["nightly", "tier:gold"],
        "metadata": '{"tenant": "acme"}',
    }
    (row,) = ingest_rows([export(span("ChatCompletion", names))])
    assert (row["provider"], row["model"]) == ("anthropic", "claude-opus-4-7")
    assert (row["input_uncached_tokens"], row["cache_read_tokens"], row["output_tokens"]) == (
        29,
        200,
        21,
    )
    assert (row["temperature"], row["max_output_tokens"]) == (0.1, 64)
    assert (row["prompt_chars"], row["n_messages"], row["session_id"]) == (4, 1, "s-1")
    assert float(row["logged_cost_usd"]) == 0.0125 and "jane" not in row["user_hash"]
    assert row["labels"] == {
        "service.name": "shop",
        "tags": "nightly",
        "tier": "gold",
        "tenant": "acme",
    }


def test_labels_and_the_router(ingest_rows):
    own = "traceloop.association.properties."
    names = CURRENT | {
        f"{own}task": "extract",
        f"{own}logscope_propensity": 0.25,
        f"{own}logscope_config_id": "c-1",
        "traceloop.workflow.name": "checkout",
        "gen_ai.agent.name": "helper",
    }
    resource = {"service.name": "shop", "deployment.environment.name": "prod"}
    (row,) = ingest_rows([export(span("chat", names), resource=resource)])
    assert row["labels"] == {
        "service.name": "shop", "workflow": "checkout", "agent": "helper", "task": "extract",
    }  # fmt: skip
    assert (row["task"], row["environment"]) == ("extract", "prod")
    assert (row["propensity"], row["config_id"]) == (0.25, "c-1")


def test_prompt_and_tools(ingest_rows):
    messages = [{"role": "user", "parts": [{"type": "text", "content": "Why?"}]}] * 2
    answer = [
        {"role": "assistant", "parts": [{"type": "text"}, {"type": "tool_call", "name": "f"}]}
    ]
    names = CURRENT | {
        "gen_ai.input.messages": json.dumps(messages),
        "gen_ai.output.messages": json.dumps(answer),
        "gen_ai.tool.definitions": json.dumps([{"name": "f"}, {"name": "g"}]),
    }
    (row,) = ingest_rows([export(span("chat", names))])
    assert (row["n_messages"], row["prompt_chars"], row["n_tools"]) == (2, len("Why?\nWhy?"), 2)
    assert row["n_tool_calls"] == 1


def test_outcomes(ingest_rows):
    def named(name: str) -> dict[str, Any]:
        return CURRENT | {"gen_ai.response.id": name}

    def failed(name: str, code: int = 2, **names: Any) -> dict[str, Any]:
        dotted = {key.replace("__", "."): item for key, item in names.items()}
        return span(name, named(name) | dotted, status={"code": code})

    kind = attributes({"exception.type": "openai.APITimeoutError"})
    exception = [{"name": "exception", "timeUnixNano": START, "attributes": kind}]
    rows = ingest_rows([
        export(
            failed("number", error__type="429"),
            failed("class", error__type="RateLimitError"),
            failed("timeout", error__type="timeout"),
            failed("cancel", error__type="asyncio.CancelledError"),
            failed("gone", error__type="ClientDisconnect"),
            failed("server", error__type="aiohttp.ServerDisconnectedError"),
            failed("unset", code=0, error__type="500"),
            failed("child"),
            span("POST", {"http.response.status_code": 503}, parent="child"),
            span("bare", named("bare"), events=exception, status={"code": 2}),
            span("fine", named("fine"), status={"code": 1}),
        )
    ])  # fmt: skip
    told = {
        row["request_id"]: (row["status"], row["http_status"], row["error_type"]) for row in rows
    }
    assert told == {
        "number": ("throttled", 429, "429"),
        "class": ("throttled", None, "RateLimitError"),
        "timeout": ("error", None, "timeout"),
        "cancel": ("cancelled", None, "asyncio.CancelledError"),
        "gone": ("cancelled", None, "ClientDisconnect"),
        "server": ("error", None, "aiohttp.ServerDisconnectedError"),
        "unset": ("error", 500, "500"),
        "child": ("error", 503, None),
        "bare": ("error", None, "openai.APITimeoutError"),
        "fine": ("ok", None, None),
    }


def test_where_it_was_served(ingest_rows):
    nowhere = {key: item for key, item in CURRENT.items() if key != "server.address"}
    caller = {"service.name": "shop", "cloud.region": "eu-west-1"}
    first = export(span("a", CURRENT | {"server.address": "api.openai.com"}), resource=caller)
    second = export(span("b", nowhere | {"gen_ai.response.id": "b"}), resource=caller)
    rows = {row["request_id"]: row["region"] for row in ingest_rows([first, second])}
    assert rows == {"chatcmpl-1": None, "b": "eu-west-1"}, "the caller's region is not the server's"


def test_unset_stream_means_none_under_the_current_names_only(ingest_rows):
    current = {
        key: item for key, item in CURRENT.items() if not key.endswith(("stream", "first_chunk"))
    }
    old = {
        key: item for key, item in DEPRECATED.items() if "stream" not in key and "first" not in key
    }
    rows = ingest_rows(
        [export(span("a", current)), export(span("b", old | {"gen_ai.response.id": "b"}))]
    )
    assert {row["request_id"]: row["stream"] for row in rows} == {"chatcmpl-1": False, "b": None}


def test_a_span_merges_with_the_proxys_record_of_the_call(bench):
    from test_litellm_standard import call

    bench.ingest(bench.write([call(id="chatcmpl-1")], "proxy.jsonl"))
    bench.ingest(bench.write([export(span("chat", CURRENT))], "spans.jsonl"))
    assert bench.counts == (1, 0, 1, 0, 0)


def test_every_record_is_accounted_for(bench):
    bench.ingest(bench.write([
        export(span("a", CURRENT)),
        "{broken",
        export(),
        {"resourceLogs": []},
        export(span("a", CURRENT), span("b", CURRENT | {"gen_ai.response.id": "b"},
                                        startTimeUnixNano="0")),
    ]))  # fmt: skip
    assert bench.counts == (5, 1, 1, 1, 2)
    assert bench.rejects() == [(2, "not JSON"), (5, "no readable start time")]


def test_vercel_counts_the_innermost_call_even_when_it_failed(bench):
    ids = {"ai.model.id": "gpt-5.5", "ai.model.provider": "openai.responses"}
    first = [{"name": "ai.stream.firstChunk", "timeUnixNano": START + 120_000_000}]
    prompt = json.dumps([{"role": "user", "content": [{"type": "text", "text": "Why?"}]}])
    bench.ingest(bench.write([
        export(
            span("ai.embed", ids | {"ai.operationId": "ai.embed", "ai.usage.tokens": 7}),
            span("doEmbed", ids | {"ai.operationId": "ai.embed.doEmbed", "ai.usage.tokens": 7},
                 parent="ai.embed"),
        ),
        export(
            span("ai.stream", ids | {"ai.operationId": "ai.streamText"}, status={"code": 2}),
            span("doStream", ids | {"ai.operationId": "ai.streamText.doStream",
                                    "ai.prompt.messages": prompt,
                                    "ai.prompt.tools": ['{"name": "f"}', '{"name": "g"}'],
                                    "ai.response.toolCalls": '[{"toolName": "f"}]',
                                    "ai.telemetry.functionId": "search"},
                 parent="ai.stream", status={"code": 2}, events=first),
        ),
    ]))  # fmt: skip
    assert bench.counts == (4, 2, 0, 2, 0)
    rows = {row["request_id"]: row for row in bench.rows()}
    embed, stream = (rows[key(name)] for name in ("doEmbed", "doStream"))
    assert (embed["input_tokens"], embed["stream"]) == (7, False)
    assert (stream["status"], stream["stream"], stream["ttft_ms"]) == ("error", True, 120)
    assert (stream["n_messages"], stream["prompt_chars"], stream["n_tools"]) == (1, 4, 2)
    assert (stream["n_tool_calls"], stream["labels"]["function"]) == (1, "search")
    assert bench.rows("select * from streams") == []


def test_the_server_of_vllm_answers_for_its_client(bench):
    """Both spans tell the usage; the one inside is the server's, in seconds."""
    client = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "qwen3",
              "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}  # fmt: skip
    server = {"gen_ai.response.model": "qwen3", "gen_ai.request.id": "chatcmpl-7",
              "gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.completion_tokens": 5,
              "gen_ai.latency.time_to_first_token": 0.5, "gen_ai.latency.e2e": 2.0}  # fmt: skip
    bench.ingest(
        bench.write([export(span("chat", client), span("llm_request", server, parent="chat"))])
    )
    assert bench.counts == (2, 1, 0, 1, 0)
    (row,) = bench.rows()
    assert (row["request_id"], row["ttft_ms"], row["provider"]) == ("chatcmpl-7", 500, "vllm")
    assert (row["model"], row["input_tokens"], row["output_tokens"]) == ("qwen3", 10, 5)


def test_openlit_names(ingest_rows):
    names = {
        "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.environment": "prod",
        "gen_ai.request.model": "gpt-5.5", "gen_ai.request.is_stream": True,
        "gen_ai.server.time_to_first_token": 0.25, "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5, "gen_ai.usage.cost": 0.0125,
    }  # fmt: skip
    (row,) = ingest_rows([export(span("openai.chat", names))])
    assert (row["ttft_ms"], row["stream"], row["environment"]) == (250, True, "prod")
    assert float(row["logged_cost_usd"]) == 0.0125


def test_a_single_chunk_event_is_a_first_token_and_no_stream(bench):
    names = {key: item for key, item in DEPRECATED.items() if "time_to_first" not in key}
    event = {"name": "gen_ai.content.completion.chunk", "timeUnixNano": START + 400_000_000}
    bench.ingest(bench.write([export(span("chat", names, events=[event]))]))
    assert [row["ttft_ms"] for row in bench.rows()] == [400]
    assert bench.rows("select * from streams") == []


def test_a_trace_as_the_second_api_of_tempo_gives_it(bench):
    document = {"trace": export(span("chat", CURRENT))}
    result = bench.ingest(bench.write(json.dumps(document), "trace.json"))
    assert [count.name for count in result.formats] == ["otlp_genai"]
    assert [row["request_id"] for row in bench.rows()] == ["chatcmpl-1"]


def test_tools_in_attributes_of_their_own(ingest_rows):
    names = {
        "llm.request.type": "chat", "gen_ai.request.model": "gpt-5.5",
        "llm.request.functions.0.name": "f", "llm.request.functions.1.name": "g",
        "gen_ai.completion.0.tool_calls.0.name": "f", "gen_ai.completion.0.tool_calls.0.id": "c",
    }  # fmt: skip
    (row,) = ingest_rows([export(span("openai.chat", names))])
    assert (row["n_tools"], row["n_tool_calls"]) == (2, 1)
