"""The rows of charts: how they enter a specification, once, without Altair copying them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar

import altair as alt
from altair.utils.schemapi import debug_mode

if TYPE_CHECKING:
    import polars

Spec = dict[str, Any]


def values(frame: polars.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows for a specification: floats with seven digits, dates as text."""
    rows = []
    for row in frame.iter_rows(named=True):
        rows.append({key: plain(value) for key, value in row.items()})
    return rows


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


class Rows:
    """The rows of a chart as something that Altair passes through: it copies a list for each part."""

    _schema: ClassVar[Mapping[str, str]] = {"type": "array"}

    def __init__(self, rows: list[Mapping[str, Any]]) -> None:
        self.rows = rows

    def to_dict(self, *args: Any, **kwargs: Any) -> list[Mapping[str, Any]]:
        return self.rows


def data(rows: polars.DataFrame | Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Return rows as the data of a chart, named by what they are."""
    listed = [*rows] if isinstance(rows, Sequence) else values(rows)
    digest = hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()
    return alt.InlineData(Rows(listed), name=f"data-{digest[:32]}")  # type: ignore[arg-type]


def with_shared_rows(spec: Spec) -> Spec:
    """Return a specification in which each kind of rows stands once, beside the chart."""
    datasets: Spec = {}
    share_rows(spec, datasets)
    return {**spec, "datasets": datasets}


def share_rows(part: Any, datasets: Spec) -> None:
    """Move the rows of a part and of the parts in it to `datasets`."""
    if isinstance(part, dict):
        found = part.get("data")
        if isinstance(found, dict) and "values" in found:
            datasets[found["name"]] = found["values"]
            part["data"] = {"name": found["name"]}
        for key in ("layer", "spec"):
            share_rows(part.get(key), datasets)
    elif isinstance(part, list):
        for one in part:
            share_rows(one, datasets)


def unchecked() -> AbstractContextManager[None]:
    """Return a context in which charts are not checked at each step: it takes longer than all else.

    The tests make the same charts with every check.
    """
    return debug_mode(False)
