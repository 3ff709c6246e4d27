"""When something happened: the hour at which a share stepped, the hours of an outburst."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# How much likelier a step must make the counts than no step (twice the log of the ratio): far above
# what a search through a week's hours finds by chance, because requests come in bursts.
LEAST_EVIDENCE = 25.0
LEAST_ON_EACH_SIDE = 30


@dataclass(frozen=True)
class Step:
    """From `hour` on the share was another one."""

    hour: int
    share_before: float
    share_after: float


def log_likelihood(hits: int, n: int) -> float:
    """Return the log likelihood of `hits` among `n` at their own share."""
    if n == 0 or hits in (0, n):
        return 0.0
    share = hits / n
    return hits * math.log(share) + (n - hits) * math.log(1 - share)


def step(counts: Sequence[tuple[int, int, int]]) -> Step | None:
    """Return the step that explains (hour, n, hits) best, None if there is hardly one."""
    ordered = sorted(counts)
    n, hits = sum(row[1] for row in ordered), sum(row[2] for row in ordered)
    none = log_likelihood(hits, n)
    best, found = LEAST_EVIDENCE, None
    n_before = hits_before = 0
    for hour, n_here, hits_here in ordered:
        n_after, hits_after = n - n_before, hits - hits_before
        if min(n_before, n_after) >= LEAST_ON_EACH_SIDE:
            split = log_likelihood(hits_before, n_before) + log_likelihood(hits_after, n_after)
            if 2 * (split - none) > best:
                best = 2 * (split - none)
                found = Step(hour, hits_before / n_before, hits_after / n_after)
        n_before, hits_before = n_before + n_here, hits_before + hits_here
    return found


def outburst(counts: Mapping[int, int], share: float = 0.8, longest: int = 8) -> range | None:
    """Return the fewest hours in a row that hold `share` of all counts, None if over `longest`."""
    total = sum(counts.values())
    best: range | None = None
    for start in sorted(counts):
        held = 0
        for end in range(start, start + longest):
            held += counts.get(end, 0)
            if held >= share * total:
                if best is None or end + 1 - start < len(best):
                    best = range(start, end + 1)
                break
    return best
