"""Agents on one's own machine: Claude Code, Codex, OpenCode, and the SQLite log of `llm`."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent.parent / "fixtures"
AT = "2026-11-10T12:00:00.000Z"


def said(name: str, output: int, stop: str | None = None, **changes: Any) -> dict[str, Any]:
    """One line of a Claude Code session: a part of the answer `name`."""
    message = {
        "id": name, "type": "message", "role": "assistant", "model": "claude-opus-4-7",
        "content": [{"type": "text", "text": "..."}], "stop_reason": stop,
        "usage": {"input_tokens": 4, "cache_read_input_tokens": 100,
                  "cache_creation_input_tokens": 30, "output_tokens": output},
    }  # fmt: skip
    return {"type": "assistant", "sessionId": "s-1", "requestId": f"req-{name}", "timestamp": AT,
            "uuid": "u", "cwd": "/home/jane/shop", "message": message} | changes  # fmt: skip


def test_the_fullest_line_of_an_answer_counts(bench):
    bench.ingest(bench.write([
        said("msg_1", 2),
        said("msg_1", 311, "tool_use", timestamp="2026-11-10T12:00:04.000Z"),
        said("msg_1", 2, timestamp="2026-11-10T12:00:02.000Z"),
        said("msg_2", 9, "end_turn"),
    ]))  # fmt: skip
    assert bench.counts == (4, 2, 2, 0, 0)
    first, _ = bench.rows()
    assert (first["output_tokens"], first["finish_reason"]) == (311, "tool_use")
    assert first["started_at"] == datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
    assert (first["duration_ms"], first["ttft_ms"]) == (None, None)
    assert (first["input_tokens"], first["input_uncached_tokens"]) == (134, 4)
    assert first["labels"]["project"] == "shop", "the folder, not the path with a name in it"
    # A resumed session copies old lines into a new file.
    bench.ingest(bench.write([said("msg_1", 311, "tool_use", sessionId="s-2")], "resumed.jsonl"))
    assert bench.counts == (1, 0, 1, 0, 0)


def test_lines_that_are_no_entries(bench):
    """19 lines: 4 answers; a text, a number and a list are no objects, one object is no entry."""
    bench.ingest(FIXTURES / "claude_code_edge_cases.jsonl")
    lines = (FIXTURES / "claude_code_edge_cases.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    calls = [item for item in records if isinstance(item, dict) and item.get("type") == "assistant"]
    assert (len(records), len(calls)) == (19, 4)
    assert bench.counts == (19, 4, 0, 11, 4)
    assert [reason for _, reason in bench.rejects()] == [
        "not JSON", "no entry of a session", "not JSON", "not JSON",
    ]  # fmt: skip
    tokens = {
        row["request_id"]: (row["input_tokens"], row["output_tokens"]) for row in bench.rows()
    }
    assert tokens["edge_004"] == (200, 25)
    assert tokens["msg_004"] == (168, 85)


def test_lines_without_a_type(bench):
    bench.ingest(FIXTURES / "claude_code_session_alpha.jsonl")
    assert bench.counts == (3, 3, 0, 0, 0)
    row = bench.rows()[0]
    assert row["input_tokens"] == 100 + 25 + 10
    assert (row["cache_write_unknown_tokens"], float(row["logged_cost_usd"])) == (25, 0.12)


def test_errors_are_calls_of_no_model(bench):
    synthetic = {"id": "x", "model": "<synthetic>", "role": "assistant",
                 "content": [{"type": "text", "text": "API Error: 529 overloaded"}],
                 "usage": {"input_tokens": 0, "output_tokens": 0}}  # fmt: skip
    bench.ingest(bench.write([
        said("a", 0, message=synthetic, isApiErrorMessage=True),
        said("b", 0, message=synthetic | {"id": "y"}),
    ]))  # fmt: skip
    assert bench.counts == (2, 1, 0, 1, 0)
    (row,) = bench.rows()
    assert (row["status"], row["http_status"], row["model"]) == ("throttled", 529, None)
    assert row["output_tokens"] is None


def count(at: str, last: list[int] | None, total: list[int]) -> dict[str, Any]:
    """A token_count event: input, cached, output, reasoning; last may be left out."""
    keys = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
    info: dict[str, Any] = {
        "total_token_usage": dict(zip(keys, total, strict=True))
        | {"total_tokens": total[0] + total[2]}
    }
    if last:
        info["last_token_usage"] = dict(zip(keys, last, strict=True))
    return {"timestamp": at, "type": "event_msg", "payload": {"type": "token_count", "info": info}}


def test_codex_counts_once_and_knows_the_turns_model(bench):
    meta = {"timestamp": AT, "type": "session_meta",
            "payload": {"id": "s-1", "cwd": "/home/jane/shop", "cli_version": "1"}}  # fmt: skip

    def turn(model: str) -> dict[str, Any]:
        return {"timestamp": AT, "type": "turn_context", "payload": {"model": model}}

    limits = {"timestamp": AT, "type": "event_msg",
              "payload": {"type": "token_count", "info": None}}  # fmt: skip
    bench.ingest(bench.write([
        meta,
        turn("gpt-5.4"),
        count("2026-11-10T12:00:01Z", [1000, 0, 100, 60], [1000, 0, 100, 60]),
        count("2026-11-10T12:00:02Z", [1000, 0, 100, 60], [1000, 0, 100, 60]),
        limits,
        turn("gpt-5.5"),
        # Without the last usage: 3000 - 1000, 900 - 0, 150 - 100, 70 - 60.
        count("2026-11-10T12:00:03Z", None, [3000, 900, 150, 70]),
        "{broken",
    ]))  # fmt: skip
    assert bench.counts == (8, 2, 0, 5, 1)
    first, second = bench.rows()
    assert (first["model"], first["session_id"]) == ("gpt-5.4", "s-1")
    assert (first["output_tokens"], first["reasoning_tokens"]) == (100, 60)
    assert (second["model"], second["input_tokens"], second["cache_read_tokens"]) == (
        "gpt-5.5", 2000, 900,
    )  # fmt: skip
    assert (second["output_tokens"], second["output_text_tokens"]) == (50, 40)
    # A sub-agent's file begins with a copy of its parent's counts.
    bench.ingest(bench.write([
        meta | {"payload": {"id": "s-2"}},
        turn("gpt-5.4"),
        count("2026-11-10T12:00:01Z", [1000, 0, 100, 60], [1000, 0, 100, 60]),
    ], "child.jsonl"))  # fmt: skip
    assert bench.counts == (3, 0, 1, 2, 0)


def test_two_codex_sessions_in_one_ingest_do_not_mix(bench):
    def session(model: str, at: str) -> list[dict[str, Any]]:
        return [
            {"timestamp": AT, "type": "turn_context", "payload": {"model": model}},
            count(at, [10, 0, 5, 0], [10, 0, 5, 0]),
        ]

    one = bench.write(session("gpt-5.4", "2026-11-10T12:00:01Z"), "one.jsonl")
    two = bench.write(session("gpt-5.5", "2026-11-10T12:00:02Z"), "two.jsonl")
    bench.ingest(one, two)
    assert sorted(row["model"] for row in bench.rows()) == ["gpt-5.4", "gpt-5.5"]


def test_the_codex_fixture_adds_reasoning_to_its_total(bench):
    """Its total is wrong; reasoning is inside the output all the same."""
    bench.ingest(FIXTURES / "codex_session_alpha.jsonl")
    assert bench.counts == (3, 2, 0, 1, 0)
    first, second = bench.rows()
    assert (first["input_tokens"], first["output_tokens"], first["model"]) == (
        1000, 125, "gpt-5.2-codex",
    )  # fmt: skip
    assert (second["input_tokens"], second["cache_read_tokens"]) == (2500, 500)
    assert (second["output_text_tokens"], second["model"]) == (100, "gpt-5.3-codex")


def test_opencode_counts_everything_apart(bench):
    message = {
        "id": "msg_1", "sessionID": "ses_1", "role": "assistant", "parentID": "msg_0",
        "time": {"created": 1794312000250, "completed": 1794312002250}, "providerID": "openai",
        "modelID": "gpt-5.5", "cost": 0.025, "mode": "build",
        "tokens": {"input": 700, "output": 55, "reasoning": 640,
                   "cache": {"read": 2048, "write": 0}},
    }  # fmt: skip
    nothing = {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}
    aborted = {"name": "MessageAbortedError", "data": {}}
    bench.ingest(
        bench.write(json.dumps(message, indent=2), "a/msg_1.json"),
        bench.write(json.dumps(message | {"id": "msg_2", "tokens": nothing, "error": aborted}),
                    "a/msg_2.json"),
        bench.write(json.dumps({"id": "u", "sessionID": "ses_1", "role": "user",
                                "time": {"created": 1794312000000}}), "a/msg_0.json"),
    )  # fmt: skip
    assert bench.counts == (3, 2, 0, 1, 0)
    rows = {row["request_id"]: row for row in bench.rows()}
    row = rows["msg_1"]
    assert (row["duration_ms"], row["session_id"], row["operation_id"]) == (2000, "ses_1", "msg_0")
    assert (row["input_tokens"], row["output_tokens"]) == (2748, 695)
    assert (row["output_text_tokens"], row["reasoning_tokens"]) == (55, 640)
    assert (rows["msg_2"]["status"], rows["msg_2"]["input_tokens"]) == ("cancelled", None)


def database(path: Path, *rows: dict[str, Any]) -> Path:
    """Write a log of `llm` with a table beside it, and a blob that no JSON can hold."""
    columns = ("id", "model", "prompt", "system", "response_json", "conversation_id",
               "duration_ms", "datetime_utc", "input_tokens", "output_tokens", "token_details",
               "attachment")  # fmt: skip
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table conversations (id text primary key, name text)")
        connection.execute(f"create table responses ({', '.join(columns)})")
        for row in rows:
            values = [row.get(name) for name in columns]
            marks = ", ".join("?" * len(columns))
            connection.execute(f"insert into responses values ({marks})", values)
        connection.commit()
    return path


def test_the_log_of_llm(bench):
    row = {"id": "01k1", "model": "gpt-5.4", "prompt": "Why?", "conversation_id": "c-1",
           "duration_ms": 2000, "datetime_utc": "2026-11-10T12:00:00.250000",
           "input_tokens": 100, "output_tokens": 20, "attachment": b"\xff\x00",
           "token_details": '{"prompt_tokens_details": {"cached_tokens": 40}}'}  # fmt: skip
    claude = row | {
        "id": "01k2", "model": "anthropic/claude-opus-4-7", "input_tokens": 60,
        "token_details": '{"cache_read_input_tokens": 40}',
        "response_json": '{"id": "msg_1", "model": "claude-opus-4-7"}',
    }  # fmt: skip
    thinking = row | {"id": "01k3", "model": "gemini-2.5-pro",
                      "token_details": '{"thoughtsTokenCount": 30}'}  # fmt: skip
    path = database(bench.folder / "logs.db", row, claude, thinking, {"id": "01k4", "model": "m"})
    before = path.read_bytes()
    bench.ingest(path)
    assert path.read_bytes() == before and len(list(bench.folder.glob("logs.db*"))) == 1
    assert bench.counts == (4, 3, 0, 0, 1)
    first, second, third = bench.rows()
    assert first["started_at"] == datetime(2026, 11, 10, 12, 0, 0, 250000, tzinfo=UTC)
    assert (first["duration_ms"], first["session_id"], first["prompt_chars"]) == (2000, "c-1", 4)
    assert (first["input_uncached_tokens"], first["cache_read_tokens"]) == (60, 40)
    assert (second["request_id"], second["input_tokens"]) == ("msg_1", 100)
    assert (third["output_tokens"], third["output_text_tokens"]) == (50, 20)
    assert [count.name for count in bench.ingest(path).formats] == [], "known, so nothing is read"


def test_another_database_is_no_log(bench):
    path = bench.folder / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table responses (id text)")
        connection.commit()
    log = bench.write([said("msg_1", 1)])
    result = bench.ingest(bench.folder)
    assert [file.name for file in result.unknown_files] == ["other.db"] and log.exists()
    cut = bench.folder / "cut.db"
    cut.write_bytes(b"SQLite format 3\0" + b"\0" * 50)
    assert cut in bench.ingest(bench.folder).unknown_files
