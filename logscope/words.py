"""Numbers and names in words: how the report writes money, times, shares and names of a log.

Every function takes None for unknown and gives a dash for it, never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from logscope.output import UNKNOWN_GROUP, clean

DASH = "–"
MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"
UNKNOWN_NAME = UNKNOWN_GROUP
MAX_NAME = 48


def count(value: float | None) -> str:
    """Return a whole number with thousands marked."""
    return DASH if value is None else f"{round(value):,}".replace("-", MINUS)


def money(value: float | None, digits: int | None = None) -> str:
    """Return US dollars with as many decimals as matter, or as many as asked for."""
    if value is None:
        return DASH
    size = abs(value)
    if digits is None:
        if size >= 1000 or size == 0:
            digits = 0
        elif size >= 1:
            digits = 2
        else:
            digits = min(6, 1 - math.floor(math.log10(size)))
    text = f"${size:,.{digits}f}"
    return f"{MINUS}{text}" if value < 0 and text.strip("$0.,") else text


def ms(value: float | None) -> str:
    """Return milliseconds without their unit, with three digits that matter."""
    if value is None:
        return DASH
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def seconds(value_ms: float | None) -> str:
    """Return milliseconds as seconds without their unit."""
    if value_ms is None:
        return DASH
    value = value_ms / 1000
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def duration(value_ms: float) -> str:
    """Return a time span with its unit: 820 ms, 4.2 s, 3 min, 2.5 h."""
    for size, unit in ((3_600_000, "h"), (60_000, "min"), (1000, "s")):
        if value_ms >= size:
            value = value_ms / size
            text = f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
            return f"{text} {unit}"
    return f"{value_ms:.0f} ms"


def percent(share: float | None, unit: bool = True) -> str:
    """Return a share as per cent: one decimal, two below 0.1 %."""
    if share is None or not math.isfinite(share):
        return DASH
    value = share * 100
    text = f"{value:.2f}" if 0 < abs(value) < 0.095 else f"{value:.1f}"
    if 0 < value < 0.005:
        text = "<0.01"
    if text == "100.0" and value < 100:
        text = ">99.9"
    text = text.replace("-", MINUS)
    return f"{text}{THIN}%" if unit else text


def goal(share: float | None, gap: str = THIN) -> str:
    """Return a share that somebody has set, as it was set: 95 %, 99.95 %."""
    return DASH if share is None else f"{round(share * 100, 9):g}{gap}%"


def short_of(share: float, limit: float) -> str:
    """Return a share that misses a limit, with the decimals that it takes to see that."""
    digits = 1
    while digits < 6 and f"{share * 100:.{digits}f}" == f"{limit * 100:.{digits}f}":
        digits += 1
    return percent(share) if digits == 1 else f"{share * 100:.{digits}f}{THIN}%"


def change(now: float | None, before: float | None) -> float | None:
    """Return the relative change, None where it cannot be told."""
    if now is None or before is None or before == 0:
        return None
    return now / before - 1


def signed_percent(value: float | None, unit: bool = True) -> str:
    """Return a relative change as +4.2 %."""
    if value is None:
        return DASH
    if value > 9.995:
        return f"×{value + 1:,.0f}"
    text = f"{abs(value) * 100:.1f}"
    sign = "±" if text == "0.0" else "+" if value > 0 else MINUS
    return f"{sign}{text}{THIN}%" if unit else f"{sign}{text}"


def signed(text: str, value: float) -> str:
    """Return a number's text with its sign spelled out."""
    return text if text.startswith(MINUS) else f"+{text}" if value > 0 else text


def more_or_less(value: float, more: str = "more", less: str = "less") -> str:
    return more if value > 0 else less


def plural(number: float, noun: str, many: str | None = None) -> str:
    """Return `1 request`, `2 requests`."""
    return f"{round(number):,} {noun if number == 1 else many or noun + 's'}"


def part_of(n: int, total: int, noun: str) -> str:
    """Return `10 of 11 requests`, of a hundred and more `90.9 % of 1,100 requests`; all, none."""
    whole = plural(total, noun)
    if total > 1 and n in (0, total):
        return f"{'All' if n else 'None of'} {whole}"
    return f"{percent(n / total) if total >= 100 else count(n)} of {whole}"


def listed(parts: list[str]) -> str:
    """Return `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def name(value: object) -> str:
    """Return what a log called something, harmless and not too long; None is (unknown)."""
    if value is None:
        return UNKNOWN_NAME
    text = clean(value.isoformat() if isinstance(value, date) else str(value)).strip()
    if not text:
        return "(empty)"
    return text if len(text) <= MAX_NAME else text[: MAX_NAME - 1] + "…"


def apart(values: Iterable[Any], text_of: Callable[[Any], str] = name) -> dict[Any, str]:
    """Return a name for each distinct value so that no two look the same."""
    names: dict[Any, str] = {}
    taken: set[str] = set()
    for value in values:
        if value in names:
            continue
        text, number = text_of(value), 2
        while text in taken:
            text, number = f"{text_of(value)} #{number}", number + 1
        names[value] = text
        taken.add(text)
    return names


def weekday(day: date) -> str:
    """Return `Mon 9`."""
    return f"{day:%a} {day.day}"
