"""Verdicts: what may be said about a part of a route's traffic, and what would be proposed.

The first that applies:

EXPLORE             a candidate got fewer than 200 of the part's operations. Proposed is today's
                    split with at least the exploration floor for each such model, taken from the
                    largest; `explore` says how many more operations, and days of them, it takes to
                    tell a loss of quality as large as the policy allows.
UNMEASURED QUALITY  a candidate costs less per operation, at the part's own input sizes and beyond
                    chance (one-sided, z = 1.645), but too few operations of the models concerned
                    have a score. What would be proposed is shown, and never exported.
KEEP                nothing is cheaper, or what is cheaper is not proven to be as good. Proposed is
                    today's split, the effects are 0, and nothing is exported.

Candidates are the models seen on the route that can and may serve all of the part's requests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from logscope import splits
from logscope.evidence import Cell, ModelFacts
from logscope.policy import Policy
from logscope.recommendation import EXPLORE, KEEP, UNMEASURED

TRIED = 200  # operations of a model, from which on it counts as tried
SCORED = 200  # operations with a score, from which on quality can be measured ...
LEAST_OUTCOMES = 10  # ... if there are as many successes and failures as this
ONE_SIDED = 1.645
LEAST_SAVING = 0.001  # of today's cost: less is rounding
POWER = 7.85  # (1.96 + 0.84) squared: 95 % confidence, 80 % power
USUAL_QUALITY = 0.8  # where no score says otherwise
SAME_SPLIT = 0.05  # splits of neighbouring rules that differ by less are one proposal
TODAY_UNITS = 10_000


@dataclass(frozen=True)
class Verdict:
    """A verdict with its reason; `targets` are the models it would move traffic to."""

    name: str
    current: dict[str, float]
    proposed: dict[str, float]
    candidates: tuple[str, ...]
    excluded: dict[str, str]
    note: str
    targets: tuple[str, ...] = ()
    explore: dict[str, int | None] | None = None

    def same(self, other: Verdict) -> bool:
        """Tell whether two parts of the traffic need no rule between them."""
        return (
            (self.name, self.targets, self.candidates)
            == (other.name, other.targets, other.candidates)
            and set(self.excluded) == set(other.excluded)
            and splits.alike(self.current, other.current, SAME_SPLIT)
            and splits.alike(self.proposed, other.proposed, SAME_SPLIT)
        )


def decide(cell: Cell, policy: Policy, days: int) -> Verdict:
    """Return the verdict on one part of the traffic; `days` is the time the logs cover."""
    candidates = tuple(sorted(set(cell.models) - set(cell.excluded)))
    current = splits.rounded(cell.today, TODAY_UNITS) if cell.today else {}
    keep = Verdict(KEEP, current, current, candidates, cell.excluded, "nothing costs less")
    if not current:
        return _noted(keep, "no request was answered by a known model")
    if len(candidates) < 2:
        return _noted(keep, "one model can serve it" if candidates else "no model may serve it")
    untried = sorted(
        (name for name in candidates if cell.models[name].n < TRIED),
        key=lambda name: (cell.models[name].cost_usd is None, cell.models[name].cost_usd, name),
    )
    if untried and policy.exploration_floor:
        return _explore(keep, cell, policy, untried, days)
    cheaper = [name for name in candidates if _costs_less(cell, name)]
    if not cheaper:
        unknown = [name for name in candidates if cell.models[name].cost_usd is None]
        return _noted(keep, f"cost unknown of {', '.join(unknown)}") if unknown else keep
    target = min(cheaper, key=lambda name: (cell.models[name].cost_usd, name))
    note = f"{target} {_against(cell, target)}"
    missing = _unmeasured(cell, target)
    if missing is None:
        return _noted(keep, f"{note}; not proven as good")
    goal = splits.moved_to(cell.today, target, list(candidates), policy.exploration_floor)
    proposed = splits.rounded(splits.stepped(cell.today, goal, policy.step_limit))
    return Verdict(
        UNMEASURED, current, proposed, candidates, cell.excluded, f"{note}; {missing}", (target,)
    )


def _noted(verdict: Verdict, note: str) -> Verdict:
    return Verdict(**{**verdict.__dict__, "note": note})


def _explore(keep: Verdict, cell: Cell, policy: Policy, untried: list[str], days: int) -> Verdict:
    banned = {name for name, reason in cell.excluded.items() if reason.startswith("policy:")}
    start = splits.without(cell.today, banned)
    split = splits.rounded(splits.exploring(start, untried, policy.exploration_floor))
    now = [name for name in untried if split.get(name, 0.0) >= min(policy.exploration_floor, 0.999)]
    tried = ", ".join(f"{name} {cell.models[name].n}" for name in untried)
    note = f"hardly tried ({tried} of {cell.n:,} operations)"
    requests = exploration_size(cell, split, now or untried[:1], policy.max_quality_loss_per_type)
    explore = {
        "requests": requests,
        "days": None if requests is None else math.ceil(requests * days / cell.n),
    }
    targets = tuple(untried)
    return Verdict(
        EXPLORE, keep.current, split, keep.candidates, cell.excluded, note, targets, explore
    )


def exploration_size(
    cell: Cell, split: splits.Split, models: list[str], margin: float
) -> int | None:
    """Return how many more operations of the type it takes to judge `models` under `split`.

    N = 7.85 q (1 - q) / (margin^2 e (1 - e)) x design effect, and at least 200 of each model; what
    a model has had already counts. None if nothing could do (a margin or share of 0).
    """
    quality = USUAL_QUALITY if cell.quality is None else min(max(cell.quality, 0.05), 0.95)
    needed = 0.0
    for name in models:
        share = split.get(name, 0.0)
        if not 0 < share < 1 or margin <= 0:
            return None
        size = POWER * quality * (1 - quality) / (margin**2 * share * (1 - share))
        size = max(size * cell.design_effect, TRIED / share)
        needed = max(needed, size - cell.models[name].n / share)
    return math.ceil(round(needed, 6))


def _costs_less(cell: Cell, name: str) -> bool:
    """Tell whether a model costs less than today's mix, beyond chance."""
    mine = cell.models[name]
    total = sum(one.n for one in cell.models.values())
    if mine.cost_usd is None or mine.cost_error is None or cell.cost_usd is None:
        return False
    errors = [(1 - mine.n / total) * mine.cost_error]
    errors += [
        one.n / total * (one.cost_error or 0.0) for key, one in cell.models.items() if key != name
    ]
    return mine.cost_usd + ONE_SIDED * math.hypot(*errors) < (1 - LEAST_SAVING) * cell.cost_usd


def _against(cell: Cell, name: str) -> str:
    mine, today = cell.models[name].cost_usd or 0.0, cell.cost_usd or 0.0
    return f"${1000 * mine:,.2f} per 1,000 operations against ${1000 * today:,.2f} today"


def _unmeasured(cell: Cell, target: str) -> str | None:
    """Return why the quality of a move to `target` is not measured, None if it is."""
    if not any(one.n_scored for one in cell.models.values()):
        return "no request has a score"
    thin = [
        name
        for name, one in cell.models.items()
        if name == target or cell.today[name] >= SAME_SPLIT
    ]
    for name in sorted(thin, key=lambda name: (name != target, name)):
        one = cell.models[name]
        if one.n_scored < SCORED:
            return f"{one.n_scored:,} of {one.n:,} operations of {name} have a score"
        if name == target and not _both_outcomes(one):
            failures = one.n_scored - one.successes
            return f"{name}: {one.successes:,} successes, {failures:,} failures, 10 of each needed"
    return None


def _both_outcomes(one: ModelFacts) -> bool:
    return min(one.successes, one.n_scored - one.successes) >= LEAST_OUTCOMES
