"""Benchmarks: whole commands beside the floor, in one run, in turn. `make bench`.

Absolute seconds depend on the machine; the ratios are what is promised.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from litellm_log import record

HERE = Path(__file__).parent
ROUNDS = 3


@dataclass(frozen=True)
class Run:
    """One run of a whole process."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run(command: list[str]) -> Run:
    """Run a command, its output thrown away, and return what the system accounts for it."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(command)} failed ({status})")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def middle(runs: list[Run]) -> Run:
    return Run(
        statistics.median(one.wall_s for one in runs),
        statistics.median(one.cpu_s for one in runs),
        max(one.peak_mb for one in runs),
    )


def side_by_side(
    name: str, ours: Callable[[], Run], floor: Callable[[], Run], limit: float
) -> bool:
    """Run both in turn, print medians and the median of the pairwise ratios; True within the limit."""
    ours_runs, floor_runs = [], []
    ours()
    floor()
    for _ in range(ROUNDS):
        ours_runs.append(ours())
        floor_runs.append(floor())
    ratio = statistics.median(
        one.wall_s / other.wall_s for one, other in zip(ours_runs, floor_runs, strict=True)
    )
    for label, found in (("logscope", middle(ours_runs)), ("floor", middle(floor_runs))):
        print(
            f"{name:34} {label:9} {found.wall_s:6.2f} s wall {found.cpu_s:6.2f} s cpu "
            f"{found.peak_mb:6.0f} MB peak"
        )
    print(f"{name:34} ratio     {ratio:6.2f} (promised {limit:g})", flush=True)
    return ratio <= limit


def ingest(folder: Path) -> bool:
    """1 GB of LiteLLM records: ingest beside a hand-written typed read of the same fields."""
    log = folder / "litellm.jsonl"
    subprocess.run([sys.executable, HERE / "litellm_log.py", log, "95000"], check=True)
    print(f"{'LiteLLM NDJSON':34} {log.stat().st_size / 1e9:.2f} GB")

    def ours() -> Run:
        shutil.rmtree(folder / "store", ignore_errors=True)
        return run(
            [sys.executable, "-m", "logscope", "ingest", "--store", str(folder / "store"), str(log)]
        )

    def floor() -> Run:
        return run([sys.executable, str(HERE / "typed_read.py"), str(log), str(folder / "floor")])

    return side_by_side("ingest 1 GB", ours, floor, 1.5)


def latency(folder: Path) -> bool:
    """A million requests: `latency --by model,region,task` beside a command that only starts up."""
    store = folder / "million"
    logs = folder / "logs"
    logscope = [sys.executable, "-m", "logscope"]
    subprocess.run(
        [*logscope, "demo", str(logs), "--requests", "1000000"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    run([*logscope, "ingest", "--store", str(store), str(logs)])
    shutil.rmtree(logs)
    small = folder / "small"
    subprocess.run(
        [*logscope, "demo", str(logs), "--requests", "300"], check=True, stdout=subprocess.DEVNULL
    )
    run([*logscope, "ingest", "--store", str(small), str(logs)])
    question = ["latency", "--by", "model,region,task", "--format", "csv", "--store"]
    run([*logscope, *question, str(store)])
    pairs = [
        (run([*logscope, *question, str(store)]), run([*logscope, *question, str(small)]))
        for _ in range(ROUNDS)
    ]
    beyond = statistics.median(big.wall_s - little.wall_s for big, little in pairs)
    print(
        f"{'latency of 1,000,000 requests':34} logscope  {middle([p[0] for p in pairs]).wall_s:6.2f} s wall, "
        f"{beyond:.2f} s beyond start-up (promised 1)"
    )
    return beyond <= 1.0


def files(folder: Path) -> bool:
    """A year of hourly files in one call beside a tenth of it: a file costs the same in both."""
    year, rng = 8760, random.Random(1)
    seconds = {}
    for number in (year // 10, year):
        logs = folder / f"logs-{number}"
        for hour in range(number):
            path = logs / f"{hour // 24:03}" / f"{hour % 24:02}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            # An hour is 3000 records of the log's own clock.
            path.write_text(json.dumps(record(hour * 3000, rng)) + "\n")
        command = [sys.executable, "-m", "logscope", "ingest", "--store", str(folder / str(number))]
        one = run([*command, str(logs)])
        seconds[number] = one.wall_s / number * 1000
        print(
            f"{f'{number:,} files':34} logscope  {one.wall_s:6.2f} s wall {one.cpu_s:6.2f} s cpu "
            f"{one.peak_mb:6.0f} MB peak, {seconds[number]:.2f} s per 1,000 files"
        )
    ratio = seconds[year] / seconds[year // 10]
    print(f"{'8,760 files':34} ratio     {ratio:6.2f} (promised 1)", flush=True)
    return ratio <= 1.0


def report(folder: Path) -> bool:
    """The report over 10 million requests in two weeks; the last of a year beside that of two weeks."""
    made = {"a year": (52, 200_000), "two weeks": (2, 200_000), "busy weeks": (2, 5_000_000)}
    for name, (weeks, requests) in made.items():
        sizes = ["--weeks", str(weeks), "--requests", str(requests)]
        subprocess.run(
            [sys.executable, HERE / "weekly_store.py", folder / name, *sizes], check=True
        )

    def written(name: str) -> Run:
        command = [sys.executable, "-m", "logscope", "report", "--store", str(folder / name)]
        return run([*command, "-o", str(folder / "reports")])

    rounds = [{name: written(name) for name in made} for _ in range(ROUNDS)]
    found = {name: middle([one[name] for one in rounds]) for name in made}
    ratio = statistics.median(one["a year"].wall_s / one["two weeks"].wall_s for one in rounds)
    for name, (weeks, requests) in made.items():
        one = found[name]
        print(
            f"{f'report, {weeks} weeks of {requests:,}':34} logscope  {one.wall_s:6.2f} s wall "
            f"{one.cpu_s:6.2f} s cpu {one.peak_mb:6.0f} MB peak"
        )
    print(
        f"{'report, a year and two weeks':34} ratio     {ratio:6.2f} (promised 1.2; 10,000,000 "
        "requests in 20 s)",
        flush=True,
    )
    return max(one.wall_s for one in found.values()) <= 20 and ratio <= 1.2


def streams(folder: Path) -> bool:
    """A million streams of a hundred chunks: all latency queries together; see latency.py."""
    command = [sys.executable, HERE / "latency.py", "--store", str(folder / "streams")]
    return subprocess.run(command, check=False).returncode == 0


BENCHMARKS = {
    "ingest": ingest,
    "files": files,
    "latency": latency,
    "streams": streams,
    "report": report,
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        kept = [BENCHMARKS[name](Path(folder)) for name in sys.argv[1:] or BENCHMARKS]
    if not all(kept):
        raise SystemExit("a promise is not kept")


if __name__ == "__main__":
    main()
