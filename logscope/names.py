"""Models and providers in one spelling, however the producer spelt them.

Two names become one only if they mean the same weights served the same way: prefixes of gateways,
providers and inference profiles, dates and version suffixes go; `-mini`, `-fast`, `:free` and an
organisation that is not the model's own vendor stay.
"""

from __future__ import annotations

import re

VENDORS = (
    "ai21 amazon anthropic cohere deepseek deepseek-ai google luma meta meta-llama microsoft"
    " minimax minimaxai mistral mistralai moonshot moonshotai nvidia openai qwen stability"
    " twelvelabs writer x-ai xai z-ai zai zai-org"
)
GATEWAYS = (
    "azure azure_ai azure_text bedrock bedrock_converse converse converse_like invoke chat"
    " responses fireworks_ai together_ai together groq gemini vertex_ai vertex_ai_beta"
    " google_ai_studio litellm litellm_proxy openrouter perplexity cohere_chat huggingface"
    " text-completion-openai us eu global global-standard models accounts/fireworks/models"
)

_SEGMENTS = "|".join(re.escape(word) for word in f"{VENDORS} {GATEWAYS}".split())
_PATH = re.compile(
    rf"~?(?:{_SEGMENTS}|(?:projects/[^/]+/locations/[^/]+/)?publishers/[^/]+/models"
    r"|(?:us|eu|ap|sa|ca|me|af|il|mx)-(?:gov-)?[a-z]+-\d)/(?=.)"
)
# A Bedrock id: the geography of the inference profile, if any, then the vendor, each with a dot.
_BEDROCK = re.compile(
    r"(?:(?:us|us-gov|eu|apac|ap|au|jp|ca|in|global)\.)?(?:"
    + "|".join(re.escape(word) for word in VENDORS.split() if word != "deepseek")
    + r")\.(?=.)|(?:(?:us|us-gov|eu|apac|global)\.)(?=deepseek\.)"
)
_ARN = re.compile(
    r"(?:.*/)?arn:aws[\w-]*:bedrock:(?:[^/]*:)?([a-z-]+)/(.+)", re.IGNORECASE | re.DOTALL
)
_MONTH = r"(?:0[1-9]|1[0-2])"
_DATE = rf"20\d\d(-?){_MONTH}\1(?:0[1-9]|[12]\d|3[01])|{_MONTH}-20\d\d"
_SUFFIX = re.compile(rf"(?<=.)(?:[-@](?:{_DATE}|latest)|@default|\[1m\]|-v1:0(?::\d+k)?)$")
_CLAUDE_REVISION = re.compile(r"(?<=\d)-v\d+(?::\d+){0,2}k?$")
_VERSION_FIRST = re.compile(r"claude-([4-9]|\d\d)(?:-(\d{1,2}))?-([a-z]+)(?![a-z0-9])")
_FAMILY_FIRST_3 = re.compile(r"claude-(opus|sonnet|haiku)-3(-\d)?(?!\d)")
_ZERO_MINOR = re.compile(r"(claude-[a-z]+-\d+)-0(?!\d)")
_GPT = re.compile(r"gpt-(\d)-(\d)(?![\w.])")

_PROVIDERS = {
    "anthropic": "anthropic anthropic_text claude",
    "azure": "azure azure_ai azure_ai_openai az_ai_openai azure_ai_inference az_ai_inference"
    " azure_openai azureopenai azure_text azure_cognitive_services azure_foundry",
    "bedrock": "bedrock aws_bedrock bedrock_converse bedrock_mantle amazon_bedrock aws amazon",
    "cohere": "cohere cohere_chat",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks_ai fireworks",
    "gemini": "gemini gcp_gemini gcp_gen_ai google google_ai_studio google_generative_ai"
    " google_genai googleai palm",
    "groq": "groq",
    "mistral": "mistral mistral_ai mistralai",
    "moonshot": "moonshot moonshotai moonshot_ai",
    "openai": "openai text_completion_openai openai_responses",
    "openrouter": "openrouter open_router",
    "perplexity": "perplexity perplexity_ai",
    "together_ai": "together_ai together togetherai",
    "vertex_ai": "vertex_ai gcp_vertex_ai vertex_ai_beta vertexai google_vertex google_vertexai"
    " google_vertex_ai google_vertex_anthropic",
    "watsonx": "watsonx ibm_watsonx_ai",
    "xai": "xai x_ai",
    "zai": "zai z_ai zhipuai",
}
_PROVIDER_OF = {alias: name for name, aliases in _PROVIDERS.items() for alias in aliases.split()}


def canonical_provider(name: str | None) -> str | None:
    """Return the provider as this project spells it (azure.ai.openai -> azure), None for none.

    An unknown provider stays as logged, in lower case.
    """
    if not name or not name.strip():
        return None
    lower = name.strip().lower()
    key = re.sub(r"[^a-z0-9]+", "_", lower).strip("_")
    short = re.sub(r"_(chat|messages|responses|completion|generative_ai|language_models)$", "", key)
    if key.startswith("vertex_ai"):
        return "vertex_ai"
    return _PROVIDER_OF.get(key) or _PROVIDER_OF.get(short) or lower


def canonical_model(provider: str | None, name: str) -> str:
    """Return the model's canonical name; applying it again changes nothing.

    An ARN that does not name its model (application inference profile, provisioned or imported
    model) stays as logged.
    """
    last, current = None, name
    while current != last:
        arn = _ARN.fullmatch(current.strip())
        if arn and arn.group(1).lower() not in ("foundation-model", "inference-profile"):
            return current
        last = current
        current = _step(provider, (arn.group(2) if arn else current).strip().lower())
    return current


def spellings(name: str) -> list[str]:
    """Return the names under which a price list may have a logged model, most literal first."""
    arn = _ARN.fullmatch(name.strip())
    found = [name.strip().lower()]
    if arn:
        found.append(arn.group(2).lower())
    while (path := _PATH.match(found[-1])) is not None:
        found.append(found[-1][path.end() :])
    canonical = canonical_model(None, name)
    if (profile := _BEDROCK.match(found[-1])) is not None:
        found.append(profile.group() + canonical)
    return list(dict.fromkeys([*found, canonical]))


def provider_in(name: str) -> str | None:
    """Return the provider that a logged model name gives away (`bedrock/...`, an ARN), if any."""
    lower = name.strip().lower()
    if _ARN.fullmatch(lower) or re.match(r"(us|us-gov|eu|apac|jp|au|global)\.[a-z0-9]+\.", lower):
        return "bedrock"
    first = re.sub(r"[^a-z0-9]+", "_", lower.split("/")[0])
    return _PROVIDER_OF.get(first) if "/" in lower else None


def _step(provider: str | None, name: str) -> str:
    """One round of stripping and respelling; repeated until nothing changes."""
    if provider and name.startswith(f"{provider.lower()}/") and len(name) > len(provider) + 1:
        name = name[len(provider) + 1 :]
    name = _PATH.sub("", name, count=1) if _PATH.match(name) else name
    profile = _BEDROCK.match(name)
    name = name[profile.end() :] if profile else name
    name = re.sub(r"^deepseek\.(?=.)", "deepseek-", name)
    if name.startswith("ft:"):
        return name
    name = _SUFFIX.sub("", name)
    name = re.sub(r"^(gpt-oss-\d+b)-1:0$", r"\1", name)
    name = re.sub(r"^gpt-35(?=-)", "gpt-3.5", name)
    name = _GPT.sub(r"gpt-\1.\2", name) if _GPT.match(name) else name
    if not name.startswith("claude-"):
        return name
    name = _CLAUDE_REVISION.sub("", re.sub(r"(?<=\d)\.(?=\d)", "-", name))
    if (match := _VERSION_FIRST.match(name)) is not None:
        major, minor, family = match.groups()
        name = f"claude-{family}-{major}{f'-{minor}' if minor else ''}{name[match.end() :]}"
    name = re.sub(_FAMILY_FIRST_3, r"claude-3\2-\1", name) if _FAMILY_FIRST_3.match(name) else name
    return _ZERO_MINOR.sub(r"\1", name, count=1) if _ZERO_MINOR.match(name) else name
