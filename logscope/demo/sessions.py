"""Who asks what, when, and by which way: sessions, their operations, and the attempts these take.

All draws are columns (numpy arrays of equal length); a dictionary of columns is a table. Moments
are microseconds since the start of the world.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logscope.demo import truth

Column = NDArray[Any]
Table = dict[str, Column]

MINUTES = truth.DAYS * 24 * 60
SECOND = 1_000_000
MINUTE = 60 * SECOND
END = MINUTES * MINUTE
OPERATIONS_MOST = 12
RETRYABLE = np.array([code in (429, 500, 503, 504) for code in truth.ERROR_CODES] + [False])
OK = -1  # outcome codes are positions in truth.ERROR_TYPES; -1 also picks the last of RETRYABLE


def since_start(moment: datetime) -> int:
    """Return a moment as microseconds since the start of the world."""
    return int((moment - truth.START).total_seconds()) * SECOND


def pick(rng: np.random.Generator, weights: Column) -> Column:
    """Draw one code per row of `weights`; the rows need not sum to 1."""
    edges = np.cumsum(weights, axis=1)
    past = rng.random(len(edges))[:, None] * edges[:, -1:] >= edges
    return np.asarray(past.sum(axis=1))


def pick_evenly(rng: np.random.Generator, shares: list[float], n: int) -> Column:
    """Draw `n` codes by fixed shares, as evenly as n allows: small worlds look like large ones."""
    edges = np.cumsum(shares)
    spread = (rng.permutation(n) + rng.random(n)) / max(n, 1)
    codes = np.searchsorted(edges, spread * edges[-1], side="right")
    return np.asarray(np.minimum(codes, len(shares) - 1))


@dataclass
class Clock:
    """The rhythm of traffic: rate per region and minute; the same for every chunk of a world."""

    seed: int
    load: Column = field(init=False)  # rate against its mean, region x minute
    quantiles: Column = field(init=False)  # cumulative share, region x minute
    mood: Column = field(init=False)  # log of how slow a model is on a day, model x region x day

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, 0])
        hours = np.arange(MINUTES) / 60
        weekend = np.where(hours // 24 % 7 >= 5, 0.35, 1.0)
        growth = 1.05 ** (hours // (24 * 7))
        rates = []
        for region in truth.REGIONS:
            rhythm = 0.1 + np.exp(3 * (np.cos(2 * np.pi * (hours - region.peak_hour) / 24) - 1))
            weather = np.zeros(truth.DAYS * 24)
            shocks = rng.normal(0, 0.15, len(weather))
            for hour in range(1, len(weather)):
                weather[hour] = 0.7 * weather[hour - 1] + shocks[hour]
            bursts = np.ones(MINUTES)
            for minute in rng.integers(0, MINUTES - 40, 10):
                bursts[minute : minute + 40] = 3
            rates.append(rhythm * weekend * growth * np.exp(np.repeat(weather, 60)) * bursts)
        rate = np.array(rates)
        self.load = rate / rate.mean(axis=1, keepdims=True)
        total = np.cumsum(rate, axis=1)
        self.quantiles = total / total[:, -1:]
        shape = (len(truth.MODELS), len(truth.REGIONS), truth.DAYS)
        self.mood = rng.normal(0, 0.03, shape)

    def moments(self, rng: np.random.Generator, region: Column, low: float, high: float) -> Column:
        """Draw moments between two quantiles of all traffic, by the rhythm of each row's region."""
        wanted = rng.uniform(low, high, len(region))
        minutes = np.empty(len(region), dtype=np.int64)
        for code in range(len(truth.REGIONS)):
            here = region == code
            minutes[here] = np.searchsorted(self.quantiles[code], wanted[here])
        minutes = np.minimum(minutes, MINUTES - 1)
        return minutes * MINUTE + rng.integers(0, MINUTE, len(region))

    def quantile_of(self, moment: int) -> float:
        """Return the share of all traffic that comes before a moment."""
        return float(self.quantiles[:, moment // MINUTE].mean())


def draw_attempts(
    rng: np.random.Generator, clock: Clock, rows: int, total: int, low: float, high: float
) -> Table:
    """Draw exactly `rows` attempts whose sessions start between two quantiles of the traffic.

    `total` is the size of the whole world. Columns of sessions, operations and attempts stand
    together, one row per attempt, whole operations in order.
    """
    sessions = join(
        draw_storms(rng, clock, total, low, high),
        draw_sessions(rng, clock, int(rows / 2.2) + 60, low, high),
    )
    sessions["session_no"] = np.arange(len(sessions["task"]))
    operations = draw_operations(rng, sessions, rows)
    attempts = [first_attempts(rng, clock, operations)]
    for _ in range(1, truth.MAX_ATTEMPTS):
        attempts.append(next_attempts(rng, clock, operations, attempts[-1]))
    table = join(*attempts)
    order = np.lexsort((table["attempt"], table["operation_no"]))[:rows]
    table = take(table, order)
    return take(operations, table["operation_no"]) | table


def join(*tables: Table) -> Table:
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def take(table: Table, rows: Column) -> Table:
    return {name: column[rows] for name, column in table.items()}


def draw_sessions(rng: np.random.Generator, clock: Clock, n: int, low: float, high: float) -> Table:
    task = pick_evenly(rng, [task.share for task in truth.TASKS], n)
    region = pick_evenly(rng, [region.share for region in truth.REGIONS], n)
    home = pick_evenly(rng, [home.share for home in truth.HOMES], n)
    smart = np.array([home.smart for home in truth.HOMES])[home]
    fast = np.array([home.fast for home in truth.HOMES])[home]
    way = rng.random(n)
    bedrock = home == truth.HOME_NAMES.index("bedrock_invocation")
    opus, sonnet = (truth.MODEL_NAMES.index(name) for name in truth.BEDROCK_MODELS)
    asked = pick(rng, np.array([task.direct for task in truth.TASKS])[task])
    on_bedrock = np.where(rng.random(n) < truth.BEDROCK_OPUS, opus, sonnet)
    return {
        "task": task,
        "region": region,
        "home": home,
        "team": pick(rng, np.array([task.teams for task in truth.TASKS], dtype=float)[task]),
        "route": np.where(way < smart, 0, np.where(way < smart + fast, 1, -1)),
        "asked": np.where(bedrock, on_bedrock, asked),
        "session_start": clock.moments(rng, region, low, high),
        **draw_people(rng, n),
    }


def draw_storms(
    rng: np.random.Generator, clock: Clock, total: int, low: float, high: float
) -> Table:
    """Draw the sessions of those storms that begin between the two quantiles."""
    tables = []
    for storm in truth.STORMS:
        start = since_start(storm.starts_at)
        task = truth.TASK_NAMES.index(storm.task)
        rows = storm_rows(storm, total) if low <= clock.quantile_of(start) < high else 0
        n = round(rows / (truth.TASKS[task].operations * attempts_per_operation(storm)))
        codes = {
            "task": task,
            "region": truth.REGION_NAMES.index(storm.region),
            "home": truth.HOME_NAMES.index(storm.home),
            "team": truth.TEAMS.index(storm.team),
            "route": -1,
            "asked": truth.MODEL_NAMES.index(storm.model),
        }
        tables.append(
            {name: np.full(n, code) for name, code in codes.items()}
            | {"session_start": start + rng.integers(0, storm.minutes * MINUTE, n)}
            | draw_people(rng, n)
        )
    return join(*tables)


def storm_rows(storm: truth.Storm, total: int) -> int:
    """Return how many requests of a world of `total` a storm makes, about."""
    return round(min(total * storm.share, storm.most or total))


def attempts_per_operation(storm: truth.Storm) -> float:
    """Return the mean number of attempts while the storm's model fails as planted."""
    for window in (truth.THROTTLING, truth.INCIDENT):
        if (window.model, window.starts_at) == (storm.model, storm.starts_at):
            return 1 + window.size
    return 1.0


def draw_people(rng: np.random.Generator, n: int) -> Table:
    return {
        "user_no": rng.integers(0, 400, n),
        "feature": rng.integers(0, 2, n),
        "staging": rng.random(n) < 0.08,
        "one_hour": rng.random(n) < 0.2,
        "temper": rng.normal(0, 0.08, n),  # log of how slow this session's prompts are
    }


def draw_operations(rng: np.random.Generator, sessions: Table, most: int) -> Table:
    """Draw the operations of all sessions, at most `most`; what is known before any answer."""
    of_task = {
        name: np.array([getattr(task, name) for task in truth.TASKS])
        for name in ("operations", "pause_s", "input_tokens", "input_sigma", "streamed", "tools")
    }
    counts = np.minimum(rng.geometric(1 / of_task["operations"][sessions["task"]]), OPERATIONS_MOST)
    rows = np.repeat(np.arange(len(counts)), counts)[:most]
    n = len(rows)
    first = np.concatenate(([True], rows[1:] != rows[:-1]))
    starts = np.flatnonzero(first)
    index = np.arange(n) - np.repeat(starts, np.diff(np.append(starts, n)))
    table = take(sessions, rows)
    task = table["task"]

    pauses = (of_task["pause_s"][task] * rng.lognormal(0, 0.6, n) + 5) * SECOND
    pauses[first] = 0
    waited = np.cumsum(pauses)
    waited -= waited[np.arange(n) - index]
    longest = np.zeros(len(counts))
    np.maximum.at(longest, rows, waited)
    latest = END - 15 * MINUTE - longest.astype(np.int64)
    start = np.minimum(table["session_start"], latest[rows]) + waited.astype(np.int64)

    size = of_task["input_tokens"][task] * (1 + 0.2 * np.minimum(index, 6))
    size = size * rng.lognormal(0, 1, n) ** of_task["input_sigma"][task]
    limits = np.array([task.max_output_tokens for task in truth.TASKS])[task]
    return table | {
        "operation_no": np.arange(n),
        "operation_index": index,
        "operation_start": start,
        "input_tokens": np.clip(size, 20, 190_000).astype(np.int64),
        "streamed": rng.random(n) < of_task["streamed"][task],
        "n_tools": np.where(rng.random(n) < of_task["tools"][task], rng.integers(1, 7, n), 0),
        "max_output_tokens": np.where(rng.random(n) < 0.75, limits, -1),
        "has_temperature": rng.random(n) < 0.8,
        "effort": pick(rng, np.tile([0.2, 0.6, 0.2], (n, 1))),
        "prompt_no": rng.integers(0, 4, n),
        "missing": (task == truth.TASK_NAMES.index("extract"))
        & (rng.random(n) < truth.MISSING_RECORD),
    }


def route_models(rng: np.random.Generator, route: Column, asked: Column) -> tuple[Column, Column]:
    """Return each row's model, and the probability with which the router chose it (else NaN)."""
    weights = np.array(list(truth.ROUTES.values()))
    drawn = pick(rng, weights[np.maximum(route, 0)])
    model = np.where(route >= 0, drawn, asked)
    return model, np.where(route >= 0, weights[np.maximum(route, 0), drawn], np.nan)


def first_attempts(rng: np.random.Generator, clock: Clock, operations: Table) -> Table:
    n = len(operations["task"])
    model, propensity = route_models(rng, operations["route"], operations["asked"])
    return with_outcome(
        rng,
        operations,
        {
            "operation_no": np.arange(n),
            "attempt": np.ones(n, dtype=np.int64),
            "started": operations["operation_start"],
            "model": model,
            "group": operations["route"],
            "propensity": propensity,
        },
    )


def next_attempts(
    rng: np.random.Generator, clock: Clock, operations: Table, before: Table
) -> Table:
    """Draw the attempts that follow failed ones: a retry on the same route, then the fallback."""
    retries = np.array([home.retries for home in truth.HOMES])
    home = operations["home"][before["operation_no"]]
    again = RETRYABLE[before["outcome"]] & retries[home] & (rng.random(len(home)) < 0.92)
    before = take(before, np.flatnonzero(again))
    rows = before["operation_no"]
    attempt = before["attempt"] + 1
    last = attempt == truth.MAX_ATTEMPTS
    # Smart falls back to fast; everything else to a model by name.
    group = np.where(last, np.where(before["group"] == 0, 1, -1), before["group"])
    gpt54, sonnet = (truth.MODEL_NAMES.index(m) for m in ("gpt-5.4", "claude-sonnet-4-6"))
    other = np.where(before["model"] == gpt54, sonnet, gpt54)
    model, propensity = route_models(rng, group, np.where(last, other, before["model"]))
    pause = rng.lognormal(np.log(0.8), 0.4, len(rows)) * SECOND
    return with_outcome(
        rng,
        operations,
        {
            "operation_no": rows,
            "attempt": attempt,
            "started": before["started"] + before["failed_after"] + pause.astype(np.int64),
            "model": model,
            "group": group,
            "propensity": np.where(last, np.nan, propensity),
        },
    )


def with_outcome(rng: np.random.Generator, operations: Table, attempts: Table) -> Table:
    """Add `outcome` (OK or a position in ERROR_TYPES) and `failed_after` (microseconds)."""
    n = len(attempts["model"])
    region = operations["region"][attempts["operation_no"]]
    rates = np.tile(np.array(truth.ERROR_RATES), (n, 1))
    throttled, unavailable = (
        truth.ERROR_TYPES.index(name) for name in ("RateLimitError", "ServiceUnavailableError")
    )
    opus = attempts["model"] == truth.MODEL_NAMES.index("claude-opus-4-7")
    rates[opus, throttled] = truth.OPUS_THROTTLED
    rates[inside(truth.THROTTLING, attempts, region), throttled] = truth.THROTTLING.size
    rates[inside(truth.INCIDENT, attempts, region), unavailable] = truth.INCIDENT.size
    edges = np.cumsum(rates, axis=1)
    hit = (rng.random(n)[:, None] >= edges).sum(axis=1)
    outcome = np.where(hit < edges.shape[1], hit, OK)
    # A refusal comes at once, a broken server takes its time.
    seconds = np.where(
        outcome == throttled, rng.lognormal(np.log(0.15), 0.4, n), rng.lognormal(np.log(2), 0.8, n)
    )
    return attempts | {"outcome": outcome, "failed_after": (seconds * SECOND).astype(np.int64)}


def inside(window: truth.Window, attempts: Table, region: Column) -> NDArray[np.bool_]:
    """Tell which attempts fall into a window: its model, its region, its time."""
    here = attempts["model"] == truth.MODEL_NAMES.index(window.model)
    here &= attempts["started"] >= since_start(window.starts_at)
    here &= attempts["started"] < since_start(window.ends_at)
    if window.region is not None:
        here &= region == truth.REGION_NAMES.index(window.region)
    return np.asarray(here, dtype=np.bool_)
