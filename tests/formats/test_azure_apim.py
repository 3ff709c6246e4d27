"""API Management: times and outcome in one record, tokens in the other; they are one call."""

from __future__ import annotations

import json
from typing import Any

import pytest

URL = "https://my-aoai.openai.azure.com/openai/deployments/my-chat/chat/completions?api-version=1"


def gateway(code: int = 200, **properties: Any) -> dict[str, Any]:
    return {
        "time": "2026-11-10T12:00:00.0000000Z",
        "resourceId": "/SUBSCRIPTIONS/0/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/GW",
        "category": "GatewayLogs",
        "correlationId": "c-1",
        "location": "West Europe",
        "isRequestSuccess": code < 400,
        "durationMs": 1500,
        "properties": {
            "responseCode": code,
            "backendResponseCode": code,
            "backendTime": 1400,
            "backendUrl": URL,
            "cache": "none",
            "apimSubscriptionId": "search",
        }
        | properties,
    }


def llm(**properties: Any) -> dict[str, Any]:
    return {
        "time": "2026-11-10T12:00:00.0000000Z",
        "category": "GatewayLlmLogs",
        "correlationId": "c-1",
        "properties": {
            "modelName": "gpt-5.5-2026-03-05",
            "deploymentName": "my-chat",
            "promptTokens": 1000,
            "completionTokens": 50,
            "totalTokens": 1050,
            "isStreamCompletion": True,
            "sequenceNumber": 0,
        }
        | properties,
    }


USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 50,
    "total_tokens": 1050,
    "prompt_tokens_details": {"cached_tokens": 600},
    "completion_tokens_details": {"reasoning_tokens": 20},
}


@pytest.mark.parametrize("order", ["gateway first", "llm first", "two files"])
def test_two_records_are_one_call(bench, order):
    both = [gateway(), llm()]
    if order == "two files":
        bench.ingest(*(bench.write([one], f"{n}.json") for n, one in enumerate(both)))
    else:
        bench.ingest(bench.write(both if order == "gateway first" else both[::-1]))
    assert bench.counts == (2, 1, 1, 0, 0)
    (row,) = bench.rows()
    assert (row["request_id"], row["duration_ms"], row["ttft_ms"]) == ("c-1", 1500, None)
    assert (row["input_tokens"], row["output_tokens"], row["stream"]) == (1000, 50, True)
    assert (row["provider"], row["model"], row["deployment"]) == ("azure", "gpt-5.5", "my-chat")
    assert (row["key_alias"], row["status"], row["http_status"]) == ("search", "ok", 200)
    assert row["region"] is None, "the gateway's region is not the model's"
    assert row["labels"]["gateway_region"] == "West Europe"


def test_a_long_answer_in_several_rows_counts_once(bench):
    bench.ingest(bench.write([llm(sequenceNumber=n) for n in range(3)] + [gateway()]))
    assert bench.counts == (4, 1, 3, 0, 0)
    assert bench.rows()[0]["output_tokens"] == 50


def test_the_outcome_is_the_gateways(bench):
    """The LLM record knows of no outcome; it must not turn a failure into a success."""
    used = {"promptTokens": 0, "completionTokens": 0, "totalTokens": 0}
    bench.ingest(bench.write([gateway(429), llm(**used)], "a.json"))
    (row,) = bench.rows()
    assert (row["status"], row["http_status"]) == ("throttled", 429)
    embedded = llm(promptTokens=8, completionTokens=0, totalTokens=8) | {"correlationId": "c-2"}
    bench.ingest(bench.write([embedded], "b.json"))
    assert bench.rows("select status from requests where request_id = 'c-2'") == [{"status": "ok"}]


def test_usage_in_a_body(bench):
    body = {"model": "gpt-5.5", "choices": [{"finish_reason": "stop"}], "usage": USAGE}
    bench.ingest(bench.write([gateway(backendResponseBody=json.dumps(body))]))
    (row,) = bench.rows()
    assert (row["input_uncached_tokens"], row["cache_read_tokens"]) == (400, 600)
    assert (row["output_text_tokens"], row["reasoning_tokens"]) == (30, 20)
    assert (row["finish_reason"], row["model"], row["stream"]) == ("stop", "gpt-5.5", None)


def test_usage_at_the_end_of_an_event_stream(bench):
    events = [
        {"model": "gpt-5.5", "choices": [{"delta": {"content": "Hi"}}]},
        {"model": "gpt-5.5", "choices": [], "usage": USAGE},
    ]
    body = "".join(f"data: {json.dumps(e, separators=(',', ':'))}\n\n" for e in events)
    bench.ingest(bench.write([
        gateway(backendResponseBody=body + "data: [DONE]\n\n"),
        gateway(backendResponseBody=body[: len(body) // 2]) | {"correlationId": "cut"},
    ]))  # fmt: skip
    rows = {row["request_id"]: row for row in bench.rows()}
    assert (rows["c-1"]["input_tokens"], rows["c-1"]["stream"]) == (1000, True)
    assert rows["cut"]["input_tokens"] is None, "a body cut at 8 kB has lost its usage"


def test_the_tables_of_log_analytics(bench):
    bench.ingest(
        bench.write(
            "TimeGenerated [UTC],CorrelationId,TotalTime,BackendTime,ResponseCode,BackendUrl\n"
            f"2026-11-10T12:00:00Z,c-1,1500,1400,200,{URL}\n",
            "gateway.csv",
        ),
        bench.write(
            "TimeGenerated [UTC],CorrelationId,ModelName,DeploymentName,PromptTokens,"
            "CompletionTokens,TotalTokens,IsStreamCompletion,SequenceNumber\n"
            "2026-11-10T12:00:00Z,c-1,gpt-5.5,my-chat,1000,50,1050,true,0\n",
            "llm.csv",
        ),
    )
    assert bench.counts == (2, 1, 1, 0, 0)
    (row,) = bench.rows()
    assert (row["duration_ms"], row["input_tokens"], row["stream"]) == (1500, 1000, True)


def test_outcomes_and_other_apis(bench):
    bench.ingest(bench.write([
        gateway(500) | {"correlationId": "a"},
        gateway(0) | {"correlationId": "b", "isRequestSuccess": False,
                      "lastError": {"reason": "ClientConnectionFailure"}},
        gateway(cache="hit") | {"correlationId": "c"},
        gateway(backendUrl="https://orders.internal/v1/orders") | {"correlationId": "d"},
        gateway() | {"correlationId": None},
        "{broken",
    ]))  # fmt: skip
    assert bench.counts == (6, 3, 0, 1, 2)
    rows = {row["request_id"]: row for row in bench.rows()}
    assert (rows["a"]["status"], rows["b"]["status"]) == ("error", "cancelled")
    assert rows["c"]["cache_hit"] is True
    assert bench.rejects() == [(5, "no request id"), (6, "not JSON")]
