"""Envoy AI Gateway: dotted keys, dashes for the unknown, a backend's name instead of a provider."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def envoy(**changes: Any) -> dict[str, Any]:
    return {
        "start_time": "2026-11-10T12:00:00.250Z",
        "method": "POST",
        "x-envoy-origin-path": "/v1/chat/completions",
        "response_code": 200,
        "response_flags": "-",
        "duration": 1500,
        "x-request-id": "e-1",
        "x-envoy-upstream-service-time": "310",
        "gen_ai.request.model": "gpt-5.4",
        "gen_ai.response.model": "gpt-5.4-2026-03-05",
        "gen_ai.provider.name": "azure-openai-eu",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": "50",
        "gen_ai.usage.reasoning_tokens": 20,
    } | {key.replace("__", "."): value for key, value in changes.items()}


def test_a_request(ingest_rows):
    (row,) = ingest_rows([envoy()])
    assert row["request_id"] == "e-1"
    assert row["started_at"] == datetime(2026, 11, 10, 12, 0, 0, 250000, tzinfo=UTC)
    assert (row["duration_ms"], row["ttft_ms"]) == (1500, None), "headers are no token"
    assert (row["model_requested"], row["model_logged"]) == ("gpt-5.4", "gpt-5.4-2026-03-05")
    assert (row["provider"], row["deployment"]) == ("azure", "azure-openai-eu")
    assert (row["input_tokens"], row["output_text_tokens"], row["reasoning_tokens"]) == (
        1000,
        30,
        20,
    )


def test_a_dash_is_unknown_never_zero(ingest_rows):
    unknown = {
        f"gen_ai__{name}": "-"
        for name in ("usage__input_tokens", "usage__output_tokens", "usage__reasoning_tokens")
    }
    (row,) = ingest_rows([
        envoy(gen_ai__response__model="-", gen_ai__provider__name="llm-a", **unknown)
    ])  # fmt: skip
    assert (row["input_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (None,) * 3
    assert (row["model"], row["provider"], row["deployment"]) == ("gpt-5.4", None, "llm-a")


def test_backends_whose_name_tells_the_provider(ingest_rows):
    names = {
        "openai": "openai",
        "openai-on-azure": "azure",
        "aws-bedrock": "bedrock",
        "gcp-vertexai": "vertex_ai",
        "anthropic-direct": "anthropic",
    }
    rows = ingest_rows([envoy(**{"x-request-id": n, "gen_ai.provider.name": n}) for n in names])
    assert {row["request_id"]: row["provider"] for row in rows} == names


def test_outcomes(bench):
    bench.ingest(bench.write([
        envoy(**{"x-request-id": "limited"}, response_code=429),
        envoy(**{"x-request-id": "gone"}, response_flags="DC"),
        envoy(**{"x-request-id": "none"}, response_code=0, response_flags="UF,URX"),
        envoy(**{"x-request-id": "list"}, gen_ai__request__model=None),
        envoy(**{"x-request-id": "-"}),
        "{broken",
    ]))  # fmt: skip
    assert bench.counts == (6, 3, 0, 1, 2)
    told = {row["request_id"]: (row["status"], row["error_type"]) for row in bench.rows()}
    assert told == {
        "limited": ("throttled", None),
        "gone": ("cancelled", None),
        "none": ("error", "UF,URX"),
    }
    assert bench.rejects() == [(5, "no request id"), (6, "not JSON")]
