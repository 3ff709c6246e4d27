"""The summary: whole sentences made from numbers by rules, each naming the section that shows it.

A rule writes nothing where it has nothing to say; a quiet week says that it was quiet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from logscope import words
from logscope.bridge import Bridge
from logscope.changes import Shift
from logscope.config import Config
from logscope.moments import outburst
from logscope.page import Sentence, Strong, Text, Tile
from logscope.sections.changes import bounds, causes, direction, when
from logscope.sections.data import unknown_shares
from logscope.sections.objectives import objective_sentence
from logscope.sections.routing import routing_lead
from logscope.sections.tables import Row, one, records, tone_of
from logscope.week_changes import LEAST_CHANGE, LEAST_DAYS, LEAST_PAST, LEAST_REQUESTS
from logscope.weeks import Weeks

MOST_SHIFTS = 2
# A share of the throttled requests that makes one model and region the story.
MOST_OF_THEM = 0.5


def summary(
    weeks: Weeks,
    config: Config,
    moved: list[Shift],
    bridge: Bridge | None,
    recommendation: Mapping[str, Any] | None,
) -> list[Sentence]:
    """Return the sentences of the week in the order of a reader's questions."""
    whole = one(weeks.rows("account"))
    sentences = [volume(weeks, whole)]
    if bridge:
        sentences.append(Sentence(causes(weeks, bridge), "changes"))
    told = (
        speed(weeks, moved),
        objective_sentence(weeks, config),
        failures(weeks),
        throttled(weeks, whole),
    )
    for rule in told:
        if rule:
            sentences.append(rule)
    if recommendation and recommendation["types"]:
        sentences.append(Sentence(routing_lead(recommendation), "routing"))
    sentences.append(not_known(whole))
    return sentences


def nothing(weeks: Weeks) -> Sentence:
    days = weeks.store.days()
    where = f" The store holds {days[0]:%d %b %Y} to {days[-1]:%d %b %Y}." if days else ""
    return Sentence(
        (
            Strong(f"No request was logged in week {weeks.number}"),
            f" ({weeks.span}, {weeks.tz}).{where}",
        ),
        "data",
    )


def volume(weeks: Weeks, whole: Row) -> Sentence:
    """Say how many requests the week had, what they cost, and how that compares."""
    operations = one(weeks.rows("operation_outcomes"))["operations"]
    text: Text = (
        f"Week {weeks.number} ({weeks.span}, {weeks.tz}): {words.plural(whole['n'], 'request')} in "
        f"{words.plural(operations, 'operation')}",
    )
    if whole["cost_usd"] is None:
        text += (f", {signed_count(weeks, whole)}; what they cost is not known.",)
        return Sentence(text, "cost")
    text += (" cost ", Strong(words.money(whole["cost_usd"])))
    past = one(weeks.rows("account", before=True))
    if past["cost_usd"] is None:
        text += (f"; {no_comparison(weeks)}.",)
    else:
        gap = whole["cost_usd"] - past["cost_usd"]
        same_days = f"the same {len(weeks.days)} days of week" if weeks.partial else "week"
        if abs(gap) <= 0.0005 * past["cost_usd"]:
            text += (f", as much as {same_days} {weeks.number_before}.",)
        else:
            relative = words.change(whole["cost_usd"], past["cost_usd"])
            share_of = "" if relative is None else f" ({words.percent(abs(relative))})"
            text += (
                f", {words.money(abs(gap))}{share_of} "
                f"{words.more_or_less(gap)} than {same_days} {weeks.number_before}.",
            )
    return Sentence(text, "cost")


def no_comparison(weeks: Weeks) -> str:
    if weeks.before is None:
        return f"there is no week {weeks.number_before} in the store to compare with"
    return f"week {weeks.number_before} has no known cost to compare with"


def signed_count(weeks: Weeks, whole: Row) -> str:
    past = one(weeks.rows("account", before=True))
    value = words.change(whole["n"], past["n"])
    if value is None:
        return no_comparison(weeks) if weeks.before is None else "none the week before"
    return f"{words.signed_percent(value)} against week {weeks.number_before}"


def speed(weeks: Weeks, moved: list[Shift]) -> Sentence | None:
    """Say which model and region answers slower or faster beyond noise, or that none does."""
    if not moved:
        return uncompared(weeks)
    beyond = sorted((s for s in moved if s.beyond_noise), key=lambda s: -abs(s.change))
    tested = {shift.group for shift in moved if shift.tested}
    young = {shift.group for shift in moved} - tested
    if not tested:
        return unjudged(moved)
    if beyond:
        text = moves(beyond, len(tested))
    else:
        pairs = words.plural(len(tested), "pair")
        text = (
            "Nothing moved beyond noise: ",
            f"{pairs} of model and region tested (first-token p50 and p95).",
        )
    if young:
        have = "has" if len(young) == 1 else "have"
        text += (f" {words.plural(len(young), 'pair')} {have} too short a past to be judged.",)
    return Sentence(text, "latency")


def uncompared(weeks: Weeks) -> Sentence | None:
    """Say why no change is told, None where there is nothing to compare."""
    if weeks.before is None or not one(weeks.rows("latency"))["ttft_n"]:
        return None
    text = (
        "Whether answers became slower cannot be told: no model has, in one region, "
        f"{LEAST_REQUESTS} like requests on {LEAST_DAYS} days of both weeks.",
    )
    return Sentence(text, "latency")


def moves(beyond: list[Shift], tested: int) -> Text:
    """Say who moved beyond noise, each pair once, and what the others did."""
    largest = {shift.group: shift for shift in reversed(beyond)}
    told = sorted(largest.values(), key=lambda s: -abs(s.change))[:MOST_SHIFTS]
    text: Text = ()
    for shift in told:
        model, region = (words.name(part) for part in shift.group)
        text += (
            Strong(f"{model} became {direction(shift)} in {region}"),
            f"{when(shift, '%A %H:%M')}: {in_numbers(shift)}. ",
        )
    others, more = tested - len(told), len(largest) - len(told)
    if more:
        return (*text, f"{words.plural(more, 'other pair')} of {tested} moved too.")
    if others:
        pairs = "pair" if others == 1 else f"{others} pairs"
        return (*text, f"The other {pairs} of model and region moved within noise.")
    return (*text, "No other pair could be tested.")


def unjudged(moved: list[Shift]) -> Sentence:
    """Say that no change can be judged yet, and which one leans furthest to one side."""
    pairs = words.plural(len({shift.group for shift in moved}), "pair")
    text: Text = (
        f"Whether the first token moved beyond noise cannot be told yet: of {pairs} of model and "
        f"region none has {LEAST_PAST} past changes from week to week.",
    )
    leaning = [shift for shift in moved if shift.leans and abs(shift.change) > LEAST_CHANGE]
    if leaning:
        shift = max(leaning, key=lambda s: (abs(s.change), str(s.group)))
        model, region = (words.name(part) for part in shift.group)
        text += (
            f" Provisionally {model} in {region} was {direction(shift)}: {in_numbers(shift)}.",
        )
    return Sentence(text, "latency")


def in_numbers(shift: Shift) -> str:
    """Return a shift in numbers: times as logged, the change for the same requests."""
    return (
        f"first-token {shift.percentile} {words.ms(shift.before_ms)} to {words.ms(shift.now_ms)} "
        f"ms, {words.signed_percent(shift.change)} for the same requests (95 % interval "
        f"{bounds(shift)})"
    )


def failures(weeks: Weeks) -> Sentence | None:
    """Say how many operations failed for good, and how many a retry saved."""
    found = one(weeks.rows("operation_outcomes"))
    if not found["operations"]:
        return None
    failed, all_ = found["n_failed"], found["operations"]
    if not failed:
        text: Text = (f"None of {words.plural(all_, 'operation')} failed for good.",)
        return Sentence(text, "outcomes")
    text = (
        Strong(f"{words.plural(failed, 'operation')} ({words.percent(failed / all_)}) failed"),
        " after all retries",
    )
    if found["n_saved_by_retry"]:
        text += (f"; {words.count(found['n_saved_by_retry'])} were saved by one",)
    past = one(weeks.rows("operation_outcomes", before=True))
    if past["operations"]:
        share = words.percent(past["n_failed"] / past["operations"])
        text += (f" (week {weeks.number_before}: {share} failed)",)
    return Sentence((*text, "."), "outcomes")


def throttled(weeks: Weeks, whole: Row) -> Sentence | None:
    """Say where requests were throttled, if one model and region explains most of it."""
    total = whole["n_throttled"]
    if not total:
        return None
    rows = records(weeks.rows("account", ["model", "region"]))
    top = max(rows, key=lambda r: (r["n_throttled"], str(r["model"]), str(r["region"])))
    of_top = top["n_throttled"]
    if total < 10 or of_top / total < MOST_OF_THEM:
        return Sentence(
            (
                f"{words.plural(total, 'request')} ({words.percent(total / whole['n'])}) "
                f"{'was' if total == 1 else 'were'} throttled.",
            ),
            "outcomes",
        )
    hours = throttled_hours(weeks, top)
    when = ""
    if hours:
        first, last = weeks.moment(hours.start), weeks.moment(hours.stop)
        of_top = sum(n for hour, n in throttled_by_hour(weeks, top).items() if hour in hours)
        when = f", {first:%A %H:%M}{words.DASH}{last:%H:%M}"
    return Sentence(
        (
            Strong(words.part_of(of_top, total, "throttled request")),
            f" were {words.name(top['model'])} in {words.name(top['region'])}{when}.",
        ),
        "outcomes",
    )


def throttled_by_hour(weeks: Weeks, pair: Row) -> dict[int, int]:
    """Return the throttled requests of a model and region by hour of the week."""
    rows = records(weeks.rows("account", ["hour", "model", "region"]))
    return {
        weeks.hour_of_week(row["hour"]): row["n_throttled"]
        for row in rows
        if row["n_throttled"] and all(row[key] == pair[key] for key in ("model", "region"))
    }


def throttled_hours(weeks: Weeks, pair: Row) -> range | None:
    """Return the hours in a row in which most of the throttling happened, if they are few."""
    return outburst(throttled_by_hour(weeks, pair))


def not_known(whole: Row) -> Sentence:
    """Say what the logs do not tell, in numbers."""
    found = {name: (n, of) for name, n, of, _ in unknown_shares(whole)}
    parts = []
    if "cost" in found:
        parts.append(f"the cost of {words.plural(found['cost'][0], 'answered request')}")
    for name in ("first token", "region", "task", "team"):
        if name in found and found[name][0] / found[name][1] >= 0.001:
            n, of = found[name]
            parts.append(f"the {name} of {words.percent(n / of)}")
    if not parts:
        return Sentence(
            (
                "Nothing of note is unknown: cost, first token, region, task and team are "
                "there for 99.9 % of the requests.",
            ),
            "data",
        )
    return Sentence((f"Not known: {words.listed(parts)}.",), "data")


def tiles(weeks: Weeks) -> list[Tile]:
    """Return the five headline numbers against the week before."""
    now, past = one(weeks.rows("account")), one(weeks.rows("account", before=True))
    done, done_before = (one(weeks.rows("operation_outcomes", before=b)) for b in (False, True))
    latency, latency_before = (one(weeks.rows("latency", before=b)) for b in (False, True))
    success = share(done["n_ok"], done["operations"])
    success_before = share(done_before["n_ok"], done_before["operations"])
    points = None if success is None or success_before is None else success - success_before
    p95, p95_before = latency["ttft_p95_ms"], latency_before["ttft_p95_ms"]
    low, high = latency["ttft_p95_low_ms"], latency["ttft_p95_high_ms"]
    unknown = [(name, n / of) for name, n, of, _ in unknown_shares(now) if n / of >= 0.001]
    shown = ("first token", "region", "task")
    rest = [f"{name} {words.percent(part)}" for name, part in unknown if name in shown]
    priced = now["n"] - now["n_without_cost"]
    per_thousand = words.money(share(now["cost_usd"], priced, 1000))
    with_a_cost = " with a known cost" if now["n_without_cost"] else ""
    interval = f"95 % interval {words.ms(low)}{words.DASH}{words.ms(high)}"
    more_requests = words.signed_percent(words.change(now["n"], past["n"]))
    return [
        Tile(
            "Requests",
            words.count(now["n"]),
            change=versus(more_requests, weeks, past["n"]),
            note=words.plural(done["operations"] or 0, "operation"),
            section="outcomes",
        ),
        Tile(
            "Cost",
            words.money(now["cost_usd"]),
            change=versus(
                words.signed_percent(words.change(now["cost_usd"], past["cost_usd"])),
                weeks,
                past["cost_usd"],
            ),
            note="no price known"
            if now["cost_usd"] is None
            else f"{per_thousand} per 1,000 requests{with_a_cost}",
            section="cost",
        ),
        Tile(
            "First token, p95",
            words.ms(p95),
            "ms" if p95 is not None else "",
            versus(words.signed_percent(words.change(p95, p95_before)), weeks, p95_before),
            note="no interval" if low is None else interval,
            section="latency",
        ),
        Tile(
            "Success",
            words.percent(success, unit=False),
            "%" if success is not None else "",
            versus(signed_points(points), weeks, success_before),
            tone_of(points, good_is_up=True),
            f"{words.count(done['n_failed'])} operations failed",
            "outcomes",
        ),
        Tile(
            "Cost not known",
            words.percent(share(now["n_ok_without_cost"], now["n_ok"]), unit=False),
            "%",
            "of the answered requests",
            note=" · ".join(rest) if rest else "the rest is known",
            section="data",
        ),
    ]


def share(part: float | None, whole: float | None, scale: float = 1) -> float | None:
    return None if part is None or not whole else part / whole * scale


def signed_points(value: float | None) -> str:
    """Return a difference of two shares as +0.3 points."""
    if value is None:
        return words.DASH
    text = f"{abs(value) * 100:.1f}"
    if text == "0.0":
        return "±0.0 points"
    return f"{'+' if value > 0 else words.MINUS}{text} points"


def versus(text: str, weeks: Weeks, past: float | None) -> str:
    return f"{text} vs W{weeks.number_before}" if past else ""
