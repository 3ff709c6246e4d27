"""The command line. A command reads its options, calls one function and prints the answer.

Exit codes: 0 done; 1 a gate, check or tolerance says no; 2 wrong usage; 3 nothing could be judged
for lack of data; 4 nothing readable in the input; 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import NoReturn

from logscope.errors import INTERRUPTED

__all__ = ["app", "main"]

try:
    from logscope.cli.app import app

    # Importing a panel registers its commands, in the order in which --help shows them.
    for panel in ("start", "closer", "route", "setup"):
        importlib.import_module(f"logscope.cli.{panel}")
except KeyboardInterrupt:
    print(INTERRUPTED, file=sys.stderr)
    raise SystemExit(130) from None


def main() -> None:
    """Run the command line; the process ends with it."""
    # Threads that only now and then need the interpreter are not to wait 5 ms for it each time.
    sys.setswitchinterval(0.0005)
    try:
        app(prog_name="logscope")
    except SystemExit as ended:
        leave(ended.code)


def leave(code: str | int | None) -> NoReturn:
    """End the process at once: to take the interpreter apart first takes a tenth of a second."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        # The reader is gone, or the stream was closed for that.
        pass
    os._exit(code if isinstance(code, int) else 0)
