"""How each attempt was answered: tokens, times, cost, scores, and the chunks of some streams."""

from __future__ import annotations

import numpy as np

from logscope.demo import truth
from logscope.demo.sessions import (
    MINUTE,
    MINUTES,
    OK,
    SECOND,
    Clock,
    Column,
    Table,
    inside,
    since_start,
)

EFFORT_SHARE = np.array([0.1, 0.25, 0.45])  # reasoning's share of the output, by effort
CHUNKS_MOST = 80
THINKING = [truth.TASK_NAMES.index(name) for name in ("code", "research")]
CACHING = [truth.TASK_NAMES.index(name) for name in ("code", "chat", "research")]


def of_model(name: str) -> Column:
    return np.array([getattr(model, name) for model in truth.MODELS])


def of_task(name: str) -> Column:
    return np.array([getattr(task, name) for task in truth.TASKS])


def answer(rng: np.random.Generator, clock: Clock, attempts: Table) -> Table:
    """Add to each attempt what came back; columns in microseconds, tokens and USD.

    Numbers that do not exist are -1 (times, tokens, scores) or NaN (cost, propensity).
    """
    table = dict(attempts)
    table |= draw_tokens(rng, table)
    table |= draw_times(rng, clock, table)
    cancel(rng, table)
    table["cost_usd"] = cost(table)
    table |= draw_scores(rng, table)
    answered = table["outcome"] == OK
    standard = table["home"] == truth.HOME_NAMES.index("litellm_standard")
    n = len(answered)
    table["twin"] = standard & answered & (rng.random(n) < truth.TWINS)
    table["overhead"] = (rng.lognormal(np.log(6), 0.5, n) * 1000).astype(np.int64)
    silent = ~standard | (table["started"] < since_start(truth.PROPENSITY_SINCE))
    table["propensity"] = np.where(silent, np.nan, table["propensity"])
    return table


def draw_tokens(rng: np.random.Generator, table: Table) -> Table:
    model, task, size = table["model"], table["task"], table["input_tokens"]
    n = len(model)
    code = task == truth.TASK_NAMES.index("code")
    length = of_task("output_tokens")[task] * np.where(code, of_model("code_tokens")[model], 1.0)
    output = length * rng.lognormal(0, 1, n) ** of_task("output_sigma")[task]
    limit = np.where(table["max_output_tokens"] > 0, table["max_output_tokens"], 32_000)
    output = np.clip(output, 1, limit).astype(np.int64)

    explicit = (of_model("caching") == "explicit")[model]
    gpt = np.char.startswith(np.array(truth.MODEL_NAMES), "gpt")[model]
    thinking = np.isin(task, THINKING) & ~explicit
    share = np.where(gpt, EFFORT_SHARE[table["effort"]], 0.35) * rng.uniform(0.7, 1.3, n)
    reasoning = np.where(thinking, (output * share).astype(np.int64), np.where(explicit, -1, 0))

    later = table["operation_index"] > 0
    cached = np.isin(task, CACHING) & (size >= 1024)
    read = cached & later & (rng.random(n) < np.where(explicit, 0.9, np.where(gpt, 0.7, 0.4)))
    part = np.where(explicit, 0.75, np.where(gpt, 0.6, 0.5))
    cache_read = np.where(read, (size * part).astype(np.int64) // 128 * 128, 0)
    written = cached & explicit
    wrote = np.where(written, (size * np.where(read, 0.15, 0.7)).astype(np.int64), 0)
    calls = np.where((table["n_tools"] > 0) & (rng.random(n) < 0.5), rng.integers(1, 4, n), 0)
    return {
        "output_tokens": output,
        "reasoning_tokens": reasoning,
        "cache_read_tokens": cache_read,
        "cache_write_5m_tokens": np.where(table["one_hour"], 0, wrote),
        "cache_write_1h_tokens": np.where(table["one_hour"], wrote, 0),
        "n_tool_calls": calls,
        "has_effort": gpt & np.isin(task, THINKING),
    }


def draw_times(rng: np.random.Generator, clock: Clock, table: Table) -> Table:
    model, region = table["model"], table["region"]
    n = len(model)
    minute = np.minimum(table["started"] // MINUTE, MINUTES - 1)
    load = np.clip(clock.load[region, minute], 0.1, 4)
    load = np.where(inside(truth.THROTTLING, table, region), 4, load)
    size = 1 + of_model("per_50k")[model] * table["input_tokens"] / 50_000
    busy = np.maximum(0.5, 1 + of_model("load_slope")[model] * (load - 1))
    far = np.array([region.extra_ms for region in truth.REGIONS])[region]
    noise = rng.normal(0, truth.TTFT_SIGMA, n) + table["temper"]
    noise += clock.mood[model, region, minute // (24 * 60)]
    ttft = (of_model("ttft_ms")[model] * size * busy + far) * np.exp(noise)
    ttft = np.where(inside(truth.REGRESSION, table, region), ttft * truth.REGRESSION.size, ttft)
    tpot = of_model("tpot_ms")[model] * rng.lognormal(0, truth.TPOT_SIGMA, n)
    stalled = table["streamed"] & (table["output_tokens"] >= 20)
    stalled &= rng.random(n) < truth.STALLED
    stall = np.where(stalled, rng.uniform(*truth.STALL_MS, n), 0)
    duration = ttft + tpot * (table["output_tokens"] - 1) + stall

    answered = table["outcome"] == OK
    return {
        "ttft": np.where(answered, (ttft * 1000).astype(np.int64), -1),
        "duration": np.where(answered, (duration * 1000).astype(np.int64), table["failed_after"]),
        "stall": np.where(answered, (stall * 1000).astype(np.int64), 0),
    }


def cancel(rng: np.random.Generator, table: Table) -> None:
    """Cut some streams short, in place: the caller hung up. (Bedrock would not log that.)"""
    n = len(table["model"])
    cut = table["streamed"] & (table["outcome"] == OK) & (rng.random(n) < truth.CANCELLED)
    cut &= table["home"] != truth.HOME_NAMES.index("bedrock_invocation")
    lasted = (table["duration"] * rng.uniform(0.05, 0.95, n)).astype(np.int64)
    seen = np.maximum(lasted - table["ttft"], 0) / np.maximum(table["duration"] - table["ttft"], 1)
    table["output_tokens"] = np.where(
        cut, (table["output_tokens"] * seen).astype(np.int64), table["output_tokens"]
    )
    table["reasoning_tokens"] = np.minimum(table["reasoning_tokens"], table["output_tokens"])
    table["ttft"] = np.where(cut & (lasted < table["ttft"]), -1, table["ttft"])
    table["stall"] = np.where(cut, 0, table["stall"])
    table["duration"] = np.where(cut, lasted, table["duration"])
    table["n_tool_calls"] = np.where(cut, 0, table["n_tool_calls"])
    table["outcome"] = np.where(cut, truth.ERROR_TYPES.index("ClientDisconnect"), table["outcome"])


def cost(table: Table) -> Column:
    """Return USD by the price book of truth.MODELS; NaN where nothing was answered."""
    model = table["model"]
    read, write_5m = table["cache_read_tokens"], table["cache_write_5m_tokens"]
    write_1h = table["cache_write_1h_tokens"]
    micro_usd = (
        (table["input_tokens"] - read - write_5m - write_1h) * of_model("input_usd")[model]
        + read * of_model("cache_read_usd")[model]
        + write_5m * of_model("cache_write_5m_usd")[model]
        + write_1h * of_model("cache_write_1h_usd")[model]
        + table["output_tokens"] * of_model("output_usd")[model]
    )
    return np.where(table["outcome"] == OK, np.round(micro_usd / 1e6, 10), np.nan)


def draw_scores(rng: np.random.Generator, table: Table) -> Table:
    """Judge part of the answers: 1 good, 0 bad, -1 not judged."""
    model, task = table["model"], table["task"]
    n = len(model)
    judged = (table["outcome"] == OK) & (rng.random(n) < of_task("scored")[task])
    quality = np.array([truth.QUALITY[name] for name in truth.TASK_NAMES])[task, model]
    correct = rng.random(n) < quality
    arguments = rng.random(n) < np.array(truth.TOOL_ARGS)[model]
    refused = rng.random(n) < np.array(truth.REFUSAL)[model]
    return {
        "correct": np.where(judged, correct, -1),
        "tool_args_correct": np.where(judged & (table["n_tool_calls"] > 0), arguments, -1),
        "refusal_on_missing_record": np.where(judged & table["missing"], refused, -1),
        "score_lag": rng.integers(MINUTE, 240 * MINUTE, n),
    }


def draw_chunks(rng: np.random.Generator, table: Table, rows: Column) -> Table:
    """Draw the chunks of the streams at `rows`: one row per chunk, in order of arrival.

    The first arrives at the stream's TTFT, the last at its end; a stall lies between two of them.
    """
    output = table["output_tokens"][rows]
    each = -(-output // CHUNKS_MOST)
    counts = np.maximum(-(-output // np.maximum(each, 1)), 1)
    ends = np.cumsum(counts)
    starts = ends - counts
    n = int(counts.sum())
    stream = np.repeat(np.arange(len(rows)), counts)
    position = np.arange(n) - starts[stream]

    pace = rng.gamma(4, 1, n)
    pace[position == 0] = 0
    walked = np.cumsum(pace)
    walked -= walked[starts][stream]
    walked /= np.maximum(walked[ends - 1], 1e-9)[stream]
    ttft, stall = table["ttft"][rows], table["stall"][rows]
    flowing = np.maximum(table["duration"][rows] - ttft - stall, 0)
    pauses_before = 1 + (rng.random(len(rows)) * np.maximum(counts - 1, 1)).astype(np.int64)
    offset = ttft[stream] + walked * flowing[stream]
    offset += np.where(position >= pauses_before[stream], stall[stream], 0)

    thought = np.maximum(table["reasoning_tokens"][rows], 0) // np.maximum(each, 1)
    calls = (table["n_tool_calls"][rows] > 0)[stream]
    kind = np.where(position < thought[stream], 1, np.where(calls & (position > 0), 2, 0))
    rest = output[stream] - position * each[stream]
    return {
        "row": rows[stream],
        "position": position,
        "offset_us": offset.astype(np.int64),
        "kind": kind,
        "tokens": np.minimum(each[stream], np.maximum(rest, 0)),
        "role_us": np.maximum(ttft[stream] - SECOND // 250, 0),
    }
