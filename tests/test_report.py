"""The weekly report: the same bytes each time, numbers checked by hand, names that do no harm."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from logscope.config import Config
from logscope.page import plain, render_html
from logscope.report import write_report
from logscope.sections.data import coverage_figure
from logscope.weekly import build_report
from logscope.weeks import CELLS, Weeks
from logscope.words import goal, part_of, short_of
from tests.conftest import Bench, Row, native

MONDAY = date(2026, 11, 9)
START = datetime(2026, 11, 9, tzinfo=UTC)
HOSTILE = (
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "${alert(1)} {{ 7 * 7 }}",
    "=cmd|calc!A0 + 1",
    "\u202eevil\u202c",
    "rocket \N{ROCKET}",
    "\x1b[31mred\x00",
    "&lt;b&gt;",
    "a\"b'c`d",
    "[x](javascript:alert(1)) @evil",
    "https://evil.example/ www.evil.example",
    "x" * 500,
)


def week(n: int, first: datetime = START, name: str = "r", **fields: object) -> list[Row]:
    """Return `n` requests spread evenly over the seven days from `first`."""
    step = timedelta(days=7) / n
    return [
        native(f"{name}-{first:%m%d}-{i}", started_at=(first + i * step).isoformat(), **fields)
        for i in range(n)
    ]


@pytest.fixture
def report_of(bench: Bench) -> Callable[..., str]:
    """Ingest records and return the report of week 46 as HTML."""

    def run(records: list[Row]) -> str:
        bench.ingest(bench.write(records))
        return render_html(build_report(bench.logs.store, MONDAY), static=True)

    return run


def sentences(bench: Bench, records: list[Row]) -> list[str]:
    """Ingest records and return the summary of week 46 as plain sentences."""
    bench.ingest(bench.write(records))
    report = build_report(bench.logs.store, MONDAY)
    return [plain(sentence.text) for sentence in report.summary]


class Tags(HTMLParser):
    """Collects tags, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_what_took_no_time_and_cost_nothing_is_told_as_that(
    bench: Bench, report_of: Callable[..., str]
) -> None:
    # Answers of the proxy's own cache, on a clock of whole seconds.
    free = {"cache_hit": True, "ttft_ms": 0.0, "duration_ms": 0.0}
    before = START - timedelta(7)
    shown = report_of([*week(70, **free), *week(70, before, **free)])
    assert "no price known" not in shown
    report = build_report(bench.logs.store, MONDAY)
    said = plain(report.summary[0].text)
    assert said.endswith("70 requests in 70 operations cost $0, as much as week 45.")
    tiles = {tile.label: tile for tile in report.tiles}
    assert (tiles["Cost"].value, tiles["Cost"].note) == ("$0", "$0 per 1,000 requests")
    assert tiles["First token, p95"].value == "0.0"
    assert tiles["First token, p95"].note == "95 % interval 0.0–0.0"
    # One paid request: 1000 input and 101 output tokens of gpt-5.4, 2.5 and 15 USD per million.
    paid = native("paid", started_at=(START + timedelta(hours=1)).isoformat())
    bench.ingest(bench.write([paid], "paid.jsonl"))
    said = plain(build_report(bench.logs.store, MONDAY).summary[0].text)
    assert said.endswith("cost $0.0040, $0.0040 more than week 45.")


def test_the_same_store_gives_the_same_bytes(bench: Bench, tmp_path: Path) -> None:
    bench.ingest(bench.write(week(80) + week(60, START - timedelta(7))))
    [first] = write_report(bench.logs.store, MONDAY, output=tmp_path / "a")
    [second] = write_report(bench.logs.store, MONDAY, output=tmp_path / "b" / "mail.html")
    assert first.name == "2026-W46.html"
    assert first.read_bytes() == second.read_bytes()


def test_the_page_is_whole_by_itself(report_of: Callable[..., str]) -> None:
    page = report_of(week(80))
    tags = Tags()
    tags.feed(page)
    assert not {"script", "link", "iframe", "object", "base", "img"} & set(tags.tags)
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name == "style"]
    targets = [value for name, value in tags.attributes if name in ("href", "src", "action")]
    assert all(value and value.startswith("#") for value in targets)
    ids = [value for name, value in tags.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value.removeprefix("#") for value in targets if value} <= set(ids)
    assert "default-src &#39;none&#39;" in page
    assert tags.tags.count("svg") == 2 * tags.tags.count("figure") >= 4
    assert len(page.encode()) < 800_000


def test_only_its_own_scripts_may_run(bench: Bench) -> None:
    bench.ingest(bench.write(week(80)))
    page = render_html(build_report(bench.logs.store, MONDAY))
    policy = re.search('Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    allowed = re.findall("'(sha256-[^']*)'", html.unescape(policy.group(1)))
    styles = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    scripts = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    hashes = [
        f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
        for text in [*styles, *scripts]
    ]
    assert (len(styles), len(scripts)) == (1, 2)
    assert sorted(allowed) == sorted(hashes)
    assert "unsafe" not in policy.group(1)
    assert len(page.encode()) < 3_000_000


def test_hostile_names_are_text(bench: Bench) -> None:
    records = [
        row
        for number, name in enumerate(HOSTILE)
        for row in week(70, name=f"h{number}", model=name, task=name, team=name, region=name)
    ]
    bench.ingest(bench.write(records))
    page = render_html(build_report(bench.logs.store, MONDAY), static=True)
    tags = Tags()
    tags.feed(page)
    assert not {"script", "b", "img"} & set(tags.tags)
    assert not [a for a, _ in tags.attributes if a.startswith("on") or a in ("style", "src")]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", page)
    text = "".join(tags.text)
    for name in HOSTILE:
        shown = re.sub("[\x00-\x1f\u202a-\u202e]", "\N{REPLACEMENT CHARACTER}", name)
        assert shown[:40] in text


def test_growth_is_told_in_numbers(bench: Bench) -> None:
    # 1,000 input at 2.50 and 101 output at 15 USD per million: 0.004015 USD each.
    told = sentences(bench, week(200) + week(100, START - timedelta(7)))
    assert told[0] == (
        "Week 46 (9 – 15 Nov 2026, UTC): 200 requests in 200 operations cost $0.80, "
        "$0.40 (100.0\N{NARROW NO-BREAK SPACE}%) more than week 45."
    )
    assert told[1] == "More paid requests explain +$0.40; no list price changed."
    assert told[2] == (
        "Whether the first token moved beyond noise cannot be told yet: of 1 pair of model and "
        "region none has 4 past changes from week to week."
    )


def seven_weeks(slower: float, n: int = 140) -> list[Row]:
    """Return `n` requests a week and region, alike but for a first token of 500 ms, 1 % up or down by week.

    In the last week, 46, those of eu-west-1 take `slower` times as long.
    """
    rows: list[Row] = []
    for back in range(7):
        for region in ("us-east-1", "eu-west-1"):
            wave = 1.01 if back % 2 else 1.0
            late = slower if back == 0 and region == "eu-west-1" else 1.0
            part = week(n, START - timedelta(7 * back), name=region, region=region)
            rows += [{**row, "ttft_ms": (500 + i % 50) * wave * late} for i, row in enumerate(part)]
    return rows


def test_a_shift_beyond_the_past_weeks_is_told_and_decided(bench: Bench) -> None:
    bench.ingest(bench.write(seven_weeks(1.3)))
    report = build_report(bench.logs.store, MONDAY)
    speed = next(s for s in report.summary if s.section == "latency")
    # 1.3 / 1.01 - 1; p50 and p95 move alike, and a pair is told once.
    assert plain(speed.text).startswith("gpt-5.4 became slower in eu-west-1")
    assert "+28.7\N{NARROW NO-BREAK SPACE}% for the same requests" in plain(speed.text)
    assert plain(speed.text).endswith("The other pair of model and region moved within noise.")
    slower = [plain(d.what) for d in report.decisions if "is slower" in plain(d.what)]
    assert [what.split(":")[0] for what in slower] == ["gpt-5.4 in eu-west-1 is slower"]


def test_the_hour_is_told_from_which_on_a_pair_was_slower(bench: Bench) -> None:
    rows = [
        {**row, "ttft_ms": 1.6 * float(str(row["ttft_ms"]))}
        if row["region"] == "eu-west-1" and str(row["started_at"]) >= "2026-11-11T14:00"
        else row
        for row in seven_weeks(1.0, n=1000)
    ]
    told = sentences(bench, rows)
    assert told[2].startswith("gpt-5.4 became slower in eu-west-1 since Wednesday 14:00: first")
    shown = bench.logs.changes("model,region", "2026-W46")
    alarms = shown.filter(shown["verdict"] == "alarm")
    # Over days that differ so much only one of p50 and p95 is certain.
    assert alarms["since"].to_list() == [datetime(2026, 11, 11, 14)]
    assert alarms["until"].to_list() == [None]
    assert shown.filter(shown["verdict"] == "quiet")["since"].null_count() == 3


def test_weeks_that_only_differ_as_always_are_quiet(bench: Bench) -> None:
    told = sentences(bench, seven_weeks(1.0))
    assert told[2] == (
        "Nothing moved beyond noise: 2 pairs of model and region tested (first-token p50 and p95)."
    )


def test_a_week_that_is_not_over_is_judged_by_the_same_days(bench: Bench) -> None:
    # The week ends on Thursday; the weekends of all other weeks are ten times as slow.
    rows = [
        {**row, "ttft_ms": 10 * float(str(row["ttft_ms"]))} if is_weekend(row) else row
        for row in seven_weeks(1.0)
        if str(row["started_at"]) < "2026-11-13"
    ]
    assert sum(map(is_weekend, rows)) == 2 * 6 * 40
    told = sentences(bench, rows)
    assert "cannot be told yet" not in told[2] and "Nothing moved beyond noise" in told[2]


def is_weekend(row: Row) -> bool:
    return datetime.fromisoformat(str(row["started_at"])).weekday() >= 5


def test_a_week_without_a_request_says_so(bench: Bench) -> None:
    told = sentences(bench, week(70, START - timedelta(7)))
    assert told == [
        "No request was logged in week 46 (9 – 15 Nov 2026, UTC). "
        "The store holds 02 Nov 2026 to 08 Nov 2026."
    ]


def test_a_tiny_week_withholds_percentiles(bench: Bench) -> None:
    bench.ingest(bench.write(week(7)))
    page = render_html(build_report(bench.logs.store, MONDAY), static=True)
    assert "n &lt; 60" in page
    assert "there is no week 45 in the store to compare with" in page


def test_a_partial_week_compares_the_same_days(bench: Bench) -> None:
    early = [row for row in week(70) if str(row["started_at"]) < "2026-11-12"]
    assert len(early) == 30
    told = sentences(bench, early + week(70, START - timedelta(7)))
    assert "as much as the same 3 days of week 45" in told[0]
    assert "part of the week" in build_report(bench.logs.store, MONDAY).notice


def test_unknown_costs_are_counted_not_added(bench: Bench) -> None:
    priced, unpriced = week(60), week(30, name="u", model="no-such-model-1")
    told = sentences(bench, priced + unpriced)
    assert "90 requests in 90 operations cost $0.24;" in told[0]
    assert "the cost of 30 answered requests" in told[-1]


def test_what_a_price_would_mend_is_decided_apart_from_what_the_logs_do_not_tell(
    bench: Bench,
) -> None:
    others = [
        *week(3, name="a", model="no-such-model-1", team="search"),
        *week(2, name="b", model="no-such-model-2"),
        *week(4, name="c", model=None, offsets_ms=[100, 200]),
        # A failed call without tokens is no call without a price.
        *week(30, name="d", status="error", input_tokens=None, output_tokens=None),
    ]
    bench.ingest(bench.write([*week(60), *others]))
    report = build_report(bench.logs.store, MONDAY)
    told = [(plain(found.what), found.owner, found.command) for found in report.decisions]
    assert told == [
        (
            "No price for no-such-model-1 and 1 other model: 5 requests in no sum. Put one into "
            "logscope.toml.",
            "search",
            "logscope query unpriced --week 2026-W46",
        ),
        (
            "4 answered requests cannot be priced: the logs tell no model or no tokens. See which "
            "logs, and what helps.",
            "all teams",
            "logscope query unknowns --week 2026-W46",
        ),
    ]
    tile = next(tile for tile in report.tiles if tile.label == "Cost not known")
    assert (tile.value, tile.change) == ("13.0", "of the answered requests")  # 9 of 69


def test_what_throttling_hit_is_named(bench: Bench) -> None:
    throttled = week(40, name="t", status="throttled", region="us-east-1", output_tokens=None)
    told = sentences(bench, week(60, region="eu-west-1") + throttled)
    assert any(sentence.startswith("All 40 throttled requests were gpt-5.4") for sentence in told)
    assert any(sentence.startswith("40 operations (40.0") for sentence in told)


def test_many_log_formats_share_a_row_of_the_strip(bench: Bench) -> None:
    bench.ingest(bench.write(week(70)))
    weeks = Weeks(bench.logs.store, MONDAY)
    cells = weeks.rows("account", CELLS)
    kinds = [
        cells.with_columns(format=pl.lit(f"format_{letter}"), n=pl.col("n") + place)
        for place, letter in enumerate("abcdefghijkl")
    ]
    weeks.answers["account", CELLS, False, ()] = pl.concat(kinds)
    figure = coverage_figure(weeks)
    assert figure is not None
    rows = max(figure.wide["datasets"].values(), key=len)
    assert len({row["row"] for row in rows}) == 10
    # The three with the fewest requests stand together at the end.
    assert rows[-1]["format"] == "3 other formats"
    assert figure.table.frame.height == 12


def test_a_few_requests_cannot_tell_whether_answers_became_slower(bench: Bench) -> None:
    both = [*week(59), *week(59, START - timedelta(7))]
    assert (
        "Whether answers became slower cannot be told: no model has, in one region, 60 like requests "
        "on 4 days of both weeks."
    ) in sentences(bench, both)


def test_the_report_tells_which_requests_burn_the_budget(bench: Bench) -> None:
    # 20 operations at 90 % allow 2 misses: of 10 long prompts 3 were late and 1 failed, of 10 short
    # ones 1 was late; mail met its own objective. 4 / 2 and 1 / 2 of the budget.
    def voice(i: int, tokens: int, **fields: Any) -> Row:
        given = {"input_tokens": tokens, "ttft_ms": 500.0, "labels": {"task": "voice"}} | fields
        return native(f"v{tokens}-{i}", started_at="2026-11-11T10:00:00Z", **given)

    late, failed = {"ttft_ms": 900.0}, {"status": "error", "ttft_ms": None}
    long = [voice(i, 60_000, **(late if i < 3 else failed if i == 3 else {})) for i in range(10)]
    short = [voice(i, 500, **(late if i == 0 else {})) for i in range(10)]
    mail = native("mail", started_at="2026-11-11T10:00:00Z", labels={"task": "mail"})
    bench.ingest(bench.write([*long, *short, mail]))
    limit = {"ttft_ms": 800, "goal": 0.9}
    config = Config(None, {"slo": {"task": {"voice": limit, "mail": limit}}})
    [table] = [
        table
        for table in build_report(bench.logs.store, MONDAY, config=config).tables()
        if table.name == "objectives_by_kind"
    ]
    percent = "\N{NARROW NO-BREAK SPACE}%"
    assert [[cell.text for cell in row] for row in table.bodies[0].rows] == [
        [
            "task voice",
            "voice",
            "50K and more",
            "10",
            "3",
            "1",
            f"60.0{percent}",
            f"200.0{percent}",
        ],
        ["task voice", "voice", "under 1K", "10", "1", "0", f"90.0{percent}", f"50.0{percent}"],
    ]
    assert table.commands[0] == "logscope traffic --slo --by task,input_bucket --week 2026-W46"


def test_a_part_of_a_few_is_no_percentage() -> None:
    found = [part_of(n, of, "stream") for n, of in ((40, 40), (0, 40), (3, 49), (1, 1))]
    assert found == ["All 40 streams", "None of 40 streams", "3 of 49 streams", "1 of 1 stream"]
    assert part_of(909, 1000, "stream") == "90.9\N{NARROW NO-BREAK SPACE}% of 1,000 streams"


def test_a_goal_that_was_just_missed_is_not_told_as_met() -> None:
    thin = "\N{NARROW NO-BREAK SPACE}"
    assert goal(0.95) == f"95{thin}%" and goal(0.9995) == f"99.95{thin}%"
    assert short_of(0.98961, 0.99) == f"98.96{thin}%"  # 99.0 with one decimal, as the goal
    assert short_of(0.931, 0.95) == f"93.1{thin}%"


def test_cost_per_request_leaves_out_those_whose_cost_is_not_known(
    bench: Bench, report_of: Callable[..., str]
) -> None:
    report_of([*week(70), *week(70, START, "x", model="no-such-model")])
    [account] = bench.logs.cost([], week="2026-W46").to_dicts()
    assert (account["n"], account["n_without_cost"]) == (140, 70)
    report = build_report(bench.logs.store, MONDAY)
    note = {tile.label: tile.note for tile in report.tiles}["Cost"]
    each = float(account["cost_usd"]) / 70 * 1000
    assert note == f"${each:,.2f} per 1,000 requests with a known cost"
