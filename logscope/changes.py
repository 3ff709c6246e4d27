"""What the week changed against the week before: the answer of `week_changes`, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Shift:
    """How a percentile of one group moved from the week before to this one.

    The times are those logged; `change`, `low` and `high` are shares under the mix of both weeks
    (0.1 is 10 % more), None beyond all sense. The p-value is corrected for all that were tested.
    `since` and `until` bound, in local time, the part of the week that changed, where that is told.
    """

    group: tuple[Any, ...]
    percentile: str
    before_ms: float
    now_ms: float
    change: float
    low: float | None
    high: float | None
    past_changes: int
    p_value: float | None
    verdict: str
    since: datetime | None
    until: datetime | None

    @property
    def beyond_noise(self) -> bool:
        return self.verdict == "alarm"

    @property
    def tested(self) -> bool:
        """Whether there was past enough to judge by."""
        return self.verdict != "provisional"

    @property
    def leans(self) -> bool:
        """Whether the interval, whatever it is worth yet, is all slower or all faster."""
        return (self.low or 0) > 0 or (self.high is not None and self.high < 0)


def shifts(frame: polars.DataFrame, by: Sequence[str]) -> list[Shift]:
    """Return the changes that could be compared, alarms first: the rows of `week_changes`."""
    return [
        Shift(
            group=tuple(row[name] for name in by),
            percentile=row["percentile"],
            before_ms=row["before_ms"],
            now_ms=row["now_ms"],
            change=row["change"],
            low=row["low"],
            high=row["high"],
            past_changes=row["past_changes"],
            p_value=row["p_holm"],
            verdict=row["verdict"],
            since=row["since"],
            until=row["until"],
        )
        for row in frame.iter_rows(named=True)
        if row["change"] is not None
    ]
