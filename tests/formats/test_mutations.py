"""One record must not kill a file: whatever stands in a field, every record is accounted for."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from test_aiperf_profile import request
from test_bedrock_invocation import STREAM, invocation
from test_litellm_spendlogs import spend
from test_litellm_standard import call, failure
from test_native import REQUEST
from test_otlp_genai import CURRENT, DEPRECATED, attributes, export, span

from logscope.formats import find_formats

USAGE = {"prompt_tokens_details": {"cached_tokens": 1, "cache_creation_tokens": 5}}
ODD = [
    None, 0, -1, 1.5, 1e300, 10**30, True, "", "x", "NaN", "-inf", "null", "0x10", "1e400",
    "[", "{", "{}", "[]", '{"a":', "[INST]", "2026-13-45", "9" * 19, "é😀", "a" * 70_000,
    [], {}, [1], [None], [[]], {"a": None}, {"key": None}, {"": 1}, ["x", 1, None, {}],
]  # fmt: skip
EVENTS = [
    {"name": "exception", "timeUnixNano": "5", "attributes": attributes({"exception.type": "x"})},
    {"name": "llm.content.completion.chunk", "timeUnixNano": "1762768800500000000"},
]
SEEDS: dict[str, list[dict[str, Any]]] = {
    "litellm_standard": [
        call(
            request_tags=["a:b", "c"],
            metadata={"requester_metadata": {"x": 1}, "spend_logs_metadata": {"y": "z"}},
            response={"model": "m", "content": [{"type": "x"}], "usage": USAGE},
            model_parameters={"tools": [{"type": "f"}], "reasoning": {"effort": "x"}},
            messages=[{"role": "user", "content": [{"type": "text", "text": "q"}]}],
        ),
        failure(),
    ],
    "litellm_spendlogs": [
        spend(
            metadata={"usage_object": USAGE, "error_information": {"error": "401 - x"}},
            proxy_server_request={"messages": [{"role": "user", "content": "x"}], "tools": []},
            response={"choices": [{"finish_reason": "s", "message": {}}]},
            request_tags=["a:b"],
        )
    ],
    "otlp_genai": [
        export(
            span("chat", CURRENT | {"gen_ai.input.messages": "[]", "metadata": "{}"}),
            span("inner", DEPRECATED, parent="chat", events=EVENTS),
        )
    ],
    "bedrock_invocation": [
        invocation(),
        invocation(output={"outputBodyJson": STREAM}, requestMetadata={"a": "b"}),
        {"message": json.dumps(invocation())},
    ],
    "aiperf_profile": [request("a")],
    "native_requests": [{**REQUEST, "offsets_ms": [1, 2], "kinds": ["text", "text"], "name": None}],
    "native_streams": [
        {"request_id": "a", "offsets_ms": [1, 2], "kinds": ["a", "b"], "started_at": 1}
    ],
    "native_scores": [{"request_id": "a", "name": "n", "value": 0.5, "at": 1}],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every value inside a record."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def mutated(record: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return a copy with one to three values replaced, or left out."""
    record = copy.deepcopy(record)
    for _ in range(chance.randint(1, 3)):
        *way, key = chance.choice(list(places(record)) or [("extra",)])
        target: Any = record
        for step in way:
            target = target[step]
        if chance.random() < 0.2 and isinstance(target, dict):
            target.pop(key, None)
        else:
            target[key] = copy.deepcopy(chance.choice(ODD))
    return record


def test_every_early_format_has_a_seed():
    assert set(SEEDS) <= set(find_formats()) and len(SEEDS) >= 8


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_odd_values_cost_their_record_at_most(name, bench):
    chance = random.Random(name)
    records = [mutated(chance.choice(SEEDS[name]), chance) for _ in range(600)]
    result = bench.ingest(bench.write(records), format_name=name)
    total, stored, merged, ignored, rejected = bench.counts
    assert total == stored + merged + ignored + rejected
    assert total == len(records) or result.formats[0].name == "otlp_genai"
    assert stored + merged > 0
