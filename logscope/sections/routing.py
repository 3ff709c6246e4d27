"""The report on routing: the latest recommendation, as it stands in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from logscope import words
from logscope.output import clean
from logscope.page import Body, Cell, Column, Section, Strong, Table, Text
from logscope.selection import span
from logscope.weeks import Weeks

Recommendation = Mapping[str, Any]
MOST_LETTERS = 200
# What becomes of types with a verdict: of one, of many.
FATES = (
    ("SWITCH", "is proven and waits to be switched", "are proven and wait to be switched"),
    ("LIKELY", "looks better, but is not proven", "look better, but are not proven"),
    ("EXPLORE", "needs a model to be tried first", "need a model to be tried first"),
    ("UNMEASURED QUALITY", "lacks a measured quality", "lack a measured quality"),
    ("KEEP", "stays as it is", "stay as they are"),
)
MEANING = {
    "SWITCH": "proven on logs; ready to export",
    "LIKELY": "looks better, but confounding is not excluded; only an exploration is exported",
    "EXPLORE": "a candidate was hardly tried; the exploration split says how to find out",
    "KEEP": "nothing better was found",
    "UNMEASURED QUALITY": "no score tells the quality, so nothing is proposed for export",
}


def latest_recommendation(weeks: Weeks) -> Recommendation | None:
    """Return the recommendation made last, None if there is none that can be read.

    It was made of all requests: a report on a part of them has none.
    """
    if weeks.where:
        return None
    rows = weeks.rows("latest_recommendation").to_dicts()
    if not rows:
        return None
    try:
        found = json.loads(rows[0]["recommendation"])
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("types"), list) else None


def routing_section(weeks: Weeks, found: Recommendation | None) -> Section | None:
    """Return the section on the recommendation, or None if there is none."""
    import polars as pl

    if not found or not found["types"]:
        return None
    told = any(told_effect(kind) for kind in found["types"])
    columns = [
        Column("request type", right=False, prose=True),
        Column("route", right=False),
        Column("share %"),
        Column("operations"),
        Column("today", right=False, prose=True),
        Column("proposed", right=False, prose=True),
        *([Column("$ per 1,000"), Column("quality")] if told else []),
        Column("verdict", right=False, prose=True),
    ]
    rows = [type_row(kind, told) for kind in found["types"]]
    frame = pl.DataFrame(
        [
            {
                "type": str(kind.get("name")),
                "route": kind.get("route"),
                "share": kind.get("share"),
                "current": json.dumps(kind.get("current"), sort_keys=True),
                "proposed": json.dumps(kind.get("proposed"), sort_keys=True),
                "verdict": kind.get("verdict"),
                "n": kind.get("n"),
            }
            for kind in found["types"]
        ],
        infer_schema_length=None,
    )
    verdicts = list(dict.fromkeys(str(kind.get("verdict")) for kind in found["types"]))
    meanings = "; ".join(f"{v}: {MEANING[v]}" for v in verdicts if v in MEANING)
    note = " ".join(f"{text}." for text in (made_of(found), meanings) if text)
    table = Table(
        "recommendation",
        "What to route where",
        columns,
        [Body("", rows)],
        ["logscope recommend", weeks.command("latest_recommendation")],
        frame,
        note,
    )
    return Section("routing", "Routing", [routing_lead(found)], [table])


def made_of(found: Recommendation) -> str:
    """Return from which operations the recommendation was made, empty if it does not tell."""
    read = found.get("trained_on") or {}
    try:
        since, until = (datetime.fromisoformat(read[end]).date() for end in ("since", "until"))
        operations = words.plural(int(read["operations"]), "operation")
    except (KeyError, TypeError, ValueError):
        return ""
    return f"Made from {operations} on routes, {span(since, until)} (UTC)"


def told_effect(kind: Mapping[str, Any]) -> bool:
    """Return whether anything but no change is said of a type's effects."""
    effects = (kind.get("effects") or {}).values()
    return any(effect and effect.get("estimate") for effect in effects)


def type_row(kind: Mapping[str, Any], told: bool) -> list[Cell]:
    current, proposed = kind.get("current") or {}, kind.get("proposed") or {}
    effects = kind.get("effects") or {}
    same = split(current) == split(proposed)
    shown = [
        effect(effects.get("cost_usd"), 1000, lambda value: words.money(value, 2)),
        effect(effects.get("quality"), 1, lambda value: f"{value:.3f}".replace("-", words.MINUS)),
    ]
    verdict = str(kind.get("verdict") or "")
    return [
        Cell(words.name(kind.get("name"))),
        Cell(words.name(kind.get("route")) if kind.get("route") else words.DASH),
        Cell(words.percent(kind.get("share"), unit=False)),
        Cell(words.count(kind.get("n"))),
        Cell(split(current)),
        Cell("the same" if same else split(proposed), tone="quiet" if same else ""),
        *(shown if told else []),
        Cell(words.name(verdict), reason(kind)),
    ]


def reason(kind: Mapping[str, Any]) -> str:
    """Return why the verdict is what it is, as the recommendation says."""
    return clean(str(kind.get("note") or ""))[:MOST_LETTERS]


def split(weights: Mapping[str, Any]) -> str:
    """Return a split, a model with its share per line, the largest share first."""
    ordered = sorted(weights.items(), key=lambda item: (-float(item[1]), item[0]))
    return "\n".join(f"{float(w) * 100:.0f}{words.THIN}% {words.name(m)}" for m, w in ordered if w)


def effect(found: Mapping[str, Any] | None, scale: float, show: Any) -> Cell:
    """Return an effect with its interval, a dash where nothing may be said."""
    if not found or found.get("estimate") is None:
        return Cell(words.DASH)
    value = float(found["estimate"]) * scale
    text = words.signed(show(value), value)
    if found.get("low") is None or found.get("high") is None or found["low"] == found["high"]:
        return Cell(text)
    low, high = (float(found[end]) * scale for end in ("low", "high"))
    return Cell(text, f"{words.signed(show(low), low)} to {words.signed(show(high), high)}")


def routing_lead(found: Recommendation) -> Text:
    """Say how many request types should be routed otherwise, and why the others not."""
    verdicts = [str(kind.get("verdict")) for kind in found["types"]]
    parts = [
        f"{verdicts.count(verdict)} {one if verdicts.count(verdict) == 1 else many}"
        for verdict, one, many in FATES
        if verdict in verdicts
    ]
    types = words.plural(len(verdicts), "request type")
    if not parts:
        return (f"The latest recommendation has {types}.",)
    first = Strong(parts[0]) if parts[0].endswith("switched") else parts[0]
    return (f"Of {types}, ", first, *(f"; {part}" for part in parts[1:]), ".")
