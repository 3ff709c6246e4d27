"""Staging: run the formats over their files and keep every record, with where it came from.

Everything lands in one view `staged`: the columns a format gave, cast to the types of
the request table, and an `outcome` for records that are ignored or rejected. One read per format
and layout, however many files there are.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from logscope import containers
from logscope.config import quote
from logscope.errors import InputError, LogscopeError, UsageError
from logscope.formats import MACROS, Format
from logscope.store import table_columns

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
# Texts are measured and hashed while they pass by; they are never stored.
FROM_TEXT = {
    "prompt_chars": ("prompt_text", "length(prompt_text)"),
    # Lines that open with a number or a bullet; only their beginnings are searched.
    "prompt_steps": (
        "prompt_text",
        r"len(list_filter(string_split(prompt_text, chr(10)), "
        r"lambda line: regexp_matches(left(line, 12), '^\s*(?:[0-9]+[.)]|[-*•])\s')))",
    ),
    "prompt_questions": (
        "prompt_text",
        "strlen(prompt_text) - strlen(replace(prompt_text, '?', ''))",
    ),
    "prompt_has_code": ("prompt_text", "contains(prompt_text, '```')"),
    "system_prompt_hash": ("system_prompt", "left(sha256(system_prompt), 16)"),
    "user_hash": ("user_id", "left(sha256(nullif(user_id, '')), 16)"),
}
SECRETS = r"(sk-|pk-|rk-|xox[abp]-|gh[pousr]_|AKIA|AIza|eyJ|Bearer )[A-Za-z0-9_\-.]{8,}"
RECORDS = Path(__file__).with_name("records.sql")
JSON_LAYOUTS = ("newline_delimited", "array", "unstructured")
KEPT = "staged-*.parquet"
MAX_LABELS = 32
MAX_LABEL_CHARS = 200
MAX_RECORD_BYTES = 1 << 24


@dataclass(frozen=True)
class Plan:
    """One file to read: by which format, in which layout, and where its plain bytes lie."""

    path: Path
    format: Format
    layout: str
    plain: Path
    file_id: str = ""
    problem: str | None = None


def staged_columns() -> dict[str, str]:
    """Return the columns of `staged` with their SQL types."""
    requests = table_columns()["requests"]
    return {name: kind for name, kind in requests.items() if name not in DERIVED} | HELPERS


def prepare(connection: Any) -> None:
    """Create the tables that merging fills and the functions that formats use."""
    # Streams that have neither a start of their own nor a request (filled while merging).
    connection.execute("create table homeless (request_id varchar)")
    # Ids that another id of the same call stands for (filled by identity).
    connection.execute("create table renamed (request_id varchar, canonical_id varchar)")
    # Requests that only repeat what their children used (filled while merging).
    connection.execute("create table repeating (request_id varchar)")
    # Keys of records that the store had before (filled while merging).
    connection.execute("create table stored_before (key varchar)")
    connection.execute(MACROS.read_text(encoding="utf-8"))


def stage(connection: Any, plans: Sequence[Plan], scratch: Path) -> list[Plan]:
    """Read all files into the view `staged`; return the plans, with what was found damaged.

    What was read waits in Parquet files in `scratch`: memory stays bounded whatever the input, both
    cores read, and each row knows its place.
    """
    groups: dict[tuple[str, str], list[Plan]] = {}
    for plan in plans:
        groups.setdefault((plan.format.name, plan.layout), []).append(plan)
    done: list[Plan] = []
    for (_, layout), group in sorted(groups.items()):
        # DuckDB 2.0 takes a number column without NULLs for one that stays so when it is cast; NaN
        # does not.
        careful = "statistics_propagation" if layout == "parquet" else ""
        connection.execute(f"set disabled_optimizers = '{careful}'")
        try:
            read_group(connection, group, scratch)
        except LogscopeError:
            raise
        except Exception:
            # One damaged file must not take the others with it.
            group = [read_alone(connection, repaired(plan, scratch), scratch) for plan in group]
        done.extend(group)
    connection.execute("reset disabled_optimizers")
    if not any(scratch.glob(KEPT)):
        raise InputError(
            f"{done[0].path} {done[0].problem}. "
            "Try `logscope formats FILE`, or name the format with --from."
        )
    open_staged(connection, scratch)
    return done


def keep(connection: Any, query: str, scratch: Path) -> None:
    """Write rows of `staged` to one more file in `scratch`, in order."""
    path = scratch / KEPT.replace("*", str(uuid.uuid4()))
    try:
        connection.execute(
            f"copy ({query}) to {quote(str(path))} (format parquet, compression snappy)"
        )
    except Exception:
        path.unlink(missing_ok=True)
        raise


def open_staged(connection: Any, scratch: Path) -> None:
    """Make the view `staged` over everything kept; `row` numbers the rows of one file of it."""
    reader = (
        f"read_parquet({quote(str(scratch / KEPT))}, union_by_name = true, file_row_number = true)"
    )
    there = {row[0] for row in connection.execute(f"describe from {reader}").fetchall()}
    columns = ", ".join(
        name if name in there else f"null::{kind} as {name}"
        for name, kind in staged_columns().items()
    )
    connection.execute(
        f"create or replace view staged as select {columns}, file_row_number as row from {reader}"
    )


def read_alone(connection: Any, plan: Plan, scratch: Path) -> Plan:
    """Read one file; return its plan, with the reason if that was not possible."""
    try:
        read_group(connection, [plan], scratch, parallel=False)
    except LogscopeError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0]
        return replace(plan, problem=f"could not be read as {plan.format.name} ({reason})")
    return plan


def repaired(plan: Plan, scratch: Path) -> Plan:
    """Return the plan with the sound records of a broken JSON document, one per line."""
    if plan.layout not in ("array", "unstructured"):
        return plan
    target = scratch / f"repaired-{uuid.uuid4()}.jsonl"
    problem = containers.unwrap(plan.plain, plan.format.records, target, plan.format.around)
    return replace(plan, layout="newline_delimited", plain=target, problem=problem)


def read_group(
    connection: Any, plans: Sequence[Plan], scratch: Path, parallel: bool = True
) -> None:
    """Read files of one format and layout with one statement.

    Not parallel, DuckDB also reads CSV in which both short rows and quoted line ends stand.
    """
    format = plans[0].format
    declared = format.columns(connection)
    source = source_sql(connection, plans, declared, parallel)
    if format.inside and format.inside not in declared and plans[0].layout in JSON_LAYOUTS:
        source = opened_sql(
            source_sql(connection, plans, declared | {format.inside: "VARCHAR"}, parallel),
            declared,
            format.inside,
        )
    if format.many_rows:
        # rowid follows the order of insertion, so it numbers the records of a file for nothing.
        connection.execute(f"create or replace table source_rows as {source}")
        connection.execute(
            "create or replace view source as "
            "select rows.*, rows.rowid - files.first_row + 1 as record_line "
            "from source_rows as rows join (select record_file, min(rowid) as first_row "
            "from source_rows group by record_file) as files using (record_file)"
        )
    else:
        connection.execute(
            "create or replace view source as "
            f"select *, null::bigint as record_line from ({source})"
        )
    sql = format.file.sql.strip().rstrip(";")
    try:
        given = [row[0] for row in connection.execute(f"describe {sql}").fetchall()]
    except Exception as error:
        raise UsageError(f"{format.file.path}: {str(error).splitlines()[0]}") from error
    keep(
        connection,
        f"select {', '.join(cast_columns(format, given))}, {quote(format.name)} as format "
        f"from ({sql})",
        scratch,
    )
    if format.many_rows:
        empty = " and ".join(f'"{name}" is null' for name in declared)
        keep(
            connection,
            "select record_file, record_line, 'rejected: not JSON' as outcome, "
            f"{quote(format.name)} as format from source where {empty}",
            scratch,
        )


def cast_columns(format: Format, given: Iterable[str]) -> list[str]:
    """Return the select list that brings what a format gave to the types of `staged`."""
    columns = staged_columns()
    texts = {"prompt_text", "system_prompt", "user_id"}
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
        text, measured = FROM_TEXT.get(name, ("", ""))
        if text in names:
            logged = (
                f"coalesce(try_cast({name} as {kind}), {measured})" if name in names else measured
            )
            selected.append(f"try_cast({logged} as {kind}) as {name}")
        elif name == "labels" and name in names:
            selected.append(f"{label_sql()} as labels")
        elif name in names and kind in ("timestamptz", "TIMESTAMP WITH TIME ZONE"):
            selected.append(f"within_calendar(try_cast({name} as {kind})) as {name}")
        elif name in names and (name.endswith("_tokens") or name == "requests"):
            selected.append(f"natural_of({name}) as {name}")
        elif name in names:
            selected.append(f"try_cast({name} as {kind}) as {name}")
    return selected


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
    connection: Any, plans: Sequence[Plan], declared: dict[str, str], parallel: bool
) -> str:
    """Return the SELECT that reads the declared columns of files, missing ones as NULL."""
    listed = "[" + ", ".join(quote(str(plan.plain)) for plan in plans) + "]"
    layout = plans[0].layout
    if layout in JSON_LAYOUTS:
        columns = ", ".join(f"{quote(name)}: {quote(kind)}" for name, kind in declared.items())
        lenient = ", ignore_errors = true" if layout == "newline_delimited" else ""
        return (
            f"select {', '.join(quoted(declared))}, filename as record_file "
            f"from read_json({listed}, columns = {{{columns}}}, records = true, filename = true, "
            f"format = {quote(layout)}, maximum_object_size = {MAX_RECORD_BYTES}{lenient})"
        )
    if layout == "csv":
        reader = (
            f"read_csv({listed}, all_varchar = true, header = true, union_by_name = true, "
            "filename = true, delim = ',', quote = '\"', escape = '\"', null_padding = true, "
            f"strict_mode = false, ignore_errors = true, parallel = {str(parallel).lower()})"
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


def settle(connection: Any, plans: Sequence[Plan]) -> None:
    """Give every staged record its file, its line, its kinds and its final outcome."""
    connection.execute("create or replace table sources (plain varchar, file_id varchar)")
    connection.executemany(
        "insert into sources values (?, ?)", [[str(plan.plain), plan.file_id] for plan in plans]
    )
    connection.execute(f"create or replace view records as {RECORDS.read_text()}")
