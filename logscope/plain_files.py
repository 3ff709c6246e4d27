"""Plain files: their bytes searched, their lines counted, cut off and put together."""

from __future__ import annotations

import csv
import mmap
import re
import shutil
from collections import deque
from collections.abc import Sequence
from pathlib import Path

CHUNK = 1 << 20
# What stands for a line that is too long to be read, before its size in bytes.
TOO_LONG = "too long: "


def count_lines(path: Path, end: int) -> int:
    """Return how many lines end among the first bytes of a file."""
    count, left = 0, end
    with path.open("rb") as file:
        while left and (block := file.read(min(CHUNK, left))):
            count += block.count(b"\n")
            left -= len(block)
    return count


def ends_a_line(path: Path) -> bool:
    """Return whether the last line of a file is whole; of an empty file, it is."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 1))
        return file.read(1) in (b"", b"\n")


def line_start(path: Path, end: int) -> int:
    """Return where the line begins that is not complete at byte `end`; `end` if none is."""
    with path.open("rb") as file:
        position = end
        file.seek(end)
        if file.read(1) == b"\n":
            return end
        while position:
            size = min(CHUNK, position)
            file.seek(position - size)
            found = file.read(size).rfind(b"\n")
            if found >= 0:
                return position - size + found + 1
            position -= size
    return 0


def bundle(paths: Sequence[Path], target: Path) -> dict[Path, int]:
    """Write the lines of several files to one, empty ones left out.

    Returns the number, from 0, of the first line of each file that has any.
    """
    starts: dict[Path, int] = {}
    count = 0
    with target.open("wb") as output:
        for path in paths:
            lines = [line for line in path.read_bytes().split(b"\n") if line.strip(b" \t\r")]
            if lines:
                starts[path] = count
                output.write(b"\n".join(lines) + b"\n")
                count += len(lines)
    return starts


def shorten(path: Path, target: Path, limit: int) -> None:
    """Write the lines of a file to `target`; of those over `limit` bytes only their size."""
    with path.open("rb") as file, target.open("wb") as output:
        while line := file.readline(limit):
            size = len(line)
            while not line.endswith(b"\n") and (rest := file.readline(limit)):
                line = rest
                size += len(rest)
            output.write(line if size <= limit else f"{TOO_LONG}{size}\n".encode())


def open_quotes(path: Path, limit: int) -> set[int]:
    """Return the numbers, from 0, of the lines of a CSV file whose quote is never closed.

    Such a line would take the lines behind it into its cell. A cell of several lines is whole if
    with it the row, of up to `limit` bytes, has as many cells as the header.
    """
    csv.field_size_limit(limit)
    found: set[int] = set()
    with path.open("rb") as file:
        width = count_cells([file.readline()])
        number, again = 0, deque[bytes]()
        while line := again.popleft() if again else file.readline():
            number += 1
            row, size = [line], len(line)
            if line.count(b'"') % 2 == 0 or count_cells(row) >= width:
                continue
            while size <= limit and (line := again.popleft() if again else file.readline()):
                row.append(line)
                size += len(line)
                if line.count(b'"') % 2:
                    break
            if count_cells(row) >= width:
                number += len(row) - 1
            else:
                found.add(number)
                again.extendleft(reversed(row[1:]))
    return found


def count_cells(lines: Sequence[bytes]) -> int:
    """Return how many cells the one CSV row has that lines are, 0 if they are none."""
    try:
        rows = list(csv.reader([line.decode(errors="replace") for line in lines], strict=True))
    except csv.Error:
        return 0
    return len(rows[0]) if len(rows) == 1 else 0


def mend_csv(path: Path, target: Path, broken: set[int]) -> None:
    """Write the lines of a CSV file to `target`; the `broken` ones (numbers from 0) without quotes."""
    with path.open("rb") as file, target.open("wb") as output:
        for number, line in enumerate(file):
            output.write(line.replace(b'"', b"") if number in broken else line)


def copy_beginning(path: Path, size: int, target: Path) -> None:
    """Write the first bytes of a file to `target`."""
    with path.open("rb") as file, target.open("wb") as output:
        while size and (block := file.read(min(CHUNK, size))):
            output.write(block)
            size -= len(block)


def copy_from(path: Path, begin: int, target: Path) -> None:
    """Write the bytes of a file from `begin` on to `target`."""
    with path.open("rb") as file, target.open("wb") as output:
        file.seek(begin)
        shutil.copyfileobj(file, output, CHUNK)


def holds_text(path: Path, key: str, limit: int = 0) -> bool:
    """Tell whether some JSON record of a file has a text under `key`; `limit` is in bytes, 0 all."""
    if not path.stat().st_size:
        return False
    pattern = re.compile(rb'"' + re.escape(key.encode()) + rb'"\s*:\s*"')
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return pattern.search(content, 0, limit or len(content)) is not None
