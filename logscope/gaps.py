"""Gaps between the chunks of streams, pooled over each group, under two definitions of a chunk.

In SQL both are views (`as_view`), which is how other clients see them. A query of logscope's own
finds tables in the place of the views, with the same numbers: see `pools`.
"""

from __future__ import annotations

LEVELS = (0.5, 0.9, 0.95, 0.99)
# Which chunks count: mostly so many from one place on follow each other, else they are kept apart.
CHUNKS = {
    "generated_gaps": {
        "apart": "streams.generated_ms",
        "place": "coalesce(streams.generated_at, 1)",
        "n": "streams.n_generated",
    },
    "answer_gaps": {"apart": "streams.answered_ms", "place": "1", "n": "streams.n_answered"},
}


def chunks(*names: str) -> str:
    """Return the SELECT of the streams of a selection that have a gap under some definitions.

    Each with its group_key; of every definition, its chunks are those of `<name>_apart` (ms), or else
    `<name>_n` of all, from `<name>_place` on (from 1).
    """
    columns = "".join(
        f", {sql} as {name}_{part}" for name in names for part, sql in CHUNKS[name].items()
    )
    has_gap = " or ".join(f"{CHUNKS[name]['n']} >= 2" for name in names)
    return f"""
        select selection.group_key, streams.offsets_ms{columns}
        from streams join selection on streams.request_id = selection.request_id
        where selection.status = 'ok' and ({has_gap})
    """


def percentile_name(level: float) -> str:
    return f"p{round(100 * level)}"


def as_view(name: str) -> str:
    """Return the SELECT of n, avg, std, min, p50, p90, p95, p99 and max (ms) of each group's gaps."""
    told = ", ".join(
        f"percentiles[{i}] as {percentile_name(level)}" for i, level in enumerate(LEVELS, 1)
    )
    return f"""
        select group_key, n, avg, std, min, {told}, max
        from (
            select
                group_key, count(gap) as n, round(avg(gap), 9) as avg,
                round(stddev_pop(gap), 9) as std, min(gap) as min,
                quantile_cont(gap, {list(LEVELS)}) as percentiles, max(gap) as max
            from (
                select group_key, unnest(chunks_ms[2:]) - unnest(chunks_ms[:-2]) as gap
                from (
                    select
                        group_key,
                        coalesce(
                            {name}_apart, offsets_ms[{name}_place : {name}_place + {name}_n - 1]
                        ) as chunks_ms
                    from ({chunks(name)})
                )
            )
            group by group_key
        )
    """
