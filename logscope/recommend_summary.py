"""How a recommendation looks to a person: head, one row per type, foot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from logscope.recommendation import EXPLORE, KEEP, Recommendation, TypeSplit
from logscope.selection import span

if TYPE_CHECKING:
    import polars

SAME = 0.005  # a share that moves by less reads the same


@dataclass(frozen=True)
class Summary:
    """Lines above, rows (texts only) and lines below; the command line prints them."""

    head: tuple[str, ...]
    rows: polars.DataFrame
    foot: tuple[str, ...]


def summary(recommendation: Recommendation) -> Summary:
    """Return a recommendation as text: one row per type, in the order in which the rules apply."""
    import polars as pl

    types = recommendation.types
    short = short_names({model for one in types for model in (*one.current, *one.proposed)})
    proved = any(_told(one, "cost_usd") or _told(one, "quality") for one in types)
    rows = []
    for one in types:
        row = {
            "type": one.name,
            "route": one.route,
            "share": f"{one.share:.0%}",
            "operations": f"{one.n:,}",
            "today → proposed": moves(one, short),
        }
        if proved:
            row["$/1,000 operations"] = _effect(one, "cost_usd", 1000)
            row["quality"] = _effect(one, "quality", 1)
        rows.append(row | {"verdict": verdict(one), "why": one.note})
    return Summary(tuple(_head(recommendation)), pl.DataFrame(rows), tuple(_foot(recommendation)))


def verdict(one: TypeSplit) -> str:
    """Return the verdict; of EXPLORE also how much it takes."""
    if one.verdict != EXPLORE or not one.explore:
        return one.verdict
    requests, days = one.explore.get("requests"), one.explore.get("days")
    if requests is None:
        return one.verdict
    if days is None:
        return f"{one.verdict} {requests:,} requests"
    takes = f"{days:,} days" if days < 2 * 365 else f"{days / 365:,.0f} years"
    return f"{one.verdict} {requests:,} requests, {takes}"


def moves(one: TypeSplit, short: Mapping[str, str]) -> str:
    """Return `opus 60 sonnet 40 → opus 5 sonnet 95`, in percent, the largest first."""
    shown = sorted(one.current, key=lambda model: (-one.current[model], model))
    today = (
        " ".join(f"{short[m]} {_percent(one.current[m])}" for m in shown if one.current[m]) or "?"
    )
    everyone = {*one.current, *one.proposed}
    if all(abs(one.current.get(m, 0.0) - one.proposed.get(m, 0.0)) < SAME for m in everyone):
        return f"{today} → same"
    shown = sorted(one.proposed, key=lambda model: (-one.proposed[model], model))
    return f"{today} → " + " ".join(
        f"{short[m]} {_percent(one.proposed[m])}" for m in shown if one.proposed[m]
    )


def short_names(models: Iterable[str]) -> dict[str, str]:
    """Return each model by the first word of its name that no other name has (opus), else whole."""
    words = {model: [word for word in model.split("-") if word] for model in models}
    short = {}
    for model, own in words.items():
        taken = {word for other, theirs in words.items() if other != model for word in theirs}
        short[model] = next((w for w in own if w.isalpha() and w not in taken), model)
    return short


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.01 or share == 0 else f"{100 * share:.1f}"


def _told(one: TypeSplit, measure: str) -> bool:
    return one.verdict != KEEP and one.effects.get(measure, {}).get("estimate") is not None


def _effect(one: TypeSplit, measure: str, scale: float) -> str:
    effect: Mapping[str, Any] = one.effects.get(measure, {})
    if one.verdict == KEEP:
        return "-"
    if effect.get("estimate") is None:
        return "?"
    numbers = (scale * effect[key] for key in ("estimate", "low", "high"))
    estimate, low, high = (f"{value:+.3g}" for value in numbers)
    return f"{estimate} [{low}, {high}]"


def _head(recommendation: Recommendation) -> Iterable[str]:
    policy, read = recommendation.policy, recommendation.trained_on
    yield (
        f"Aim: lowest cost; quality at most {policy['max_quality_loss_per_type']:g} lower per "
        "type, TTFT and success no worse (--policy)"
    )
    since, until = (datetime.fromisoformat(read[key]) for key in ("since", "until"))
    choices = Counter(one.provenance for one in recommendation.types)
    told = ", ".join(f"{kind} in {n}" for kind, n in sorted(choices.items()))
    told = next(iter(choices)) if len(choices) == 1 else f"{told} types"
    verb = "Learned" if recommendation.proved_on else "Read"
    yield (
        f"{verb} {span(since, until)} (UTC): {read['operations']:,} operations on routes, "
        f"{read['sessions']:,} sessions, router choice {told}"
    )
    score = policy.get("score")
    yield (
        f"Quality is the score {score}"
        if score
        else "No request has a score, so quality is unknown"
    )


def _foot(recommendation: Recommendation) -> Iterable[str]:
    reasons = {(e["model"], e["reason"]) for one in recommendation.types for e in one.excluded}
    if reasons:
        yield "Excluded: " + "; ".join(f"{model} ({reason})" for model, reason in sorted(reasons))
    if recommendation.proved_on is None:
        yield "Nothing is proved on later traffic yet, so nothing is switched."
