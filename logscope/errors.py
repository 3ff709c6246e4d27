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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean X?`` for the nearest known name, or the list when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f" Did you mean {near[0]}?"
    return f" Known: {', '.join(names)}." if names else ""
