"""Synthetic logs with a known truth, in the producers' own formats: what `logscope demo` writes.

`truth` holds the world as tables, `sessions` and `answers` draw it as columns, and one SQL file per
format turns them into the records that its producer would have written.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["planted", "write_demo"]

SEED = 20261116


def write_demo(
    folder: Path,
    requests: int = 1200,
    seed: int = SEED,
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write the demo logs into `folder` and return the files; same arguments, same bytes.

    `requests` counts the requests of the world (200 or more); part of them stand in two logs.
    `progress` is called with the number of requests written so far. Raises UsageError when the
    number is too small, or when `folder` holds demo files that this run would not replace.
    """
    from logscope.demo.writing import write

    return write(folder, requests, seed, progress)


def planted() -> dict[str, Any]:
    """Return the effects planted in the demo logs: name -> value, where, and when."""
    from logscope.demo.truth import planted as planted_effects

    return planted_effects()
