"""OpenAI usage pages: aggregates become bills, each once, whatever the grouping of files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FIXTURE = Path(__file__).parent.parent / "fixtures" / "openai_usage_completions_page.json"
DAY = 1793750400  # 2026-11-04T00:00:00Z


def result(**changes: Any) -> dict[str, Any]:
    """One result grouped by model: 1000 = 400 cached + 100 written + 500."""
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": 1000,
        "input_cached_tokens": 400,
        "input_cache_write_tokens": 100,
        "input_uncached_tokens": 500,
        "output_tokens": 500,
        "num_model_requests": 5,
        "project_id": None,
        "user_id": None,
        "api_key_id": None,
        "model": "gpt-5.5-2026-03-05",
        "batch": None,
        "service_tier": None,
    } | changes


def usage_page(*results: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A page with an empty bucket before the one that holds the results."""
    empty = {"object": "bucket", "start_time": DAY - 86400, "end_time": DAY, "results": []}
    full = {"object": "bucket", "start_time": DAY, "end_time": DAY + 86400, "results": results}
    return {"object": "page", "data": [empty, full | changes], "has_more": False, "next_page": None}


def bills(bench: Any) -> list[dict[str, Any]]:
    return bench.rows("select * from bills order by starts_at, model, labels::varchar, project")


def test_the_documented_page(bench):
    bench.ingest(FIXTURE)
    assert bench.counts == (1, 1, 0, 0, 0)
    (bill,) = bills(bench)
    assert (bill["provider"], bill["model"], bill["kind"]) == ("openai", None, "usage")
    assert bill["starts_at"] == datetime(2024, 11, 1, tzinfo=UTC)
    assert bill["ends_at"] == datetime(2024, 11, 2, tzinfo=UTC)
    assert (bill["input_uncached_tokens"], bill["cache_read_tokens"]) == (500, 400)
    assert (bill["cache_write_unknown_tokens"], bill["input_tokens"]) == (100, 1000)
    assert (bill["output_tokens"], bill["requests"]) == (500, 5)
    assert bill["cost_usd"] is None and bill["output_text_tokens"] is None, "unknown is not 0"
    assert bench.rows() == [], "an aggregate is no request"


def test_an_older_page_without_the_uncached_count(bench):
    old = result(input_cache_write_tokens=None, input_uncached_tokens=None)
    bench.ingest(bench.write([usage_page(old)]))
    assert bench.counts == (2, 1, 0, 1, 0)
    (bill,) = bills(bench)
    assert (bill["input_uncached_tokens"], bill["input_tokens"]) == (600, 1000)  # 1000 - 400
    assert bill["cache_write_unknown_tokens"] is None
    assert (bill["model"], bill["model_logged"]) == ("gpt-5.5", "gpt-5.5-2026-03-05")


def test_every_grouping_key_tells_bills_apart(bench):
    bench.ingest(bench.write([
        usage_page(
            result(),
            result(project_id="proj_a"),
            result(api_key_id="key_1"),
            result(user_id="user-jane"),
            result(batch=True),
            result(service_tier="flex"),
            result(model="gpt-5.5-2026-08-01"),
            result(),
        )
    ]))  # fmt: skip
    assert bench.counts == (9, 7, 1, 1, 0)
    rows = bills(bench)
    assert len(rows) == 7 and {row["model"] for row in rows} == {"gpt-5.5"}
    assert {row["service_tier"] for row in rows} == {None, "batch", "flex"}
    assert "jane" not in json.dumps([row["labels"] for row in rows])


def test_a_bucket_that_was_still_filling_is_replaced(bench):
    early = usage_page(result(num_model_requests=2, input_tokens=100, input_uncached_tokens=100,
                              input_cached_tokens=0, input_cache_write_tokens=0))  # fmt: skip
    bench.ingest(bench.write([early], "a.json"))
    bench.ingest(bench.write([usage_page(result())], "b.json"))
    assert bench.counts == (2, 0, 1, 1, 0)
    (bill,) = bills(bench)
    assert (bill["requests"], bill["input_tokens"]) == (5, 1000)
    bench.ingest(bench.write([early, usage_page(result(), has_more=True)], "c.jsonl"))
    assert bills(bench) == [bill], "the earlier version again changes nothing"


def test_order_does_not_matter(bench):
    from tests.conftest import Bench

    small, large = usage_page(result(num_model_requests=1)), usage_page(result())
    told = []
    for number, pages in enumerate([(small, large), (large, small)]):
        other = Bench(bench.folder / str(number))
        other.ingest(other.write(list(pages)))
        assert other.counts == (4, 1, 1, 2, 0)
        told.append(bills(other))
    assert told[0] == told[1] and told[0][0]["requests"] == 5


def test_other_endpoints_and_buckets_of_their_own(bench):
    bucket = usage_page(result(object="organization.usage.embeddings.result", output_tokens=None))
    stored = {"object": "organization.usage.vector_stores.result", "usage_bytes": 1024}
    bench.ingest(bench.write([bucket["data"][1], usage_page(stored)["data"][1]]))
    assert bench.counts == (2, 1, 0, 1, 0)
    (bill,) = bills(bench)
    assert bill["labels"] == {"usage": "embeddings"} and bill["output_tokens"] is None


def test_what_cannot_be(bench):
    nothing = dict.fromkeys(result())
    bench.ingest(bench.write([
        usage_page(result(), start_time=None),
        usage_page(result(), end_time=DAY),
        usage_page(nothing),
        "{broken",
    ]))  # fmt: skip
    assert bench.counts == (7, 0, 0, 3, 4)
    assert bench.rejects() == [
        (1, "no readable time bucket"),
        (2, "no readable time bucket"),
        (3, "no readable number"),
        (4, "not JSON"),
    ]
