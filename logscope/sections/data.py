"""The report on itself: what the logs do not tell, where they come from, how numbers are made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from logscope import charts, words
from logscope.page import (
    Body,
    Cell,
    Code,
    Column,
    Entry,
    Figure,
    Glossary,
    Section,
    Strong,
    Table,
    Text,
)
from logscope.sections.tables import MOST_ROWS, Row, one, plain_table, records
from logscope.weeks import Weeks

# Column of `account` that counts the unknown, its name, and why it is unknown as a rule.
UNKNOWNS = (
    ("n_ok_without_cost", "cost", "n_ok", "no price for the model or its tier, or no token counts"),
    ("n_ok_without_ttft", "first token", "n_ok", "not streamed, or the log has no such time"),
    ("n_ok_without_duration", "duration", "n_ok", "the log has no end time"),
    ("n_ok_without_tokens", "tokens", "n_ok", "not logged; of a stream, not asked for"),
    ("n_without_model", "model", "n", "the log does not name it"),
    ("n_without_region", "region", "n", "not logged; [region] in logscope.toml can tell"),
    ("n_without_task", "task", "n", "no label; [task] in logscope.toml can tell"),
    ("n_without_team", "team", "n", "no label; [team] in logscope.toml can tell"),
    ("n_without_session", "session", "n", "not logged; each operation then counts as one"),
)
# A strip for each of more formats would fill the first screen.
MOST_FORMATS = 10
OTHER_FORMATS = ("all others",)


def unknown_shares(whole: Row) -> list[tuple[str, int, int, str]]:
    """Return what is unknown as (name, unknown, of how many, why); what is all known left out."""
    return [
        (name, whole[key], whole[of], why)
        for key, name, of, why in UNKNOWNS
        if whole[of] and whole[key]
    ]


def data_section(weeks: Weeks) -> Section:
    """Return the section on what is known and where it came from."""
    whole = one(weeks.rows("account"))
    unknown = unknown_shares(whole)
    past = one(weeks.rows("account", before=True))
    rows = [
        [
            Cell(name),
            Cell(words.count(n)),
            Cell(words.percent(n / of, unit=False)),
            Cell(share_before(past, key, base)),
            Cell(why, tone="quiet"),
        ]
        for key, name, base, why in UNKNOWNS
        for n, of in [(whole[key], whole[base])]
        if of and n
    ]
    columns = [
        Column("not known", right=False),
        Column("requests"),
        Column("%"),
        Column(f"% in W{weeks.number_before}"),
        Column("why, as a rule", right=False, prose=True),
    ]
    quality = Table(
        "unknowns",
        "What the logs do not tell",
        columns,
        [Body("", rows)],
        [weeks.command("account")],
        weeks.rows("account"),
        "Cost, times and tokens: of the requests that were ok; one that failed need not have them.",
    )
    lead: Text
    if unknown:
        name, n, of, _ = max(unknown, key=lambda item: (item[1] / item[2], item[0]))
        lead = (
            "An unknown is never counted as zero. Most often unknown: ",
            Strong(name),
            f", for {words.percent(n / of)} of the requests that should have it.",
        )
    else:
        lead = ("Every request of this week has a cost, times, tokens and labels.",)
    parts: list[Any] = [quality] if rows else []
    return Section("data", "Data quality", [lead, gaps(weeks)], [*parts, records_table(weeks)])


def share_before(past: Row, key: str, base: str) -> str:
    return words.percent((past[key] or 0) / past[base], unit=False) if past[base] else words.DASH


def gaps(weeks: Weeks) -> Text:
    """Return which days are missing, in words; empty if none."""
    if not weeks.empty_days:
        return ()
    days = words.listed([words.weekday(day) for day in weeks.empty_days])
    return (Strong(f"No request was logged on {days}."), " Is a log missing?")


def records_table(weeks: Weeks) -> Table:
    """Return what became of the records of all logs read so far."""
    frame = weeks.rows("records_read")
    keys = ("files", "records", "stored", "merged", "ignored", "rejected")
    largest = frame.sort("records", "format", descending=[True, False], nulls_last=True)
    rows = [
        [Cell(words.name(row["format"])), *(Cell(words.count(row[key])) for key in keys)]
        for row in records(largest.head(MOST_ROWS))
    ]
    left = frame.height - len(rows)
    return Table(
        "records_read",
        "What became of every record read so far",
        [Column("log format", right=False), *(Column(key) for key in keys)],
        [Body("", rows, f"and {left} more: logscope query records_read" if left else "")],
        ["logscope query records_read"],
        frame,
        "records = stored + merged (the same request again) + ignored (no model call) + rejected.",
    )


def coverage_figure(weeks: Weeks) -> Figure | None:
    """Return requests per hour by log format: where the line is flat, nothing was logged."""
    import polars as pl

    counted = records(weeks.rows("account", ["hour", "format"]))
    if not counted:
        return None
    total: dict[Any, int] = {}
    for row in counted:
        total[row["format"]] = total.get(row["format"], 0) + row["n"]
    formats = sorted(total, key=lambda key: (-total[key], key is None, str(key)))
    shown = formats if len(formats) <= MOST_FORMATS else formats[: MOST_FORMATS - 1]
    labels = words.apart(sorted(shown, key=lambda key: (key is None, str(key))))
    if len(formats) > len(shown):
        labels[OTHER_FORMATS] = f"{len(formats) - len(shown)} other formats"
    at: dict[tuple[Any, int], int] = {}
    for row in counted:
        key = row["format"] if row["format"] in labels else OTHER_FORMATS
        place = key, weeks.hour_of_week(row["hour"])
        at[place] = at.get(place, 0) + row["n"]
    highest = {key: max(n for place, n in at.items() if place[0] == key) for key in labels}
    rows = [
        {
            "row": number,
            "format": labels[key],
            "hour": hour,
            "n": at.get((key, hour), 0),
            "height": round(0.8 * at.get((key, hour), 0) / highest[key], 3),
        }
        for number, key in enumerate(labels)
        for hour in range(169)
    ]
    frame = pl.DataFrame(rows)
    days = [words.weekday(weeks.monday + timedelta(i)) for i in range(7)]
    table = plain_table(
        "coverage",
        "Requests per log format",
        weeks.rows("account", ["format"]).select("format", "n"),
        {"format": ("log format", words.name), "n": ("requests", words.count)},
        [weeks.command("account", ["hour", "format"])],
    )
    return Figure(
        "coverage",
        "",
        "Requests per hour and log format, each format on its own scale.",
        f"Requests per hour from {words.plural(len(formats), 'log format')}.",
        charts.coverage(frame, days),
        charts.coverage(frame, days, narrow=True),
        table,
        live=False,
    )


def method_section(weeks: Weeks) -> Section:
    """Return definitions, the price book used, and what is withheld and why."""
    entries = [
        Entry("request", ("One call to one model, one attempt.",)),
        Entry(
            "operation",
            ("What the caller wanted: one or more requests. One good attempt makes it a success.",),
        ),
        Entry(
            "first token",
            (
                "Time from the start of a request to the first generated event: text, reasoning or "
                "tool call. Of requests that were ok and whose log has it.",
            ),
        ),
        Entry(
            "time per token",
            ("(end − first token) / (output tokens − 1), from two tokens on; ms.",),
        ),
        Entry(
            "percentile",
            ("Exact for the logged requests. p95 is withheld under 60 requests, p99 under 300.",),
        ),
        Entry(
            "95 % interval",
            (
                "For the process behind the requests, which come in bursts: sessions and days "
                "count as clusters. Not told where too few requests can bound it.",
            ),
        ),
        Entry(
            "beyond noise",
            (
                "Two weeks compared for the same requests (one mix of task, input size, region and "
                "streaming) differ by more than past weeks did by chance: p below 0.05 after Holm's "
                "correction for all pairs and percentiles tested, and over 5 %. With fewer than four "
                "past changes a change is provisional, and no alarm.",
            ),
        ),
        Entry(
            "cost",
            (
                "Tokens by kind times the price in force when the request started. Without a "
                "price it is unknown and in no sum.",
            ),
        ),
        Entry(
            "unknown",
            (
                f"Written as “{words.DASH}”, never as zero. Every table and chart names the "
                "command that gives its numbers; ",
                Code("logscope query"),
                " lists them all.",
            ),
        ),
    ]
    parts: list[Any] = [Glossary(entries)]
    prices = weeks.rows("prices_used")
    if prices.height:
        parts.append(price_table(weeks))
    return Section("method", "Method", [], parts)


def price_table(weeks: Weeks) -> Table:
    """Return the prices that the week's requests paid."""
    frame = weeks.rows("prices_used")

    def per_million(value: float | None) -> Cell:
        return Cell(words.DASH if value is None else f"{value:,.3f}".rstrip("0").rstrip("."))

    rows = []
    for row in records(frame)[:40]:
        tier = words.name(row["service_tier"]) if row["service_tier"] else "standard"
        if row["above_input_tokens"]:
            tier += f", over {row['above_input_tokens']:,} input tokens"
        rows.append(
            [
                Cell(words.name(row["model"])),
                Cell(words.name(row["provider"])),
                Cell(tier),
                per_million(row["input_usd_per_mtok"]),
                per_million(row["cache_read_usd_per_mtok"]),
                per_million(row["output_usd_per_mtok"]),
                Cell(str(row["valid_from"] or "always")),
                Cell(words.count(row["n"])),
                Cell(words.name(row["source"]), tone="quiet"),
            ]
        )
    columns = [
        Column("model", right=False),
        Column("provider", right=False),
        Column("tier", right=False),
        Column("input"),
        Column("from cache"),
        Column("output"),
        Column("since"),
        Column("requests"),
        Column("source", right=False, prose=True),
    ]
    left = frame.height - len(rows)
    return Table(
        "prices_used",
        "Prices paid, USD per million tokens",
        columns,
        [Body("", rows, f"and {left} more" if left else "")],
        [weeks.command("prices_used")],
        frame,
    )
