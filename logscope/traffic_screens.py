"""Screens of `logscope traffic`: what was asked for, under load, objectives, regions, changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from logscope.output import UNKNOWN, clean, group, number, text_table
from logscope.selection import REQUEST_TYPE
from logscope.type_names import ALL
from logscope.words import goal, plural

if TYPE_CHECKING:
    import polars

    from logscope.api import Logs

Row = Mapping[str, Any]
Columns = Sequence[tuple[str, Callable[[Row], str]]]


def show(
    logs: Logs,
    view: str,
    by: str | None,
    options: Mapping[str, Any],
    measure: str,
    to_a_person: bool,
) -> tuple[polars.DataFrame, str | None]:
    """Return the rows of a view of traffic, and how a person sees them if one does."""
    from logscope.api import whole_week
    from logscope.objectives import read_objectives
    from logscope.selection import week_name, week_start

    names = logs.select(by, **options).by
    if view == "changes":
        week = options["week"] or "last"
        rest = {name: options[name] for name in ("where", "tz")}
        frame = logs.changes(by, week, measure, **rest)
        named = f"{week_name(week_start(week, logs.store))} ({options['tz']})"
        return frame, changes_table(frame, names, named)
    title = logs.select(by, **options).title(logs.store)
    if view == "load":
        frame = logs.load(by, **options)
        return frame, load_table(frame, names, title)
    if view == "regions":
        frame = logs.regions(by, measure, **options)
        return frame, regions_table(frame, [name for name in names if name != "region"], title)
    weekly = whole_week(options)
    frame = logs.objectives(by, **options) if view == "slo" else logs.traffic(by, **options)
    if not to_a_person:
        return frame, None
    budgets = ""
    if view == "slo" or read_objectives(logs.config):
        head = f"Objectives, {logs.select(by, **weekly).title(logs.store)}\n"
        totals = logs.objectives((), **weekly)
        budgets = head + objectives_table(totals, ()) + idle(logs, totals)
    if view == "slo":
        return frame, budgets + burners_table(frame, names)
    return frame, traffic_table(frame, names, title) + budgets


def table(
    frame: polars.DataFrame, by: Sequence[str], columns: Columns, words: int = 0, keys: int = 0
) -> str:
    """Return rows as text: the groups, `words` columns to the left, the others to the right.

    The words tell the rows apart; where there are none, so many `keys` of the others.
    """
    header = [*by, *(name for name, _ in columns)]
    rows = [
        [
            *(group(row[name]) for name in by),
            *(write(row) for _, write in columns),
        ]
        for row in frame.iter_rows(named=True)
    ]
    right = [i >= len(by) + words for i in range(len(header))]
    return text_table(header, rows, right, len(by) + (words or keys))


def whole(name: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row[name] is None else f"{row[name]:,}"


def ms(name: str, sign: str = "") -> Callable[[Row], str]:
    """Return the writer of a time in ms; NULL is a dash."""

    def write(row: Row) -> str:
        value = row[name]
        if value is None:
            return UNKNOWN
        return ("+" if sign and value > 0 else "") + number(value)

    return write


def percent(name: str, digits: int = 1, sign: str = "") -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row[name] is None else f"{100 * row[name]:{sign},.{digits}f} %"


def text(name: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row[name] is None else clean(str(row[name]))


def minute(name: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row[name] is None else f"{row[name].day} {row[name]:%b %H:%M}"


def hour(name: str) -> Callable[[Row], str]:
    return lambda row: "" if row[name] is None else f"{row[name]:%a %H:%M}"


def traffic_table(frame: polars.DataFrame, by: Sequence[str], title: str) -> str:
    """Return requests, how they ended and the fullest minutes, with what is not known."""
    columns: Columns = [
        ("requests", whole("n")),
        ("ok%", lambda row: f"{100 * row['n_ok'] / row['n']:.1f}"),
        ("errors", whole("n_error")),
        ("429s", whole("n_throttled")),
        ("cancelled", whole("n_cancelled")),
        ("goodput", percent("goodput")),
    ]
    peaks: Columns = [
        ("requests/min", whole("peak_requests_per_minute")),
        ("at (UTC)", minute("peak_requests_at")),
        ("tokens/min", whole("peak_tokens_per_minute")),
        ("at (UTC)", minute("peak_tokens_at")),
    ]
    requests, operations = int(frame["n"].sum()), int(frame["operations"].sum())
    untold = int(frame["n_without_tokens"].sum())
    head = f"{title} · {plural(requests, 'request')}\n"
    if not by:
        head = f"{title} · {plural(requests, 'request')} in {plural(operations, 'operation')}\n"
    foot = (
        f"{plural(untold, 'request')} without logged tokens: in no token peak.\n" if untold else ""
    )
    foot += headroom_table(frame, by)
    if not frame["goodput"].count():
        foot += "goodput needs objectives: [slo] in logscope.toml.\n"
    foot += "More: --load, --slo, --regions, --changes. Rows: --format json\n"
    return head + table(frame, by, columns) + "Fullest minutes\n" + table(frame, by, peaks) + foot


def headroom_table(frame: polars.DataFrame, by: Sequence[str]) -> str:
    """Return how much of the providers' limits was left at the worst moment, or that none tells."""
    told = frame.filter(frame["n_with_limits"] > 0)
    if not told.height:
        return "No answer logged here has rate-limit headers: headroom is not known.\n"
    columns: Columns = [
        ("told by", whole("n_with_limits")),
        ("requests left", percent("headroom_requests")),
        ("at (UTC)", minute("headroom_requests_at")),
        ("tokens left", percent("headroom_tokens")),
        ("at (UTC)", minute("headroom_tokens_at")),
    ]
    head = "Headroom: the least that was left of the provider's limits, by its headers\n"
    return head + table(told, by, columns)


def load_table(frame: polars.DataFrame, by: Sequence[str], title: str) -> str:
    """Return latency, throttling and errors by requests in flight."""

    def bucket(row: Row) -> str:
        first, last = row["from_in_flight"], row["to_in_flight"]
        return f"{first:,}" if first == last else f"{first:,}–{last:,}"

    columns: Columns = [
        ("in flight", bucket),
        ("n", whole("n")),
        ("429s", percent("throttled")),
        ("errors", percent("errors")),
        ("ttft n", whole("ttft_n")),
        ("ttft p50", ms("ttft_p50_ms")),
        ("ttft p95", ms("ttft_p95_ms")),
        ("[95 % interval]", interval("ttft_p95_low_ms", "ttft_p95_high_ms", number, "–")),
        ("tpot n", whole("tpot_n")),
        ("tpot p50", ms("tpot_p50_ms")),
        ("tpot p95", ms("tpot_p95_ms")),
    ]
    foot = (
        "In flight: requests of the same model and region at each start, itself included. "
        "p95 from 60 ok requests.\n"
        "Callers that wait for an answer before they ask again send less when answers are slow.\n"
        "Such a closed loop hides the queueing that others would meet (coordinated omission).\n"
        "SQL: logscope query load --sql\n"
    )
    return f"{title} · times in ms\n" + table(frame, by, columns, keys=1) + foot


def objectives_table(frame: polars.DataFrame, by: Sequence[str]) -> str:
    """Return each objective: its limits, who met it, and what is left of the budget."""
    columns: Columns = [
        ("objective", text("objective")),
        ("ttft ms", ms("ttft_slo_ms")),
        ("total ms", ms("duration_slo_ms")),
        ("goal", lambda row: goal(row["goal"], " ")),
        ("goodput", percent("goodput")),
        ("budget left", percent("budget_left", 0)),
        ("operations", whole("operations")),
        ("failed", whole("n_failed")),
        ("late", whole("n_late")),
        ("unknown", whole("n_unknown")),
        ("ttft kept", percent("ttft_attained")),
        ("total kept", percent("duration_attained")),
    ]
    foot = (
        "budget left: of the misses that the goal allows; below 0 % it is overspent. "
        "kept: of the answered operations.\n"
    )
    return table(frame, by, columns, 1) + foot


def idle(logs: Logs, totals: polars.DataFrame) -> str:
    """Return a line per objective that no operation had, with the nearest name there is."""
    from logscope.errors import did_you_mean

    lines = ""
    for objective in totals.filter(totals["operations"] == 0)["objective"]:
        kind, _, name = objective.partition(" ")
        if kind in ("task", "route"):
            seen = logs.sql(
                f"select distinct {kind} from requests where {kind} is not null limit 20"
            )
            lines += (
                clean(f"No operation had the {objective}.{did_you_mean(name, seen[kind])}") + "\n"
            )
    return lines


def burners_table(frame: polars.DataFrame, by: Sequence[str]) -> str:
    """Return who burns the budgets, and what the words mean."""
    columns: Columns = [
        ("objective", text("objective")),
        ("operations", whole("operations")),
        ("failed", whole("n_failed")),
        ("late", whole("n_late")),
        ("goodput", percent("goodput")),
        ("budget burned", percent("budget_burned", 0)),
    ]
    foot = (
        "goodput = met / (met + missed); failed = no attempt was ok.\n"
        "A cancelled operation missed only if it had waited past the objective.\n"
        "SQL: logscope query objectives --sql\n"
        "What the types are: logscope types --week last. Otherwise: --by model,region or --by label:NAME\n"
    )
    if REQUEST_TYPE in by and frame[REQUEST_TYPE].unique().to_list() == [ALL]:
        foot = (
            f"Too few requests, or too alike, to tell types apart: --by task,input_bucket\n{foot}"
        )
    if not by:
        return foot
    burning = frame.filter(frame["n_missed"] > 0)
    if not burning.height:
        return f"None of {plural(frame.height, 'group')} missed anything.\n{foot}"
    quiet = frame.height - burning.height
    rest = f"{plural(quiet, 'more group')} missed nothing.\n" if quiet else ""
    head = f"Who burns it, by {', '.join(map(clean, by))}:\n"
    return head + table(burning, by, columns, 1) + rest + foot


def regions_table(frame: polars.DataFrame, by: Sequence[str], title: str) -> str:
    """Return the regions against the largest of their group, with the raw difference beside it."""
    columns: Columns = [
        ("region", text("region")),
        ("against", text("reference")),
        ("", text("percentile")),
        ("n", whole("n")),
        ("n against", whole("n_reference")),
        ("as logged", ms("naive_ms", "+")),
        ("same requests", ms("difference_ms", "+")),
        ("[95 % interval]", interval("low_ms", "high_ms", lambda value: f"{value:+,.0f}")),
        ("covered", percent("covered", 0)),
    ]
    measure = frame["measure"][0] if frame.height else ""
    foot = (
        "same requests: weighted to one mix of model, task, input size and streaming; covered: "
        "the share of requests compared.\n"
    )
    if not frame.height:
        return f"{title}: no group has requests in two known regions.\n"
    return f"{title} · {measure}, difference in ms\n" + table(frame, by, columns, 3) + foot


def interval(
    low: str, high: str, write: Callable[[float], str], between: str = ", "
) -> Callable[[Row], str]:
    """Return the writer of an interval, nothing where it is not known."""

    def shown(row: Row) -> str:
        if row[low] is None or row[high] is None:
            return ""
        return f"[{write(row[low])}{between}{write(row[high])}]"

    return shown


def verdict(row: Row) -> str:
    """Return the verdict on a change, or why there is none."""
    zero = 0 in (row["before_ms"], row["now_ms"])
    return str(row["verdict"] or ("no share of 0" if zero else "too few"))


def changes_table(frame: polars.DataFrame, by: Sequence[str], week: str) -> str:
    """Return what moved since the week before, alarms first."""
    columns: Columns = [
        ("", text("percentile")),
        ("verdict", verdict),
        ("n before", whole("n_before")),
        ("n", whole("n")),
        ("before", ms("before_ms")),
        ("now", ms("now_ms")),
        ("same requests", percent("change", 1, "+")),
        ("[95 % interval]", interval("low", "high", lambda share: f"{100 * share:+.1f}")),
        ("past changes", whole("past_changes")),
        ("p (Holm)", lambda row: UNKNOWN if row["p_holm"] is None else f"{row['p_holm']:.3f}"),
    ]
    if frame["since"].count() or frame["until"].count():
        columns = [*columns, ("since", hour("since")), ("until", hour("until"))]
    if not frame.height:
        return f"{week} against the week before: nothing to compare was logged in it.\n"
    measure = frame["measure"][0]
    alarms = int((frame["verdict"] == "alarm").sum())
    tested = int(frame["verdict"].is_in(["alarm", "quiet"]).sum())
    result = f"{alarms} of {tested} moved beyond noise" if tested else "nothing could be tested"
    foot = (
        "before, now: as logged. same requests: the change with both weeks weighted to one mix "
        "(task, input size, region, streaming).\n"
        "alarm: over 5 %, and beyond what past weeks differ by (p under .05, corrected for all rows); "
        "provisional: under 4 past changes to judge by.\n"
    )
    if frame["verdict"].null_count():
        foot += "too few: under 60 like requests, or under 4 days, in one of the weeks.\n"
    return f"{week} against the week before · {measure}, ms · {result}\n" + (
        table(frame, by, columns, 2) + foot
    )
