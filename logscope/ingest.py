"""Ingest: files in, one transaction on the store, and an account of every record.

Here only begins what takes longest: named files are hashed while all that reads them is loaded.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from logscope.config import Config
from logscope.digests import Digests
from logscope.errors import InputError, LogscopeError
from logscope.progress import Progress
from logscope.sources import STDIN, discover, spool

if TYPE_CHECKING:
    from logscope.accounting import IngestResult


def ingest(
    store_path: Path,
    paths: Sequence[str | Path],
    config: Config,
    format_name: str | None = None,
    adapters: Sequence[Path] = (),
    max_rejects: float | None = None,
    progress: Progress | None = None,
) -> IngestResult:
    """Read log files into the store in one transaction and return the account.

    Raises InputError if nothing is readable, UsageError if two formats claim one file, LogscopeError
    if more than `max_rejects` (a share) of the records are rejected; the store is then as before.
    """
    if STDIN in map(str, paths):
        with tempfile.TemporaryDirectory() as folder:
            given = [spool(Path(folder)) if str(path) == STDIN else path for path in paths]
            try:
                return ingest(
                    store_path, given, config, format_name, adapters, max_rejects, progress
                )
            except LogscopeError as error:
                spooled = str(Path(folder) / STDIN)
                raise type(error)(str(error).replace(spooled, "standard input")) from error
    started = datetime.now(UTC)
    sources = discover(paths)
    if not sources:
        raise InputError(f"There is no file in {', '.join(map(str, paths[:3]))}. Name another.")
    with Digests() as digests:
        # What a folder holds may be no log; what is named is one, or nothing is read.
        for source in sources:
            if source.named:
                digests.begin(source.path)
        from logscope.intake import take_in

        result = take_in(
            store_path,
            sources,
            digests,
            config,
            format_name,
            adapters,
            max_rejects,
            progress or (lambda step, done, total: None),
        )
    return replace(result, seconds=(datetime.now(UTC) - started).total_seconds())
