"""`logscope status`: what is in, which hours are covered, what is stale and unknown, and so impossible."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from logscope.output import render
from logscope.status import percent, status_screen
from logscope.store import Store
from tests.conftest import Bench, native
from tests.formats.test_otlp_genai import CURRENT, export, span


@pytest.fixture
def store(bench: Bench) -> Bench:
    """Ten requests of logscope's own format on 9 Nov, and an older span of 10 Nov 2025 (OTLP)."""
    hours = [0, 0, 1, 2, 6, 6, 7, 8, 9, 9]
    records = [
        native(f"r{number}", started_at=f"2026-11-09T{hour:02d}:15:00Z", session_id="s")
        for number, hour in enumerate(hours)
    ]
    for record in records[:4]:
        del record["ttft_ms"]
    records[0] |= {"model": "no-such-model", "provider": "acme"}
    records[1] |= {"model": "no-such-model", "provider": "acme", "service_tier": "priority"}
    del records[2]["output_tokens"]
    records[3] |= {"status": "error", "input_tokens": None, "output_tokens": None}
    records[5] |= {"model": None, "offsets_ms": [100, 200]}
    records[4] |= {"region": "eu-west-1", "task": "chat", "team": "shop"}
    bench.ingest(bench.write(records))
    bench.ingest(bench.write([{"request_id": "r5", "name": "good", "value": 1}], "scores.jsonl"))
    bench.ingest(bench.write([export(span("chat", CURRENT))], "spans.jsonl"))
    return bench


def rows(bench: Bench, query: str, **options: Any) -> list[dict[str, Any]]:
    return bench.logs.query(query, by=[], **options).to_dicts()


def test_what_is_unknown_is_counted_and_has_a_consequence(store: Bench) -> None:
    found = {row["unknown"]: row for row in rows(store, "unknowns", since="2026-11-09")}
    counts = {name: (row["requests"], row["of_requests"]) for name, row in found.items()}
    assert counts == {
        "ttft": (4, 10),
        "region": (9, 10),
        "task": (9, 10),
        "team": (9, 10),
        "model": (1, 9),  # the failed one is not asked
        "tokens": (1, 9),
        "price": (2, 7),  # of those that were ok and have a model and tokens
        "score": (9, 10),
    }
    assert all(row["makes_impossible"] and row["remedy"] for row in found.values())
    assert {row["mostly_from"] for row in found.values()} == {"native_requests"}


def test_a_score_of_a_session_is_one_of_its_requests(store: Bench) -> None:
    score = {"session_id": "s", "name": "good", "value": 0}
    store.ingest(store.write([score], "session_scores.jsonl"))
    assert "score" not in {row["unknown"] for row in rows(store, "unknowns", since="2026-11-09")}
    known = {row["format"]: row for row in store.logs.status().to_dicts()}
    assert known["native_requests"]["unknown_score"] == 0


def test_what_has_no_price_is_listed_by_provider_model_and_tier(store: Bench) -> None:
    found = [
        (row["provider"], row["model"], row["service_tier"], row["requests"], row["input_tokens"])
        for row in rows(store, "unpriced")
    ]
    assert found == [
        ("acme", "no-such-model", "priority", 1, 1000),
        ("acme", "no-such-model", "standard", 1, 1000),
    ]


def test_hours_without_requests(store: Bench) -> None:
    (gap,) = rows(store, "gaps", since="2026-11-09")
    assert (gap["starts_at"].hour, gap["ends_at"].hour, gap["hours"]) == (3, 6, 3)
    whole, own = rows(store, "coverage", since="2026-11-09")
    assert whole["format"] is None and own["format"] == "native_requests"
    # Hours 0, 1, 2, 6, 7, 8 and 9 of the ten from 0 to 9.
    assert (whole["hours"], whole["covered_hours"], whole["covered"]) == (10, 7, 0.7)
    assert (whole["longest_gap_hours"], whole["hours_behind"]) == (3, 0)


def test_a_format_that_ended_long_ago_is_stale(store: Bench) -> None:
    (stale,) = rows(store, "stale_files")
    assert (stale["format"], stale["requests"]) == ("otlp_genai", 1)
    # From 10 Nov 2025 10:00 to 9 Nov 2026 09:15: 363 days and 23 hours.
    assert stale["hours_behind"] == 363 * 24 + 23
    assert store.logs.query("stale_files", {"hours": 24 * 365}, by=[]).height == 0


def test_the_screen_is_short_and_leads_on(store: Bench) -> None:
    with (store.folder / "log.jsonl").open("a") as file:
        file.write(json.dumps(native("later")) + "\n")
    screen = status_screen(store.logs.status(), store.logs.store)
    lines = screen.splitlines()
    told = [line for line in lines if "duckdb -readonly" not in line and " · version " not in line]
    assert max(map(len, told)) <= 80 and len(lines) <= 36
    assert "12 records = 12 stored + 0 merged + 0 ignored + 0 rejected" in screen
    assert "otlp_genai 10 Nov" in screen
    assert "1 file since it was read" in screen and "log.jsonl" in screen
    assert "longest gap 8,725 hours, from 10 Nov 2025 11:00" in screen
    assert "No price for acme/no-such-model (priority), acme/no-such-model\n" in screen
    assert "no proof of quality, so no switch of models" in screen
    (see,) = (line for line in lines if line.startswith("See logscope query "))
    for name in see.removeprefix("See logscope query ").replace(" or ", ", ").split(", "):
        assert store.logs.query(name, by=[]).height > 0, name


def test_status_answers_in_rows_too(store: Bench) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "logscope", "status", "--store", store.logs.path, "--format", "json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = {row["format"]: row for row in json.loads(done.stdout)}
    assert set(found) == {"native_requests", "native_scores", "otlp_genai"}
    own = found["native_requests"]
    assert (own["requests"], own["unknown_ttft"], own["unknown_session"]) == (10, 0.4, 0)
    assert (own["unknown_cost"], own["unknown_price"]) == (
        pytest.approx(4 / 9),
        pytest.approx(2 / 9),
    )


def test_a_store_without_requests_has_a_status(bench: Bench) -> None:
    bench.ingest(bench.write([{"request_id": "r5", "name": "good", "value": 1}]))
    screen = status_screen(bench.logs.status(), bench.logs.store)
    assert "0 requests\n" in screen and "1 records = 1 stored" in screen
    assert "Unknown" not in screen


def test_a_share_is_never_rounded_to_none_or_all() -> None:
    assert [percent(share) for share in (None, 0, 0.001, 0.37, 0.999, 1)] == [
        "–", "0 %", "<1 %", "37 %", ">99 %", "100 %",
    ]  # fmt: skip


def test_a_file_that_is_gone_is_not_said_to_have_changed(store: Bench) -> None:
    Path(store.folder / "log.jsonl").unlink()
    assert "Changed" not in status_screen(store.logs.status(), store.logs.store)


def test_a_start_after_the_file_was_read_is_told(bench: Bench) -> None:
    """It is kept, and does not depend on a clock; nothing of the past is told."""
    bench.ingest(bench.write([native("past", started_at="2020-01-01T00:00:00Z")], "sound.jsonl"))
    assert rows(bench, "ahead") == []
    late = [native(f"r{n}", started_at=f"2098-12-2{n}T10:00:00Z") for n in (3, 4)]
    bench.ingest(bench.write([*late, native("p2", started_at="2020-01-02T00:00:00Z")], "odd.jsonl"))
    (row,) = rows(bench, "ahead")
    assert (Path(row["path"]).name, row["requests"]) == ("odd.jsonl", 2)
    assert row["last_at"].isoformat().startswith("2098-12-24T10:00:00")
    screen = status_screen(bench.logs.status(), Store(bench.logs.path))
    assert "Ahead     2 requests a day or more after being read: a wrong clock" in screen
    assert "odd.jsonl 24 Dec 2098" in screen


def test_what_helps_is_read_whole(store: Bench) -> None:
    frame = store.logs.query("unknowns", by=[])
    screen = render(frame, "table")
    assert frame.height >= 6
    assert [remedy for remedy in frame["remedy"] if remedy not in screen] == []
