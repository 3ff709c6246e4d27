"""When something happened: the hours of an outburst."""

from __future__ import annotations

from collections.abc import Mapping


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
