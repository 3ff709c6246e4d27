"""Worlds: what hypothesis makes up for the laws of the store.

A world is a list of records of several producers, about few requests, so that they meet: versions of
one call, scores and streams of it, spans with their parents. An arrangement is how these
records come in: in which order, in which files, in how many ingests, how often, and cut off where.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from logscope.store import Store

BEGAN = 1_762_768_800  # 2025-11-10 10:00:00 UTC
MAX_FILES = 3
MAX_INGESTS = 3 if "LOGSCOPE_EXAMPLES" in os.environ else 2

# The first call of the second trace that `spans` may make.
INNER_SPAN = f"{1:032x}:{1:04x}c{0:011x}"

numbers = st.integers(0, 5000)
ids = st.integers(0, 5)


@dataclass(frozen=True)
class Record:
    """One line of a log, and the format of the file it stands in."""

    format: str
    line: str


@dataclass(frozen=True)
class LogFile:
    """A file of an ingest: the lines of one format, perhaps compressed, perhaps cut off."""

    format: str
    lines: tuple[str, ...]
    packed: bool = False
    kept_bytes: int | None = None

    def write(self, folder: Path, number: int) -> Path:
        text = "".join(f"{line}\n" for line in self.lines).encode()
        path = folder / f"{number}-{self.format}.jsonl{'.gz' if self.packed else ''}"
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            gzip.compress(text[: self.kept_bytes]) if self.packed else text[: self.kept_bytes]
        )
        return path


Ingest = tuple[LogFile, ...]


def as_line(format: str, record: dict[str, Any]) -> Record:
    return Record(format, json.dumps({key: value for key, value in record.items() if value != ""}))


@st.composite
def native_request(draw: st.DrawFn) -> Record:
    """A version of a call in logscope's own format; what is not drawn is not in the record."""
    number = draw(ids)
    duration = draw(st.integers(1, 4000))
    optional = {
        "provider": st.sampled_from(["openai", "azure"]),
        "ttft_ms": st.integers(0, duration),
        "duration_ms": st.just(duration),
        "input_tokens": numbers,
        "output_tokens": numbers,
        "cache_read_tokens": numbers,
        "reasoning_tokens": st.integers(0, 50),
        "status": st.sampled_from(["ok", "error", "throttled"]),
        "http_status": st.sampled_from([200, 429, 500]),
        "session_id": st.sampled_from(["s1", "s2"]),
        # Ids that other producers' records have, a span's among them, and some that nobody has.
        "other_ids": st.lists(st.sampled_from(["r0", "msg_1", "k1", "k2", INNER_SPAN]), max_size=2),
        "parent_request_id": st.sampled_from(["r0", "r1", "k1", "msg_0"]),
        "region_logged": st.sampled_from(["eu-west-1", "us-east-1"]),
        "stream": st.booleans(),
        "temperature": st.sampled_from([0, 0.5]),
        "labels": st.fixed_dictionaries({"feature": st.sampled_from(["a", "b"])}),
        "logged_cost_usd": st.sampled_from([0, 0.25]),
        "propensity": st.sampled_from([0.25, 0.75]),
    }
    record = draw(st.fixed_dictionaries({}, optional=optional))
    began = BEGAN + 60 * number + draw(st.integers(0, 2))
    model = draw(st.sampled_from(["gpt-5.4", "gpt-5.5", "unheard-of"]))
    known = {"request_id": f"r{number}", "model": model, "started_at": began}
    return as_line("native_requests", known | record)


@st.composite
def litellm_call(draw: st.DrawFn) -> Record:
    """What the proxy wrote of a call: perhaps of one that logscope's own format tells of, too."""
    number = draw(ids)
    began = BEGAN + 60 * number + 0.25
    took = draw(st.sampled_from([1.5, 2.5]))
    tokens, written = draw(numbers), draw(numbers)
    return as_line("litellm_standard", {
        "id": f"r{number}", "trace_id": f"t{number % 2}", "call_type": "acompletion",
        "status": draw(st.sampled_from(["success", "failure"])), "stream": True,
        "custom_llm_provider": "openai", "startTime": began, "endTime": began + took,
        "completionStartTime": began + draw(st.sampled_from([0.5, took])),
        "model": "gpt-5.5", "model_group": "smart", "api_base": "https://eu.api.openai.com/v1",
        "prompt_tokens": tokens, "completion_tokens": written, "total_tokens": tokens + written,
        "response_cost": draw(st.sampled_from([0.0, 0.0125])), "metadata": {}, "hidden_params": {},
    })  # fmt: skip


@st.composite
def stream(draw: st.DrawFn) -> Record:
    number = draw(ids)
    offsets = sorted(draw(st.lists(numbers, min_size=1, max_size=4)))
    kinds = draw(st.none() | st.just(["role", "text", "reasoning", "text"][: len(offsets)]))
    return as_line("native_streams", {
        "request_id": f"r{number}", "started_at": BEGAN + 60 * number,
        "offsets_ms": offsets, "kinds": kinds,
    })  # fmt: skip


@st.composite
def score(draw: st.DrawFn) -> Record:
    about = draw(
        st.sampled_from([{"request_id": "r1"}, {"request_id": "r2"}, {"session_id": "s1"}])
    )
    return as_line("native_scores", about | {
        "name": draw(st.sampled_from(["correct", "polite"])),
        "value": draw(st.sampled_from([0, 0.5, 1])),
        "at": draw(st.sampled_from([BEGAN, BEGAN + 1])),
    })  # fmt: skip


@st.composite
def answer_part(draw: st.DrawFn) -> Record:
    """A line of a Claude Code session: answers are written part by part, counts growing."""
    number, part = draw(ids), draw(st.integers(0, 3))
    usage = {"input_tokens": 4 + number, "cache_read_input_tokens": 100, "output_tokens": 2 + part}
    message = {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": "claude-opus-4-7",
        "stop_reason": "end_turn" if part == 3 else None, "usage": usage,
    }  # fmt: skip
    return as_line("claude_code", {
        "type": "assistant", "sessionId": "s1", "requestId": f"req_{number}", "uuid": f"u{number}",
        "timestamp": f"2025-11-10T10:0{number}:0{part}.000Z", "message": message,
    })  # fmt: skip


@st.composite
def spans(draw: st.DrawFn) -> list[Record]:
    """The spans of one trace, one export request each: calls, what repeats their usage, and steps between."""
    trace = draw(ids)
    used = [
        draw(st.tuples(st.integers(1, 900), st.integers(1, 90)))
        for _ in range(draw(st.integers(1, 2)))
    ]
    total = (sum(item[0] for item in used), sum(item[1] for item in used))
    around = draw(st.integers(0, 2))
    names = [f"{trace:04x}{depth:012x}" for depth in range(around)]
    made = [(names[depth], names[depth - 1] if depth else "", total) for depth in range(around)]
    inner = names[-1] if names else ""
    steps = [f"{trace:04x}b{place:011x}" for place in range(draw(st.integers(0, 2)))]
    between = [(name, above, None) for name, above in zip(steps, [inner, *steps], strict=False)]
    inner = steps[-1] if steps else inner
    made += [(f"{trace:04x}c{place:011x}", inner, item) for place, item in enumerate(used)]
    return [as_line("otlp_genai", span(trace, *item)) for item in [*made, *between]]


def span(trace: int, name: str, parent: str, used: tuple[int, int] | None) -> dict[str, Any]:
    """A call that used so many tokens, or a step that calls no model."""
    began = (BEGAN + 60 * trace) * 1_000_000_000
    texts = {"gen_ai.operation.name": "execute_tool"}
    counts = {}
    if used is not None:
        texts = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5.4"}
        counts = {"gen_ai.usage.input_tokens": used[0], "gen_ai.usage.output_tokens": used[1]}
    attributes: list[dict[str, Any]] = [
        {"key": key, "value": {"stringValue": text}} for key, text in texts.items()
    ]
    attributes += [{"key": key, "value": {"intValue": str(count)}} for key, count in counts.items()]
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": [{
        "traceId": f"{trace:032x}", "spanId": name, "parentSpanId": parent, "name": "chat",
        "startTimeUnixNano": str(began), "endTimeUnixNano": str(began + 2_000_000_000),
        "attributes": attributes, "status": {},
    }]}]}]}  # fmt: skip


broken = st.sampled_from(
    [
        Record("native_requests", '{"request_id": "r1", "mod'),
        Record("native_requests", '{"request_id": "r9", "model": "gpt-5.4", "started_at": "soon"}'),
        Record("litellm_standard", "Traceback (most recent call last):"),
        Record("claude_code", '{"type": "summary", "summary": "x", "leafUuid": "u"}'),
    ]
)


@st.composite
def worlds(draw: st.DrawFn) -> list[Record]:
    """Return the distinct records of a world, in an order that does not matter."""
    singles = draw(
        st.lists(
            native_request() | litellm_call() | stream() | score() | answer_part() | broken,
            min_size=3,
            max_size=16,
        )
    )
    traced = draw(st.lists(spans(), max_size=2, unique_by=lambda records: records[0].line[:200]))
    every = [*singles, *(record for records in traced for record in records)]
    return sorted(set(every), key=lambda record: (record.format, record.line))


def in_one_file_each(world: list[Record]) -> Ingest:
    """Return the plainest arrangement: one ingest, one file per format."""
    formats = sorted({record.format for record in world})
    return tuple(
        LogFile(format, tuple(record.line for record in world if record.format == format))
        for format in formats
    )


@st.composite
def arrangements(
    draw: st.DrawFn, world: list[Record], max_ingests: int = MAX_INGESTS
) -> list[Ingest]:
    """Return ingests in which every record of the world stands whole at least once."""
    again = draw(st.lists(st.sampled_from(world), max_size=4))
    order = draw(st.permutations([*world, *again]))
    ingests = draw(st.integers(1, max_ingests))
    place = st.tuples(st.integers(0, ingests - 1), st.integers(0, MAX_FILES - 1))
    files: dict[tuple[int, int, str], list[str]] = {}
    for record in order:
        files.setdefault((*draw(place), record.format), []).append(record.line)
    arranged: list[list[LogFile]] = [[] for _ in range(ingests)]
    for (ingest, _, format), lines in sorted(files.items()):
        whole = LogFile(format, tuple(lines), packed=draw(st.booleans()))
        arranged[ingest].append(whole)
        if draw(st.integers(0, 4)) == 0:
            # The same file as it was when somebody copied it too early.
            size = sum(len(line) + 1 for line in lines)
            cut = LogFile(format, tuple(lines), kept_bytes=draw(st.integers(1, size)))
            arranged[draw(st.integers(0, ingests - 1))].append(cut)
    return [tuple(files) for files in arranged if files]


def contents(path: Path) -> dict[str, list[str]]:
    """Return the rows that a store holds as text, without where and when they were read."""
    tables = {
        "requests": "select * exclude (file_id, line) from stored_requests",
        "parents": "select * exclude (file_id, line) from parents",
    }
    tables |= {
        name: f"select * exclude (file_id, line) from {name}" for name in ("streams", "scores")
    }
    tables |= {name: f"from {name}" for name in ("bills", "spans")}
    with closing(Store.open(path).connect()) as connection:
        return {
            name: [
                row[0]
                for row in connection.execute(
                    f"select to_json(held)::varchar from ({query}) as held order by 1"
                ).fetchall()
            ]
            for name, query in tables.items()
        }


def accounts(path: Path) -> Iterator[Counter[str]]:
    """Yield the account of every file that a store has read."""
    names = ("records", "stored", "merged", "ignored", "rejected")
    connection = Store.open(path).connect()
    rows = connection.execute(f"select {', '.join(names)} from files").fetchall()
    connection.close()
    for row in rows:
        yield Counter(dict(zip(names, row, strict=True)))


def differences(found: dict[str, list[str]], expected: dict[str, list[str]]) -> list[str]:
    """Return in which columns of which tables the rows of two stores differ."""
    told = []
    for table, rows in expected.items():
        told += [f"{table}: {len(found[table])} rows instead of {len(rows)}"] * (
            len(found[table]) != len(rows)
        )
        for left, right in zip(found[table], rows, strict=False):
            ours, theirs = json.loads(left), json.loads(right)
            told += [
                f"{table} {next(iter(ours.values()))}: {key} is {ours[key]!r} instead of {theirs[key]!r}"
                for key in ours
                if ours[key] != theirs[key]
            ]
    return told
