"""Names that a person understands for groups of requests, from what sets the groups apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import polars
    from numpy.typing import NDArray

ALL = "all requests"
MOSTLY = 0.8
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)  # thousands of tokens
# What a name tells of a group at once, and what only where a name would not be its own without.
FLAGS = {"with_tools": "tools", "with_images": "images"}
MORE_FLAGS = {"with_code": "code in it", "streamed": "streamed"}
MEDIANS = {
    "messages_p50": "messages",
    "max_output_tokens_p50": "tokens at most",
    "tools_p50": "tools",
    "steps_p50": "steps",
    "questions_p50": "questions",
    "chars_p50": "characters",
}
DIFFERENT = 1.5  # times as much

FACTS = Path(__file__).with_name("type_facts.sql")


def describe(connection: Any, codes: NDArray[np.int64]) -> polars.DataFrame:
    """Return facts about groups of the table `typed`, one row per group that has requests.

    `codes` gives the group (from 0) of each row, -1 for none.
    """
    import numpy as np
    import polars as pl

    place = np.flatnonzero(codes >= 0)
    connection.register(
        "groups_given", pl.DataFrame({"place": place, "code": codes[place]}).to_arrow()
    )
    facts: polars.DataFrame = connection.sql(FACTS.read_text(encoding="utf-8")).pl()
    connection.unregister("groups_given")
    return facts


def names_of(facts: polars.DataFrame) -> tuple[str, ...]:
    """Return a name per group, all different: task, input size, and what else tells them apart."""
    rows = facts.to_dicts()
    if len(rows) == 1:
        return (ALL,)
    largest = max((row["input_tokens_p90"] or 0) for row in rows)
    names = [[part for part in (task_of(row), size_of(row, largest)) if part] for row in rows]
    everybody = list(range(len(rows)))
    for key, word in FLAGS.items():
        add_flag(rows, names, everybody, key, word)
    for group in twins(names):
        for key, word in MORE_FLAGS.items():
            add_flag(rows, names, group, key, word)
    for group in twins(names):
        for i in group:
            if rows[i]["effort"] and rows[i]["n_effort"] >= MOSTLY * rows[i]["n"]:
                names[i].append(f"{rows[i]['effort']} effort")
    for group in twins(names):
        add_median(rows, names, group)
    texts = [", ".join(words) or "other" for words in names]
    for i, text in enumerate(texts):
        count = texts[:i].count(text)
        names[i] = [f"{text} ({count + 1})" if count else text]
    return tuple(words[0] for words in names)


def twins(names: Sequence[Sequence[str]]) -> list[list[int]]:
    """Return the groups that share a name, by their numbers."""
    same: dict[tuple[str, ...], list[int]] = {}
    for i, words in enumerate(names):
        same.setdefault(tuple(words), []).append(i)
    return [group for group in same.values() if len(group) > 1]


def add_flag(
    rows: Sequence[Mapping[str, Any]], names: list[list[str]], group: list[int], key: str, word: str
) -> None:
    """Add a word to the names of groups that mostly have a flag, if some of them do not."""
    having = [i for i in group if (rows[i][key] or 0) >= MOSTLY]
    for i in having if len(having) < len(group) else ():
        names[i].append(word)


def add_median(rows: Sequence[Mapping[str, Any]], names: list[list[str]], group: list[int]) -> None:
    """Add to names that are still the same the number in which the groups differ most."""
    ratios = {}
    for key in MEDIANS:
        values = [rows[i][key] for i in group]
        if None not in values:
            ratios[key] = (max(values) + 1) / (min(values) + 1)
    most = max(ratios, key=lambda key: ratios[key], default=None)
    if most is not None and ratios[most] >= DIFFERENT:
        for i in group:
            names[i].append(f"{rows[i][most]:,.0f} {MEDIANS[most]}")


def task_of(row: Mapping[str, Any]) -> str | None:
    """Return the task that most requests of a group have, or the two that share it."""
    if not row["tasks"] or row["n_task"] < row["n"] / 2:
        return None
    covered = 0
    for i, count in enumerate(row["n_tasks"][:2]):
        covered += count
        if covered >= MOSTLY * row["n_task"]:
            return " and ".join(str(task) for task in row["tasks"][: i + 1])
    return "mixed"


def size_of(row: Mapping[str, Any], largest: float) -> str | None:
    """Return the range of input tokens in which most requests of a group lie, in round numbers."""
    low, high = row["input_tokens_p10"], row["input_tokens_p90"]
    if low is None:
        return None
    below = max((size for size in SIZES if 1000 * size <= low), default=0)
    above = min((size for size in SIZES if 1000 * size >= high), default=0)
    if below >= 4 and (not above or high == largest):
        return f"over {below}K in"
    if not above:
        return None
    if below == above:
        return f"{below}K in"
    close = below >= 4 or (below and above <= 4 * below)
    return f"{below}K–{above}K in" if close else f"under {above}K in"
