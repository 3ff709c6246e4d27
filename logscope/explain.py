"""Explain: what a log format is and how to get it, and why a file is taken for what it is."""

from __future__ import annotations

import re
import tempfile
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logscope import containers
from logscope.config import Config
from logscope.errors import InputError, UsageError, did_you_mean
from logscope.formats import Format, Head, claims
from logscope.output import clean
from logscope.screens import records_line, short_path
from logscope.sources import discover
from logscope.store import Store
from logscope.tables import new_connection, table_columns, view_name
from logscope.words import plural

if TYPE_CHECKING:
    import polars

WIDTH = 80
# So much of a log of lines is read to see which columns it fills.
SAMPLE_BYTES = 4 << 20
TABLES = ("requests", "streams", "scores", "bills")
ORIGIN = ("format", "file_id", "line")
NEAREST = 3
# Keys that a `detect` asks for: first->>'key', first->'$.a[0].key', json_exists(first, '$.key').
DETECTED = re.compile(
    r"""->>?\s*'(?:\$\.)?([^']+)'|json_exists\([^,()]*(?:\([^()]*\))?[^,()]*,\s*'\$\.([^']+)'"""
)
LAYOUTS = {
    "newline_delimited": "one record per line",
    "array": "a list of records",
    "unstructured": "documents over several lines",
}


@dataclass(frozen=True)
class Filled:
    """How many rows of a table a file gives, and how many of them fill each column."""

    table: str
    rows: int
    columns: Mapping[str, int]


def formats_frame(formats: Mapping[str, Format]) -> polars.DataFrame:
    """Return name, title and kinds of file of every log format."""
    import polars as pl

    return pl.DataFrame(
        [
            {"format": name, "what": format.file.title, "reads": ", ".join(format.reads)}
            for name, format in sorted(formats.items())
        ]
    )


def format_screen(format: Format) -> str:
    """Return how to get such logs, what the export leaves out and where the fields are documented."""
    keys = format.file.keys
    parts = {
        "How to get it": keys.get("get", ""),
        "Beware": keys.get("beware", ""),
        "Fields": keys["source"],
        "Read from": ", ".join(format.reads),
        "Recognised by": keys["detect"],
        "Defined in": short_path(format.file.path),
    }
    lines = indented(f"{format.name}: {format.file.title}", "")
    for title, text in parts.items():
        if text:
            lines += ["", title, *indented(text)]
    return "\n".join(lines) + "\n"


def indented(text: str, mark: str = "  ") -> list[str]:
    """Return text in lines of at most 80 columns; what has no blanks stays whole, to be copied."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def explain(
    name: str, formats: Mapping[str, Format], adapters: Sequence[Path] = ()
) -> tuple[polars.DataFrame, str]:
    """Return what a file or a folder is taken for: which columns it fills, and that in words.

    The rows are one per column filled. Raises UsageError if `name` is nothing of that kind.
    """
    import polars as pl

    path = Path(name)
    columns = {"table": pl.String, "column": pl.String, "filled": pl.Int64, "rows": pl.Int64}
    if path.is_dir():
        return pl.DataFrame(schema=columns), folder_screen(path, formats)
    if not path.is_file():
        raise UsageError(f"{name!r} is neither a format nor a file.{did_you_mean(name, formats)}")
    head = containers.read_head(path)
    claimed = claims_of({name: head}, formats)[name]
    lines = indented(f"{clean(name)}: {kind_of(path, head)}", "")
    filled: list[Filled] = []
    if len(claimed) == 1:
        format = formats[claimed[0]]
        lines += indented(f"{format.name}: yes, by {format.file.keys['detect']}")
        try:
            account, filled = fills(path, format, adapters)
            lines += ["", account, *filled_lines(filled)]
        except InputError as error:
            lines += indented(str(error))
        lines += [
            "",
            f"How to get such logs, and what they leave out: logscope formats {format.name}",
        ]
    elif claimed:
        for other in claimed:
            lines += indented(f"{other}: yes, by {formats[other].file.keys['detect']}")
        lines += indented(
            f"{' and '.join(claimed)} claim it. Say which: logscope ingest {clean(name)} "
            f"--from {claimed[0]}", "",
        )  # fmt: skip
    else:
        lines += nearest_lines(head, formats)
    rows = [
        (item.table, column, count, item.rows)
        for item in filled
        for column, count in item.columns.items()
    ]
    return pl.DataFrame(rows, schema=columns, orient="row"), "\n".join(lines) + "\n"


def claims_of(
    heads: Mapping[str, Head | None], formats: Mapping[str, Format]
) -> dict[str, list[str]]:
    """Return the formats that claim each file; none for a file without a head."""
    known = {name: head for name, head in heads.items() if head}
    with closing(new_connection()) as connection:
        return {key: [] for key in heads} | claims(connection, known, formats)


def kind_of(path: Path, head: Head | None) -> str:
    """Return what kind of file it is, in words."""
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        return "empty"
    packed = containers.compression(path)
    inside = f"{packed}-compressed " if packed else ""
    if head is None:
        return f"{inside}no log: neither JSON, CSV, Parquet nor SQLite at its beginning"
    names = {"json": "JSON", "csv": "CSV", "parquet": "Parquet", "sqlite": "SQLite"}
    layout = f", {LAYOUTS[head.layout]}" if head.kind == "json" else ""
    keys = ", ".join(clean(key) for key in list(head.first)[:8])
    what = (
        "tables" if head.kind == "sqlite" else "columns" if head.kind != "json" else "first record"
    )
    return f"{inside}{names[head.kind]}{layout}; {what}: {keys or 'nothing'}"


def fills(path: Path, format: Format, adapters: Sequence[Path]) -> tuple[str, list[Filled]]:
    """Read a file (of a long log its beginning) into a store of its own.

    Returns what became of its records, and which columns they fill.
    """
    from logscope.ingest import ingest

    with tempfile.TemporaryDirectory() as folder:
        sample = sampled(path, Path(folder))
        store = Path(folder) / "store"
        result = ingest(store, [sample], Config(), format.name, adapters)
        with closing(Store.open(store).connect()) as connection:
            filled = [item for table in TABLES if (item := filled_table(connection, table)).rows]
    account = f"{records_line(result)}{'' if sample == path else ' (its beginning)'}"
    return account, filled


def sampled(path: Path, folder: Path) -> Path:
    """Return a file with the first lines of a long log, or the path itself."""
    head = containers.read_head(path)
    lines = head is not None and (head.kind == "csv" or head.layout == "newline_delimited")
    if not lines or head is None or head.kind == "sqlite" or path.stat().st_size <= SAMPLE_BYTES:
        return path
    target = folder / "sample"
    with containers.open_plain(path) as file:
        start = containers.read_up_to(file, SAMPLE_BYTES)
    target.write_bytes(start[: start.rfind(b"\n") + 1] or start)
    return target


def filled_table(connection: Any, table: str) -> Filled:
    names = [name for name in table_columns()[table] if name not in ORIGIN]
    counts = ", ".join(f"count({name})" for name in names)
    rows, *filled = connection.execute(
        f"select count(*), {counts} from {view_name(table)}"
    ).fetchone()
    return Filled(table, rows, dict(zip(names, filled, strict=True)))


def filled_lines(filled: Sequence[Filled]) -> list[str]:
    """Return the columns that are always, sometimes and never filled."""
    lines: list[str] = []
    for item in filled:
        always = [name for name, count in item.columns.items() if count == item.rows]
        never = [name for name, count in item.columns.items() if not count]
        some = [
            f"{name} {share(count, item.rows)}"
            for name, count in item.columns.items()
            if 0 < count < item.rows
        ]
        lines += ["", f"Fills {plural(item.rows, 'row')} of {item.table}"]
        for mark, names in (("always", always), ("sometimes", some), ("never", never)):
            if names:
                lines += indented(", ".join(names), f"  {mark:<10} ")
    return lines or ["", "It fills no row: see `logscope ingest` and `logscope status --rejects`."]


def share(count: int, rows: int) -> str:
    return f"{min(99, max(1, round(100 * count / rows)))} %"


def nearest_lines(head: Head | None, formats: Mapping[str, Format]) -> list[str]:
    """Return the formats whose fields are most like those of a record that none claims."""
    lines = ["  no format claims it."]
    near = nearest(head, formats) if head else []
    for name, has, lacks in near:
        lines += indented(
            f"near {name}: has {', '.join(map(clean, has[:6]))}; lacks "
            f"{', '.join(lacks[:6]) or 'what its detect asks of them'}"
        )
    if head:
        lines += indented(
            "Read it with an adapter of your own: logscope ingest FILE --adapter mine.sql; see CONTRIBUTING.md.",
            "",
        )
    else:
        lines += indented("What is read: logscope formats.", "")
    return lines


def nearest(head: Head, formats: Mapping[str, Format]) -> list[tuple[str, list[str], list[str]]]:
    """Return up to three formats of that kind of file, with the fields that are there and missing."""
    found = []
    for name, format in formats.items():
        if head.kind not in format.reads:
            continue
        records = containers.inner_records(dict(head.first), format.records) or [head.first]
        record = records[0] if isinstance(records[0], dict) else head.first
        there = {key.lower() for key in record}
        wanted = list(
            dict.fromkeys(
                key
                for match in DETECTED.findall(format.file.keys["detect"])
                for key in match
                if key
            )
        )
        fields = [item.split()[0].strip('"') for item in top_level(format.file.keys["columns"])]
        has = [field for field in fields if field.lower() in there]
        lacks = [key for key in wanted if re.split(r"[.\[]", key)[0].lower() not in there]
        if has:
            found.append(
                (len(has) / len(fields) - len(lacks) / (len(wanted) or 1), name, has, lacks)
            )
    return [item[1:] for item in sorted(found, key=lambda item: (-item[0], item[1]))[:NEAREST]]


def top_level(columns: str) -> list[str]:
    """Return the declarations in a list of columns; commas inside brackets do not part them."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(columns):
        depth += (sign in "(<[") - (sign in ")>]")
        if sign == "," and not depth:
            parts.append(columns[start:place].strip())
            start = place + 1
    return [*parts, columns[start:].strip()]


def folder_screen(folder: Path, formats: Mapping[str, Format]) -> str:
    """Return how many files of a folder each format claims, and those that none does."""
    heads = {str(source.path): containers.read_head(source.path) for source in discover([folder])}
    claimed = claims_of(heads, formats)
    counts = Counter(" and ".join(names) for names in claimed.values() if names)
    others = sorted(path for path, names in claimed.items() if not names)
    lines = [f"{clean(str(folder))}: a folder with {plural(len(heads), 'file')}"]
    lines += [f"  {name}: {plural(count, 'file')}" for name, count in sorted(counts.items())]
    if others:
        names = ", ".join(clean(Path(path).name) for path in others[:3])
        lines += [
            f"  no log: {names}" + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        ]
    if counts:
        lines.append(f"Read them: logscope ingest {clean(str(folder))}")
    if heads:
        example = next(
            iter(sorted(path for path, names in claimed.items() if names)),
            others[0] if others else "",
        )
        lines.append(f"Why one is taken for what it is: logscope formats {clean(example)}")
    return "\n".join(lines) + "\n"
