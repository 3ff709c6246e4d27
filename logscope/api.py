"""The verbs of the command line for Python; answers are polars frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logscope.config import Config, load_config

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

    @property
    def store(self) -> Store:
        """The store as it is now; raises StoreError if there is none."""
        from logscope.store import Store

        return Store.open(self.path)

    def ingest(self, paths: Sequence[str | Path] | str | Path, **options: Any) -> IngestResult:
        """Read log files, folders or globs into the store; see `logscope.ingest.ingest`."""
        from logscope.ingest import ingest

        listed = [paths] if isinstance(paths, str | Path) else paths
        return ingest(self.path, listed, self.config, **options)

    def refresh(self) -> int:
        """Recompute task, team, region and cost by today's rules and prices; return rows changed."""
        from logscope.refresh import refresh

        return refresh(self.store, self.config)

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
        from logscope.selection import select

        return select(by=by, store=self.store, **options)

    def sql(self, query: str) -> polars.DataFrame:
        """Run one SELECT over the tables and views of the store, sandboxed."""
        from logscope.sandbox import run_sql

        return run_sql(self.store, query)

    def query(
        self, name: str, params: Mapping[str, Any] | None = None, by: By = None, **options: Any
    ) -> polars.DataFrame:
        """Run a named query over a selection."""
        from logscope.measures import run_query

        return run_query(self.store, name, self.select(by, **options), params or {})

    def latency(self, by: By = None, **options: Any) -> polars.DataFrame:
        """Return ttft, duration and tpot percentiles (ms) with intervals, one row per group."""
        from logscope.measures import latency

        return latency(self.store, self.select(by, **options))

    def cost(self, by: By = None, **options: Any) -> polars.DataFrame:
        """Return requests, tokens and cost (USD), one row per group."""
        return self.query("cost", by=by, **options)

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

    def report(self, week: str = "last", path: str | Path = "reports", tz: str = "UTC") -> Path:
        """Write the report of a week as one HTML file and return where."""
        from logscope.report import write_report
        from logscope.selection import week_start

        store = self.store
        return write_report(store, week_start(week, store), tz, self.config, Path(path))


def open(path: str | Path | None = None) -> Logs:
    """Return the logs in the store at `path`, by default the nearest one; it may not exist yet."""
    from logscope.store import find_store

    return Logs(find_store(Path(path) if path is not None else None), load_config())
