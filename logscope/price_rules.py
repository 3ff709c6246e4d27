"""What a [prices] table may say, in logscope.toml and in the shipped prices.toml.

    [prices."mistral-x-2611"]        # the canonical or the logged name
    provider = "mistral"             # optional
    input = 2.0                      # USD per million tokens; the keys are those of COLUMN
    output = 6.0
    valid_from = 2026-11-01          # optional: first day, UTC
    above_input_tokens = 200000      # optional: a tier by input size; several as [[prices."..."]]
    factors = { batch = 0.5 }        # optional: a served tier, relative to standard
    [prices.factors]                 # the same for every model
    priority = 2.5

An entry replaces the prices it names, at every input size from its own on; others stay as listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from logscope.errors import UsageError, did_you_mean
from logscope.names import canonical_provider

SHIPPED, TEAM = "prices.toml", "logscope.toml"
SINCE_EVER = date(1970, 1, 1)

# A served tier -> the request context under which genai-prices lists its prices.
TIERS: dict[str, dict[str, str]] = {
    "standard": {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}
# A price -> its column in the table. All but the last two are USD per million tokens.
COLUMN = {
    "input": "input_usd_per_mtok",
    "cache_read": "cache_read_usd_per_mtok",
    "cache_write": "cache_write_5m_usd_per_mtok",
    "cache_write_1h": "cache_write_1h_usd_per_mtok",
    "output": "output_usd_per_mtok",
    "reasoning": "reasoning_usd_per_mtok",
    "input_audio": "input_audio_usd_per_mtok",
    "output_audio": "output_audio_usd_per_mtok",
    "input_image": "input_image_usd_per_mtok",
    "web_search": "web_search_usd",
    "request": "request_usd",
}
PER_TOKEN = tuple(COLUMN)[:9]
OTHER_KEYS = ("provider", "valid_from", "above_input_tokens", "factors", "source", "checked")
# cost.sql counts 1e-12 USD in 64 bits: limits above any real price, and 4 for a factor.
LIMIT = {key: 2000 if key in PER_TOKEN else 5 for key in COLUMN}

Rates = dict[str, Decimal]


@dataclass(frozen=True)
class Entry:
    """Prices of one model from a day and an input size on."""

    layer: str
    name: str
    provider: str | None = None
    valid_from: date = SINCE_EVER
    above: int = 0
    rates: Rates = field(default_factory=dict)
    factors: Rates = field(default_factory=dict)

    def rank(self, logged: str, model: str, provider: str | None) -> tuple[Any, ...] | None:
        """Return where the entry stands among those for a model, None if it is not for it.

        A later layer beats an earlier one, a logged name a canonical one, a provider none, then a
        later day and a larger input.
        """
        names = [_loose(logged), _loose(model)]
        if _loose(self.name) not in names or self.provider not in (None, provider):
            return None
        literal = self.name.lower() == logged.lower() != model
        return (self.layer == TEAM, literal, bool(self.provider), self.valid_from, self.above)


def read_entries(section: Mapping[str, Any], layer: str) -> Iterator[Entry]:
    """Yield the entries of a [prices] table; a mistake is a UsageError that names the key."""
    for name, value in section.items():
        if name == "factors":
            continue
        place = f'{layer}: [prices."{name}"]'
        for table in value if isinstance(value, list) else [value]:
            if not isinstance(table, Mapping):
                raise UsageError(
                    f"{place} must be a table such as {{ input = 2.0, output = 6.0 }}."
                )
            yield _entry(name, table, layer, place)


def read_factors(value: Any, place: str) -> Rates:
    """Return the factors of served tiers; a mistake is a UsageError that names `place`."""
    if not isinstance(value, Mapping):
        raise UsageError(f"{place} must be a table such as {{ batch = 0.5, priority = 2.5 }}.")
    tiers = [tier for tier in TIERS if tier != "standard"]
    for tier in value:
        if tier not in tiers:
            raise UsageError(f"{place} has the unknown tier {tier!r}.{did_you_mean(tier, tiers)}")
    return {tier: _number(f"{place} {tier}", factor, 4) for tier, factor in value.items()}


def _entry(name: str, table: Mapping[str, Any], layer: str, place: str) -> Entry:
    """Check one table of [prices]."""
    for key in table:
        if key not in COLUMN and key not in OTHER_KEYS:
            known = did_you_mean(key, (*COLUMN, *OTHER_KEYS))
            raise UsageError(f"{place} has the unknown key {key!r}.{known}")
    provider, above = table.get("provider"), table.get("above_input_tokens", 0)
    valid_from = table.get("valid_from", SINCE_EVER)
    if provider is not None and not isinstance(provider, str):
        raise UsageError(f'{place} provider must be a name in quotes, such as "azure".')
    if isinstance(valid_from, str):
        try:
            valid_from = date.fromisoformat(valid_from)
        except ValueError:
            valid_from = None
    if not isinstance(valid_from, date) or isinstance(valid_from, datetime):
        raise UsageError(f"{place} valid_from must be a day such as 2026-11-01, without a time.")
    if isinstance(above, bool) or not isinstance(above, int) or above < 0:
        raise UsageError(f"{place} above_input_tokens must be a whole number such as 200000.")
    rates = {k: _number(f"{place} {k}", v, LIMIT[k]) for k, v in table.items() if k in COLUMN}
    factors = read_factors(table.get("factors", {}), f"{place} factors")
    if not rates and not factors:
        raise UsageError(f"{place} sets no price: add input and output in USD per million tokens.")
    return Entry(layer, name, canonical_provider(provider), valid_from, above, rates, factors)


def _number(place: str, value: Any, limit: int) -> Decimal:
    """Return a price or factor as a decimal; anything else is a UsageError."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise UsageError(f"{place} must be a number, not {value!r}; write it without quotes.")
    number = Decimal(str(value))
    if not (number.is_finite() and 0 <= number <= limit):
        raise UsageError(f"{place} = {value} must lie between 0 and {limit}; check the unit.")
    return number


def _loose(name: str) -> str:
    """`claude-opus-4.7` in a settings file means claude-opus-4-7."""
    return name.lower().replace(".", "-")
