"""What the installed genai-prices lists for a model; the only module that knows that package.

The data is the one installed with it, never updated over the network. The package is loaded when a
first model is looked up.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from logscope.names import canonical_provider, provider_in, spellings
from logscope.price_rules import PER_TOKEN, SINCE_EVER, TIERS, Rates

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

# Its key -> our price, and how many units its price is for. Others (pages, hours of audio, ...)
# have no counter in a request log.
PRICE_OF = {f"{price}_mtok": (price, 1) for price in PER_TOKEN} | {
    "cache_write_5m_mtok": ("cache_write", 1),
    "output_reasoning_mtok": ("reasoning", 1),
    "web_searches_kcount": ("web_search", 1000),
    "requests_kcount": ("request", 1000),
}
# A provider -> its id there, where they differ.
ID_OF = {
    "bedrock": "aws",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "github_copilot": "github-copilot",
    "moonshot": "moonshotai",
    "together_ai": "together",
    "vertex_ai": "google",
    "xai": "x-ai",
}
# They pass other vendors' models on at the vendor's price, or are what a compatible endpoint is
# logged as. For any other known provider a model missing from its list has no price.
RESELLERS = {"anthropic", "azure", "bedrock", "openai", "openrouter", "vertex_ai"}
# Your own hardware: nobody's list price is yours.
SELF_HOSTED = {"hosted_vllm", "llamafile", "lm_studio", "ollama", "ollama_chat", "sglang", "vllm"}
FAST_MODE = {"speed": "fast"}


@dataclass(frozen=True)
class Listing:
    """What is listed for one logged model; without `model`, nothing is."""

    served_by: str | None
    model: ModelInfo | None = None
    context: dict[str, str] = field(default_factory=dict)
    tiers_since: dict[str, date] = field(default_factory=dict)

    def rates(self, at: datetime, above: int, tier: str = "standard") -> Rates:
        """Return the prices in force for requests with more input tokens than `above`."""
        if self.model is None:
            return {}
        prices = vars(self.model.get_prices(at, self.context | TIERS[tier]))
        if not prices and self.model.id.endswith(":free"):
            return {"input": Decimal(0), "output": Decimal(0)}
        rates: Rates = {}
        for key, listed in prices.items():
            if key in PRICE_OF and listed is not None:
                price, units = PRICE_OF[key]
                steps = [step.price for step in _steps(listed) if above >= step.start]
                rates[price] = Decimal([getattr(listed, "base", listed), *steps][-1]) / units
        return rates

    def edges(self) -> tuple[set[date], set[int], set[int]]:
        """Return where prices may change: days, minutes of the UTC day, input sizes."""
        days: set[date] = set()
        minutes: set[int] = set()
        sizes: set[int] = set()
        for item in self._conditions():
            constraint = getattr(item, "constraint", None)
            start = getattr(constraint, "start_date", None)
            if start is not None:
                days.add(start)
            elif constraint is not None:
                minutes |= {_minute(constraint.start_time), _minute(constraint.end_time)}
            for listed in vars(item.prices).values():
                sizes |= {step.start for step in _steps(listed)}
        return days, minutes, sizes

    def _conditions(self) -> Iterator[Any]:
        if self.model is not None:
            prices = self.model.prices
            yield from prices if isinstance(prices, list) else [self.model]
            yield from self.model.price_variants or []


def find_listing(provider: str | None, logged: str, name: str) -> Listing:
    """Look a logged model up under its provider, then under the vendor of the model.

    `name` is its canonical name. Without a provider the logged name may give it away.
    """
    served_by = canonical_provider(provider) or provider_in(logged)
    providers = listed_providers()
    host = providers.get(ID_OF.get(served_by or "", served_by or ""))
    found = _find([host], logged) if host else None
    if found is None and served_by not in SELF_HOSTED and (not host or served_by in RESELLERS):
        found = _find(list(providers.values()), logged, vendors=True)
    if found is None:
        return Listing(served_by)
    owner, model = found
    if served_by is None:
        ours = {theirs: ours for ours, theirs in ID_OF.items() if ours != "vertex_ai"}
        served_by = ours.get(owner.id, owner.id)
    variants = model.price_variants or []
    if name.endswith("-fast") and "fast" not in model.id:
        # Matched by its prefix; without the prices of its fast mode it would pass for the model.
        known = any(variant.when == FAST_MODE for variant in variants)
        return Listing(served_by, model if known else None, FAST_MODE)
    tiers_since: dict[str, date] = {}
    # A listing borrowed from another provider says nothing of this one's tiers.
    borrowed = (host is not None and owner is not host) or all(m is not model for m in owner.models)
    for variant in variants if not borrowed else []:
        for tier, when in TIERS.items():
            if variant.when == when:
                day = getattr(variant.constraint, "start_date", SINCE_EVER)
                tiers_since[tier] = min(day, tiers_since.get(tier, day))
    return Listing(served_by, model, {}, tiers_since)


@cache
def listing_version() -> str:
    """Return the version of genai-prices, without loading it."""
    return importlib.metadata.version("genai-prices")


@cache
def listed_providers() -> dict[str, Provider]:
    """Return the providers by their id there."""
    from genai_prices.data_snapshot import get_snapshot

    return {provider.id: provider for provider in get_snapshot().providers}


def _find(
    providers: list[Provider], logged: str, vendors: bool = False
) -> tuple[Provider, ModelInfo] | None:
    """Return the first listing of any spelling; of `vendors` only those that such names are of."""
    everyone = list(listed_providers().values())
    for spelling in spellings(logged):
        for provider in providers:
            like = provider.model_match
            if not vendors or (like is not None and like.is_match(spelling)):
                model = provider.find_model(spelling, all_providers=everyone)
                if model is not None:
                    return provider, model
    return None


def _steps(listed: Any) -> list[Any]:
    """Return the input-size tiers of a listed price, ascending."""
    return list(getattr(listed, "tiers", ()))


def _minute(clock: time) -> int:
    """Return the minute of the UTC day; a time without zone is UTC."""
    moment = datetime.combine(date(2000, 1, 2), clock)
    moment = moment.astimezone(UTC) if clock.tzinfo else moment
    return moment.hour * 60 + moment.minute
