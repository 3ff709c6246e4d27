"""Charts: specifications as goldens, drawn completely, in colours that everybody can tell apart."""

from __future__ import annotations

import itertools
import json
import re
import xml.etree.ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from logscope import charts, latency_charts
from logscope.chart_data import Spec
from logscope.drawing import (
    Artist,
    artist,
    begin_drawing,
    draw,
    drawing,
    drawn_beside,
    has_artist,
    vega_scripts,
)

GOLDENS = Path(__file__).parent / "golden" / "charts"
MODELS = ("claude-opus-4-7", "gpt-5.5")
COLOURS = charts.colours(MODELS, MODELS)
DAYS = ("Mon 9", "Tue 10", "Wed 11", "Thu 12", "Fri 13", "Sat 14", "Sun 15")


def rows(**columns: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(columns)


def pairs() -> pl.DataFrame:
    """Two models in one region, two weeks, p50 and p95; one number without an interval."""
    found = [
        {
            "pair": f"{model} · eu",
            "model": model,
            "week": week,
            "level": level,
            "n": 100,
            "value_ms": base * (2 if level == "p95" else 1),
            "low_ms": None if (model, level) == ("gpt-5.5", "p95") else base * 0.9,
            "high_ms": None if (model, level) == ("gpt-5.5", "p95") else base * 1.2,
        }
        for model, base in zip(MODELS, (600.0, 450.0), strict=True)
        for week in ("W46", "W45")
        for level in ("p50", "p95")
    ]
    return pl.DataFrame(found, infer_schema_length=None)


def curve(x: str, **more: list[Any]) -> pl.DataFrame:
    values = [100.0, 200.0, 400.0]
    return pl.DataFrame(
        {
            "model": [model for model in MODELS for _ in values],
            x: values * 2,
            "share": [1.0, 0.5, 0.1, 1.0, 0.3, 0.0],
            "n": [60] * 6,
            **more,
        }
    )


CHARTS: dict[str, Callable[[bool], Spec]] = {
    "cost_by_day": lambda narrow: charts.cost_by_day(
        rows(day=["Mon 9", "Mon 9", "Tue 10"], model=[*MODELS, "other"], cost_usd=[5.0, 3.5, 7.25]),
        rows(day=["Mon 9", "Tue 10"], cost_usd=[6.0, 6.5]),
        COLOURS,
        DAYS,
        "W45",
        narrow,
    ),
    "bridge": lambda narrow: charts.bridge(
        rows(
            label=["paid requests", "caching", "W46 against W45"],
            start=[0.0, 8.0, 0.0],
            end=[8.0, 6.0, 6.0],
            kind=["more", "less", "total"],
            text=["+$8", "-$2", "+$6"],
        ),
        narrow,
    ),
    "coverage": lambda narrow: charts.coverage(
        rows(
            row=[0, 0, 1, 1],
            format=["litellm", "litellm", "otlp", "otlp"],
            hour=[0, 1, 0, 1],
            n=[1, 2, 0, 4],
            height=[0.4, 0.8, 0.0, 0.8],
        ),
        DAYS,
        narrow,
    ),
    "outcome_hours": lambda narrow: charts.outcome_hours(
        rows(day=["Mon 9", "Wed 11"], hour=[3, 14], failed=[4, 100], n=[40, 200], share=[0.1, 0.5]),
        DAYS,
        narrow,
    ),
    "error_budget": lambda narrow: charts.error_budget(
        rows(
            objective=["voice", "chat"],
            used=[4.7, 0.5],
            goal=[0.95, 0.97],
            goodput=[0.76, 0.985],
            operations=[1000, 2000],
        ),
        narrow,
    ),
    "cost_per_success": lambda narrow: charts.cost_per_success(
        rows(
            task=["chat", "chat"],
            model=list(MODELS),
            usd=[0.02, 0.01],
            low_usd=[0.018, None],
            high_usd=[0.022, None],
            succeeded=[100, 30],
        ),
        COLOURS,
        narrow,
    ),
    "ttft_dots": lambda narrow: latency_charts.ttft_dots(pairs(), COLOURS, ("W46", "W45"), narrow),
    "stream_pauses": lambda narrow: latency_charts.stream_pauses(
        curve("pause_ms"), COLOURS, 1000.0, narrow
    ),
    "ttft_curves": lambda narrow: latency_charts.ttft_curves(
        curve("ms", task=["chat"] * 3 + ["voice"] * 3), COLOURS, {"voice": 300.0}, narrow
    ),
    "by_tokens": lambda narrow: latency_charts.by_tokens(
        curve("tokens", time=[1.0, 2.0, 4.0] * 2), COLOURS, ("output tokens", "s"), narrow
    ),
    "under_load": lambda narrow: latency_charts.under_load(
        curve(
            "ttft_p95_ms",
            from_in_flight=[1, 2, 4] * 2,
            in_flight=["1", "2–3", "4–7"] * 2,
            throttled=[0.0, 0.1, 0.2] * 2,
        ),
        COLOURS,
        narrow,
    ),
}


@pytest.mark.parametrize("name", sorted(CHARTS))
@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_a_chart_is_what_it_was(
    name: str, narrow: bool, golden: Callable[[Path, Any], None]
) -> None:
    spec = CHARTS[name](narrow)
    suffix = "_narrow" if narrow else ""
    golden(GOLDENS / f"{name}{suffix}.vl.json", spec)
    assert CHARTS[name](narrow) == spec


def test_every_golden_has_a_chart() -> None:
    found = {path.name.removesuffix(".vl.json") for path in GOLDENS.glob("*.vl.json")}
    assert found == {f"{name}{end}" for name in CHARTS for end in ("", "_narrow")}
    assert len(found) >= 22


@pytest.mark.parametrize("name", sorted(CHARTS))
@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_a_chart_is_drawn_whole(name: str, narrow: bool) -> None:
    svg = draw(CHARTS[name](narrow), "wide")
    tree = xml.etree.ElementTree.fromstring(svg)
    width = float(tree.attrib["viewBox"].split()[2])
    assert width <= (372 if narrow else 1000)
    assert len(svg) < 40_000
    assert "NaN" not in svg and "undefined" not in svg
    marks = [node for node in tree.iter() if "role-mark" in node.attrib.get("class", "")]
    assert any(len(mark) for mark in marks)
    assert not [key for node in tree.iter() for key in node.attrib if key.startswith("on")]


def test_text_in_a_drawing_stays_as_it_is() -> None:
    name = 'gpt-5.123456 role="x" <b>&'
    frame = rows(day=["Mon 9"], model=[name], cost_usd=[1.0])
    spec = charts.cost_by_day(frame, frame.clear(), {}, DAYS, "W45")
    svg = draw(spec, "wide")
    texts = ["".join(node.itertext()) for node in xml.etree.ElementTree.fromstring(svg).iter()]
    assert name in texts
    assert draw(spec, "wide") == svg


def test_what_is_drawn_beside_is_what_is_drawn_here() -> None:
    specs = [CHARTS[name](narrow) for name in sorted(CHARTS)[:3] for narrow in (False, True)]
    here = [drawing(spec) for spec in specs]
    vega_scripts.cache_clear()
    with drawn_beside():
        scripts = vega_scripts()
        assert "vegaEmbed" in scripts and len(scripts) > 500_000
        for spec in [*specs, {"$schema": "no/v5.20", "mark": "nothing"}]:
            begin_drawing(spec)
        beside = [answer for asked, answer in artist().begun.items() if asked != Artist.SCRIPTS]
        assert [drawing(spec) for spec in specs] == here
        assert [answer.result() for answer in beside] == [*here, ""]
        # Where the process is gone, what was begun there is drawn here.
        artist().process.kill()
        for spec in specs:
            begin_drawing(spec)
        assert [drawing(spec) for spec in specs] == here
    assert not has_artist()


def test_a_colour_stays_whatever_comes_later_and_costs_more() -> None:
    old = [f"model-{letter}" for letter in "gfedc"]
    first, second = charts.PALETTE[:2]
    found = charts.colours(sorted(old), old)
    assert (found["model-g"], found["model-f"]) == (first, second)
    newer = charts.colours(["model-a", "model-b", *old], [*old, "model-b", "model-a"])
    assert {name: newer[name] for name in old} == found
    assert len(set(newer.values())) == len(charts.PALETTE) == len(newer)
    # The eighth takes what is free: what it would have is the oldest one's, unless that is gone.
    eighth = [*old, "model-b", "model-a", "model-0"]
    assert charts.colours(["model-g", "model-0"], eighth)["model-0"] == second
    assert charts.colours(["model-0"], eighth) == {"model-0": first}


def linear(colour: str) -> NDArray[np.float64]:
    """Return linear RGB from #RRGGBB."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return CIELAB of linear RGB (D65)."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Machado, Oliveira and Fernandes (2009), severity 1.
VISION = {
    "usual": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


@pytest.mark.parametrize("vision", sorted(VISION))
def test_colours_can_be_told_apart(vision: str) -> None:
    seen = {colour: lab(VISION[vision] @ linear(colour)) for colour in charts.PALETTE}
    nearest = min(
        (float(np.linalg.norm(seen[a] - seen[b])), a, b)
        for a, b in itertools.combinations(charts.PALETTE, 2)
    )
    assert nearest[0] > 12, nearest


@pytest.mark.parametrize("ground", ["#FFFFFF", "#14171B"])
def test_colours_stand_out_from_the_ground(ground: str) -> None:
    def luminance(colour: str) -> float:
        return float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour))

    for colour in (*charts.PALETTE, charts.OTHERS, charts.ALARM):
        light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 2.2, colour


def test_the_style_knows_the_colours_it_changes_in_the_dark() -> None:
    css = (Path(charts.__file__).parent / "report.css").read_text()
    for colour in (charts.INK, charts.MUTED, charts.PAPER):
        assert re.search(rf'\[(fill|stroke)="{colour}"\]', css), colour
    assert json.dumps(charts.CONFIG)
