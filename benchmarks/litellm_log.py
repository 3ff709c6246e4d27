"""Write a LiteLLM StandardLoggingPayload log of N records in the producer's shape: litellm_log.py FILE N."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

MODELS = [
    ("openai", "gpt-5.5"),
    ("openai", "gpt-5.4"),
    ("anthropic", "claude-opus-4-7"),
    ("anthropic", "claude-sonnet-4-6"),
    ("gemini", "gemini-2.5-pro"),
]
SENTENCE = (
    "Please read the following report and list the three risks that matter most to the buyer. "
)
# A whole payload of a real proxy is about 11.6 kB: a system prompt, some turns, an answer.
TURNS = [
    {"role": "system", "content": SENTENCE * 12},
    {"role": "user", "content": SENTENCE * 30},
    {"role": "assistant", "content": SENTENCE * 12},
    {"role": "user", "content": "1. First\n2. Second\n" + SENTENCE * 16 + "Which one?"},
]
ANSWER = SENTENCE * 20


def record(i: int, rng: random.Random) -> dict[str, Any]:
    """Return one record; about 11 kB."""
    provider, model = rng.choice(MODELS)
    prompt, answer = rng.randrange(10, 50_000), rng.randrange(1, 3_000)
    cached = rng.randrange(prompt)
    start = 1_790_000_000 + i * 1.2
    first = start + rng.random()
    usage = {
        "completion_tokens": answer,
        "prompt_tokens": prompt,
        "total_tokens": prompt + answer,
        "completion_tokens_details": {"reasoning_tokens": answer // 3},
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return {
        "id": f"chatcmpl-{i:032x}",
        "trace_id": f"trace-{i // 3:x}",
        "call_type": "acompletion",
        "cache_hit": None,
        "stream": True,
        "status": "success",
        "custom_llm_provider": provider,
        "saved_cache_cost": 0.0,
        "startTime": start,
        "endTime": first + rng.random() * 20,
        "completionStartTime": first,
        "response_time": first - start,
        "model": model,
        "metadata": {
            "user_api_key_hash": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
            "user_api_key_alias": rng.choice(["app", "batch", "chat"]),
            "user_api_key_team_id": None,
            "user_api_key_org_id": None,
            "user_api_key_user_id": "default_user_id",
            "user_api_key_team_alias": rng.choice(["search", "support", "data"]),
            "spend_logs_metadata": None,
            "requester_ip_address": "127.0.0.1",
            "requester_metadata": {"feature": rng.choice(["summary", "answer", "extract"])},
            "user_api_key_end_user_id": None,
        },
        "cache_key": None,
        "response_cost": prompt * 5e-6 + answer * 3e-5,
        "total_tokens": prompt + answer,
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "request_tags": [f"task:{rng.choice(['chat', 'code', 'research'])}"],
        "end_user": "",
        "api_base": "https://eu-west-1.gateway.example",
        "model_group": "smart",
        "model_id": "b68d56d76b0c24ac9462ab69541e90886342508212210116e300441155f37865",
        "requester_ip_address": "127.0.0.1",
        "messages": TURNS,
        "response": {
            "id": f"chatcmpl-{i:032x}",
            "created": int(start),
            "model": model,
            "object": "chat.completion",
            "choices": [
                {
                    "finish_reason": "stop",
                    "index": 0,
                    "message": {"content": ANSWER, "role": "assistant", "tool_calls": None},
                }
            ],
            "usage": usage,
            "service_tier": None,
        },
        "model_parameters": {
            "stream": True,
            "max_retries": 0,
            "extra_body": {},
            "max_tokens": 4096,
        },
        "hidden_params": {
            "model_id": "b68d56d76b0c24ac9462ab69541e90886342508212210116e300441155f37865",
            "cache_key": None,
            "api_base": "https://eu-west-1.gateway.example/",
            "additional_headers": {},
            "litellm_overhead_time_ms": 2.126,
        },
        "model_map_information": {"model_map_key": model, "model_map_value": {}},
        "error_str": None,
        "error_information": {"error_code": "", "error_class": "", "llm_provider": ""},
        "response_cost_failure_debug_info": None,
        "guardrail_information": None,
    }


def main() -> None:
    path, n = Path(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(1)
    with path.open("w") as file:
        for i in range(n):
            file.write(json.dumps(record(i, rng)))
            file.write("\n")


if __name__ == "__main__":
    main()
