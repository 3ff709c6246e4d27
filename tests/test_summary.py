"""The summary's sentences against SQL over the store, on generated weeks of five kinds.

The numbers that a sentence must tell are asked of the tables directly, not of the report's own queries.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from logscope.page import plain
from logscope.weekly import build_report
from tests.conftest import Bench, Row
from tests.test_report import MONDAY, START, week

PAIRS = [(m, r) for m in ("gpt-5.4", "gpt-5.5") for r in ("us-east-1", "eu-west-1")]
THIS, BEFORE = (
    "day between '2026-11-09' and '2026-11-15'",
    "day between '2026-11-02' and '2026-11-08'",
)
NARROW = "\N{NARROW NO-BREAK SPACE}"
INCIDENT_HOUR = 62  # of the week: Wednesday 14:00


@dataclass(frozen=True)
class Kind:
    """What the last of seven weeks is like; all others are alike but for chance."""

    requests: int = 120
    slower: float = 1.0
    incident: bool = False


KINDS = {
    "quiet": Kind(),
    "growth": Kind(requests=240),
    "regression": Kind(slower=1.4),
    "incident": Kind(incident=True),
    "empty": Kind(requests=0),
}


def logged(kind: Kind, seed: int) -> list[Row]:
    """Return seven weeks of requests of four pairs of model and region."""
    rng = np.random.default_rng(seed)
    rows = []
    for back in range(7):
        last = kind if back == 0 else Kind()
        for number, (model, region) in enumerate(PAIRS if last.requests else []):
            wave = 1 + 0.01 * (back % 3)
            first_ms = rng.lognormal(6, 0.4, last.requests) * wave
            part = week(
                last.requests,
                START - timedelta(7 * back),
                name=f"p{number}",
                model=model,
                region=region,
                task="chat",
            )
            for i, row in enumerate(part):
                slow = last.slower if number == 1 else 1.0
                failed = {"status": "error", "output_tokens": None} if i % 40 == 7 else {}
                rows.append({**row, "ttft_ms": round(first_ms[i] * slow, 1), **failed})
            if last.incident and number == 2:
                rows += throttled(model, region)
    return rows


def throttled(model: str, region: str) -> list[Row]:
    """Return ninety requests that were throttled within an hour and a half."""
    first = START + timedelta(hours=INCIDENT_HOUR)
    rows = week(90, name="q", model=model, region=region, status="throttled", output_tokens=None)
    return [
        {**row, "started_at": (first + timedelta(minutes=i)).isoformat()}
        for i, row in enumerate(rows)
    ]


@dataclass(frozen=True)
class Told:
    """The sentences of week 46 by the section they lead to, and the store to ask."""

    sentences: dict[str, list[str]]
    one: Callable[[str], Any]


@pytest.fixture(scope="module", params=list(KINDS))
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    name = request.param
    bench = Bench(tmp_path_factory.mktemp(name))
    bench.ingest(bench.write(logged(KINDS[name], seed=list(KINDS).index(name))))
    found: dict[str, list[str]] = {"kind": [name]}
    for sentence in build_report(bench.logs.store, MONDAY).summary:
        found.setdefault(sentence.section, []).append(plain(sentence.text))
    return Told(found, lambda sql: bench.rows(f"select {sql}")[0])


def money(text: str) -> float:
    return float(text.replace("$", "").replace(",", "").replace("\N{MINUS SIGN}", "-"))


def test_requests_cost_and_change_are_those_of_the_tables(told: Told) -> None:
    now = told.one(
        f"count(*) as n, count(distinct operation_id) as operations, sum(cost_usd) as usd "
        f"from requests where {THIS}"
    )
    if not now["n"]:
        [sentence] = told.sentences["data"]
        assert sentence.startswith("No request was logged in week 46")
        assert set(told.sentences) == {"kind", "data"}
        return
    before = told.one(f"sum(cost_usd) as usd from requests where {BEFORE}")
    first = told.sentences["cost"][0]
    found = re.fullmatch(
        r"Week 46 \(.*\): ([\d,]+) requests in ([\d,]+) operations cost (\$[\d.,]+), "
        rf"(?:(\$[\d.,]+) \(([\d.]+){NARROW}%\) (more|less) than|as much as) week 45\.",
        first,
    )
    assert found, first
    assert int(found[1].replace(",", "")) == now["n"]
    assert int(found[2].replace(",", "")) == now["operations"]
    assert money(found[3]) == pytest.approx(float(now["usd"]), abs=0.005)
    gap = float(now["usd"] - before["usd"])
    if found[4] is None:
        assert abs(gap) < 0.0005 * float(before["usd"])
    else:
        assert (money(found[4]), found[6]) == (
            pytest.approx(abs(gap), abs=0.005),
            "more" if gap > 0 else "less",
        )
        assert float(found[5]) == pytest.approx(100 * abs(gap) / float(before["usd"]), abs=0.051)


def test_the_causes_make_up_the_change_of_cost(told: Told) -> None:
    if "changes" not in told.sentences:
        assert told.sentences["kind"] == ["empty"]
        return
    usd = [
        float(told.one(f"coalesce(sum(cost_usd), 0) as usd from requests where {days}")["usd"])
        for days in (THIS, BEFORE)
    ]
    [sentence] = told.sentences["changes"]
    parts = [money(text) for text in re.findall("[+\N{MINUS SIGN}]\\$([\\d.,]*\\d)", sentence)]
    signs = re.findall("([+\N{MINUS SIGN}])\\$", sentence)
    total = sum(part if sign == "+" else -part for part, sign in zip(parts, signs, strict=True))
    if parts:
        assert total == pytest.approx(usd[0] - usd[1], abs=0.01 * len(parts) + 0.005 * usd[1])
    assert ("More paid requests" in sentence) == (told.sentences["kind"] == ["growth"])


def test_failed_operations_are_those_of_the_tables(told: Told) -> None:
    found = told.one(
        "count(*) as n, count(*) filter (where outcome not in ('ok', 'cancelled')) as failed "
        f"from operations where {THIS}"
    )
    for sentence in told.sentences.get("outcomes", [])[:1]:
        share = 100 * found["failed"] / found["n"]
        start = f"{found['failed']} operations ({share:.1f}{NARROW}%) failed after all retries"
        assert sentence.startswith(start)
    assert bool(found["n"]) == ("outcomes" in told.sentences)


def test_throttling_is_told_where_and_when_it_was(told: Told) -> None:
    [kind] = told.sentences["kind"]
    found = told.one(f"count(*) as n from requests where status = 'throttled' and {THIS}")
    said = [text for text in told.sentences.get("outcomes", []) if "throttled" in text]
    assert (found["n"], len(said)) == ((90, 1) if kind == "incident" else (0, 0))
    for sentence in said:
        assert sentence == (
            "All 90 throttled requests were gpt-5.5 in us-east-1, Wednesday 14:00–16:00."
        )


def test_only_the_slower_pair_is_called_slower(told: Told) -> None:
    [kind] = told.sentences["kind"]
    said = " ".join(told.sentences.get("latency", []))
    if kind == "empty":
        assert not said
    elif kind == "regression":
        assert said.count("became") == 1 and "gpt-5.4 became slower in eu-west-1" in said
        change = float(re.findall(rf"\+([\d.]+){NARROW}%", said)[0])
        # 1.4 times as long as before, up to chance: 120 requests a week, sigma 0.4.
        assert 20 < change < 65
    else:
        assert said.startswith("Nothing moved beyond noise: 4 pairs of model and region tested")


def test_what_is_not_known_is_counted(told: Told) -> None:
    if told.sentences["kind"] == ["empty"]:
        return
    counts = told.one(
        "count(*) as n, count(*) filter (where cost_usd is null and status = 'ok') as unpriced, "
        "count(*) filter (where team is null) as without_team, "
        f"count(*) filter (where region is null) as without_region from requests where {THIS}"
    )
    [sentence] = told.sentences["data"]
    assert counts["without_team"] == counts["n"] and "team of 100.0" in sentence
    assert counts["without_region"] == 0 and "region" not in sentence
    named = re.search("the cost of ([\\d,]+) answered request", sentence)
    assert (int(named[1].replace(",", "")) if named else 0) == counts["unpriced"]
