"""Helicone, Portkey, OpenRouter, TensorZero: cents, pseudo codes, two tokenizers, time in an id."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

HEADER = (
    "generation_id,created_at,cost_total,cost_web_search,cost_cache,cost_file_processing,"
    "byok_usage_inference,tokens_prompt,tokens_completion,tokens_reasoning,tokens_cached,"
    "model_permaslug,provider_name,variant,cancelled,streamed,user,finish_reason_raw,"
    "finish_reason_normalized,generation_time_ms,time_to_first_token_ms,api_key_disabled,"
    "api_key_name,app_name\n"
)


def helicone(**changes: Any) -> dict[str, Any]:
    return {
        "request_id": "h-1", "request_created_at": "2026-11-10T12:00:00.000Z",
        "response_created_at": "2026-11-10T12:00:02.000Z", "response_status": 200,
        "provider": "OPENAI", "request_model": "gpt-5.4", "response_model": "gpt-5.4-2026-03-05",
        "delay_ms": 2000, "time_to_first_token": 400, "prompt_tokens": 100,
        "completion_tokens": 20, "total_tokens": 120, "prompt_cache_read_tokens": 40,
        "prompt_cache_write_tokens": 0, "costUSD": 0.00125, "country_code": "DE",
        "request_properties": {"Helicone-Session-Id": "s-1", "feature": "search"},
        "target_url": "https://api.openai.com/v1/chat/completions",
        "cache_reference_id": "00000000-0000-0000-0000-000000000000",
    } | changes  # fmt: skip


def test_helicone(bench):
    anthropic = helicone(request_id="h-2", provider="ANTHROPIC", prompt_tokens=60)
    bench.ingest(bench.write([
        helicone(),
        anthropic,
        helicone(request_id="h-3", response_status=-3),
        helicone(request_id="h-4", response_status=-2),
        helicone(request_id="h-5", response_status=-4),
        helicone(request_id="h-6", response_status=429, cache_reference_id="a"),
        helicone(request_id="h-7", request_created_at=None),
    ]))  # fmt: skip
    assert bench.counts == (7, 5, 0, 1, 1)
    rows = {row["request_id"]: row for row in bench.rows()}
    row = rows["h-1"]
    assert (row["ttft_ms"], row["duration_ms"], row["session_id"]) == (400, 2000, "s-1")
    assert (row["labels"], row["region"]) == ({"feature": "search"}, None)
    assert (row["input_tokens"], row["input_uncached_tokens"]) == (100, 60)
    assert (row["cache_hit"], rows["h-6"]["cache_hit"]) == (False, True)
    # Anthropic counts apart: 60 + 40.
    assert (rows["h-2"]["input_tokens"], rows["h-2"]["input_uncached_tokens"]) == (100, 60)
    assert [rows[name]["status"] for name in ("h-3", "h-5", "h-6")] == [
        "cancelled", "error", "throttled",
    ]  # fmt: skip
    assert rows["h-3"]["http_status"] is None


def test_helicone_csv_with_its_empty_columns(ingest_rows):
    (row,) = ingest_rows(
        "request_id,request_created_at,response_status,provider,request_model,latency,cost,"
        "delay_ms,prompt_tokens,completion_tokens,costUSD\n"
        "h-1,2026-11-10T12:00:00Z,200,OPENAI,gpt-5.4,,,2000,100,20,0.5\n",
        suffix=".csv",
    )
    assert (row["duration_ms"], row["input_tokens"], row["ttft_ms"]) == (2000, 100, None)
    assert float(row["logged_cost_usd"]) == 0.5


def portkey(**changes: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
             "prompt_tokens_details": {"cached_tokens": 40}}  # fmt: skip
    return {
        "id": "p-1", "trace_id": "t-1", "created_at": "2026-11-10T12:00:00Z", "is_success": True,
        "ai_org": "openai", "ai_model": "gpt-5.4", "req_units": 100, "res_units": 20,
        "total_units": 120, "request_url": "https://api.openai.com/v1/chat/completions",
        "cost": 1.25, "cost_currency": "USD", "response_time": 2000, "response_status_code": 200,
        "metadata": {"_user": "jane", "feature": "search"},
        "request": {"model": "gpt-5.4", "stream": True},
        "response": {"id": "chatcmpl-1", "model": "gpt-5.4-2026-03-05", "usage": usage,
                     "choices": [{"finish_reason": "stop", "message": {"content": "Hi"}}]},
    } | changes  # fmt: skip


def test_portkey_logs_cents(ingest_rows):
    row, bare, euros = ingest_rows([
        portkey(),
        portkey(id="p-2", response=None, request=None, is_success=False, response_status_code=429),
        portkey(id="p-3", response=None, cost_currency="EUR"),
    ])  # fmt: skip
    assert float(row["logged_cost_usd"]) == 0.0125, "1.25 cents"
    assert euros["logged_cost_usd"] is None
    assert (row["request_id"], row["session_id"]) == ("chatcmpl-1", "t-1")
    assert (row["input_uncached_tokens"], row["cache_read_tokens"]) == (60, 40)
    assert (row["ttft_ms"], row["duration_ms"], row["stream"]) == (None, 2000, True)
    assert "jane" not in (row["user_hash"] or "") and row["labels"] == {"feature": "search"}
    assert (bare["request_id"], bare["status"], bare["http_status"]) == ("p-2", "throttled", 429)


def test_portkey_with_anthropics_body(ingest_rows):
    """The body counts without the cache; the units need not."""
    usage = {"input_tokens": 60, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 7,
             "output_tokens": 20}  # fmt: skip
    body = {"id": "msg_1", "usage": usage, "stop_reason": "end_turn"}
    (row,) = ingest_rows([portkey(ai_org="anthropic", response=body)])
    assert (row["input_tokens"], row["input_uncached_tokens"]) == (107, 60)
    assert row["finish_reason"] == "end_turn"


def test_openrouter_activity(ingest_rows):
    first, short, free = ingest_rows(
        HEADER
        + "gen-1,2026-11-10 12:00:00.250,0.0125,0,-0.001,0,0,100,30,10,40,openai/gpt-5.4,Azure,"
        "standard,false,true,,stop,stop,2000,400,false,prod,shop\n"
        "gen-2,2026-11-10 12:00:01,0.01,0,0,0,0,1,1,0,0,openai/gpt-5.4,OpenAI,standard,true,true,"
        ",,,300,400,false,prod,shop\n"
        "gen-3,2026-11-10 12:00:02,0,0,0,0,0,1,1,0,0,meta/x,Chutes,free,false,false,,stop,stop,"
        "300,,false,prod,shop\n",
        suffix=".csv",
    )
    assert first["started_at"] == datetime(2026, 11, 10, 12, 0, 0, 250000, tzinfo=UTC)
    assert (first["ttft_ms"], first["duration_ms"]) == (400, 2000)
    assert (first["provider"], first["deployment"], first["key_alias"]) == (
        "openrouter", "Azure", "prod",
    )  # fmt: skip
    assert (first["input_uncached_tokens"], first["output_text_tokens"]) == (60, 20)
    # 300 ms of generation after 400 ms of waiting: not timed from the start.
    assert (short["ttft_ms"], short["duration_ms"], short["status"]) == (400, None, "cancelled")
    assert (free["model_logged"], free["ttft_ms"]) == ("meta/x:free", None)
    assert float(free["logged_cost_usd"]) == 0


def generation(**changes: Any) -> dict[str, Any]:
    return {"data": {
        "id": "gen-1", "model": "openai/gpt-5.4", "provider_name": "Azure", "streamed": True,
        "created_at": "2026-11-10T12:00:00.250+00:00", "cancelled": False, "latency": 400,
        "generation_time": 2000, "tokens_prompt": 80, "tokens_completion": 15,
        "native_tokens_prompt": 100, "native_tokens_completion": 1304,
        "native_tokens_reasoning": 1289, "native_tokens_cached": 0, "total_cost": 0.0125,
        "finish_reason": "stop", "data_region": "global",
    } | changes}  # fmt: skip


def test_openrouter_generation(bench):
    bench.ingest(bench.write([
        generation(),
        generation(id="gen-2", latency=2400),
        generation(id="gen-3", streamed=False),
        {"error": {"code": 404, "message": "not found"}},
    ]))  # fmt: skip
    assert bench.counts == (4, 3, 0, 1, 0)
    first, total, whole = bench.rows()
    # The provider's own count: 1304, not the 15 of another tokenizer.
    assert (first["output_tokens"], first["output_text_tokens"]) == (1304, 15)
    assert (first["ttft_ms"], first["duration_ms"], first["region"]) == (400, 2000, None)
    assert (total["ttft_ms"], total["duration_ms"]) == (None, 2400), "this latency was the whole"
    assert (whole["ttft_ms"], whole["duration_ms"]) == (None, 2000)


def test_tensorzero(bench):
    """0x019a6f3f0000 = 1762802991104 ms: 2025-11-10 19:29:51.104, the end of the call."""
    row = {
        "id": "019a6f3f-0000-7000-8000-000000000001", "inference_id": "i-1",
        "model_name": "openai::gpt-5.4", "model_provider_name": "openai", "input_tokens": 100,
        "output_tokens": 20, "response_time_ms": 2000, "ttft_ms": 400, "cached": False,
        "cost": "0.0125", "provider_cache_read_input_tokens": 40, "finish_reason": "stop",
    }  # fmt: skip
    other = row | {
        "id": "019a6f3f-0001-7000-8000-000000000001", "model_name": "fast",
        "model_provider_name": "azure", "cached": True, "response_time_ms": None, "ttft_ms": None,
    }  # fmt: skip
    bench.ingest(bench.write([row, other, row | {"id": "x"}]))
    assert bench.counts == (3, 2, 0, 0, 1)
    first, second = bench.rows()
    assert first["ended_at"] == datetime(2025, 11, 10, 19, 29, 51, 104000, tzinfo=UTC)
    assert (first["ttft_ms"], first["duration_ms"]) == (400, 2000)
    assert (first["input_uncached_tokens"], first["cache_read_tokens"]) == (60, 40)
    assert (first["provider"], first["model"]) == ("openai", "gpt-5.4")
    assert (second["provider"], second["model"], second["cache_hit"]) == ("azure", "fast", True)
    assert (second["duration_ms"], second["ended_at"]) == (None, None)
    assert first["operation_id"] == second["operation_id"] == "i-1"
