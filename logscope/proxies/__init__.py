"""Proxies: a recommendation as the configuration of the proxy that is to follow it.

One proxy is one module here with the constant TITLE (one line) and the function
`export(recommendation, base, name) -> Export`; nothing else has to know of it.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from logscope.errors import UsageError, did_you_mean
from logscope.recommendation import Recommendation


@dataclass(frozen=True)
class Export:
    """A proxy's configuration as text, and one line for everything that is not in it or matters."""

    text: str
    notes: tuple[str, ...] = ()


Exporter = Callable[[Recommendation, str | None, str], Export]


def find_proxies() -> list[str]:
    """Return the names of the proxies that a recommendation can be exported to."""
    folder = Path(__file__).parent
    return sorted(path.stem for path in folder.glob("[a-z]*.py"))


def export(
    recommendation: Recommendation,
    proxy: str,
    base: str | None = None,
    name: str = "The base file",
) -> Export:
    """Return a recommendation as configuration of `proxy`.

    With `base`, the text of the user's own configuration, only the weights that change are touched;
    without it, the text is a fragment. Raises UsageError for an unknown proxy, and for a base that
    is no configuration of it, which the message calls `name`.
    """
    if proxy not in find_proxies():
        raise UsageError(
            f"--to {proxy!r} is no proxy known here.{did_you_mean(proxy, find_proxies())}"
        )
    exporter: Exporter = importlib.import_module(f"{__name__}.{proxy}").export
    return exporter(recommendation, base, name)


def read_base(path: Path) -> str:
    """Return a configuration file, line breaks as they are; UsageError if it is no text."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Name another file.") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is no UTF-8 text. Save it as UTF-8, then export again."
        ) from error


def unified_diff(before: str, after: str, name: str) -> str:
    """Return the change as `diff -u` shows it, empty without one."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    # A last line without a line break must not run into the next one.
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
