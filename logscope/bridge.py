"""Why the cost changed: a difference of two weeks split into causes that add up to it exactly.

The cost of a cell (a task on a model) is the product of how many requests there were, what share
of them the task had, what share of the task the model had, how long prompt and answer were, how
much of the prompt came from a cache, and what a token cost. Setting these causes from the one
week's values to the other's one by one splits the difference, but differently for each order; the
average over all orders (Shapley's value) takes no side, and its parts add up exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
INPUT = ("uncached", "cache_read", "cache_write_5m", "cache_write_1h")
OUTPUT = ("text", "reasoning")
CAUSES = (
    "paid requests",
    "tasks",
    "models",
    "prompt length",
    "caching",
    "answer length",
    "prices and tiers",
    "other fees",
)


@dataclass(frozen=True)
class Bridge:
    """The difference of two weeks: USD by cause and cell; `cells` are (task, model)."""

    before: float
    now: float
    cells: Sequence[tuple[Any, Any]]
    effects: Mapping[str, Array]
    model_share_gain: Array

    def total(self, cause: str) -> float:
        return float(self.effects[cause].sum())


@dataclass(frozen=True)
class Week:
    """The factors of one week, one entry per cell; NaN where the week does not tell."""

    requests: float
    task_share: Array
    model_share: Array
    input_tokens: Array
    input_kinds: Array
    output_tokens: Array
    output_kinds: Array
    input_prices: Array
    output_prices: Array
    other: Array


def bridge(now: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> Bridge | None:
    """Split the difference of two weeks' costs; rows of `cost_parts` by task and model.

    None where one of the weeks has no request with a known cost.
    """
    if not any(row["n_paid"] for row in now) or not any(row["n_paid"] for row in before):
        return None
    keyed = [{(row["task"], row["model"]): row for row in rows} for rows in (before, now)]
    cells = sorted({*keyed[0], *keyed[1]}, key=lambda cell: (str(cell[0]), str(cell[1])))
    old, new = (factors([rows.get(cell) for cell in cells], cells) for rows in keyed)
    old, new = filled(old, new), filled(new, old)
    costs = {
        chosen: cell_costs([new if i in chosen else old for i in range(len(CAUSES))])
        for size in range(len(CAUSES) + 1)
        for chosen in combinations(range(len(CAUSES)), size)
    }
    effects = {}
    for i, cause in enumerate(CAUSES):
        effect = np.zeros(len(cells))
        for chosen, cost in costs.items():
            if i not in chosen:
                weight = factorial(len(chosen)) * factorial(len(CAUSES) - len(chosen) - 1)
                with_it = tuple(sorted((*chosen, i)))
                effect += weight / factorial(len(CAUSES)) * (costs[with_it] - cost)
        effects[cause] = effect
    gain = new.task_share * (new.model_share - old.model_share)
    return Bridge(
        float(costs[()].sum()), float(costs[tuple(range(len(CAUSES)))].sum()), cells, effects, gain
    )


def factors(rows: Sequence[Mapping[str, Any] | None], cells: Sequence[tuple[Any, Any]]) -> Week:
    """Return a week's factors per cell, NaN where there is nothing to divide by."""

    def column(name: str) -> Array:
        return np.array([float(row[name] or 0) if row else 0.0 for row in rows])

    n = column("n_paid")
    tasks = [cell[0] for cell in cells]
    per_task = {task: n[[t == task for t in tasks]].sum() for task in set(tasks)}
    of_task = np.array([per_task[task] for task in tasks])
    input_tokens = np.array([column(f"{kind}_tokens") for kind in INPUT])
    output_tokens = np.array([column(f"{kind}_tokens") for kind in OUTPUT])
    return Week(
        requests=float(n.sum()),
        task_share=of_task / n.sum(),
        model_share=ratio(n, of_task),
        input_tokens=ratio(input_tokens.sum(axis=0), n),
        input_kinds=ratio(input_tokens, input_tokens.sum(axis=0)),
        output_tokens=ratio(output_tokens.sum(axis=0), n),
        output_kinds=ratio(output_tokens, output_tokens.sum(axis=0)),
        input_prices=ratio(np.array([column(f"{kind}_usd") for kind in INPUT]), input_tokens),
        output_prices=ratio(np.array([column(f"{kind}_usd") for kind in OUTPUT]), output_tokens),
        other=ratio(column("other_usd"), n),
    )


def ratio(part: Array, whole: Array) -> Array:
    """Return part / whole, NaN where there is no whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def filled(week: Week, other: Week) -> Week:
    """Return a week whose gaps hold the other week's values, so that a gap causes nothing."""
    values = {}
    for name, value in vars(week).items():
        if isinstance(value, np.ndarray):
            value = np.nan_to_num(np.where(np.isnan(value), getattr(other, name), value), nan=0.0)
        values[name] = value
    return Week(**values)


def cell_costs(weeks: Sequence[Week]) -> Array:
    """Return the cost of each cell with each cause taken from the week given for it."""
    traffic, tasks, models, prompt, caching, answer, prices, other = weeks
    per_prompt = prompt.input_tokens * (caching.input_kinds * prices.input_prices).sum(axis=0)
    per_answer = answer.output_tokens * (answer.output_kinds * prices.output_prices).sum(axis=0)
    shares = tasks.task_share * models.model_share
    costs: Array = traffic.requests * shares * (per_prompt + per_answer + other.other)
    return costs
