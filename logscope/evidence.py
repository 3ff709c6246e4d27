"""Evidence: what the logs say about each model in each part of a route's traffic.

Everything is counted per operation, by its first attempt: that is where the router chose. Retries
are in the operation's cost. Answers from the proxy's own cache had no model and do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from logscope.names import canonical_model
from logscope.policy import ELIGIBLE_BY, Policy
from logscope.splits import Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

# More columns of the table `typed` that a recommendation needs.
# Ids as numbers: they are joined and sorted, and only whether they are equal matters.
EXTRA = (
    "md5_number_lower(operation_id) as operation, md5_number_lower(session_id) as session, "
    "attempt, started_at, route, model, status, coalesce(cache_hit, false) as cached, propensity, "
    "team, region, "
)
SIZE_CLASSES = 5
LEAST_PER_CLASS = 10  # operations of a model among those of a size, for its mean to count
COVERED = 0.95  # of the operations must be of sizes in which a model's cost is known
SUCCESS = 0.5  # a score from here on is a success

BEGUN = Path(__file__).with_name("begun.sql")


@dataclass(frozen=True)
class Begun:
    """The operations begun on routes, as columns in the order of `typed`. Unknown is NaN, or -1."""

    routes: tuple[str, ...]
    models: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]]
    # (by, name, models allowed, whose operations it is about) of the policy's [eligible]
    limits: tuple[tuple[str, str, tuple[str, ...], NDArray[np.bool_]], ...]
    capable: Mapping[str, Mapping[str, Any]]  # model -> tools, images, stream, window
    days: int
    score: str | None


@dataclass(frozen=True)
class ModelFacts:
    """One model in one part of the traffic; its cost is per operation at the part's input sizes."""

    n: int
    n_scored: int
    successes: int
    quality: float | None
    cost_usd: float | None
    cost_error: float | None  # standard error

    def as_json(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "n_scored": self.n_scored,
            "quality": None if self.quality is None else round(self.quality, 6),
            "cost_usd": None if self.cost_usd is None else round(self.cost_usd, 10),
        }


@dataclass(frozen=True)
class Cell:
    """A part of a route's traffic: the operations that one rule catches."""

    rows: NDArray[np.int64]
    n: int
    models: dict[str, ModelFacts]  # those seen on the route
    today: dict[str, float]
    provenance: str
    cost_usd: float | None  # mean per operation today; None if too much of it is unknown
    quality: float | None
    design_effect: float  # how many times fewer the operations count, being in sessions
    excluded: dict[str, str]


def load_begun(connection: Any, policy: Policy) -> Begun:
    """Read the operations begun on routes from the table `typed`, made with EXTRA."""
    served = _served(connection)
    routes = [
        route
        for route, answering in connection.execute(
            "select route, list(distinct model) filter (where status = 'ok' and not cached) "
            "from typed where route is not null and attempt = 1 "
            "group by route order by count(*) desc, route"
        ).fetchall()
        # A caller who asks for a model by its name is not rerouted. (A call that failed before a
        # model was chosen carries the name of the group instead.)
        if canonical_model(None, route) not in (answering or [])
    ]
    score = policy.score or _main_score(connection)
    models = sorted(served)
    connection.execute(
        BEGUN.read_text(encoding="utf-8"),
        {"score": score, "routes": routes or [""], "models": models or [""]},
    )
    columns = connection.sql("select * exclude (team, task, region) from begun").fetchnumpy()
    filled = {
        name: np.ma.filled(values.astype(float), np.nan) if np.ma.is_masked(values) else values
        for name, values in columns.items()
    }
    days = connection.execute(
        "select date_diff('day', min(started_at), max(started_at)) + 1 from typed"
    ).fetchall()[0][0]
    limits = tuple(
        (
            by,
            name,
            tuple(canonical_model(None, model) for model in allowed),
            _is(connection, by, name),
        )
        for by in ELIGIBLE_BY
        for name, allowed in sorted(policy.eligible.get(by, {}).items())
    )
    return Begun(tuple(routes), tuple(models), filled, limits, served, int(days or 1), score)


def _served(connection: Any) -> dict[str, dict[str, Any]]:
    """Return the models that answered, with what each was seen to do and its context window."""
    from logscope.price_listing import find_listing

    served: dict[str, dict[str, Any]] = {}
    for model, provider, logged, tools, images, stream in connection.execute(
        """
        select
            model, provider, model_logged,
            bool_or(n_tools > 0), bool_or(has_images), bool_or(stream)
        from selection
        where status = 'ok' and cache_hit is distinct from true and model is not null
        group by all order by all
        """
    ).fetchall():
        listing = find_listing(provider, logged or model, model)
        window = getattr(listing.model, "context_window", None)
        known = served.setdefault(
            model, {"tools": False, "images": False, "stream": False, "window": 0}
        )
        known["tools"] |= bool(tools)
        known["images"] |= bool(images)
        known["stream"] |= bool(stream)
        known["window"] = max(known["window"], window or 0)
    return served


def _main_score(connection: Any) -> str | None:
    """Return the name of the score that most requests have."""
    rows = connection.execute(
        "select name from scores where request_id in (select request_id from typed) "
        "or md5_number_lower(session_id) in (select session from typed) "
        "group by name order by count(*) desc, name limit 1"
    ).fetchall()
    return rows[0][0] if rows else None


def _is(connection: Any, by: str, name: str) -> NDArray[np.bool_]:
    found = connection.execute(f"select coalesce({by} = ?, false) as found from begun", [name])
    mask: NDArray[np.bool_] = found.fetchnumpy()["found"].astype(bool)
    return mask


def look(begun: Begun, route: int, rows: NDArray[np.int64]) -> Cell:
    """Return the evidence in some operations of a route, given by their positions in `begun`."""
    model = begun.columns["model"][rows]
    counts = np.bincount(model[model >= 0], minlength=len(begun.models))
    on_route = begun.columns["model"][begun.columns["route"] == route]
    seen = np.unique(on_route[on_route >= 0])
    score = begun.columns["score"][rows]
    cost = begun.columns["cost_usd"][rows]
    sizes = size_classes(begun.columns["input_tokens"][rows])
    facts = {}
    for code in seen:
        mine = model == code
        known = score[mine & ~np.isnan(score)]
        mean, error = standardised(cost, mine, sizes)
        facts[begun.models[code]] = ModelFacts(
            int(counts[code]),
            len(known),
            int((known >= SUCCESS).sum()),
            float(known.mean()) if len(known) else None,
            mean,
            error,
        )
    chosen = rows[model >= 0]
    provenance = _provenance(begun, chosen)
    known_cost = ~np.isnan(cost)
    scored = ~np.isnan(score)
    return Cell(
        rows,
        len(rows),
        facts,
        _today(begun, chosen, {begun.models[code]: int(counts[code]) for code in seen}, provenance),
        provenance,
        float(cost[known_cost].mean()) if known_cost.sum() >= max(1, COVERED * len(rows)) else None,
        float(score[scored].mean()) if scored.any() else None,
        design_effect(score[scored], begun.columns["session"][rows][scored]),
        _excluded(begun, rows, facts),
    )


def size_classes(input_tokens: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the class of input size of each operation: fifths, and one for unknown sizes."""
    known = input_tokens[~np.isnan(input_tokens)]
    if not len(known):
        return np.zeros(len(input_tokens), dtype=np.int64)
    edges = np.unique(np.quantile(known, np.arange(1, SIZE_CLASSES) / SIZE_CLASSES))
    classes = np.searchsorted(edges, input_tokens, side="left")
    return np.where(np.isnan(input_tokens), SIZE_CLASSES, classes)


def standardised(
    cost: NDArray[np.float64], mine: NDArray[np.bool_], sizes: NDArray[np.int64]
) -> tuple[float | None, float | None]:
    """Return a model's mean cost per operation, weighted by all operations' sizes, and its error.

    Without the weights a model that gets the short requests would look cheap. None if the model's
    cost is unknown for sizes that make up more than 5 % of the operations.
    """
    usable = mine & ~np.isnan(cost)
    share = np.bincount(sizes, minlength=SIZE_CLASSES + 1) / max(1, len(sizes))
    n = np.bincount(sizes[usable], minlength=len(share))
    total = np.bincount(sizes[usable], cost[usable], minlength=len(share))
    known = n >= LEAST_PER_CLASS
    weight = share[known].sum()
    if weight < COVERED:
        return None, None
    mean = total[known] / n[known]
    residuals = (
        cost[usable] - np.divide(total, n, out=np.zeros_like(total), where=n > 0)[sizes[usable]]
    )
    squares = np.bincount(sizes[usable], residuals**2, minlength=len(share))[known]
    variance = squares / (n[known] - 1) / n[known]
    parts = share[known] / weight
    return float((parts * mean).sum()), float(np.sqrt((parts**2 * variance).sum()))


def design_effect(score: NDArray[np.float64], session: NDArray[np.uint64]) -> float:
    """Return the variance of the mean score, by session over if independent; at least 1."""
    if len(score) < 2:
        return 1.0
    _, number = np.unique(session, return_inverse=True)
    sizes = np.bincount(number)
    variance = float(((score - score.mean()) ** 2).sum())
    if len(sizes) < 2 or variance <= 0:
        return 1.0
    sums = np.bincount(number, score) - sizes * score.mean()
    return max(1.0, len(sizes) / (len(sizes) - 1) * float((sums**2).sum()) / variance)


def _today(
    begun: Begun, chosen: NDArray[np.int64], counts: Mapping[str, int], provenance: str
) -> dict[str, float]:
    """Return today's split: the router's own probabilities where it logged them, else shares."""
    total = sum(counts.values())
    if not total:
        return {}
    shares = {name: count / total for name, count in counts.items()}
    if provenance != "randomised":
        return shares
    logged = begun.columns["propensity"][chosen]
    model = begun.columns["model"][chosen]
    told = dict.fromkeys(counts, 0.0)
    for name in (name for name, count in counts.items() if count):
        values = np.unique(logged[(model == begun.models.index(name)) & ~np.isnan(logged)])
        if len(values) != 1:
            return shares
        told[name] = float(values[0])
    return told if abs(sum(told.values()) - 1) < 1e-6 else shares


def _provenance(begun: Begun, chosen: NDArray[np.int64]) -> str:
    """Return how the models were chosen: always the same, by a logged chance, or nobody knows."""
    if len(np.unique(begun.columns["model"][chosen])) <= 1:
        return "deterministic"
    logged = begun.columns["propensity"][chosen]
    by_chance = (logged > 0) & (logged <= 1)
    return "randomised" if by_chance.mean() >= COVERED else "observational"


def _excluded(begun: Begun, rows: NDArray[np.int64], models: Mapping[str, Any]) -> dict[str, str]:
    """Return the models that cannot or must not serve these operations, with the reason."""
    sizes = begun.columns["input_tokens"][rows]
    longest = float(np.nanmax(sizes)) if (~np.isnan(sizes)).any() else 0.0
    needed = {
        "tools": "tools never seen working",
        "images": "images never seen working",
        "stream": "streaming never seen working",
    }
    excluded: dict[str, str] = {}
    for name in models:
        can = begun.capable[name]
        if can["window"] and can["window"] < longest:
            excluded[name] = f"context window {can['window']:,} < longest input {longest:,.0f}"
        for need, reason in needed.items():
            if name not in excluded and begun.columns[need][rows].any() and not can[need]:
                excluded[name] = reason
        for by, value, allowed, mask in begun.limits:
            if name not in allowed and mask[rows].any():
                excluded[name] = f"policy: {by} {value}"
    return excluded


def effective_size(begun: Begun, cell: Cell, split: Split) -> float | None:
    """Return how many operations those of a cell are worth for judging `split`.

    None where the router's probabilities are not logged.
    """
    if cell.provenance != "randomised":
        return None
    model = begun.columns["model"][cell.rows]
    logged = begun.columns["propensity"][cell.rows]
    usable = (model >= 0) & (logged > 0)
    wanted = np.array([split.get(name, 0.0) for name in begun.models])
    weights = wanted[model[usable]] / logged[usable]
    squares = float((weights**2).sum())
    return round(float(weights.sum()) ** 2 / squares, 1) if squares else 0.0
