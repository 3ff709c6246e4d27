"""Log formats: one SQL file each, which says what it reads, how it is recognised and what it means.

A format turns the producer's record into columns of the request table (see `macros.sql` for the
functions it may use, and any format here for the shape). Python only runs them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from logscope.config import quote
from logscope.errors import UsageError, did_you_mean
from logscope.queries import SqlFile, read_sql
from logscope.tables import fill

FOLDER = Path(__file__).parent
MACROS = FOLDER / "macros.sql"
RECORDS_TRIED = 50
REQUIRED = ("source", "reads", "detect", "columns")


@dataclass(frozen=True)
class Format:
    """One log format, as its SQL file declares it."""

    file: SqlFile

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def reads(self) -> tuple[str, ...]:
        """Kinds of file it reads: json, csv, parquet, sqlite."""
        return tuple(kind.strip() for kind in self.file.keys["reads"].split(","))

    @property
    def records(self) -> str | None:
        """Key of the list of records, where a producer wraps them in one document.

        A path like `benchmarks.requests.*` goes through lists and objects; `*` is every key.
        """
        return self.file.keys.get("records")

    @property
    def around(self) -> tuple[str, ...]:
        """Fields of the enclosing objects that each record is given."""
        return tuple(self.file.keys.get("around", "").replace(",", " ").split())

    @property
    def inside(self) -> str | None:
        """Key of the object in which a record may lie as well, beside what is known around it."""
        return self.file.keys.get("inside")

    @property
    def table(self) -> str | None:
        """The table of an SQLite database whose rows are the records."""
        return self.file.keys.get("table")

    @property
    def plain(self) -> str | None:
        """The column of a nested type that some records hold as one plain text.

        `source` has the text in a column of the same name with `_text` behind it.
        """
        return self.file.keys.get("plain")

    @property
    def many_rows(self) -> bool:
        """Whether one record may give several rows, or none."""
        return self.file.keys.get("rows") == "many"

    @cached_property
    def stamp(self) -> str:
        """A hash of its SQL and of the functions it uses: files read under another are stale."""
        text = self.file.path.read_text(encoding="utf-8")
        return hashlib.sha256("".join([text, *functions_in(text)]).encode()).hexdigest()[:16]

    def columns(self, connection: Any) -> dict[str, str]:
        """Return the columns it reads with their types; DuckDB takes the declaration apart."""
        try:
            connection.execute(f"create or replace table declared ({self.file.keys['columns']})")
        except Exception as error:
            raise UsageError(f"{self.file.path}: `columns` cannot be read: {error}") from error
        return {row[0]: row[1] for row in connection.execute("describe declared").fetchall()}


@dataclass(frozen=True)
class Head:
    """What the beginning of a file shows: its kind, its layout and its first record as JSON."""

    kind: str
    layout: str
    first: Mapping[str, Any]
    lines: Callable[[], str] | None = None  # reads the beginning of a log of lines

    def opened(self, key: str) -> Head | None:
        """Return the head with the first record's fields under `key` among its own; None without."""
        inner = self.first.get(key)
        return replace(self, first={**self.first, **inner}) if isinstance(inner, dict) else None

    def next_head(self) -> Head | None:
        """Return the head that the next of its lines would give; None at the end."""
        line, _, rest = (self.lines() if self.lines else "").partition("\n")
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = {}
        if isinstance(record, dict) and record:
            return replace(self, first=record, lines=lambda: rest)
        return replace(self, first={}, lines=lambda: rest) if rest else None


def read_format(path: Path) -> Format:
    """Read one format file; an incomplete header is a UsageError that names what is missing."""
    file = read_sql(path)
    missing = [key for key in REQUIRED if not file.keys.get(key)]
    if missing:
        raise UsageError(f"{path}: the header lacks `-- {missing[0]}:`. See any shipped format.")
    return Format(file)


def find_formats(adapters: Sequence[Path] = ()) -> dict[str, Format]:
    """Return the shipped formats by name, and the adapters given with --adapter beside them."""
    paths = [path for path in sorted(FOLDER.glob("*.sql")) if path != MACROS]
    for adapter in adapters:
        if not adapter.is_file():
            raise UsageError(f"{adapter} does not exist. Give --adapter a SQL file.")
    return {path.stem: read_format(path) for path in (*paths, *adapters)}


def find_format(name: str, formats: Mapping[str, Format]) -> Format:
    """Return one format by name; an unknown name is a UsageError with the nearest one."""
    if name not in formats:
        raise UsageError(f"There is no format {name!r}.{did_you_mean(name, formats)}")
    return formats[name]


@cache
def functions() -> dict[str, str]:
    """Return the functions and types of macros.sql by name, each with its SQL."""
    text = MACROS.read_text(encoding="utf-8")
    found = re.finditer(r"^create (?:macro|type) (\w+).*?;$", text, re.MULTILINE | re.DOTALL)
    return {match[1]: match[0] for match in found}


def functions_in(text: str) -> list[str]:
    """Return the SQL of all functions that a format's SQL uses, those that these use included."""
    word = re.compile(rf"\b({'|'.join(functions())})\b")
    found: dict[str, str] = {}
    open_texts = [text]
    while open_texts:
        for name in set(word.findall(open_texts.pop())) - set(found):
            found[name] = functions()[name]
            open_texts.append(functions()[name])
    return [found[name] for name in sorted(found)]


@cache
def format_stamps() -> dict[str, str]:
    """Return the stamp of each shipped format; files read under another one are to be read again."""
    return {name: format.stamp for name, format in find_formats().items()}


def claims(
    connection: Any, heads: Mapping[str, Head], formats: Mapping[str, Format]
) -> dict[str, list[str]]:
    """Return for each path the names of the formats that know it, in order of their names.

    The first record that any format's `detect` holds for decides, because a log may begin with a
    damaged one. The order of the formats cannot matter.
    """
    claimed: dict[str, list[str]] = {path: [] for path in heads}
    open_heads = dict(heads)
    for _ in range(RECORDS_TRIED):
        claimed |= claims_of_first(connection, open_heads, formats)
        claimed |= claims_inside(
            connection,
            {path: head for path, head in open_heads.items() if not claimed[path]},
            formats,
        )
        unknown = {path: head.next_head() for path, head in open_heads.items() if not claimed[path]}
        open_heads = {path: head for path, head in unknown.items() if head}
        if not open_heads:
            break
    return claimed


def claims_inside(
    connection: Any, heads: Mapping[str, Head], formats: Mapping[str, Format]
) -> dict[str, list[str]]:
    """Return for each path the formats that know its first record once it is taken out of its wrap."""
    claimed: dict[str, list[str]] = {path: [] for path in heads}
    for key in sorted({format.inside for format in formats.values() if format.inside}):
        inside = {name: format for name, format in formats.items() if format.inside == key}
        opened = {path: head.opened(key) for path, head in heads.items()}
        claimed |= claims_of_first(
            connection, {path: head for path, head in opened.items() if head}, inside
        )
    return claimed


def claims_of_first(
    connection: Any, heads: Mapping[str, Head], formats: Mapping[str, Format]
) -> dict[str, list[str]]:
    """Return for each path the formats whose `detect` holds for its first record, in one query."""
    claimed: dict[str, list[str]] = {path: [] for path in heads}
    if not heads:
        return claimed
    connection.execute("create or replace table heads (path varchar, kind varchar, first json)")
    rows = [[path, head.kind, as_json(head.first)] for path, head in heads.items()]
    fill(connection, "heads", rows)
    tests = {format.name: claim_sql(format) for format in formats.values()}
    try:
        found = connection.execute(" union all ".join(tests.values())).fetchall()
    except Exception:
        for name, test in tests.items():
            check_detect(connection, formats[name], test)
        raise
    for path, name in found:
        claimed[path].append(name)
    return {path: sorted(names) for path, names in claimed.items()}


def claim_sql(format: Format) -> str:
    """Return the SELECT of the paths in `heads` that a format knows.

    Of a document that wraps its records, the first of them is looked at; of one that nests them
    deeper, the document.
    """
    flat = format.records and "." not in format.records
    inner = f"first->{quote(f'$.{format.records}[0]')}" if flat else "null"
    return (
        f"select path, {quote(format.name)} as format "
        f"from (select path, kind, coalesce({inner}, first) as first from heads) "
        f"where kind in ({', '.join(map(quote, format.reads))}) "
        f"and coalesce(try({format.file.keys['detect']}), false)"
    )


def check_detect(connection: Any, format: Format, test: str) -> None:
    """Raise UsageError if a format's `detect` is no condition."""
    try:
        connection.execute(f"{test} limit 0")
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"{format.file.path}: `detect` is no SQL condition: {reason} "
            "Write (first->>'key') in brackets."
        ) from error


def as_json(record: Mapping[str, Any]) -> str:
    """Return a record as JSON that DuckDB takes: half a surrogate pair is no text."""
    return json.dumps(record, ensure_ascii=False).encode(errors="replace").decode()
