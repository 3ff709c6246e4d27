"""The verbs of the command line for Python; answers are polars frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logscope.config import Config, find_store, load_config

if TYPE_CHECKING:
    import polars

    from logscope.accounting import IngestResult
    from logscope.selection import Selection
    from logscope.store import Store

By = Sequence[str] | str | None


class Logs:
    """The logs of one store. Reading sees the state of the store at the time of each call."""

    def __init__(self, path: Path, config: Config) -> None:
        self.path = path
        self.config = config
        self._last: Store | None = None

    @property
    def store(self) -> Store:
        """The store as it is now; raises StoreError if there is none."""
        from logscope.store import Store

        now = Store.open(self.path)
        # One object while nothing was committed: it knows some answers already.
        if self._last is None or self._last.snapshot != now.snapshot:
            self._last = now
        return self._last

    def ingest(self, paths: Sequence[str | Path] | str | Path, **options: Any) -> IngestResult:
        """Read log files, folders or globs into the store; see `logscope.ingest.ingest`."""
        from logscope.ingest import ingest

        listed = [paths] if isinstance(paths, str | Path) else paths
        return ingest(self.path, listed, self.config, **options)

    def refresh(self) -> int:
        """Recompute task, team, region and cost by today's rules and prices; return rows changed.

        Sources whose log format changed are read again first.
        """
        from logscope.refresh import refresh

        return refresh(self.store, self.config).changed

    def staleness(self) -> str | None:
        """Return one line if derived columns are out of date, else None."""
        from logscope.refresh import staleness

        return staleness(self.store, self.config)

    def status(self) -> polars.DataFrame:
        """Return what each log format told and what it left unknown, one row per format."""
        return self.query("known", by=[])

    def rejects(self) -> polars.DataFrame:
        """Return the rejected records: path, line, reason, excerpt (keys and types only)."""
        return self.sql("select path, line, reason, excerpt from rejects order by path, line")

    def select(self, by: By = None, **options: Any) -> Selection:
        """Return a selection; options: since, until, week, where, tz."""
        from logscope.selection import REQUEST_TYPE, select

        selection = select(by=by, store=self.store, **options)
        if REQUEST_TYPE not in selection.by:
            return selection
        from logscope.request_types import TypedSelection

        return TypedSelection(**vars(selection))

    def sql(self, query: str) -> polars.DataFrame:
        """Run one SELECT over the tables and views of the store, sandboxed."""
        from logscope.sandbox import run_sql

        return run_sql(self.store, query)

    def query(
        self, name: str, params: Mapping[str, Any] | None = None, by: By = None, **options: Any
    ) -> polars.DataFrame:
        """Run a named query over a selection; `objectives` has those of [slo] by default."""
        from logscope.measures import run_query
        from logscope.objectives import as_parameter, read_objectives

        given = dict(params or {})
        if name == "objectives" and not given:
            given = as_parameter(read_objectives(self.config))
        return run_query(self.store, name, self.select(by, **options), given)

    def latency(self, by: By = None, like: str | None = None, **options: Any) -> polars.DataFrame:
        """Return ttft, duration and tpot percentiles (ms) with intervals, one row per group.

        With `like` (aiperf, vllm, guidellm, otel): what that tool would compute, one row per group
        and metric of its own.
        """
        from logscope.measures import latency, latency_like

        selection = self.select(by, **options)
        return latency_like(self.store, selection, like) if like else latency(self.store, selection)

    def cost(self, by: By = None, **options: Any) -> polars.DataFrame:
        """Return requests, tokens and cost (USD), one row per group."""
        return self.query("cost", by=by, **options)

    def forecast(self, by: By = None, week: str = "last", **options: Any) -> polars.DataFrame:
        """Return what the week after `week` will cost (USD) with a 95 % interval, per group."""
        from logscope.forecast import forecast
        from logscope.selection import week_start

        monday = week_start(week, self.store)
        return forecast(self.store, self.select(by, **options), monday)

    def traffic(self, by: By = None, **options: Any) -> polars.DataFrame:
        """Return requests, errors, 429s, cancelled, peaks per minute and goodput per group."""
        from logscope.traffic import traffic

        return traffic(self.store, self.select(by, **options), self.config)

    def load(self, by: By = None, **options: Any) -> polars.DataFrame:
        """Return latency, throttling and errors by requests in flight, per group and bucket."""
        from logscope.traffic import load

        return load(self.store, self.select(by, **options))

    def objectives(self, by: By = (), **options: Any) -> polars.DataFrame:
        """Return goodput and error budget per objective of [slo] and group, of the last week."""
        from logscope.objectives import objectives

        return objectives(self.store, self.select(by, **whole_week(options)), self.config)

    def regions(self, by: By = None, measure: str = "ttft", **options: Any) -> polars.DataFrame:
        """Return by how many ms regions differ for the same requests, with 95 % intervals."""
        from logscope.regions import regions

        return regions(self.store, self.select(by, **options), measure)

    def changes(
        self, by: By = None, week: str = "last", measure: str = "ttft", **options: Any
    ) -> polars.DataFrame:
        """Return how p50 and p95 of a measure moved since the week before, alarms first.

        Options: where, tz. The weeks before it are the past by which a change is judged.
        """
        from logscope.selection import week_start
        from logscope.week_changes import week_changes

        store = self.store
        monday = week_start(week, store)
        return week_changes(store, self.select(by, **options), monday, measure)

    def types(self, **options: Any) -> polars.DataFrame:
        """Return the kinds of requests: clusters on what is known before the answer."""
        from logscope.request_types import find_types

        return find_types(self.store, self.select(by=[], **options))[0]

    def recommend(self, policy: str | Path | None = None, **options: Any) -> dict[str, Any]:
        """Return a recommended split per request type, as recommendation.json has it."""
        from logscope.policy import load_policy
        from logscope.recommend import recommend

        chosen = load_policy(self.config, Path(policy) if policy else None)
        selection = self.select(by=[], **options)
        return recommend(self.store, selection, self.config, chosen).as_json()

    def report(self, week: str = "last", path: str | Path = "reports", **options: Any) -> Path:
        """Write the report of a week and return where: a folder, or a .html, .md or .pdf file.

        Options: tz, static, where, data (a folder for the numbers).
        """
        from logscope.report import write_report
        from logscope.selection import week_start

        store, output = self.store, Path(path)
        monday = week_start(week, store)
        return write_report(store, monday, config=self.config, output=output, **options)[-1]


def whole_week(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options, with the last week where they name no time: budgets are weekly."""
    timed = any(options.get(name) for name in ("since", "until", "week"))
    return dict(options) if timed else {**options, "week": "last"}


def open(path: str | Path | None = None) -> Logs:
    """Return the logs in the store at `path`, by default the nearest one; it may not exist yet."""
    return Logs(find_store(Path(path) if path is not None else None), load_config())
