"""Containers of log records: find the files, look at their heads, unpack what DuckDB does not read.

Whatever is damaged gives the records before the damage, and says what was lost.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import glob
import gzip
import hashlib
import io
import json
import shutil
import sqlite3
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from logscope.errors import InputError
from logscope.formats import Head

HEAD_BYTES = 1 << 20
DOCUMENT_BYTES = 1 << 28
SQLITE = b"SQLite format 3\0"
COMPRESSED = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst", b"BZh": "bz2"}
CHUNK = 1 << 20
STORE_LEDGER = "_delta_log"


@dataclass(frozen=True)
class Source:
    """A file to read: where it lies, and whether the user named it or a folder held it."""

    path: Path
    named: bool


def discover(paths: Sequence[str | Path]) -> list[Source]:
    """Return the files that `paths` (files, folders, globs) stand for, each once, in order.

    Hidden files and stores are passed over. A path that stands for nothing is an InputError.
    """
    found: dict[Path, Source] = {}
    for text in paths:
        path = Path(text)
        if path.is_dir():
            for file in sorted(walk(path)):
                found.setdefault(file.resolve(), Source(file, named=False))
        elif path.exists():
            found[path.resolve()] = Source(path, named=True)
        else:
            matches = sorted(glob.glob(str(path), recursive=True))
            if not matches:
                raise InputError(f"{path} does not exist. Give files, folders or globs of logs.")
            for match in matches:
                if Path(match).is_file():
                    found.setdefault(Path(match).resolve(), Source(Path(match), named=True))
    return list(found.values())


def spool(folder: Path) -> Path:
    """Write standard input to a file in `folder`, because a log's head is looked at first."""
    path = folder / "stdin"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def walk(folder: Path) -> Iterator[Path]:
    """Yield the visible files under a folder, stores left out."""
    if (folder / "files" / STORE_LEDGER).is_dir():
        return
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from walk(path)
        elif path.is_file():
            yield path


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def damage() -> tuple[type[Exception], ...]:
    """Return what the decompressors raise for a damaged file."""
    import zstandard

    return (EOFError, OSError, zlib.error, zstandard.ZstdError)


def decompress(path: Path, target: Path) -> str | None:
    """Write a compressed file's bytes to `target` as far as they go; return what is wrong, if so."""
    with target.open("wb") as output:
        try:
            with open_plain(path) as source:
                while (
                    block := source.read1(CHUNK) if hasattr(source, "read1") else source.read(CHUNK)
                ):
                    output.write(block)
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
            if text is None:
                return None
            found = json_head(text, complete=len(head) < HEAD_BYTES)
            if found is None and text[:1] in "{[" and len(head) == HEAD_BYTES:
                rest = decode(head + read_up_to(file, DOCUMENT_BYTES))
                found = json_head(rest, complete=True) if rest else None
            return found or csv_head(text)
    except damage():
        return None


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


def decode(head: bytes) -> str | None:
    """Return UTF-8 text without its byte order mark, or None for anything binary."""
    if b"\0" in head:
        return None
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return None
    return text.lstrip()


def json_head(text: str, complete: bool) -> Head | None:
    """Return the head of JSON text: one record per line, a list, or documents one after another."""
    decoder = json.JSONDecoder()
    if text.startswith("["):
        start = text.find("{")
        try:
            first, _ = decoder.raw_decode(text, start) if start > 0 else (None, 0)
        except ValueError:
            return None
        return Head("json", "array", first) if isinstance(first, dict) else None
    if not text.startswith("{"):
        # A log whose first lines are broken is still a log.
        text = text[text.find("\n{") + 1 :] if "\n{" in text[: HEAD_BYTES // 16] else ""
    try:
        first, end = decoder.raw_decode(text)
    except ValueError:
        for line in text.splitlines()[:50]:
            try:
                first = json.loads(line)
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
    try:
        rows = csv.reader(io.StringIO(text), strict=True)
        header = next(rows)
        values = next(rows)
    except (csv.Error, StopIteration):
        return None
    if len(header) < 2 or len(values) != len(header) or not all(name.strip() for name in header):
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
    except sqlite3.Error:
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
        except sqlite3.Error as error:
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
    documents that break off. Returns what is wrong with the file, if anything is; the records
    before the damage are kept.
    """
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    decoder = json.JSONDecoder()
    position = 0
    count = 0
    with target.open("w", encoding="utf-8") as output:
        while True:
            while position < len(text) and text[position] in " \t\r\n,[]":
                position += 1
            if position == len(text):
                return None
            try:
                record, position = decoder.raw_decode(text, position)
            except ValueError as error:
                return f"the JSON breaks off after {count} records ({error})"
            inner = inner_records(record, key, around)
            for item in [record] if inner is None else inner:
                output.write(json.dumps(item) + "\n")
                count += 1
