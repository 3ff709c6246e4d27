"""The command line. A command reads its options, calls one function and prints the answer.

Exit codes: 0 done; 1 a gate, check or tolerance says no; 2 wrong usage; 3 nothing could be judged
for lack of data; 4 nothing readable in the input; 130 interrupted.
"""

from __future__ import annotations

import importlib

from logscope.cli.app import app

__all__ = ["app", "main"]

# Importing a panel registers its commands, in the order in which --help shows them.
for panel in ("start", "closer", "route", "setup"):
    importlib.import_module(f"logscope.cli.{panel}")


def main() -> None:
    """Run the command line."""
    app(prog_name="logscope")
