"""Sources: the files that the paths of an ingest stand for."""

from __future__ import annotations

import glob
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from logscope.errors import InputError, UsageError

STORE_LEDGER = "_delta_log"
STDIN = "-"


@dataclass(frozen=True)
class Source:
    """A file to read: where it lies, and whether the user named it or a folder held it."""

    path: Path
    named: bool


def discover(paths: Sequence[str | Path]) -> list[Source]:
    """Return the files that `paths` (files, folders, globs) stand for, each once, in order.

    Hidden files and stores are passed over. A path that stands for nothing, or for no
    regular file, is an InputError.
    """
    found: dict[Path, Source] = {}
    for text in paths:
        if not str(text):
            raise UsageError("'' names nothing. Give files, folders or globs of logs; . is here.")
        path = Path(text)
        if path.is_dir():
            for file in sorted(walk(path)):
                found.setdefault(file.resolve(), Source(file, named=False))
        elif path.exists():
            if not path.is_file():
                # It could be read once only, and a pipe without a writer never ends.
                raise InputError(f"{path} is no regular file. Pipe it: logscope ingest - < FILE")
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
    path = folder / STDIN
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def place_of(path: Path) -> str:
    """Return how a file is called in the store: where it lies; standard input as it was given."""
    return STDIN if path.name == STDIN else str(path)


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
