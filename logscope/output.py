"""Output: rows as a table, CSV, JSON, NDJSON, Parquet or Markdown, to stdout or a file.

Data goes to stdout, talk to stderr. What stands in a log is untrusted: control characters never
reach a terminal, and no text can be taken for a formula by a spreadsheet or for markup by Markdown.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logscope.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import polars

FORMATS = ("table", "csv", "json", "ndjson", "parquet", "md")
UNKNOWN = "–"
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MAX_CELL = 60


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


def text_table(header: list[str], rows: list[list[str]], right: list[bool]) -> str:
    """Return rows as aligned plain text; the layout follows from the data alone."""
    table = [header, *rows]
    widths = [max(width_of(row[i]) for row in table) for i in range(len(header))]
    lines = []
    for row in table:
        parts = []
        for text, width, to_right in zip(row, widths, right, strict=True):
            gap = " " * (width - width_of(text))
            parts.append(gap + text if to_right else text + gap)
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines) + "\n"


def render(frame: polars.DataFrame, format: str) -> str | bytes:
    """Return the rows in one of FORMATS; only Parquet is bytes."""
    import polars as pl

    if format not in FORMATS:
        raise UsageError(f"--format {format!r} is unknown.{did_you_mean(format, FORMATS)}")
    if format in ("table", "md"):
        rows = [[cell(value) for value in row] for row in frame.iter_rows()]
        if format == "table":
            return text_table(frame.columns, rows, [dtype.is_numeric() for dtype in frame.dtypes])
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
        return float(value)
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
