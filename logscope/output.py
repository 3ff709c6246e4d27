"""Output: rows as a table, CSV, JSON, NDJSON, Parquet or Markdown, to stdout or a file.

Data goes to stdout, talk to stderr. What stands in a log is untrusted: control characters never
reach a terminal, and no text can be taken for a formula by a spreadsheet or for markup by Markdown.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
import unicodedata
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logscope.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import polars

FORMATS = ("table", "csv", "json", "ndjson", "parquet", "md")
UNKNOWN, UNKNOWN_GROUP = "–", "(unknown)"
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MAX_CELL = 100  # a sentence


def clean(text: str) -> str:
    """Return text without anything that could steer a terminal or turn its direction."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def cell(value: Any) -> str:
    """Return a value as a person reads it; unknown is a dash."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal):
        if value.as_tuple().exponent == 0:
            return f"{int(value):,}"  # a sum of whole numbers
        # Money: from one dollar on the cents count, however many dollars there are.
        return f"{value:,.2f}" if abs(value) >= 1 else number(float(value))
    if isinstance(value, float):
        return number(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    text = clean(value if isinstance(value, str) else json.dumps(value, default=str))
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


def group(value: Any) -> str:
    """Return the name of a group of --by; one that is not known is named so."""
    return UNKNOWN_GROUP if value is None else cell(value)


def number(value: float) -> str:
    """Return a float with the digits that matter: three, and whole numbers from 100 on."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 1 or value == 0:
        return f"{value:.2f}"
    return f"{value:.3g}" if size < 0.01 else f"{value:.3f}"


def width_of(text: str) -> int:
    """Return the columns that a text takes in a terminal: two for wide characters, none for marks."""
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


class Terminal:
    """The terminal that answers are laid out for; None: they are as wide as they are."""

    columns: int | None = None


def text_table(header: list[str], rows: list[list[str]], right: list[bool], keys: int = 0) -> str:
    """Return rows as aligned plain text; the layout follows from the data alone.

    In a terminal that is too narrow the table goes on below itself, as often as needed, each part
    with the first `keys` columns: those that tell the rows apart.
    """
    table = [header, *rows]
    widths = [max(width_of(row[i]) for row in table) for i in range(len(header))]
    parts = []
    # Without such columns only a single row can go on below.
    goes_on = keys or len(rows) == 1
    for columns in parts_of(widths, keys) if goes_on else [list(range(len(header)))]:
        lines = []
        for row in table:
            cells = []
            for i in columns:
                gap = " " * (widths[i] - width_of(row[i]))
                cells.append(gap + row[i] if right[i] else row[i] + gap)
            lines.append("  ".join(cells).rstrip())
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def parts_of(widths: list[int], keys: int) -> list[list[int]]:
    """Return which columns stand in each part of a table, so that none is wider than the terminal.

    A column that fits nowhere has a part of its own.
    """
    everything = list(range(len(widths)))
    if Terminal.columns is None:
        return [everything]
    # Where they would leave no room, fewer have to do.
    while keys > 1 and sum(widths[at] + 2 for at in range(keys)) > 2 * Terminal.columns / 3:
        keys -= 1
    first = everything[:keys]
    parts = [first.copy()]
    for i in everything[keys:]:
        width = sum(widths[at] + 2 for at in parts[-1]) + widths[i]
        if width > Terminal.columns and len(parts[-1]) > keys:
            parts.append(first.copy())
        parts[-1].append(i)
    return parts


def keys_of(columns: list[str], right: list[bool], by: Collection[str]) -> int:
    """Return how many columns at the front tell rows apart: groups, or names behind a number at most."""
    groups = sum(name in by for name in columns)
    name = right.index(False) if False in right[:2] else 0
    return max(groups, right.index(True, name) if True in right[name:] else len(right))


def fitted(text: str) -> str:
    """Return text with its long lines broken between words, where a terminal is narrower."""
    width = Terminal.columns
    if width is None:
        return text
    lines: list[str] = []
    for line in text.split("\n"):
        lines += (
            textwrap.wrap(
                line,
                width,
                subsequent_indent=" " * (len(line) - len(line.lstrip()) + 2),
                break_long_words=False,
            )
            if width_of(line) > width
            else [line]
        )
    return "\n".join(lines)


def render(frame: polars.DataFrame, format: str, by: Collection[str] = ()) -> str | bytes:
    """Return the rows in one of FORMATS; only Parquet is bytes.

    Floats have 14 significant digits: the last of a double's 17 may differ from run to run.
    In a table for people an unknown group, NULL in a column of `by`, is named so.
    """
    import polars as pl

    if format not in FORMATS:
        raise UsageError(f"--format {format!r} is unknown.{did_you_mean(format, FORMATS)}")
    frame = frame.with_columns(pl.selectors.float().round_sig_figs(14))
    if format in ("table", "md"):
        rows = [
            [
                group(value) if name in by else cell(value)
                for name, value in zip(frame.columns, row, strict=True)
            ]
            for row in frame.iter_rows()
        ]
        if format == "table":
            right = [dtype.is_numeric() for dtype in frame.dtypes]
            return text_table(frame.columns, rows, right, keys_of(frame.columns, right, by))
        return markdown(frame.columns, rows, [dtype.is_numeric() for dtype in frame.dtypes])
    if format == "parquet":
        import io

        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    if format == "csv":
        safe = (
            frame.with_columns(
                pl.when(pl.col(pl.String).str.slice(0, 1).is_in(FORMULA))
                .then("'" + pl.col(pl.String))
                .otherwise(pl.col(pl.String))
                .name.keep()
            )
            if pl.String in frame.dtypes
            else frame
        )
        nested = [name for name, dtype in safe.schema.items() if dtype.is_nested()]
        return safe.with_columns(
            pl.col(name).map_elements(plain_json, return_dtype=pl.String) for name in nested
        ).write_csv()
    records = [
        {key: plain(value) for key, value in row.items()} for row in frame.iter_rows(named=True)
    ]
    if format == "json":
        return json.dumps(records, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in records)


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: times in ISO 8601, money as a number, NaN as null."""
    if isinstance(value, Decimal):
        # A sum of whole numbers has no places behind the point, money has.
        return float(value) if value.as_tuple().exponent else int(value)
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        if value and all(
            isinstance(item, dict) and set(item) == {"key", "value"} for item in value
        ):
            return {item["key"]: plain(item["value"]) for item in value}
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def plain_json(value: Any) -> str:
    return json.dumps(plain(value.to_list() if hasattr(value, "to_list") else value))


def markdown(header: list[str], rows: list[list[str]], right: list[bool]) -> str:
    """Return rows as a Markdown table in which nothing of a log is markup."""

    def escape(text: str) -> str:
        return re.sub(r"([\\`*_{}\[\]<>#|!~&])", r"\\\1", text)

    lines = [
        "| " + " | ".join(escape(name) for name in header) + " |",
        "|" + "|".join("---:" if to_right else "---" for to_right in right) + "|",
        *("| " + " | ".join(escape(text) for text in row) + " |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def write(content: str | bytes, path: Path | None) -> None:
    """Write to a file, or to stdout."""
    data = content.encode() if isinstance(content, str) else content
    if path is not None and str(path) != "-":
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise UsageError(
                f"{path} cannot be written: {error.strerror}. Choose another with -o."
            ) from error
        return
    if sys.stdout.isatty():
        if isinstance(content, bytes):
            raise UsageError("This is no text for a terminal. Give a file with -o.")
        # Rows as data keep every character; a terminal gets none that could steer it.
        data = "\n".join(clean(line) for line in content.split("\n")).encode()
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
