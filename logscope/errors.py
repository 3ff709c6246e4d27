"""Everything that can go wrong for a reason the user can act on.

LogscopeError            exit code 1
├── UsageError           2  a wrong flag, name, setting or SQL text
├── NoDataError          3  nothing could be judged for lack of data
├── InputError           4  nothing readable in the input
└── StoreError           2  the store is missing, damaged or in use

A message is one line: what, why, and how to go on.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

INTERRUPTED = "logscope: interrupted; the store is as it was."


class LogscopeError(Exception):
    """Root of all errors that logscope raises on purpose; the command line prints it as one line."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class UsageError(LogscopeError):
    """What was asked cannot be done as it was asked."""

    exit_code = 2


class StoreError(LogscopeError):
    """The store cannot be opened or written."""

    exit_code = 2


class NoDataError(LogscopeError):
    """The question is fine, the data for it is missing."""

    exit_code = 3


class InputError(LogscopeError):
    """Nothing in the input could be read."""

    exit_code = 4


def is_interrupt(error: BaseException) -> bool:
    """Return whether an error is Ctrl-C, also as DuckDB tells of it."""
    return isinstance(error, KeyboardInterrupt) or "Query interrupted" in str(error)


def known_trouble(error: Exception) -> LogscopeError | None:
    """Return what a user can do about an error of the system or the engine; None if nothing."""
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return StoreError(f"{place}{error.strerror or error}. Make room, or choose another place.")
    if not type(error).__module__.startswith(("duckdb", "_duckdb")):
        return None
    reason = str(error).splitlines()[0].rstrip(".")
    if type(error).__name__ in ("IOException", "InvalidInputException", "SerializationException"):
        return StoreError(
            f"A file of the store is missing or damaged: {reason}. Bring it back, or ingest the "
            "logs into a new store."
        )
    if type(error).__name__ in ("ConversionException", "OutOfRangeException"):
        return UsageError(f"A condition or a column fails on some value: {reason}. Write try_cast.")
    return None


def did_you_mean(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """Return `` Did you mean X?`` for the nearest known name; where none is near, `otherwise` or all."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f" Did you mean {near[0]}?"
    if otherwise is not None:
        return otherwise
    return f" Known: {', '.join(names)}." if names else ""
