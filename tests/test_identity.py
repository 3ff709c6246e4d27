"""Identity: one row per request, whoever logged it, in whatever order; and what became part of what."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from logscope.kept import keep
from logscope.store import Store
from tests.conftest import Bench, Row, native

ROOT = Path(__file__).parent.parent
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
START = 1_762_768_800  # 2025-11-10 10:00:00 UTC


def span_id(name: str) -> str:
    return name.encode().hex().rjust(16, "0")[-16:]


def key(name: str, trace: str = TRACE) -> str:
    """The id of a span that nothing better stands for."""
    return f"{trace}:{span_id(name)}"


def span(
    name: str, parent: str = "", trace: str = TRACE, failed: bool = False, **names: Any
) -> Row:
    """A line of an OTLP file: one chat span of 2 s; `__` in a name stands for a dot."""
    values = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-5.4"} | names
    attributes = [
        {
            "key": name.replace("__", "."),
            "value": {"intValue": value} if isinstance(value, int) else {"stringValue": value},
        }
        for name, value in values.items()
    ]
    one = {
        "traceId": trace,
        "spanId": span_id(name),
        "parentSpanId": span_id(parent) if parent else "",
        "startTimeUnixNano": str(START * 10**9),
        "endTimeUnixNano": str((START + 2) * 10**9),
        "attributes": attributes,
        "status": {"code": 2} if failed else {},
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [one]}]}]}


def used(input_tokens: int, output_tokens: int) -> dict[str, int]:
    return {
        "gen_ai__usage__input_tokens": input_tokens,
        "gen_ai__usage__output_tokens": output_tokens,
    }


def litellm(**fields: Any) -> Row:
    """A StandardLoggingPayload: a call of 2 s, not streamed, of a newer version (with a call id)."""
    return {
        "id": "chatcmpl-1",
        "litellm_call_id": "0e03a76a-ef55-46e3-a494-27a9f94981ad",
        "trace_id": None,
        "call_type": "acompletion",
        "status": "success",
        "custom_llm_provider": "azure",
        "model": "gpt-5.4",
        "model_group": "smart",
        "api_base": "https://westeurope.api.cognitive.microsoft.com",
        "startTime": float(START),
        "completionStartTime": START + 2.0,
        "endTime": START + 2.0,
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "total_tokens": 1050,
        "response_cost": 0.01,
        "hidden_params": {},
        "metadata": {},
    } | fields


def without(record: Row, *names: str) -> Row:
    return {name: value for name, value in record.items() if name not in names}


def arrangements(bench: Bench, parts: dict[str, list[Any]]) -> list[Bench]:
    """Ingest files one by one, forwards and backwards, and all at once: a store for each way."""
    benches = []
    forwards = [[name] for name in parts]
    for number, way in enumerate([forwards, forwards[::-1], [list(parts)]]):
        one = Bench(bench.folder / f"way{number}")
        paths = {name: one.write(records, name) for name, records in parts.items()}
        for names in way:
            one.ingest(*(paths[name] for name in names))
        benches.append(one)
    return benches


def contents(bench: Bench, table: str = "requests") -> list[Row]:
    placed = ("requests", "parents", "streams", "scores")
    columns = "* exclude (file_id, line)" if table in placed else "*"
    return bench.rows(f"select {columns} from {table} order by all")


def counted(bench: Bench) -> dict[str, tuple[int, int, int]]:
    """Stored, merged and ignored records of every file; they add up, and the ledger agrees."""
    for check in ("records_add_up", "merges_are_kept", "one_row_per_request"):
        sql = (ROOT / "queries" / "checks" / f"{check}.sql").read_text()
        assert bench.rows(sql) == [], check
    return {
        Path(row["path"]).name: (row["stored"], row["merged"], row["ignored"])
        for row in bench.rows("select * from files order by path")
    }


def explained(bench: Bench) -> list[tuple[Any, ...]]:
    """The ledger as the named query gives it: file and line, why, by which id, into which record."""
    sql = ROOT / "queries" / "report" / "merged_records.sql"
    return [
        (
            Path(row["path"]).name,
            row["line"],
            row["outcome"],
            row["request_id"],
            row["shared_id"],
            row["into_path"] and Path(row["into_path"]).name,
            row["into_line"],
        )
        for row in bench.rows(sql.read_text())
    ]


def test_one_call_in_three_logs_is_one_row_with_the_fullest_columns(bench: Bench) -> None:
    """LiteLLM knows the price and the route, the span the conversation, the stream log its pauses."""
    parts = {
        "litellm.jsonl": [litellm()],
        # No response id: the span knows the proxy's call id, the stream log knows the span.
        "spans.jsonl": [
            span("call", gen_ai__conversation__id="conv-1", **{"litellm.call_id": litellm()["litellm_call_id"]})
        ],
        "streams.jsonl": [
            {"trace_id": TRACE, "span_id": span_id("call"), "offsets_ms": [250, 900, 2000],
             "started_at": START}
        ],
    }  # fmt: skip
    benches = arrangements(bench, parts)
    for one in benches:
        (row,) = contents(one)
        assert (row["request_id"], row["other_ids"]) == (
            "chatcmpl-1", sorted([litellm()["litellm_call_id"], key("call")])
        )  # fmt: skip
        assert (row["route"], row["session_id"], row["n_chunks"]) == ("smart", "conv-1", 3)
        assert (row["ttft_ms"], row["max_gap_ms"], row["input_tokens"]) == (250, 1100, 1000)
        assert [stream["request_id"] for stream in contents(one, "streams")] == ["chatcmpl-1"]
        counts = counted(one)
        assert counts["streams.jsonl"] == (1, 0, 0)
        assert sorted([counts["litellm.jsonl"], counts["spans.jsonl"]]) == [(0, 1, 0), (1, 0, 0)]
        ((_, line, outcome, request_id, shared, _, into_line),) = explained(one)
        assert (line, outcome, request_id, into_line) == (1, "merged", "chatcmpl-1", 1)
        assert shared == litellm()["litellm_call_id"]
    assert all(contents(one) == contents(benches[0]) for one in benches)


def test_no_version_takes_away_what_another_one_knew(bench: Bench) -> None:
    """Three views of one call: its beginning, its end, and the caller's."""
    whole = {"request_id": "r1", "model": "gpt-5.4", "started_at": "2026-11-09T10:00:00Z"}
    parts = {
        "begin.jsonl": [whole | {"input_tokens": 1000, "cache_read_tokens": 600, "output_tokens": 1,
                                 "labels": {"feature": "search", "app": "web"}}],
        "end.jsonl": [whole | {"output_tokens": 300, "reasoning_tokens": 200, "finish_reason": "stop",
                               "region": "api.openai.com", "labels": {"app": "shop", "k": "v"}}],
        "caller.jsonl": [whole | {"http_status": 200, "region": "eu-west-1", "status": "ok"}],
        "timeout.jsonl": [whole | {"http_status": 504, "error_type": "Timeout", "status": "error"}],
    }  # fmt: skip
    benches = arrangements(bench, parts)
    for one in benches:
        (row,) = contents(one)
        assert (row["input_tokens"], row["cache_read_tokens"]) == (1000, 600)
        assert (row["output_tokens"], row["reasoning_tokens"]) == (300, 200)
        assert (row["status"], row["http_status"], row["error_type"]) == ("ok", 200, None)
        assert (row["finish_reason"], row["region"]) == ("stop", "eu-west-1")
        assert row["labels"] == {"app": "web", "feature": "search", "k": "v"}
    assert all(contents(one) == contents(benches[0]) for one in benches)


def test_a_later_record_may_show_that_two_stored_requests_are_one(bench: Bench) -> None:
    """Only the third file knows that the response and the span are the same call."""
    parts = {
        "a.jsonl": [native("chatcmpl-1", session_id="s1"), native("other")],
        "b.jsonl": [
            without(native("", trace_id=TRACE, span_id=span_id("x"), route="smart"), "request_id")
        ],
        "c.jsonl": [native("chatcmpl-1", trace_id=TRACE, span_id=span_id("x"), task="chat")],
    }
    benches = arrangements(bench, parts)
    for one in benches:
        row, other = contents(one)
        assert (row["request_id"], row["other_ids"]) == ("chatcmpl-1", [key("x")])
        assert (row["session_id"], row["route"], row["task"]) == ("s1", "smart", "chat")
        assert (other["request_id"], other["other_ids"]) == ("other", None)
        counts = counted(one)
        assert [sum(column) for column in zip(*counts.values(), strict=True)] == [2, 2, 0]
    assert all(contents(one) == contents(benches[0]) for one in benches)
    assert counted(benches[0]) in (
        {"a.jsonl": (2, 0, 0), "b.jsonl": (0, 1, 0), "c.jsonl": (0, 1, 0)},
        {"a.jsonl": (1, 1, 0), "b.jsonl": (1, 0, 0), "c.jsonl": (0, 1, 0)},
    )


def test_scores_and_streams_follow_the_id_that_stands_for_their_request(bench: Bench) -> None:
    bench.ingest(bench.write([
        {"request_id": key("x"), "name": "correct", "value": 1},
        {"request_id": key("x"), "name": "correct", "value": 1, "at": "2026-11-09T12:00:00Z"},
    ], "scores.jsonl"))  # fmt: skip
    bench.ingest(bench.write([
        {"request_id": key("x"), "started_at": "2026-11-09T10:00:00Z", "offsets_ms": [1, 2]}
    ], "streams.jsonl"))  # fmt: skip
    bench.ingest(bench.write([native("chatcmpl-1", other_ids=[key("x")])], "requests.jsonl"))
    assert [row["request_id"] for row in contents(bench, "scores")] == ["chatcmpl-1"]
    assert [row["request_id"] for row in contents(bench, "streams")] == ["chatcmpl-1"]
    bench.ingest(bench.write([
        {"request_id": key("x"), "name": "tone", "value": 0.5},
        {"request_id": "chatcmpl-1", "name": "correct", "value": 1},
    ], "more.jsonl"))  # fmt: skip
    assert bench.counts == (2, 1, 1, 0, 0)
    assert {(row["request_id"], row["name"]) for row in contents(bench, "scores")} == {
        ("chatcmpl-1", "correct"), ("chatcmpl-1", "tone"),
    }  # fmt: skip


def test_streams_and_scores_that_turn_out_to_be_one_are_counted_anew(bench: Bench) -> None:
    """Two files tell of one stream and one score each, under ids that a third file joins."""
    stream = {"started_at": "2026-11-09T10:00:00Z", "offsets_ms": [1, 2]}
    score = {"name": "correct", "value": 1}
    parts = {
        "a.jsonl": [stream | {"request_id": "a"}],
        "b.jsonl": [stream | {"request_id": "b", "offsets_ms": [1, 2, 3]}],
        "a-scores.jsonl": [
            score | {"request_id": "a"},
            score | {"request_id": "a", "name": "tone"},
        ],
        "b-scores.jsonl": [score | {"request_id": "b", "value": 0}],
        "joins.jsonl": [native("a", other_ids=["b"])],
    }
    benches = arrangements(bench, parts)
    for one in benches:
        (row,) = contents(one, "streams")
        assert (row["request_id"], row["offsets_ms"]) == ("a", [1, 2, 3])
        assert [row["name"] for row in contents(one, "scores")] == ["correct", "tone"]
        counts = counted(one)
        assert sorted([counts["a.jsonl"], counts["b.jsonl"]]) == [(0, 1, 0), (1, 0, 0)]
        assert sum(counts[name][0] for name in ("a-scores.jsonl", "b-scores.jsonl")) == 2
        assert sum(counts[name][1] for name in ("a-scores.jsonl", "b-scores.jsonl")) == 1
        assert counts["joins.jsonl"] == (1, 0, 0)
        # The place that is kept is that of the record counted as stored.
        (place,) = one.rows("select path from streams join files using (file_id)")
        assert counts[Path(place["path"]).name] == (1, 0, 0)


def test_a_langfuse_score_finds_the_span_that_opentelemetry_logged(bench: Bench) -> None:
    score = {
        "id": "1", "name": "correct", "value": 1, "source": "API", "dataType": "NUMERIC",
        "timestamp": "2025-11-10T11:00:00Z", "traceId": TRACE, "observationId": span_id("call"),
    }  # fmt: skip
    bench.ingest(bench.write(json.dumps({"data": [score], "meta": {}}), "scores.json"))
    bench.ingest(bench.write([span("call", gen_ai__response__id="resp_7")], "spans.jsonl"))
    assert [row["request_id"] for row in contents(bench, "scores")] == ["resp_7"]


def test_a_span_is_known_by_its_trace_as_well(bench: Bench) -> None:
    bench.ingest(bench.write([
        span("a", **used(10, 5)), span("a", trace="f" * 32, **used(10, 5)), span("a", **used(10, 5)),
    ]))  # fmt: skip
    assert bench.counts == (3, 2, 1, 0, 0)
    assert {row["request_id"] for row in bench.rows()} == {key("a"), key("a", "f" * 32)}


def test_failed_attempts_of_the_proxy_meet_their_spans(bench: Bench) -> None:
    """Before 1.90 attempts share the call's id; only the start tells which span belongs to which."""
    call = litellm()["litellm_call_id"]
    failure = {"status": "failure", "id": call, "error_information": {"error_code": "429"}}
    first = span("first", failed=True, **{"litellm.call_id": call})
    bench.ingest(
        bench.write([
            without(litellm(**failure), "litellm_call_id"),
            without(litellm(**failure, startTime=START + 3.5), "litellm_call_id"),
            litellm(startTime=START + 9.0),
        ], "proxy.jsonl"),
        bench.write([first], "spans.jsonl"),
    )  # fmt: skip
    assert bench.counts == (4, 3, 1, 0, 0)
    rows = bench.rows("select * from requests order by started_at")
    assert [(row["request_id"], row["status"], row["other_ids"]) for row in rows] == [
        (f"{call}#{START}000", "throttled", [key("first")]),
        (f"{call}#{START + 3}500", "throttled", None),
        ("chatcmpl-1", "ok", [call]),
    ]


def test_a_call_that_failed_is_one_request_in_both_logs_of_the_proxy(bench: Bench) -> None:
    """Real records of four calls: two that failed, one that a fallback saved, one that succeeded.

    Its callback logs the first failure of a call, its table the end of a call that failed.
    """
    names = ("litellm_proxy_failures_standard.jsonl", "litellm_proxy_failures_spend_logs.jsonl")
    parts: dict[str, list[Any]] = {
        name: (ROOT / "tests" / "fixtures" / name).read_text().splitlines() for name in names
    }
    assert [len(lines) for lines in parts.values()] == [5, 4]
    benches = arrangements(bench, parts)
    for one in benches:
        rows = one.rows(
            "select route, status, http_status, duration_ms, attempt from requests order by started_at"
        )
        assert [tuple(row.values())[:3] for row in rows] == [
            ("bad", "throttled", 429),
            ("bad2", "throttled", 429),
            ("bad3", "error", 500),
            ("good", "ok", None),
            ("good", "ok", None),
        ]
        # From the call to its failure, both attempts inside: the table knows it, the callback not.
        assert rows[0]["duration_ms"] == pytest.approx(1607.09)
        assert one.rows("select count(*) as n, max(attempts) as most from operations") == [
            {"n": 4, "most": 2}
        ]
        counts = counted(one)
        assert [sum(column) for column in zip(*counts.values(), strict=True)] == [5, 4, 0]
    assert all(contents(one) == contents(benches[0]) for one in benches)


def test_langfuse_and_opentelemetry_tell_of_the_same_span(bench: Bench) -> None:
    observation = {
        "id": span_id("call"), "traceId": TRACE, "type": "GENERATION", "model": "gpt-5.4",
        "startTime": "2025-11-10T10:00:00Z", "endTime": "2025-11-10T10:00:02Z", "promptName": "triage",
        "usageDetails": {"input": 10, "output": 5, "total": 15},
    }  # fmt: skip
    # LiteLLM's own callback makes the id of the time and the response's id.
    by_proxy = observation | {"id": "time-10-00-00-000001_chatcmpl-1", "traceId": "t"}
    bench.ingest(
        bench.write([observation, by_proxy], "langfuse.jsonl"),
        bench.write([span("call", **used(10, 5), gen_ai__response__id="resp_7")], "spans.jsonl"),
        bench.write([litellm()], "proxy.jsonl"),
    )
    assert bench.counts == (4, 2, 2, 0, 0)
    rows = {row["request_id"]: row for row in bench.rows()}
    assert set(rows) == {span_id("call"), "chatcmpl-1"}
    assert rows[span_id("call")]["other_ids"] == sorted([key("call"), "resp_7"])


@pytest.mark.parametrize("shared", ["", "null"])
def test_an_id_that_says_nothing_joins_nothing(bench: Bench, shared: str) -> None:
    bench.ingest(bench.write([native("a", other_ids=[shared]), native("b", other_ids=[shared])]))
    assert bench.counts == (2, 2, 0, 0, 0)


def test_long_chains_of_shared_ids_are_one_request(bench: Bench) -> None:
    links = [native(f"r{n:03}", other_ids=[f"k{n:03}", f"k{n + 1:03}"]) for n in range(100)]
    bench.ingest(bench.write([*links[::2], native("alone")], "even.jsonl"))
    assert bench.counts == (51, 51, 0, 0, 0)
    bench.ingest(bench.write(links[1::2], "odd.jsonl"))
    assert bench.counts == (50, 0, 50, 0, 0)
    assert [row["request_id"] for row in contents(bench)] == ["alone", "k000"]
    assert counted(bench) == {"even.jsonl": (2, 49, 0), "odd.jsonl": (0, 50, 0)}


def agent(name: str, parent: str = "", usage: tuple[int, int] | None = None, **fields: Any) -> Row:
    """A record of logscope's own format that names its parent."""
    tokens = dict(zip(("input_tokens", "output_tokens"), usage or (None, None), strict=True))
    return native(name, parent_request_id=parent or None, **tokens, **fields)


def test_a_parent_is_taken_out_whenever_its_children_come(bench: Bench) -> None:
    """The planner's 30 and 12 tokens are those of the two calls it made; it was none itself."""
    parts = {
        "planner.jsonl": [agent("p", usage=(30, 12)), agent("p", usage=(30, 12)), native("free")],
        "first.jsonl": [agent("a", "p", usage=(10, 5))],
        "second.jsonl": [agent("b", "p", usage=(20, 7))],
    }
    benches = arrangements(bench, parts)
    for one in benches:
        assert [row["request_id"] for row in contents(one)] == ["a", "b", "free"]
        assert [row["request_id"] for row in contents(one, "parents")] == ["p"]
        assert counted(one) == {
            "planner.jsonl": (1, 0, 2), "first.jsonl": (1, 0, 0), "second.jsonl": (1, 0, 0),
        }  # fmt: skip
        assert explained(one) == [
            ("planner.jsonl", 1, "ignored: repeats its children", "p", "p", None, None),
            ("planner.jsonl", 2, "ignored: repeats its children", "p", "p", "planner.jsonl", 1),
        ]
    assert all(contents(one) == contents(benches[0]) for one in benches)


def test_a_parent_that_did_more_than_its_children_is_a_request_again(bench: Bench) -> None:
    bench.ingest(
        bench.write([agent("p", usage=(10, 5)), agent("a", "p", usage=(10, 5))], "1.jsonl")
    )
    assert bench.counts == (2, 1, 0, 1, 0)
    # The whole answer of the call: the parent's usage is not the sum of it.
    bench.ingest(
        bench.write([agent("a", "p", usage=(10, 80)), agent("p", usage=(10, 5))], "2.jsonl")
    )
    assert bench.counts == (2, 0, 2, 0, 0)
    assert [row["request_id"] for row in contents(bench)] == ["a", "p"]
    assert contents(bench, "parents") == []
    assert counted(bench) == {"1.jsonl": (2, 0, 0), "2.jsonl": (0, 2, 0)}
    # And back: another call of the parent makes up the difference.
    bench.ingest(
        bench.write([agent("p", usage=(30, 82)), agent("b", "p", usage=(20, 2))], "3.jsonl")
    )
    assert [row["request_id"] for row in contents(bench)] == ["a", "b"]
    assert counted(bench) == {"1.jsonl": (1, 0, 1), "2.jsonl": (0, 1, 1), "3.jsonl": (1, 0, 1)}


def test_a_span_around_a_call_is_none_in_another_file_either(bench: Bench) -> None:
    """The collector wrote the outer spans later: chain around wrapper around call, and a failed one."""
    parts = {
        "inner.jsonl": [
            span("call", "wrapper", **used(10, 5), gen_ai__response__id="chatcmpl-1"),
            span("failed", "around", failed=True),
        ],
        "outer.jsonl": [span("wrapper", "chain"), span("around", failed=True)],
        # The instrumentation counts the cache as well, so that the sums differ.
        "chain.jsonl": [span("chain", **used(17, 5)), span("other", **used(10, 5))],
    }
    benches = arrangements(bench, parts)
    for one in benches:
        assert {row["request_id"] for row in contents(one)} == {
            "chatcmpl-1", key("failed"), key("other"),
        }  # fmt: skip
        assert counted(one) == {
            "inner.jsonl": (2, 0, 0), "outer.jsonl": (0, 0, 2), "chain.jsonl": (1, 0, 1),
        }  # fmt: skip
    assert all(contents(one) == contents(benches[0]) for one in benches)


def step(name: str, parent: str = "") -> Row:
    """A span that calls no model: a handler, a tool, an HTTP request."""
    return span(name, parent, gen_ai__operation__name="execute_tool")


def test_the_way_to_the_parent_may_lead_through_spans_that_are_no_requests(bench: Bench) -> None:
    """Caller, gateway and proxy each write a file: call, HTTP request, handler, HTTP request, call."""
    parts = {
        "proxy.jsonl": [
            step("server", "out"),
            span("inner", "server", **used(10, 5), gen_ai__response__id="chatcmpl-1"),
        ],
        "gateway.jsonl": [step("out", "handler"), step("handler", "in"), step("in", "http")],
        "caller.jsonl": [
            span("outer", "chain", **used(12, 5), gen_ai__response__id="own-1"),
            step("http", "outer"),
            step("chain"),
            span("alone", "chain", **used(3, 1)),
        ],
    }
    benches = arrangements(bench, parts)
    for one in benches:
        assert [row["request_id"] for row in contents(one)] == [key("alone"), "chatcmpl-1"]
        assert [row["request_id"] for row in contents(one, "parents")] == ["own-1"]
        counts = counted(one)
        assert counts == {
            "proxy.jsonl": (1, 0, 1), "gateway.jsonl": (0, 0, 3), "caller.jsonl": (1, 0, 3),
        }  # fmt: skip
        assert len(contents(one, "spans")) == 5
    assert all(contents(one) == contents(benches[0]) for one in benches)
    assert all(contents(one, "spans") == contents(benches[0], "spans") for one in benches)


def test_spans_around_each_other_end_nowhere(bench: Bench) -> None:
    bench.ingest(bench.write([step("a", "b"), step("b", "a"), span("call", "a", **used(3, 1))]))
    assert bench.counts == (3, 1, 0, 2, 0)


def test_a_span_that_another_log_shows_to_be_a_call_is_the_parent(bench: Bench) -> None:
    """The proxy's log names the application's HTTP span as its own: a call between two calls."""
    by_proxy = litellm(
        id="chatcmpl-9", metadata={"requester_metadata": {"trace_id": TRACE, "span_id": span_id("http")}},
        prompt_tokens=10, completion_tokens=5, total_tokens=15,
    )  # fmt: skip
    parts = {
        "spans.jsonl": [
            span("outer", **used(99, 99)), step("http", "outer"), span("inner", "http", **used(10, 5)),
        ],
        "proxy.jsonl": [by_proxy],
    }  # fmt: skip
    benches = arrangements(bench, parts)
    for one in benches:
        assert [row["request_id"] for row in contents(one)] == [key("inner")]
        assert {row["request_id"] for row in contents(one, "parents")} == {
            "chatcmpl-9",
            key("outer"),
        }
        counted(one)


def operations(bench: Bench) -> list[tuple[str, int, str, str | None]]:
    return [
        (row["operation_id"], row["attempts"], row["outcome"], row["joined_by"])
        for row in bench.rows("select * from operations order by operation_id")
    ]


RULE = "rule: same session and prompt, ok within 60 s of the failure"


def asked(name: str, second: float, status: str = "ok", **fields: Any) -> Row:
    """A request of 1 s that began so many seconds after ten o'clock, with a prompt of 900 letters."""
    prompt = {
        "session_id": "s1",
        "prompt_chars": 900,
        "n_messages": 3,
        "system_prompt_hash": "f00d",
    }
    return native(
        name, started_at=START + second, duration_ms=1000.0, ttft_ms=None, status=status,
        **prompt | fields,
    )  # fmt: skip


def test_the_producers_marks_join_attempts(bench: Bench) -> None:
    bench.ingest(bench.write([
        asked("a", 0, "error", operation_id="o1", prompt_chars=None),
        asked("b", 200, operation_id="o1", prompt_chars=None),
        asked("c", 300, operation_id="o2"),
        asked("d", 400),
    ]))  # fmt: skip
    assert operations(bench) == [
        ("d", 1, "ok", None), ("o1", 2, "ok", "producer"), ("o2", 1, "ok", None),
    ]  # fmt: skip


def test_failures_join_the_next_success_with_the_same_prompt(bench: Bench) -> None:
    bench.ingest(bench.write([
        asked("f1", 0, "throttled"), asked("f2", 30, "error"), asked("ok", 61),
        # Nothing came of it; a later success is another question.
        asked("gave up", 100, "error"), asked("later", 161.5),
    ]))  # fmt: skip
    assert operations(bench) == [
        ("gave up", 1, "error", None), ("later", 1, "ok", None), ("ok", 3, "ok", RULE),
    ]  # fmt: skip
    assert [(row["request_id"], row["attempt"], row["joined_by"]) for row in bench.rows(
        "select * from requests where operation_id = 'ok' order by attempt"
    )] == [("f1", 1, RULE), ("f2", 2, RULE), ("ok", 3, None)]  # fmt: skip


def test_what_differs_is_not_joined(bench: Bench) -> None:
    differences: list[Row] = [
        {"session_id": "another"},
        {"session_id": None},
        {"prompt_chars": 901},
        {"prompt_chars": None},
        {"n_messages": 4},
        {"system_prompt_hash": None},
        {"prompt_questions": 2},
        {"status": "cancelled"},
        {"operation_id": "o1"},
    ]
    bench.ingest(bench.write([
        record
        for number, difference in enumerate(differences)
        for record in (
            asked(f"f{number}", 0, **{"status": "error", "session_id": f"s{number}"} | difference),
            asked(f"ok{number}", 5, session_id=f"s{number}"),
        )
    ]))  # fmt: skip
    assert [attempts for _, attempts, _, _ in operations(bench)] == [1] * 18


def test_a_failure_joins_an_operation_that_the_producer_marked(bench: Bench) -> None:
    """A success with marks: the caller's own retry of what a proxy had retried before."""
    bench.ingest(bench.write([
        asked("f", 0, "error"),
        asked("g", 20, "error", operation_id="o1"),
        asked("h", 30, operation_id="o1"),
    ]))  # fmt: skip
    assert operations(bench) == [("o1", 3, "ok", f"producer and {RULE}")]


def test_a_report_counts_the_same_operations(bench: Bench) -> None:
    bench.ingest(bench.write([asked("f", 0, "error"), asked("ok", 5), asked("other", 10)]))
    with closing(Store(bench.logs.path).connect()) as connection:
        keep(connection, None)
        assert connection.execute(
            "select attempts, count(*) from (select count(*) as attempts from kept group by "
            "operation_id) group by attempts order by attempts"
        ).fetchall() == [(1, 1), (2, 1)]


def test_a_retry_over_midnight_is_one_operation_of_the_second_day(bench: Bench) -> None:
    """The view reads one day before the days asked for."""
    midnight = 14 * 3600
    bench.ingest(bench.write([asked("f", midnight - 10, "error"), asked("ok", midnight + 10)]))
    with closing(Store(bench.logs.path).connect(date(2025, 11, 11))) as connection:
        assert connection.execute(
            "select operation_id, attempt from requests where day = '2025-11-11'"
        ).fetchall() == [("ok", 2)]
    assert operations(bench) == [("ok", 2, "ok", RULE)]


TIMES = ("ended_at", "first_token_at", "duration_ms", "ttft_ms", "ttft_visible_ms", "overhead_ms")


def times(**fields: Any) -> Row:
    """A request that began at ten o'clock UTC and tells no time but those given."""
    return (
        native("", ttft_ms=None, duration_ms=None) | {"started_at": "2026-11-09T10:00:00Z"} | fields
    )


def test_clock_problems_become_null_and_never_a_number(bench: Bench) -> None:
    """What is known of each: end (seconds after ten), first token, duration, TTFT; all in ms."""
    cases: list[tuple[Row, tuple[float | None, float | None, float | None, float | None]]] = [
        # The end is before the start: only what was measured by itself is known.
        (times(ended_at="2026-11-09T09:59:58Z"), (None, None, None, None)),
        (times(ended_at="2026-11-09T09:59:58Z", duration_ms=1500), (1500, None, 1500, None)),
        (times(duration_ms=-5, ttft_ms=-1), (None, None, None, None)),
        (times(duration_ms=-5, ended_at="2026-11-09T10:00:02Z"), (2000, None, 2000, None)),
        (times(duration_ms="NaN", ttft_ms="Infinity"), (None, None, None, None)),
        # The first token is before the start, or after the end.
        (times(first_token_at="2026-11-09T09:59:59Z", ended_at="2026-11-09T10:00:02Z"),
         (2000, None, 2000, None)),
        (times(first_token_at="2026-11-09T10:00:03Z", ended_at="2026-11-09T10:00:02Z"),
         (2000, None, 2000, None)),
        (times(ttft_ms=3000, duration_ms=2000), (2000, None, 2000, None)),
        (times(first_token_at="2026-11-09T10:00:00.5Z", ttft_ms=3000, duration_ms=2000),
         (2000, 500, 2000, 500)),
        # The start is in local time without saying so, the end tells its zone: 5 h and 2 s apart.
        (times(started_at="2026-11-09 05:00:00", ended_at="2026-11-09T10:00:02Z",
               first_token_at="2026-11-09T10:00:01+00:00"), (None, None, None, None)),
        (times(started_at="2026-11-09 05:00:00", ended_at="2026-11-09T10:00:02Z", duration_ms=2000),
         (2000, None, 2000, None)),
        # And the other way round; both in one zone, or in numbers, are sound.
        (times(ended_at="2026-11-09T15:00:02"), (None, None, None, None)),
        (times(started_at="2026-11-09 10:00:00", ended_at="2026-11-09 10:00:02"),
         (2000, None, 2000, None)),
        (times(started_at="2026-11-09T11:00:00+01:00", ended_at=1794218402), (2000, None, 2000, None)),
        # The end is an hour from what was measured: one of the clocks changed to winter time.
        (times(ended_at="2026-11-09T11:00:02Z", duration_ms=2000, first_token_at="2026-11-09T10:00:01Z"),
         (2000, 1000, 2000, 1000)),
        # Nothing takes a day.
        (times(ended_at="2026-11-10T10:00:02Z"), (None, None, None, None)),
        (times(first_token_at="2026-11-10T10:00:02Z"), (None, None, None, None)),
        (times(duration_ms=86_400_000), (None, None, None, None)),
        # What is part of the duration is not longer.
        (times(duration_ms=2000, overhead_ms=2500, ttft_visible_ms=2500), (2000, None, 2000, None)),
    ]  # fmt: skip
    bench.ingest(bench.write([
        record | {"request_id": f"{number:02}"} for number, (record, _) in enumerate(cases)
    ]))  # fmt: skip
    rows = bench.rows("select * from requests order by request_id")
    assert len(rows) == len(cases) == 19
    for number, (row, (_, expected)) in enumerate(zip(rows, cases, strict=True)):
        found = tuple(
            None if row[name] is None
            else (row[name] - row["started_at"]).total_seconds() * 1000 if name.endswith("_at")
            else row[name]
            for name in ("ended_at", "first_token_at", "duration_ms", "ttft_ms")
        )  # fmt: skip
        assert found == expected, number
        assert row["overhead_ms"] is None and row["ttft_visible_ms"] is None


def test_a_start_that_cannot_be_is_rejected_with_the_reason(bench: Bench) -> None:
    bench.ingest(bench.write([
        native("unset", started_at=0),
        native("in milliseconds", started_at=1_794_218_400_000),
        native("in the future", started_at="2126-11-09T10:00:00Z"),
        native("sound"),
    ]))  # fmt: skip
    assert bench.counts == (4, 1, 0, 0, 3)
    assert bench.rejects() == [
        (1, "start time before 2000 or after 2100"),
        (2, "no readable start time"),
        (3, "start time before 2000 or after 2100"),
    ]


def answer(tokens: int, message: str = "msg_1", line: int = 0, **fields: Any) -> Row:
    """A line of a Claude Code transcript: the same answer, as far as it was written by then."""
    return {
        "type": "assistant", "sessionId": "s1", "requestId": "req_1", "uuid": f"u{line}",
        "timestamp": f"2026-11-09T10:00:{line % 60:02}Z",
        "message": {
            "id": message, "role": "assistant", "model": "claude-opus-4-7",
            "stop_reason": None,
            "usage": {"input_tokens": 4, "cache_read_input_tokens": 100, "output_tokens": tokens},
        },
    } | fields  # fmt: skip


def test_partial_rows_of_an_answer_are_one_request_with_its_last_counts(bench: Bench) -> None:
    """91 lines per answer were seen; adding them up made 91 times the tokens, the first one too few."""
    lines = [answer(1 + line // 3, line=line) for line in range(90)] + [answer(412, line=91)]
    # A side chain copied the first lines, a resumed session all but the last.
    copies = [answer(1, line=line, isSidechain=True) for line in range(3)]
    resumed = [answer(1 + line // 3, line=line, sessionId="s2") for line in range(90)]
    parts = {
        "s1.jsonl": [*lines, answer(7, "msg_2", 95)], "agent.jsonl": copies, "s2.jsonl": resumed,
    }  # fmt: skip
    benches = arrangements(bench, parts)
    for one in benches:
        first, second = contents(one)
        assert (first["output_tokens"], first["input_tokens"]) == (412, 104)
        assert (second["request_id"], second["output_tokens"]) == ("msg_2", 7)
        assert [sum(column) for column in zip(*counted(one).values(), strict=True)] == [2, 183, 0]
    assert all(contents(one) == contents(benches[0]) for one in benches)


def test_every_format_at_once_counts_as_each_alone_and_every_merge_is_explained(
    bench: Bench,
) -> None:
    bench.ingest(ROOT / "sample_logs")
    account = {
        row["format"]: row for row in bench.rows("select * exclude (ingested_at) from files")
    }
    goldens = {
        path.stem: json.loads(path.read_text())["counts"]
        for path in (ROOT / "tests" / "golden" / "formats").glob("*.json")
    }
    assert set(account) == set(goldens) and len(goldens) >= 42
    moved = {}
    for name, alone in goldens.items():
        together = account[name]
        for fate in ("records", "ignored", "rejected"):
            assert together[fate] == alone[fate], (name, fate)
        assert together["stored"] + together["merged"] == alone["stored"] + alone["merged"], name
        moved[together["path"]] = together["merged"] - alone["merged"]
    # What a file alone would store and all together merge lies in the ledger, into another file.
    sql = ROOT / "queries" / "report" / "merged_records.sql"
    ledger = [row for row in bench.rows(sql.read_text()) if row["outcome"] == "merged"]
    assert len(ledger) == sum(row["merged"] for row in account.values()) == 71
    across = Counter(row["path"] for row in ledger if row["path"] != row["into_path"])
    assert across == Counter({path: n for path, n in moved.items() if n})
    ids = {
        row["request_id"]: {row["request_id"], *(row["other_ids"] or [])}
        for row in bench.rows("select request_id, other_ids from requests")
    }
    requests = [row for row in ledger if row["record"] == "request"]
    assert requests and all(row["shared_id"] in ids[row["request_id"]] for row in requests)
    counted(bench)
