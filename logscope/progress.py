"""Progress of long work, on stderr and only for a person who watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]

STEPS = {"look": "Looking at files", "unpack": "Unpacking", "read": "Reading", "merge": "Merging"}


@contextmanager
def showing() -> Iterator[Progress]:
    """Give a callback (step, done, total) that shows the step under way and its time."""
    if not sys.stderr.isatty():
        yield lambda step, done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("Starting", total=None)

        def show(step: str, done: int, total: int) -> None:
            count = f" {done:,} of {total:,}" if total > 1 else ""
            progress.update(task, description=f"{STEPS.get(step, step)}{count}")

        yield show


@contextmanager
def counting(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give a callback (done so far) that moves a bar towards `total`."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=done)
