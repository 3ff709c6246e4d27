"""Plain CSV scores: whatever the two columns are called, 0 to 1 or rejected."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

IDS = ("request_id", "requestId", "response_id", "completion_id", "id", "trace_id")
NUMBERS = ("score", "value", "rating", "reward", "grade", "quality")


@pytest.mark.parametrize(("id_name", "number"), list(zip(IDS, NUMBERS, strict=True)))
def test_any_header(bench, id_name, number):
    bench.ingest(bench.write(f"{id_name},{number}\na,0.25\nb,1\n", "s.csv"))
    assert bench.counts == (2, 2, 0, 0, 0)
    rows = bench.rows("select * from scores order by request_id")
    assert [(row["request_id"], row["name"], row["value"]) for row in rows] == [
        ("a", number, 0.25),
        ("b", number, 1.0),
    ]


def test_yes_and_no_and_what_is_no_share(bench):
    lines = ["a,true", "b,False", "c,0", "d,5", "e,-0.1", "f,good", "g,", ",0.5"]
    bench.ingest(bench.write("id,score\n" + "\n".join(lines) + "\n", "s.csv"))
    assert bench.counts == (8, 3, 0, 1, 4)
    values = bench.rows("select request_id, value from scores order by request_id")
    assert [(row["request_id"], row["value"]) for row in values] == [("a", 1), ("b", 0), ("c", 0)]
    assert [reason for _, reason in bench.rejects()] == [
        "value outside 0 to 1",
        "value outside 0 to 1",
        "no readable value",
        "a score without an id",
    ]


def test_names_sources_times_and_sessions(bench):
    text = (
        "session_id,metric,score,source,created_at\n"
        "s-1,helpful,0.5,human,2026-11-04T10:00:00Z\n"
        "s-1,polite,0.75,human,2026-11-04T10:00:00Z\n"
    )
    bench.ingest(bench.write(text, "s.csv"))
    assert bench.counts == (2, 2, 0, 0, 0)
    first, second = bench.rows("select * from scores order by value")
    assert (first["session_id"], first["name"], first["source"]) == ("s-1", "helpful", "human")
    assert first["scored_at"] == datetime(2026, 11, 4, 10, tzinfo=UTC)
    assert second["name"] == "polite" and second["request_id"] is None


def test_the_latest_of_a_kind_counts(bench):
    text = "request_id,score,at\na,0.1,2026-11-04T10:00:00Z\na,0.9,2026-11-04T11:00:00Z\n"
    bench.ingest(bench.write(text, "s.csv"))
    assert bench.counts == (2, 1, 1, 0, 0)
    assert bench.rows("select value from scores")[0]["value"] == 0.9
