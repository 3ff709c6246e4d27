"""Reading: files of one format become rows with the types of the request table.

One statement per format and layout, however many files there are; what it reads waits in a Parquet
file. Texts are measured on the way and never kept.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from logscope import containers, plain_files
from logscope.config import quote
from logscope.errors import UsageError
from logscope.formats import Format
from logscope.numbering import keep_readable, number_rows
from logscope.tables import fill, table_columns

# What a format may give beside the columns of the tables, and what becomes of it (normalise.sql).
HELPERS = {
    "total_tokens": "bigint",
    "input_includes_cache": "boolean",
    "output_includes_reasoning": "boolean",
    "offsets_ms": "double[]",
    "kinds": "varchar[]",
    "tokens_per_chunk": "bigint[]",
    "name": "varchar",
    "value": "double",
    "score_source": "varchar",
    "scored_at": "timestamptz",
    "bill_kind": "varchar",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "requests": "bigint",
    "amount_usd": "decimal(18, 10)",
    "project": "varchar",
    "text_unread": "boolean",
    "outcome": "varchar",
    "record_file": "varchar",
    "record_line": "bigint",
}
# Computed later for every row; a format cannot give them.
DERIVED = (
    "day",
    "model",
    "region",
    "task",
    "team",
    "tpot_ms",
    "output_tps",
    "cost_usd",
    "price_id",
)
# Texts are measured and hashed while they pass by; they are never stored. A prompt is one text, or
# the list of its messages' texts, which stand for lines one below the other; to put those together
# would cost more than to measure them.
STEP = r"'^\s*(?:[0-9]+[.)]|[-*•])\s'"
# A blank id is none: else all calls without one would be one call.
IDS = ("request_id", "parent_request_id", "operation_id", "session_id")
MEASURES = {
    "prompt_chars": "length({text})",
    # Lines that open with a number or a bullet; only their beginnings are searched.
    "prompt_steps": "len(list_filter(string_split({text}, chr(10)), "
    f"lambda line: regexp_matches(left(line, 12), {STEP})))",
    "prompt_questions": "len(string_split({text}, '?')) - 1",
    "prompt_has_code": "contains({text}, '```')",
}
TOTALS = {
    "prompt_chars": "list_sum({each}) + list_count({each}) - 1",
    "prompt_has_code": "list_bool_or({each})",
}
FROM_TEXT = {
    "system_prompt_hash": ("system_prompt", "left(md5(system_prompt), 16)"),
    "user_hash": ("user_id", "left(sha256(nullif(user_id, '')), 16)"),
}
SECRETS = r"(sk-|pk-|rk-|xox[abp]-|gh[pousr]_|AKIA|AIza|eyJ|Bearer )[A-Za-z0-9_\-.]{8,}"
JSON_LAYOUTS = ("newline_delimited", "array", "unstructured")
KEPT = "staged-*.parquet"
# What several threads may take up at once when it is read back, one group each.
KEPT_ROWS = 40_960
# To open a file takes as long as to read some hundred kilobytes: so many of up to that size are
# put together, so many at once.
SMALL_BYTES, FEW, AT_ONCE = 1 << 18, 20, 1000
MAX_LABELS = 32
MAX_LABEL_CHARS = 200
# DuckDB's reader takes lines twice as long as it is told, less what it sets aside.
MAX_RECORD_BYTES = 1 << 24
MAX_LINE_BYTES = 2 * MAX_RECORD_BYTES - 1024


@dataclass(frozen=True)
class Growth:
    """A known file to which lines were added; only these are read.

    They begin at byte `begins`, after `records` known ones. `cut` is the number of the line that
    broke off when the file was read before and is whole now.
    """

    file_id: str
    sha256: str
    begins: int
    records: int
    cut: int | None


@dataclass(frozen=True)
class Plan:
    """One file to read: by which format, in which layout, and where its plain bytes lie.

    Not parallel, DuckDB also reads CSV in which both short rows and quoted line ends stand. Lenient,
    it makes a row of NULLs of a line that is no record, which costs a third more.
    """

    path: Path
    format: Format
    layout: str
    plain: Path
    file_id: str = ""
    problem: str | None = None
    grown: Growth | None = None
    parallel: bool = True
    lenient: bool = False
    size_bytes: int | None = None  # of the file as it was read; by default as it is


def staged_columns() -> dict[str, str]:
    """Return the columns of `staged` with their SQL types."""
    requests = table_columns()["requests"]
    return {name: kind for name, kind in requests.items() if name not in DERIVED} | HELPERS


def read_group(connection: Any, plans: Sequence[Plan], scratch: Path) -> None:
    """Read files of one format and layout with one statement; many small ones as a few large."""
    small = [plan for plan in plans if is_small(plan)]
    if len(small) < FEW:
        read_alike(connection, plans, scratch)
        return
    for number in range(0, len(small), AT_ONCE):
        bundle = scratch / f"bundle-{uuid.uuid4()}.jsonl"
        starts = plain_files.bundle(
            [plan.plain for plan in small[number : number + AT_ONCE]], bundle
        )
        connection.execute("create or replace table parts (plain varchar, first_row bigint)")
        fill(connection, "parts", [[str(path), start] for path, start in starts.items()])
        column = small[0].format.plain
        as_text = column if column and plain_files.holds_text(bundle, column) else None
        read_files(connection, [replace(small[0], plain=bundle)], scratch, as_text, in_parts=True)
        bundle.unlink()
    large = [plan for plan in plans if not is_small(plan)]
    if large:
        read_alike(connection, large, scratch)


def is_small(plan: Plan) -> bool:
    """Return whether opening a file takes longer than reading it, so that it is put to others."""
    return plan.layout == "newline_delimited" and plan.plain.stat().st_size <= SMALL_BYTES


def read_alike(connection: Any, plans: Sequence[Plan], scratch: Path) -> None:
    """Read files of one format and layout with one statement.

    Where a column may hold one plain text instead of what is declared, reading it as declared is
    much faster; files in which it does are read with that column as text.
    """
    column = plans[0].format.plain
    if column is None:
        read_files(connection, plans, scratch)
        return
    structured = plans[0].layout == "newline_delimited"
    texts: list[Plan] = []
    others: list[Plan] = []
    for plan in plans:
        early = structured and not plain_files.holds_text(plan.plain, column, containers.HEAD_BYTES)
        (others if early else texts).append(plan)
    if others:
        pieces = read_files(connection, others, scratch)
        unread = set(
            connection.execute(
                f"select distinct record_file from {quote(str(pieces[-1]))} where text_unread"
            ).fetchall()
        )
        late: list[Plan] = []
        rest: list[Plan] = []
        for plan in others:
            found = (str(plan.plain),) in unread and plain_files.holds_text(plan.plain, column)
            (late if found else rest).append(plan)
        if late:
            for piece in pieces:
                piece.unlink()
            texts += late
            if rest:
                read_files(connection, rest, scratch)
    if texts:
        read_files(connection, texts, scratch, column)


def read_files(
    connection: Any,
    plans: Sequence[Plan],
    scratch: Path,
    as_text: str | None = None,
    in_parts: bool = False,
) -> list[Path]:
    """Read files of one format and layout; the column `as_text` as it stands.

    Returns the files written to `scratch`, that of the rows that the format gave last.

    With `in_parts` the table `parts` tells which rows of the one file are which files.
    """
    format = plans[0].format
    declared = format.columns(connection)
    source = source_sql(connection, plans, declared, as_text)
    if format.inside and format.inside not in declared and plans[0].layout in JSON_LAYOUTS:
        with_it = declared | {format.inside: "VARCHAR"}
        source = opened_sql(
            source_sql(connection, plans, with_it, as_text), declared, format.inside
        )
    numbered = in_parts or format.many_rows
    if numbered:
        number_rows(connection, source, in_parts)
    else:
        connection.execute(
            "create or replace view source as "
            f"select *, null::bigint as record_line from ({source})"
        )
    sql = format.file.sql.strip().rstrip(";")
    try:
        given = [row[0] for row in connection.execute(f"describe {sql}").fetchall()]
    except duckdb.Error as error:
        raise UsageError(f"{format.file.path}: {str(error).splitlines()[0]}") from error
    query = f"select {', '.join(cast_columns(format, given))}, {quote(format.name)} as format from ({sql})"
    try:
        pieces = [keep(connection, query, scratch)]
    except duckdb.OperationalError:
        raise
    except duckdb.Error as error:
        if not numbered:
            number_rows(connection, source)
        write = partial(keep, connection, scratch=scratch)
        pieces = keep_readable(connection, write, query, format.name, in_parts, error)
    if format.many_rows:
        empty = " and ".join(f'"{name}" is null' for name in declared)
        reason = quote(f"rejected: without any field of {format.name}")
        unread = keep(
            connection,
            f"select record_file, record_line, {reason} as outcome, "
            f"{quote(format.name)} as format from source where {empty}",
            scratch,
        )
        pieces = [unread, *pieces]
    return pieces


def cast_columns(format: Format, given: Iterable[str]) -> list[str]:
    """Return the select list that brings what a format gave to the types of `staged`."""
    columns = staged_columns()
    texts = {"prompt_text", "prompt_texts", "system_prompt", "user_id"}
    names = set(given)
    unknown = sorted(names - set(columns) - texts)
    if unknown:
        raise UsageError(
            f"{format.file.path} gives the column {unknown[0]}, which the request table does not have."
        )
    if "record_file" not in names or "record_line" not in names:
        raise UsageError(f"{format.file.path} must select record_file and record_line from source.")
    selected = []
    for name, kind in columns.items():
        text, measured = from_text(name, names)
        if text in names:
            logged = (
                f"coalesce(try_cast({name} as {kind}), {measured})" if name in names else measured
            )
            selected.append(f"try_cast({logged} as {kind}) as {name}")
        elif name == "labels" and name in names:
            selected.append(f"{label_sql()} as labels")
        elif name in names and name in IDS:
            selected.append(f"known(try_cast({name} as {kind})) as {name}")
        elif name in names and kind == "timestamptz":
            selected.append(f"within_calendar(try_cast({name} as {kind})) as {name}")
        elif name in names and (name.endswith("_tokens") or name == "requests"):
            selected.append(f"natural_of({name}) as {name}")
        elif name in names:
            selected.append(f"try_cast({name} as {kind}) as {name}")
    return selected


def from_text(name: str, given: set[str]) -> tuple[str, str]:
    """Return the text from which a column is measured and how, empty if it is from none."""
    if name not in MEASURES:
        return FROM_TEXT.get(name, ("", ""))
    if "prompt_texts" not in given:
        return "prompt_text", MEASURES[name].format(text="prompt_text")
    each = f"list_transform(prompt_texts, lambda text: {MEASURES[name].format(text='text')})"
    return "prompt_texts", TOTALS.get(name, "list_sum({each})").format(each=each)


def label_sql() -> str:
    """Return the expression that masks secrets in labels and bounds their number and length."""
    masked = f"regexp_replace(left(entry.value, {MAX_LABEL_CHARS}), {quote(SECRETS)}, '***', 'g')"
    return (
        f"case when cardinality(labels) <= {MAX_LABELS} and strlen(labels::varchar) <= "
        f"{MAX_LABEL_CHARS} and not regexp_matches(labels::varchar, {quote(SECRETS)}) then labels "
        "else map_from_entries(list_transform(list_sort(map_entries(labels))"
        f"[:{MAX_LABELS}], lambda entry: struct_pack(key := entry.key, value := {masked}))) end"
    )


def source_sql(
    connection: Any, plans: Sequence[Plan], declared: dict[str, str], as_text: str | None = None
) -> str:
    """Return the SELECT that reads the declared columns of files, missing ones as NULL.

    The column `as_text` is read as it stands, and then as declared where it can be.
    """
    columns = {name: "varchar" if name == as_text else kind for name, kind in declared.items()}
    sql = reader_sql(connection, plans, columns)
    plain = plans[0].format.plain
    if plain is None:
        return sql
    if as_text is None:
        return f'select *, null::varchar as "{plain}_text" from ({sql})'
    parsed = f'try_cast(try_cast("{plain}" as json) as {declared[plain]}) as "{plain}"'
    # What begins like JSON is no text.
    text = f"if(left(\"{plain}\", 1) not in ('[', '{{'), \"{plain}\", null)"
    return f'select * replace ({parsed}), {text} as "{plain}_text" from ({sql})'


def reader_sql(connection: Any, plans: Sequence[Plan], declared: dict[str, str]) -> str:
    """Return the SELECT that reads columns of files by their layout."""
    listed = "[" + ", ".join(quote(str(plan.plain)) for plan in plans) + "]"
    layout = plans[0].layout
    if layout in JSON_LAYOUTS:
        columns = ", ".join(f"{quote(name)}: {quote(kind)}" for name, kind in declared.items())
        lenient = ", ignore_errors = true" if plans[0].lenient else ""
        return (
            f"select {', '.join(quoted(declared))}, filename as record_file "
            f"from read_json({listed}, columns = {{{columns}}}, records = true, filename = true, "
            f"format = {quote(layout)}, maximum_object_size = {MAX_RECORD_BYTES}{lenient})"
        )
    if layout == "csv":
        reader = (
            f"read_csv({listed}, all_varchar = true, header = true, union_by_name = true, "
            "filename = true, delim = ',', quote = '\"', escape = '\"', null_padding = true, "
            f"strict_mode = false, ignore_errors = true, parallel = {str(plans[0].parallel).lower()})"
        )
    else:
        reader = f"read_parquet({listed}, union_by_name = true, filename = true)"
    # Names of columns differ in case between exports of one producer.
    there = {
        row[0].lower() for row in connection.execute(f"describe select * from {reader}").fetchall()
    }
    columns = ", ".join(
        f'try_cast("{name}" as {kind}) as "{name}"'
        if name.lower() in there
        else f'null::{kind} as "{name}"'
        for name, kind in declared.items()
    )
    return f"select {columns}, filename as record_file from {reader}"


def opened_sql(source: str, declared: Iterable[str], inside: str) -> str:
    """Return the SELECT that takes declared columns out of the object under `inside`, if there is one."""
    names = list(declared)
    paths = ", ".join(quote(f'$."{name}"') for name in names)
    columns = ", ".join(
        f'coalesce(inner_values[{place}], "{name}") as "{name}"'
        for place, name in enumerate(names, start=1)
    )
    return (
        f"select {columns}, record_file from (select *, case when left(\"{inside}\", 1) = '{{' "
        f'then try("{inside}"->>[{paths}]) end as inner_values from ({source}))'
    )


def quoted(names: Iterable[str]) -> list[str]:
    return ['"' + name + '"' for name in names]


def keep(connection: Any, query: str, scratch: Path) -> Path:
    """Write rows of `staged` to one more file in `scratch`, in order; return the file."""
    path = scratch / KEPT.replace("*", str(uuid.uuid4()))
    try:
        connection.execute(
            f"copy ({query}) to {quote(str(path))} "
            f"(format parquet, compression snappy, row_group_size {KEPT_ROWS})"
        )
    except Exception:
        path.unlink(missing_ok=True)
        raise
    return path
