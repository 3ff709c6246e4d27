"""Model and provider names: a table written by hand, and laws that hold for any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscope.names import canonical_model, canonical_provider, provider_in, spellings

PROFILE_ARN = (
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
    "us.anthropic.claude-sonnet-4-6-20260217-v1:0"
)
MODEL_ARN = "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"
OPAQUE_ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1B2c3D4"

MODELS = [
    # dates and aliases
    ("claude-sonnet-4-6-20260217", "claude-sonnet-4-6"),
    ("gpt-5.5-2026-04-23", "gpt-5.5"),
    ("claude-opus-4-7@20260416", "claude-opus-4-7"),
    ("claude-opus-4-7@default", "claude-opus-4-7"),
    ("mistral-large-latest", "mistral-large"),
    ("gpt-4o-audio-preview-2024-12-17", "gpt-4o-audio-preview"),
    ("gpt-5.2-20251211", "gpt-5.2"),
    ("command-a-03-2025", "command-a"),
    ("cohere/command-r-plus-08-2024", "command-r-plus"),
    ("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash-preview"),
    # no month
    ("qwen-plus-13-2025", "qwen-plus-13-2025"),
    ("sonar-10-202", "sonar-10-202"),
    ("claude-opus-4-7[1m]", "claude-opus-4-7"),
    # gateways and providers in front
    ("anthropic/claude-opus-4.7", "claude-opus-4-7"),
    ("openrouter/anthropic/claude-opus-4.7", "claude-opus-4-7"),
    ("~anthropic/claude-opus-latest", "claude-opus"),
    ("azure/gpt-5.5", "gpt-5.5"),
    ("azure/eu/gpt-5.5", "gpt-5.5"),
    ("azure/global-standard/gpt-4o-2024-08-06", "gpt-4o"),
    ("openai/responses/gpt-5.4-mini", "gpt-5.4-mini"),
    ("vertex_ai/gemini-2.5-pro", "gemini-2.5-pro"),
    ("vertex_ai/claude-sonnet-4-6@20260217", "claude-sonnet-4-6"),
    ("gemini/gemini-2.5-flash-lite", "gemini-2.5-flash-lite"),
    ("models/gemini-2.5-pro", "gemini-2.5-pro"),
    ("publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
    (
        "projects/p-1/locations/europe-west4/publishers/anthropic/models/claude-opus-4-7@20260416",
        "claude-opus-4-7",
    ),
    ("x-ai/grok-4-latest", "grok-4"),
    ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b-instruct"),
    ("deepseek-ai/DeepSeek-R1", "deepseek-r1"),
    ("accounts/fireworks/models/kimi-k2-instruct", "kimi-k2-instruct"),
    # Bedrock
    ("bedrock/us.anthropic.claude-sonnet-4-6-20260217-v1:0", "claude-sonnet-4-6"),
    ("bedrock/converse/global.anthropic.claude-opus-4-7-v1", "claude-opus-4-7"),
    ("bedrock/eu-central-1/anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku"),
    ("apac.anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet"),
    ("anthropic.claude-3-haiku-20240307-v1:0:200k", "claude-3-haiku"),
    ("amazon.nova-pro-v1:0", "nova-pro"),
    ("meta.llama3-1-70b-instruct-v1:0", "llama3-1-70b-instruct"),
    ("us.deepseek.r1-v1:0", "deepseek-r1"),
    ("openai.gpt-oss-120b-1:0", "gpt-oss-120b"),
    (PROFILE_ARN, "claude-sonnet-4-6"),
    (f"bedrock/{PROFILE_ARN}", "claude-sonnet-4-6"),
    (MODEL_ARN, "claude-3-haiku"),
    (OPAQUE_ARN, OPAQUE_ARN),
    (f"bedrock/{OPAQUE_ARN}", f"bedrock/{OPAQUE_ARN}"),
    # the same model in another word order
    ("anthropic/claude-4.5-sonnet-20250929", "claude-sonnet-4-5"),
    ("claude-4-opus-20250514", "claude-opus-4"),
    ("claude-sonnet-4-0", "claude-sonnet-4"),
    ("claude-haiku-3.5", "claude-3-5-haiku"),
    ("Claude-Opus-4.7", "claude-opus-4-7"),
    ("gpt-5-5", "gpt-5.5"),
    ("gpt-35-turbo", "gpt-3.5-turbo"),
    # different models stay different
    ("gpt-5.5-mini", "gpt-5.5-mini"),
    ("gpt-5-5-mini", "gpt-5.5-mini"),
    ("gpt-5.5-pro-2026-04-23", "gpt-5.5-pro"),
    ("claude-opus-4.7-fast", "claude-opus-4-7-fast"),
    ("anthropic/claude-3.7-sonnet:thinking", "claude-3-7-sonnet:thinking"),
    ("deepseek/deepseek-r1:free", "deepseek-r1:free"),
    ("gpt-4-0613", "gpt-4-0613"),
    ("gpt-4-32k", "gpt-4-32k"),
    ("gemini-2.0-flash-001", "gemini-2.0-flash-001"),
    ("anthropic.claude-v2:1", "claude-v2:1"),
    ("claude-instant-v1", "claude-instant-v1"),
    ("amazon.titan-embed-text-v2:0", "titan-embed-text-v2:0"),
    ("mistral.mistral-7b-instruct-v0:2", "mistral-7b-instruct-v0:2"),
    ("someone/llama-3.3-70b-tuned", "someone/llama-3.3-70b-tuned"),
    ("ft:gpt-4o-2024-08-06:acme::9abc", "ft:gpt-4o-2024-08-06:acme::9abc"),
    ("fake-openai-endpoint", "fake-openai-endpoint"),
]


@pytest.mark.parametrize(("logged", "expected"), MODELS)
def test_canonical_model(logged: str, expected: str) -> None:
    assert canonical_model(None, logged) == expected


def test_the_table_is_not_empty() -> None:
    assert len(MODELS) >= 40


def test_the_providers_own_name_in_front_goes() -> None:
    assert canonical_model("deepinfra", "deepinfra/Qwen/Qwen3-32B") == "qwen3-32b"


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        ("openai", "openai"),
        ("OpenAI", "openai"),
        ("openai.responses", "openai"),
        ("text-completion-openai", "openai"),
        ("azure.ai.openai", "azure"),
        ("az.ai.openai", "azure"),
        ("azure.ai.inference", "azure"),
        ("azure_ai", "azure"),
        ("anthropic.messages", "anthropic"),
        ("aws.bedrock", "bedrock"),
        ("bedrock_converse", "bedrock"),
        ("amazon-bedrock", "bedrock"),
        ("gcp.vertex_ai", "vertex_ai"),
        ("vertex_ai-anthropic_models", "vertex_ai"),
        ("google.vertex.chat", "vertex_ai"),
        ("gcp.gemini", "gemini"),
        ("google.generative-ai", "gemini"),
        ("mistral_ai", "mistral"),
        ("x_ai", "xai"),
        ("together_ai", "together_ai"),
        ("moonshot_ai", "moonshot"),
        ("My-Backend", "my-backend"),
        ("", None),
        (None, None),
    ],
)
def test_canonical_provider(logged: str | None, expected: str | None) -> None:
    assert canonical_provider(logged) == expected


def test_a_model_name_may_give_its_provider_away() -> None:
    assert provider_in(PROFILE_ARN) == "bedrock"
    assert provider_in("eu.anthropic.claude-opus-4-7-v1") == "bedrock"
    assert provider_in("azure/gpt-5.5") == "azure"
    assert provider_in("gpt-5.5") is None
    assert provider_in("someone/llama") is None


def test_spellings_go_from_literal_to_canonical() -> None:
    assert spellings("openrouter/anthropic/claude-opus-4.7") == [
        "openrouter/anthropic/claude-opus-4.7",
        "anthropic/claude-opus-4.7",
        "claude-opus-4.7",
        "claude-opus-4-7",
    ]


PIECES = (
    "claude gpt opus sonnet haiku 3 4 5 7 4.7 3.5 0 1 mini fast latest 20260217 2026-02-17 v1:0 v2"
    " us. eu. global. anthropic. amazon. deepseek. anthropic/ azure/ bedrock/ openrouter/ models/"
    " publishers/google/models/ eu-west-1/ arn:aws:bedrock:r:1:inference-profile/ @ - . : / [1m]"
    " ft: -1:0 gpt-oss-20b 35 turbo A É"
)
pieces = st.sampled_from(PIECES.split())
names = st.one_of(
    st.text(max_size=40),
    st.lists(pieces, max_size=8).map("".join),
    st.lists(pieces, max_size=8).map("-".join),
)


@given(names, st.sampled_from([None, "anthropic", "azure", "bedrock", "acme"]))
def test_canonical_model_is_idempotent(name: str, provider: str | None) -> None:
    once = canonical_model(provider, name)
    assert canonical_model(provider, once) == once


@given(names)
def test_canonical_model_never_loses_the_whole_name(name: str) -> None:
    assert bool(canonical_model(None, name).strip()) == bool(name.strip())


@given(names)
def test_canonical_provider_is_idempotent(name: str) -> None:
    once = canonical_provider(name)
    assert canonical_provider(once) == once
