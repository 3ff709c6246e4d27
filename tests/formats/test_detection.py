"""Every record is claimed by exactly one format, whatever the order of the formats."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from test_agents import count, said
from test_aiperf_profile import request
from test_anthropic_cost import cost, cost_report
from test_anthropic_usage import usage, usage_report
from test_azure_apim import gateway, llm
from test_azure_openai import azure_call, azure_csv
from test_bedrock_invocation import invocation
from test_cloudflare_ai_gateway import cloudflare
from test_envoy_ai_gateway import envoy
from test_gateways import HEADER, generation, helicone, portkey
from test_genai_perf import benchmarked, profile
from test_guidellm import guided, report
from test_har import archive, entry
from test_kong_ai_audit import kong
from test_langfuse import camel as as_api
from test_langfuse import observation
from test_litellm_daily import daily, daily_csv
from test_litellm_spendlogs import as_csv, spend
from test_litellm_standard import call
from test_llmperf import perf
from test_native import REQUEST
from test_openai_costs import cost_page
from test_openai_usage import result, usage_page
from test_otlp_genai import CURRENT, export, span
from test_provider_bodies import chat
from test_timed_sse import SENT, timed
from test_vertex_request_response import camel, vertex
from test_vllm_bench import bench_run

from logscope import containers
from logscope.errors import UsageError
from logscope.formats import claims, find_formats
from logscope.tables import new_connection

HEADS: list[tuple[str, str, Any]] = [
    ("litellm_standard", "a.jsonl", call()),
    ("litellm_standard", "b.json", [call()]),
    ("litellm_spendlogs", "c.jsonl", spend()),
    ("litellm_spendlogs", "d.json", {"data": [spend()], "total": 1, "page": 1}),
    ("litellm_spendlogs", "e.csv", as_csv([spend()])),
    ("otlp_genai", "f.jsonl", export(span("chat", CURRENT))),
    ("otlp_genai", "g.json", {"batches": export(span("chat", CURRENT))["resourceSpans"]}),
    ("bedrock_invocation", "h.jsonl", invocation()),
    ("bedrock_invocation", "i.json", {"events": [{"message": json.dumps(invocation())}]}),
    ("aiperf_profile", "j.jsonl", request("a")),
    ("native_requests", "k.jsonl", REQUEST),
    ("native_requests", "l.csv", "request_id,model,started_at,offsets_ms\na,m,1,\n"),
    ("native_streams", "m.jsonl", {"request_id": "a", "offsets_ms": [1, 2]}),
    ("native_streams", "n.csv", "request_id,offsets_ms\na,[1]\n"),
    ("native_scores", "o.jsonl", {"session_id": "s", "name": "good", "value": 1}),
    ("native_scores", "p.csv", "request_id,name,value\na,good,1\n"),
    ("langfuse", "lf.jsonl", observation()),
    ("langfuse", "lf_page.json", {"data": [as_api(observation())], "meta": {"page": 1}}),
    ("langfuse", "lf_trace.json", {"trace": {"id": "t", "observations": []}, "observations": []}),
    ("langfuse_scores", "lfs.json", {"data": [{"name": "a", "dataType": "X", "traceId": "t"}]}),
    ("langfuse_scores", "lfs.csv", "id,name,value,session_id,trace_id,data_type\n1,a,1,s,,X\n"),
    ("helicone", "h.jsonl", helicone()),
    ("portkey", "pk.jsonl", portkey()),
    ("openrouter_activity", "or.csv", f"{HEADER}gen-1{',' * 23}\n"),
    ("openrouter_generation", "or.json", generation()),
    ("openai_chat", "oc.jsonl", chat()),
    ("openai_chat", "oc_compatible.jsonl", chat(object=None)),
    ("openai_responses", "ores.jsonl", {"id": "resp_1", "object": "response"}),
    ("openai_responses", "oev.jsonl", {"type": "response.created", "response": {"id": "resp_1"}}),
    ("anthropic_messages", "am.jsonl", {"type": "message", "usage": {"input_tokens": 3}}),
    ("anthropic_messages", "ae.jsonl", {"type": "error", "error": {"type": "overloaded_error"}}),
    ("gemini", "ge.jsonl", {"responseId": "a", "usageMetadata": {"totalTokenCount": 3}}),
    ("bedrock_converse", "bc.jsonl", {"usage": {"inputTokens": 3, "outputTokens": 4}}),
    ("cohere", "co.jsonl", {"usage": {"billed_units": {"input_tokens": 3}}}),
    ("cohere", "co_embed.jsonl", {"meta": {"billed_units": {"input_tokens": 3}}}),
    ("tensorzero", "tz.jsonl", {"inference_id": "", "model_name": "", "model_provider_name": ""}),
    ("claude_code", "cc.jsonl", said("msg_1", 3)),
    ("claude_code", "cc_summary.jsonl", {"type": "summary", "summary": "x", "leafUuid": "u"}),
    ("codex", "cx.jsonl", count("2026-11-10T12:00:01Z", [1, 0, 1, 0], [1, 0, 1, 0])),
    ("opencode", "op.json", {"sessionID": "s", "role": "user", "time": {"created": 1}}),
    ("azure_openai", "rr.jsonl", azure_call()),
    ("azure_openai", "rr_hub.json", {"records": [azure_call()]}),
    ("azure_openai", "rr.csv", azure_csv([azure_call()])),
    ("azure_apim", "gateway.jsonl", gateway()),
    ("azure_apim", "llm.jsonl", llm()),
    ("azure_apim", "gateway.csv", "CorrelationId,BackendTime,BackendUrl\na,1,u\n"),
    ("azure_apim", "llm.csv", "CorrelationId,SequenceNumber,PromptTokens\na,0,5\n"),
    ("vertex_request_response", "vertex.jsonl", vertex()),
    ("vertex_request_response", "vertex_camel.jsonl", camel(vertex())),
    ("cloudflare_ai_gateway", "cloudflare.json", {"result": [cloudflare()], "success": True}),
    ("envoy_ai_gateway", "envoy.jsonl", envoy()),
    ("kong_ai_audit", "kong.jsonl", kong()),
    ("genai_perf", "profile.json", profile([benchmarked()])),
    ("genai_perf", "profile_request.jsonl", benchmarked()),
    ("vllm_bench", "vllm.json", bench_run()),
    ("guidellm", "guidellm.json", report(successful=[guided()])),
    ("llmperf", "llmperf.json", [perf()]),
    ("timed_sse", "sent.jsonl", SENT | {"request_id": "a"}),
    ("timed_sse", "timed.jsonl", timed("ts")[0]),
    ("timed_sse", "raw.jsonl", timed("t")[0]),
    ("har", "chat.har", archive(entry())),
    ("scores_csv", "scores.csv", "id,rating\na,1\n"),
    ("scores_csv", "sessions.csv", "session_id,metric,score\ns,good,1\n"),
    ("openai_usage", "usage.json", usage_page(result())),
    ("openai_usage", "usage_bucket.jsonl", usage_page(result())["data"][1]),
    ("openai_costs", "costs.json", cost_page((1, None, "usd"))),
    ("anthropic_usage", "report.json", usage_report(usage())),
    ("anthropic_cost", "cost_report.json", cost_report(cost("1.0"))),
    ("litellm_daily", "daily.jsonl", daily()),
    ("litellm_daily", "daily.csv", daily_csv([daily()])),
]


@pytest.mark.parametrize("seed", range(3))
def test_exactly_one_format_claims_a_log(bench, seed):
    formats = list(find_formats().items())
    random.Random(seed).shuffle(formats)
    heads, expected = {}, {}
    for name, file, record in HEADS:
        path = bench.write(record if isinstance(record, str) else json.dumps(record), file)
        heads[str(path)] = containers.read_head(path)
        expected[str(path)] = [name]
    assert claims(new_connection(), heads, dict(formats)) == expected


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"a": 1},
        {"request_id": "a", "model": "m"},
        {"name": "x", "value": 1},
        {"data": [], "object": "page"},
        {"resourceLogs": [{}]},
        {"metadata": {}, "metrics": {}},
    ],
    ids=str,
)
def test_what_is_no_log_is_claimed_by_none(bench, record):
    path = bench.write(json.dumps(record), "x.json")
    head = containers.read_head(path)
    assert head is not None
    assert claims(new_connection(), {"x": head}, find_formats()) == {"x": []}


def test_a_file_that_two_formats_claim_is_an_error(bench):
    both = call() | REQUEST
    with pytest.raises(
        UsageError, match=r"litellm_standard and native_requests\. Say which with --from"
    ):
        bench.ingest(bench.write([both]))
    bench.ingest(bench.folder / "log.jsonl", format_name="native_requests")
    assert bench.rows()[0]["format"] == "native_requests"
