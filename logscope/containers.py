"""Containers of log records: look at the heads of files, unpack what DuckDB does not read.

Whatever is damaged gives the records before the damage, and says what was lost.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
import re
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from logscope.formats import Head

HEAD_BYTES = 1 << 20
DOCUMENT_BYTES = 1 << 28
SQLITE = b"SQLite format 3\0"
# The second where a message about the damage quotes bytes that are no text.
SQLITE_DAMAGE = (sqlite3.Error, UnicodeDecodeError)
COMPRESSED = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst", b"BZh": "bz2"}
# Marks at the beginning of text, as Windows writes them; DuckDB wants plain UTF-8.
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
CHUNK = 1 << 20
LIST_OF_OBJECTS = re.compile(r"\[\s*\{")
COLUMN_NAME = re.compile(r"[\w$@#%(\[ ][^{}\0\ufffd]*$")
# NaN and Infinity, which are no JSON but which some producers write, are unknown numbers.
DECODER = json.JSONDecoder(parse_constant=lambda _: None)


def compression(path: Path) -> str | None:
    """Return gz, zst or bz2 by the file's first bytes, whatever its name says."""
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for magic, name in COMPRESSED.items() if start.startswith(magic)), None)


def open_plain(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressed."""
    kind = compression(path)
    if kind == "gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if kind == "bz2":
        return bz2.open(path, "rb")
    if kind == "zst":
        import zstandard

        return zstandard.open(path, "rb")  # type: ignore[no-any-return]
    return path.open("rb")


def encoding_of(start: bytes) -> str | None:
    """Return the encoding that a mark at the beginning of text tells, None for plain UTF-8.

    Every other byte of UTF-16 is 0 where a log begins; without, the mark is two bytes of damage.
    """
    encoding = next((name for mark, name in MARKS.items() if start.startswith(mark)), None)
    return None if encoding == "utf-16" and 0 not in start[2:4] else encoding


def is_plain(path: Path) -> bool:
    """Return whether DuckDB can read a file as it is: neither compressed nor with a mark."""
    with path.open("rb") as file:
        return compression(path) is None and encoding_of(file.read(4)) is None


def damage() -> tuple[type[Exception], ...]:
    """Return what the decompressors raise for a damaged file."""
    import zstandard

    return (EOFError, OSError, zlib.error, zstandard.ZstdError)


def decompress(path: Path, target: Path) -> str | None:
    """Write a file's bytes, plain and in UTF-8, to `target`; return what is wrong with it, if so.

    Of a damaged file there is what stands before the damage.
    """
    with target.open("wb") as output:
        try:
            with open_plain(path) as source:
                read = source.read1 if hasattr(source, "read1") else source.read
                block = read(CHUNK)
                encoding = encoding_of(block)
                if encoding is None:
                    while block:
                        output.write(block)
                        block = read(CHUNK)
                    return None
                decoder = codecs.getincrementaldecoder(encoding)("replace")
                while block:
                    output.write(decoder.decode(block).encode())
                    block = read(CHUNK)
        except damage() as error:
            return f"the {compression(path)} file is damaged or cut off ({error})"
    return None


def read_head(path: Path) -> Head | None:
    """Return what the beginning of a file shows, or None if it is no log of any kind."""
    try:
        with open_plain(path) as file:
            head = read_up_to(file, HEAD_BYTES)
            if head.startswith(b"PAR1"):
                return Head("parquet", "parquet", parquet_head(path))
            if head.startswith(SQLITE) and compression(path) is None:
                return sqlite_head(path)
            text = decode(head)
            if text.startswith(("{", "[")):
                found = json_head(text)
                if found is None and len(head) == HEAD_BYTES:
                    found = json_head(decode(head + read_up_to(file, DOCUMENT_BYTES)))
            else:
                found = csv_head(text)
            # A log whose first lines are broken is still a log.
            found = found or json_head(text[text.find("\n{") + 1 :])
            if found and found.kind == "json" and found.layout == "newline_delimited":
                return replace(found, lines=partial(head_text, path))
            return found
    except damage():
        return None


def head_text(path: Path) -> str:
    """Return the beginning of a log of lines; read again, because thousands of them fill a memory."""
    with open_plain(path) as file:
        return decode(read_up_to(file, HEAD_BYTES))


def read_up_to(file: IO[bytes], size: int) -> bytes:
    """Read `size` bytes, or what there is before the end or the damage."""
    blocks: list[bytes] = []
    left = size
    try:
        while left and (block := file.read(min(left, CHUNK // 16))):
            blocks.append(block)
            left -= len(block)
    except damage():
        pass
    return b"".join(blocks)


def decode(head: bytes) -> str:
    """Return text without its mark; what is no text of its encoding becomes a replacement sign."""
    decoder = codecs.getincrementaldecoder(encoding_of(head) or "utf-8")("replace")
    return decoder.decode(head).lstrip()


def parse(text: str, position: int = 0) -> tuple[Any, int]:
    """Return the JSON value that begins at `position`, and where it ends; else raise ValueError."""
    try:
        return DECODER.raw_decode(text, position)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def json_head(text: str) -> Head | None:
    """Return the head of JSON text: one record per line, a list, or documents one after another."""
    start = LIST_OF_OBJECTS.match(text)
    if start:
        try:
            first, _ = parse(text, start.end() - 1)
        except ValueError:
            return None
        return Head("json", "array", first) if isinstance(first, dict) else None
    if not text.startswith("{"):
        return None
    try:
        first, end = parse(text)
    except ValueError:
        first, end = None, 0
    if first is None or (not first and "\n" in text[:end]):
        # No document: the first sound one of its lines, if there is any.
        for line in text.split("\n")[:50]:
            try:
                first, _ = parse(line)
            except ValueError:
                continue
            if isinstance(first, dict) and first:
                return Head("json", "newline_delimited", first)
        return None
    if not isinstance(first, dict):
        return None
    return Head("json", "unstructured" if "\n" in text[:end] else "newline_delimited", first)


def csv_head(text: str) -> Head | None:
    """Return the head of CSV text: a header line of at least two names, and a row that fits it."""
    csv.field_size_limit(HEAD_BYTES)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(rows)
        values = next(rows)
    except (csv.Error, StopIteration):
        return None
    if len(header) < 2 or len(values) != len(header) or not all(map(COLUMN_NAME.match, header)):
        return None
    return Head("csv", "csv", dict(zip(header, values, strict=True)))


def parquet_head(path: Path) -> dict[str, Any]:
    """Return the column names of a Parquet file as an object of NULLs."""
    import pyarrow.parquet

    try:
        return dict.fromkeys(pyarrow.parquet.read_schema(path).names)
    except (OSError, ValueError):
        return {}


def open_sqlite(path: Path) -> sqlite3.Connection:
    """Open an SQLite database for reading; damaged text is kept as far as it is UTF-8."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    connection.text_factory = lambda text: text.decode(errors="replace")
    return connection


def sqlite_head(path: Path) -> Head | None:
    """Return the tables of an SQLite database as objects of NULLs, one per column."""
    try:
        with closing(open_sqlite(path)) as database:
            columns = database.execute(
                "select tables.name, columns.name from sqlite_master as tables, "
                "pragma_table_info(tables.name) as columns where tables.type = 'table'"
            ).fetchall()
    except SQLITE_DAMAGE:
        return None
    tables: dict[str, dict[str, None]] = {}
    for table, column in columns:
        tables.setdefault(table, {})[column] = None
    return Head("sqlite", "newline_delimited", tables)


def read_table(path: Path, table: str, target: Path) -> str | None:
    """Write the rows of an SQLite table as JSON, one per line; blobs are left out.

    Returns what is wrong with the database, if anything is; the rows before the damage are kept.
    """
    count = 0
    with target.open("w", encoding="utf-8") as output:
        try:
            with closing(open_sqlite(path)) as database:
                rows = database.execute(f'select * from "{table}" order by rowid')
                names = [column[0] for column in rows.description]
                for row in rows:
                    record = {
                        name: value
                        for name, value in zip(names, row, strict=True)
                        if not isinstance(value, bytes)
                    }
                    output.write(json.dumps(record) + "\n")
                    count += 1
        except SQLITE_DAMAGE as error:
            return f"the database cannot be read after {count} rows ({error})"
    return None


def inner_records(document: Any, path: str | None, around: Sequence[str] = ()) -> list[Any] | None:
    """Return the records in a document under a path like `data` or `benchmarks.requests.*`.

    A record gets the fields named in `around` from the objects it lies in. None if the path leads
    to no list.
    """
    if not path:
        return None
    level: list[tuple[Any, dict[str, Any]]] = [(document, {})]
    for step in path.split("."):
        values = []
        for item, outer in level:
            for outside in item if isinstance(item, list) else [item]:
                if isinstance(outside, dict):
                    kept = outer | {key: outside[key] for key in around if key in outside}
                    inside = outside.values() if step == "*" else [outside.get(step)]
                    values += [(value, kept) for value in inside]
        level = values
    lists = [(value, outer) for value, outer in level if isinstance(value, list)]
    if not lists:
        return None
    return [
        outer | record if isinstance(record, dict) else record
        for value, outer in lists
        for record in value
    ]


def unwrap(path: Path, key: str | None, target: Path, around: Sequence[str] = ()) -> str | None:
    """Write the records of JSON documents (or of the list under `key` in each) one per line.

    `key` and `around` are as in `inner_records`. Used for wrapped records, and for lists and
    documents that break off. Of a damaged record its text is written, and reading goes on with the
    next line that begins an object; where there is none, the records before the damage are kept.
    Returns what is wrong with the file, if anything is.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    position = 0
    count = 0
    with target.open("w", encoding="utf-8") as output:
        while True:
            while position < len(text) and text[position] in " \t\r\n,[]":
                position += 1
            if position == len(text):
                return None
            try:
                record, position = parse(text, position)
            except ValueError as error:
                begins = text.find("\n{", position) + 1
                if not begins:
                    return f"the JSON breaks off after {count} records ({error})"
                output.write(" ".join(text[position:begins].split("\n")) + "\n")
                position = begins
                count += 1
                continue
            inner = inner_records(record, key, around)
            for item in [record] if inner is None else inner:
                output.write(json.dumps(item) + "\n")
                count += 1
