"""Rejects: the records that were read in vain, with place and reason; keys and types, never values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from logscope import plain_files
from logscope.config import quote
from logscope.plain_files import TOO_LONG
from logscope.reading import MAX_LINE_BYTES, Plan
from logscope.sources import place_of

NOT_JSON = "not JSON"


def rejected_records(connection: Any, plans: Sequence[Plan]) -> list[list[Any]]:
    """Return the rejected records as rows of the table `rejects`.

    Only files that have any are read a second time, for the excerpt: keys and types, never values.
    """
    rows = connection.execute(
        "select file_id, line, outcome[11:] from records where outcome like 'rejected:%' "
        "order by file_id, line"
    ).fetchall()
    reasons: dict[str, list[tuple[int, str]]] = {}
    for file_id, line, reason in rows:
        reasons.setdefault(file_id, []).append((line, reason))
    rejects: list[list[Any]] = []
    for plan in sorted(plans, key=lambda plan: plan.file_id):
        wanted = reasons.get(plan.file_id, [])
        numbers = sorted({line for line, _ in wanted})
        texts = read_lines(connection, plan, numbers) if numbers else {}
        path = place_of(plan.path)
        for line, reason in wanted:
            number, text = texts.get(line, (line, None))
            excerpt, broken = describe_record(text)
            rejects.append([plan.file_id, path, number, broken or reason, excerpt])
        if plan.problem:
            rejects.append([plan.file_id, path, None, plan.problem, None])
    return rejects


def read_lines(
    connection: Any, plan: Plan, wanted: Sequence[int]
) -> dict[int, tuple[int, str | None]]:
    """Return line number in the file and text of the wanted records (numbered without empty lines)."""
    if plan.layout != "newline_delimited":
        return {}
    before, lines_before = 0, 0
    if plan.grown:
        before = plan.grown.records
        lines_before = plain_files.count_lines(plan.path, plan.grown.begins)
    rows = connection.execute(
        f"""
        with lines as (
            select row_number() over () as number, text
            from read_csv({quote(str(plan.plain))}, columns = {{text: varchar}}, header = false,
                delim = '\x01', quote = '', escape = '', max_line_size = {MAX_LINE_BYTES},
                auto_detect = false, null_padding = true, ignore_errors = true, strict_mode = false)
        ),
        records as (
            select row_number() over (order by number) as record, number, text
            from lines where trim(text, ' \t\r') <> ''
        )
        select record, number, text from records
        semi join (select unnest($wanted) as record) using (record)
        """,
        {"wanted": [record - before for record in wanted]},
    ).fetchall()
    return {record + before: (number + lines_before, text) for record, number, text in rows}


def describe_record(text: str | None) -> tuple[str | None, str | None]:
    """Return what a rejected record is made of (no values), and why it is none if it is no JSON."""
    if text is None:
        return None, None
    if text.startswith(TOO_LONG):
        size = text.removeprefix(TOO_LONG)
        return f"line of {size} bytes", f"longer than {round(MAX_LINE_BYTES / 2**20)} MB"
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return f"text of {len(text)} characters", NOT_JSON
    if not isinstance(record, dict):
        return shape(record), NOT_JSON
    return "{" + ", ".join(f"{key[:60]}: {shape(value)}" for key, value in record.items())[
        :500
    ] + "}", None


def shape(value: Any) -> str:
    """Return the type of a JSON value; texts, lists and objects with their size."""
    if isinstance(value, str):
        return f"text({len(value)})"
    if isinstance(value, list):
        return f"list({len(value)})"
    if isinstance(value, dict):
        return f"object({len(value)})"
    return {bool: "bool", int: "number", float: "number"}.get(type(value), "null")
