"""The report on routing: the latest recommendation, as it stands in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from logscope import words
from logscope.page import Body, Cell, Column, Section, Strong, Table, Text
from logscope.weeks import Weeks

Recommendation = Mapping[str, Any]
MEANING = {
    "SWITCH": "proven on logs; ready to export",
    "LIKELY": "looks better, but confounding is not excluded; only an exploration is exported",
    "EXPLORE": "a candidate was hardly tried; the exploration split says how to find out",
    "KEEP": "nothing better was found",
    "UNMEASURED QUALITY": "no score tells the quality, so nothing is proposed for export",
}


def latest_recommendation(weeks: Weeks) -> Recommendation | None:
    """Return the recommendation made last, None if there is none that can be read."""
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
    columns = [
        Column("request type", right=False),
        Column("route", right=False),
        Column("share %"),
        Column("today", right=False),
        Column("proposed", right=False),
        Column("$ per 1,000 operations"),
        Column("quality"),
        Column("n"),
        Column("verdict", right=False),
    ]
    rows = [type_row(kind) for kind in found["types"]]
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
    note = "; ".join(f"{v}: {MEANING[v]}" for v in verdicts if v in MEANING)
    table = Table(
        "recommendation",
        "What to route where",
        columns,
        [Body("", rows)],
        ["logscope recommend", weeks.command("latest_recommendation")],
        frame,
        f"{note}." if note else "",
    )
    return Section("routing", "Routing", [routing_lead(found)], [table])


def type_row(kind: Mapping[str, Any]) -> list[Cell]:
    current, proposed = kind.get("current") or {}, kind.get("proposed") or {}
    effects = kind.get("effects") or {}
    same = current == proposed
    verdict = str(kind.get("verdict") or "")
    return [
        Cell(words.name(kind.get("name"))),
        Cell(words.name(kind.get("route")) if kind.get("route") else words.DASH),
        Cell(words.percent(kind.get("share"), unit=False)),
        Cell(split(current)),
        Cell("the same" if same else split(proposed), tone="quiet" if same else ""),
        effect(effects.get("cost_usd"), 1000, lambda value: words.money(value, 2)),
        effect(effects.get("quality"), 1, lambda value: f"{value:.3f}".replace("-", words.MINUS)),
        Cell(words.count(kind.get("n"))),
        Cell(words.name(verdict), tone="worse" if verdict == "UNMEASURED QUALITY" else ""),
    ]


def split(weights: Mapping[str, Any]) -> str:
    """Return a split as `claude-opus-4-7 60 %, gpt-5.5 40 %`, the largest share first."""
    ordered = sorted(weights.items(), key=lambda item: (-float(item[1]), item[0]))
    return ", ".join(f"{words.name(m)} {float(w) * 100:.0f}{words.THIN}%" for m, w in ordered if w)


def effect(found: Mapping[str, Any] | None, scale: float, show: Any) -> Cell:
    """Return an effect with its interval, a dash where nothing may be said."""
    if not found or found.get("estimate") is None:
        return Cell(words.DASH)
    value = float(found["estimate"]) * scale
    text = words.signed(show(value), value)
    if found.get("low") is None or found.get("high") is None:
        return Cell(text)
    low, high = (float(found[end]) * scale for end in ("low", "high"))
    return Cell(text, f"{words.signed(show(low), low)} to {words.signed(show(high), high)}")


def routing_lead(found: Recommendation) -> Text:
    verdict = str(found.get("verdict") or "KEEP")
    counts: dict[str, int] = {}
    for kind in found["types"]:
        counts[str(kind.get("verdict"))] = counts.get(str(kind.get("verdict")), 0) + 1
    parts = [f"{words.plural(n, 'type')} {v}" for v, n in sorted(counts.items())]
    return (
        "The latest recommendation",
        f" ({words.name(found['config_id'])})" if found.get("config_id") else "",
        " says ",
        Strong(words.name(verdict)),
        f": {words.listed(parts)}.",
    )
