"""Known files: which files the store has read already, and which of them have grown since.

A file is known by its bytes, wherever it lies and whatever it is called. One that begins with all
bytes of a known file is that file with lines added: only these are read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from logscope import containers, plain_files
from logscope.config import quote
from logscope.digests import Digest
from logscope.formats import Format, Head
from logscope.reading import Growth
from logscope.store import Store
from logscope.tables import new_connection, scan_sql

# How many known files that are not at their place any more are tried as the beginning of a file.
TRIED = 50


@dataclass(frozen=True)
class KnownFile:
    """A file as it was when it was read."""

    file_id: str
    path: str
    format: str
    size_bytes: int
    sha256: str
    records: int


class KnownFiles:
    """The files that a store has read."""

    def __init__(self, store: Store) -> None:
        self.store = store
        rows: list[Any] = []
        if files := store.files("files"):
            # The one table: all views of a store take many times longer to make.
            with new_connection() as connection:
                rows = connection.execute(
                    "select file_id, path, format, size_bytes, sha256, records "
                    f"from ({scan_sql('files', files)})"
                ).fetchall()
        self.files = [KnownFile(*row) for row in rows]
        self.sizes = {file.size_bytes for file in self.files}
        # A file that grew keeps the id of its first reading, which tells those bytes.
        self.ids = {file.file_id for file in self.files} | {file.sha256 for file in self.files}
        self.by_path: dict[str, list[KnownFile]] = {}
        for file in self.files:
            self.by_path.setdefault(file.path, []).append(file)

    def holds(self, sha256: str) -> bool:
        """Return whether a file with these bytes was read."""
        return sha256 in self.ids or sha256[:16] in self.ids

    @cached_property
    def moved(self) -> list[KnownFile]:
        """The known files that are not at their place as they were, by size: grown or renamed."""
        there = []
        for file in self.files:
            try:
                size = Path(file.path).stat().st_size
            except OSError:
                size = -1
            if size != file.size_bytes:
                there.append(file)
        return sorted(there, key=lambda file: (file.size_bytes, file.file_id))

    def beginnings(self, path: Path, format: Format, head: Head | None) -> list[KnownFile]:
        """Return the known files that a file may begin with, the longest first.

        Only records on lines of their own can be read from the middle of a file.
        """
        if not self.files or format.many_rows or format.records:
            return []
        if head is None or head.layout != "newline_delimited" or not containers.is_plain(path):
            return []
        size = path.stat().st_size
        at = bisect_left(self.moved, (size, ""), key=lambda file: (file.size_bytes, file.file_id))
        near = [*self.moved[max(0, at - TRIED) : at], *self.by_path.get(str(path), ())]
        fitting = {
            file.file_id: file
            for file in near
            if 0 < file.size_bytes < size and file.format == format.name and file.records
        }
        return sorted(fitting.values(), key=lambda file: -file.size_bytes)

    def growth(self, beginnings: Collection[KnownFile], digest: Digest) -> Growth | None:
        """Return of which known file a file (its digest) is the continuation, None if of none."""
        path = digest.path
        for file in beginnings:
            if digest.of_beginning(file.size_bytes) != file.sha256:
                continue
            begins = plain_files.line_start(path, file.size_bytes)
            if begins == file.size_bytes:
                return Growth(file.file_id, file.sha256, begins, file.records, None)
            cut = plain_files.count_lines(path, begins) + 1
            if self.was_rejected(file, cut):
                return Growth(file.file_id, file.sha256, begins, file.records - 1, cut)
        return None

    def was_rejected(self, file: KnownFile, line: int) -> bool:
        """Return whether a line was rejected; a half one that was not means something else."""
        rejects = scan_sql("rejects", self.store.files("rejects"))
        with new_connection() as connection:
            found = connection.execute(
                f"select exists(select 1 from ({rejects}) "
                f"where file_id = {quote(file.file_id)} and line = {line})"
            ).fetchone()
        return bool(found[0])
