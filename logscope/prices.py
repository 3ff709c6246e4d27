"""The price book: what each logged model costs, and since when.

Prices come in three layers, the later one winning price by price: the data of genai-prices as
installed (never updated over the network), prices.toml beside this module, [prices] of the team's
logscope.toml. cost.sql turns the book into the cost of each request.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logscope.names import canonical_model, canonical_provider
from logscope.price_listing import Listing, find_listing, listing_version
from logscope.price_rules import (
    COLUMN,
    PER_TOKEN,
    SHIPPED,
    SINCE_EVER,
    TEAM,
    TIERS,
    Entry,
    Rates,
    read_entries,
    read_factors,
)
from logscope.tables import scan_sql, table_columns

if TYPE_CHECKING:
    from logscope.delta import Change
    from logscope.store import Store

__all__ = [
    "canonical_model",
    "canonical_provider",
    "create_prices",
    "price_book",
    "price_stamp",
    "replace_prices",
]

PRICES_TOML = Path(__file__).with_name("prices.toml")
COST_SQL = Path(__file__).with_name("cost.sql")

# What a missing price is taken to be. A cache write of an hour is not here: it costs more than one
# of five minutes wherever both have a price, so without its own price it is unknown.
SAME_AS = {
    "cache_read": "input",
    "cache_write": "input",
    "input_audio": "input",
    "input_image": "input",
    "reasoning": "output",
    "output_audio": "output",
}
STEP = Decimal("0.000001")  # cost.sql counts in whole 1e-12 USD

# Prices, and where they stand; None where nothing is known.
Cell = tuple[Rates, str] | None


@dataclass(frozen=True)
class Model:
    """The three layers of prices of one logged model."""

    listing: Listing
    entries: Sequence[Entry]
    team_factors: Rates
    shipped_factors: Rates

    def cell(self, at: datetime, above: int, tier: str) -> Cell:
        """Return the prices of a served tier for requests with more input tokens than `above`."""
        rates = self.listing.rates(at, above)
        sources = {f"genai-prices {listing_version()}": None} if rates else {}
        factor = self.team_factors.get(tier)
        for entry in self.entries:
            if entry.valid_from <= at.date() and entry.above <= above:
                rates |= entry.rates
                factor = entry.factors.get(tier, factor)
                sources[entry.layer] = None
        if tier != "standard":
            ratios, source = self.ratios(at, above, tier, factor)
            if not ratios:
                return None
            rates = {key: rate * ratios.get(key, 1) for key, rate in rates.items()}
            sources[source] = None
        if not rates.keys() & {"input", "output", "request"}:
            return None
        if "cache_write" not in rates and "input" in rates:
            rates.setdefault("cache_write_1h", rates["input"])
        for key, other in SAME_AS.items():
            if other in rates:
                rates.setdefault(key, rates[other])
        rounded = {key: rate.quantize(STEP) for key, rate in rates.items()}
        return rounded, ", ".join(source for source in sources if source)

    def ratios(
        self, at: datetime, above: int, tier: str, factor: Decimal | None
    ) -> tuple[Rates, str]:
        """Return what a tier costs relative to standard, price by price; empty if unknown.

        The team's factor counts, then the listed prices of the tier, then the provider's factor.
        Tiers are listed only from the day somebody checked them: the ratio of that day is taken to
        have held before.
        """
        since = self.listing.tiers_since.get(tier)
        if factor is not None:
            return dict.fromkeys(PER_TOKEN, factor), f"{tier} factor of {TEAM}"
        if since is not None:
            then = max(at, datetime.combine(since, at.timetz()))
            usual, there = self.listing.rates(then, above), self.listing.rates(then, above, tier)
            known = {key: there[key] / usual[key] for key in there if usual.get(key)}
            return known, f"{tier} ratio of {since}" if then > at else ""
        if tier in self.shipped_factors:
            shipped = dict.fromkeys(PER_TOKEN, self.shipped_factors[tier])
            return shipped, f"{tier} factor of {SHIPPED}"
        return {}, ""

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table, without what is the same in all of them."""
        listed_days, listed_minutes, listed_sizes = self.listing.edges()
        days = sorted({SINCE_EVER, *listed_days, *(entry.valid_from for entry in self.entries)})
        minutes = sorted({0, 1440, *listed_minutes})
        sizes = sorted({0, *listed_sizes, *(entry.above for entry in self.entries)})
        for tier in TIERS:
            for start, end in pairwise(minutes):
                clock = time(start // 60, start % 60, tzinfo=UTC)
                hours = (start, end) if len(minutes) > 2 else (None, None)
                periods: list[tuple[date, list[Cell]]] = []
                for day in days:
                    at = datetime.combine(day, clock)
                    cells = [self.cell(at, above, tier) for above in sizes]
                    if not periods or periods[-1][1] != cells:
                        periods.append((day, cells))
                ends = [day for day, _ in periods[1:]] + [None]
                for (day, cells), until in zip(periods, ends, strict=True):
                    for above, up_to, (rates, source) in _steps(sizes, cells):
                        yield {
                            "service_tier": tier,
                            "valid_from": None if day == SINCE_EVER else day,
                            "valid_until": until,
                            "from_minute_of_day": hours[0],
                            "until_minute_of_day": hours[1],
                            "above_input_tokens": above,
                            "up_to_input_tokens": up_to,
                            **{COLUMN[key]: rate for key, rate in rates.items()},
                            "source": source,
                        }


def price_book(
    models: Iterable[tuple[str | None, str | None]], overrides: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the rows of the table `prices` for logged models, given as (provider, logged name).

    `overrides` is [prices] of logscope.toml; a mistake in it is a UsageError. A model or a tier
    without a price has no row. Periods and tiers do not overlap: a request meets at most one row.
    """
    shipped = tomllib.loads(PRICES_TOML.read_text(encoding="utf-8"))
    entries = [*read_entries(shipped["prices"], SHIPPED), *read_entries(overrides, TEAM)]
    team_factors = read_factors(overrides.get("factors", {}), f"{TEAM}: [prices.factors]")
    book: list[dict[str, Any]] = []
    pairs = {(provider, logged) for provider, logged in models if logged}
    for provider, logged in sorted(pairs, key=lambda pair: (pair[0] or "", pair[1])):
        name = canonical_model(provider, logged)
        listing = find_listing(provider, logged, name)
        ranked = [(r, e) for e in entries if (r := e.rank(logged, name, listing.served_by))]
        named = [entry for _, entry in sorted(ranked, key=lambda pair: pair[0])]
        factors = shipped["factors"].get(listing.served_by, {})
        known = {tier: Decimal(str(factors[tier])) for tier in TIERS if tier in factors}
        same = {"provider": provider, "model": name, "model_logged": logged}
        for row in Model(listing, named, team_factors, known).rows():
            row = dict.fromkeys(COLUMN.values()) | {"price_id": _price_id(same | row)} | same | row
            book.append({column: row[column] for column in table_columns()["prices"]})
    return book


def create_prices(connection: Any, book: Sequence[Mapping[str, Any]]) -> None:
    """Make the table `prices` of the rows of a price book."""
    shape = json.dumps([table_columns()["prices"]])
    connection.execute(
        "create or replace table prices as select entry.* from ("
        f"select unnest(from_json($book, '{shape}')) as entry)",
        {"book": json.dumps(book, default=str)},
    )


def replace_prices(connection: Any, store: Store, whole: bool = False) -> Change:
    """Write the table `prices` into the store, in place of the book that it has.

    Unless the new book is the whole one, the stored prices of models that it does not name stay.
    """
    from logscope.delta import Change

    rows = "select * from prices"
    if not whole:
        rows += (
            f" union all by name select * from ({scan_sql('prices', store.files('prices'))}) as earlier "
            "where not exists (select 1 from prices "
            "where prices.provider is not distinct from earlier.provider "
            "and prices.model_logged = earlier.model_logged)"
        )
    adds = store.write_parquet(connection, "prices", f"select * from ({rows}) order by all")
    return Change(adds=adds, removes=store.files("prices"))


def price_stamp(overrides: Mapping[str, Any]) -> str:
    """Return a hash of all that decides a cost: genai-prices, prices.toml, cost.sql, [prices].

    It does not load genai-prices, so it is cheap enough for every command.
    """
    digest = hashlib.sha256(listing_version().encode())
    for path in (PRICES_TOML, COST_SQL):
        digest.update(path.read_bytes())
    digest.update(json.dumps(overrides, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:16]


def _steps(
    sizes: Sequence[int], cells: Sequence[Cell]
) -> Iterator[tuple[int | None, int | None, tuple[Rates, str]]]:
    """Yield (above, up to, prices) for the input sizes at which the prices really change."""
    starts = [i for i, cell in enumerate(cells) if i == 0 or cell != cells[i - 1]]
    for i, following in zip(starts, [*starts[1:], None], strict=True):
        cell = cells[i]
        if cell is not None:
            yield sizes[i] or None, None if following is None else sizes[following], cell


def _price_id(row: Mapping[str, Any]) -> str:
    """Return provider and logged name, and what sets this price apart from the model's others."""
    parts = [f"{row['provider'] or '?'}/{row['model_logged']}"]
    if row["valid_from"]:
        parts.append(f"from {row['valid_from']}")
    if row["from_minute_of_day"] is not None:
        parts.append("{:02}:{:02}".format(*divmod(row["from_minute_of_day"], 60)))
    if row["service_tier"] != "standard":
        parts.append(row["service_tier"])
    if row["above_input_tokens"]:
        parts.append(f"above {row['above_input_tokens']}")
    return " ".join(parts)
