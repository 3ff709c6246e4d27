"""Request types: requests that look alike before the answer, found in the traffic itself.

Clusters are the map of the traffic. They are found on what is known before the answer, never on an
outcome, the model that was chosen or a label that a proxy adds when it has chosen. k-means on
scaled columns, with a number of clusters on which two halves of the data agree. A request is judged
by the columns that are known of it: that a log leaves a column out says nothing about the request.
"""

from __future__ import annotations

import warnings
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from logscope.errors import NoDataError
from logscope.selection import REQUEST_TYPE, Selection
from logscope.store import Store
from logscope.tables import fetch
from logscope.type_names import ALL, describe, names_of

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

# Known before the answer. Counts are skewed, so their logarithms are compared.
COUNTS = (
    "input_tokens",
    "max_output_tokens",
    "n_messages",
    "n_tools",
    "prompt_chars",
    "prompt_steps",
    "prompt_questions",
)
FLAGS = ("stream", "has_images", "prompt_has_code")
CATEGORIES = ("task", "reasoning_effort")
PRE_ANSWER = (*COUNTS, *FLAGS, *CATEGORIES)

LEAST = 200  # requests; below, kinds of requests would be chance
FIT_ROWS = 200_000
HALF_ROWS = 8_000
NUMBERS = range(2, 9)  # of clusters
REPEATS = 3
STARTS = 4  # of each fit; the best one counts
ROUNDS = 2  # of filling in what is not known
AGREEMENT = 0.9  # adjusted Rand index between the clusters of two halves
SMALLEST_SHARE = 0.02
MAX_CATEGORIES = 12
CATEGORY_WEIGHT = 2.5  # a different task is as far as 2.5 interquartile ranges
FLAG_WEIGHT = 0.75
FARTHEST = 3.0  # outliers must not make clusters of their own
LEAST_KNOWN = 0.5

# `typed` holds the requests of a selection in an order that depends on nothing but their ids, so
# that its first rows are a random sample and the same rows always give the same clusters.
TYPED = """
create or replace temp table typed as
select
    {extra}request_id, {columns}, output_tokens, cost_usd, ttft_ms, duration_ms
from selection
order by md5_number_lower(request_id), request_id
"""


@dataclass(frozen=True)
class Scale:
    """How one column becomes a coordinate: (f(value) - centre) * factor."""

    column: str
    centre: float
    factor: float
    category: str | None = None


@dataclass(frozen=True)
class Points:
    """Requests as points: one row each, 0 where a coordinate is not known, and which are."""

    values: NDArray[np.float32]
    known: NDArray[np.float32]  # 1 or 0

    def rows(self, which: slice | NDArray[np.int64]) -> Points:
        return Points(self.values[which], self.known[which])

    def squares(self, centres: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the squared distance to each centre over the known coordinates, but a constant."""
        return self.known @ (centres**2).T - 2 * self.values @ centres.T

    def filled(self, centres: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the points with what is not known taken from the nearest centre."""
        return np.where(self.known > 0, self.values, centres[self.squares(centres).argmin(axis=1)])


@dataclass(frozen=True)
class Clusters:
    """The clusters of the table `typed`: one number per row, in its order, and their names."""

    codes: NDArray[np.int64]
    names: tuple[str, ...]
    facts: polars.DataFrame
    frame: polars.DataFrame  # the columns PRE_ANSWER
    agreement: float | None
    note: str | None
    scales: tuple[Scale, ...] = ()
    centres: NDArray[np.float32] | None = None


def find_types(store: Store, selection: Selection) -> tuple[polars.DataFrame, str | None]:
    """Return the kinds of requests in a selection, the largest first, and a note if there is one.

    One row per cluster: cluster, name, n, share, share_before (share in the same time before the
    selection, NULL where the store does not cover it), and medians: input_tokens_p50,
    output_tokens_p50, cost_per_1000_p50_usd (1,000 x the median cost of a request), ttft_p50_ms,
    duration_p50_ms. Raises NoDataError if nothing is selected.
    """
    import polars as pl

    with closing(selection.connect(store)) as connection:
        load(connection)
        clusters = cluster_requests(connection)
    before = shares_before(store, selection, clusters)
    frame = clusters.facts.select(
        cluster=pl.col("code") + 1,
        name=pl.Series(clusters.names, dtype=pl.String),
        n="n",
        share=(pl.col("n") / pl.col("n").sum()).round(6),
        share_before=pl.Series(before, dtype=pl.Float64),
        input_tokens_p50="input_tokens_p50",
        output_tokens_p50="output_tokens_p50",
        cost_per_1000_p50_usd=(1000 * pl.col("cost_p50_usd")).round(6),
        ttft_p50_ms="ttft_p50_ms",
        duration_p50_ms="duration_p50_ms",
    )
    return frame, clusters.note


class TypedSelection(Selection):
    """A selection whose requests have the column `request_type`: their cluster's name."""

    typed = True

    def relation(self, store: Store, connection: Any) -> str:
        """Return the requests with the types that those selected fall into."""
        plain = Selection(self.since, self.until, self.where, (), self.tz)
        question = "types", plain
        if question not in store.answers:
            store.answers[question] = names_of_requests(store, plain).to_arrow()
        connection.register("typed_now", store.answers[question])
        connection.execute("create temp table type_of_request as from typed_now")
        connection.unregister("typed_now")
        return "(from requests join type_of_request using (request_id))"


def names_of_requests(store: Store, selection: Selection) -> polars.DataFrame:
    """Return request_id and request_type of the requests selected."""
    import polars as pl

    with closing(selection.connect(store)) as connection:
        load(connection)
        clusters = cluster_requests(connection)
        ids = fetch(connection, "select request_id from typed order by rowid")
    names = pl.Series(REQUEST_TYPE, clusters.names, dtype=pl.String)
    return ids.with_columns(names.gather(clusters.codes))


def load(connection: Any, extra: str = "") -> None:
    """Make the table `typed` from the view `selection`, with more columns (each with a comma)."""
    # Gateways log failed requests with 0 input tokens; no request has none.
    columns = ", ".join(PRE_ANSWER).replace(
        "input_tokens", "nullif(input_tokens, 0) as input_tokens", 1
    )
    connection.execute(TYPED.format(extra=extra, columns=columns))


def cluster_requests(connection: Any) -> Clusters:
    """Cluster the requests of the table `typed`; cluster 0 is the largest.

    Raises NoDataError if it is empty. Under LEAST requests, or where no number of clusters is
    stable, all are one cluster and the note says so.
    """
    frame = pre_answer(connection)
    if frame.height == 0:
        raise NoDataError("No request is selected. Widen --since, --until, --week or --where.")
    if frame.height < LEAST:
        note = f"{frame.height} requests are too few to tell kinds apart (at least {LEAST})."
        return one_cluster(connection, frame, note)
    scales = fit_scales(frame.head(FIT_ROWS))
    points = coordinates(frame, scales)
    centres, agreement = fit(points)
    if centres is None:
        note = "The requests fall into no kinds that two halves of the data agree on."
        return one_cluster(connection, frame, note)
    codes = nearest(points, centres)
    order = np.argsort(-np.bincount(codes, minlength=len(centres)), kind="stable")
    codes = np.argsort(order)[codes]
    facts = describe(connection, codes)
    names = names_of(facts)
    return Clusters(codes, names, facts, frame, agreement, None, scales, centres[order])


def one_cluster(connection: Any, frame: polars.DataFrame, note: str) -> Clusters:
    codes = np.zeros(frame.height, dtype=np.int64)
    return Clusters(codes, (ALL,), describe(connection, codes), frame, None, note)


def shares_before(store: Store, selection: Selection, clusters: Clusters) -> list[float | None]:
    """Return each cluster's share in the same stretch of time before the selection.

    None for all where the selection has no beginning and end, or the store does not reach back.
    """
    unknown: list[float | None] = [None] * len(clusters.names)
    if selection.since is None or selection.until is None or clusters.centres is None:
        return unknown
    length = max(selection.until - selection.since, timedelta(days=1))
    earlier = replace(selection, since=selection.since - length, until=selection.since)
    days = store.days()
    first = earlier.first_day()
    if not days or first is None or days[0] > first:
        return unknown
    with closing(earlier.connect(store)) as connection:
        load(connection)
        frame = pre_answer(connection)
    if frame.height < LEAST:
        return unknown
    codes = nearest(coordinates(frame, clusters.scales), clusters.centres)
    counts = np.bincount(codes, minlength=len(clusters.centres))
    return [round(float(count) / frame.height, 6) for count in counts]


def pre_answer(connection: Any) -> polars.DataFrame:
    """Return the columns PRE_ANSWER of the table `typed`, in its order."""
    frame: polars.DataFrame = connection.sql(
        f"select {', '.join(PRE_ANSWER)} from typed order by rowid"
    ).pl()
    return frame


def fit_scales(sample: polars.DataFrame) -> tuple[Scale, ...]:
    """Return the coordinates that a sample offers; what is constant or mostly unknown is none."""
    import polars as pl

    scales = []
    for name in COUNTS:
        values = np.log1p(sample[name].drop_nulls().cast(pl.Float64).to_numpy())
        if len(values) < LEAST_KNOWN * sample.height:
            continue
        low, centre, high = np.quantile(values, (0.25, 0.5, 0.75))
        # Most requests may share one value (no tools): then the spread of all decides.
        spread = high - low if high > low else 1.35 * values.std()
        if spread > 0:
            scales.append(Scale(name, float(centre), float(1 / spread)))
    for name in FLAGS:
        known = sample[name].drop_nulls()
        if len(known) >= LEAST_KNOWN * sample.height and known.n_unique() > 1:
            scales.append(Scale(name, float(known.mean()), FLAG_WEIGHT))  # type: ignore[arg-type]
    for name in CATEGORIES:
        counts = (
            sample[name].drop_nulls().value_counts().sort(["count", name], descending=[True, False])
        )
        for value in counts.head(MAX_CATEGORIES)[name] if counts.height > 1 else ():
            scales.append(Scale(name, 0.0, CATEGORY_WEIGHT, value))
    return tuple(scales)


def coordinates(frame: polars.DataFrame, scales: tuple[Scale, ...]) -> Points:
    """Return the requests as points, in the order of the frame."""
    import polars as pl

    values = np.zeros((frame.height, len(scales)), dtype=np.float32)
    known = np.ones_like(values)
    for i, scale in enumerate(scales):
        column = frame[scale.column]
        if scale.category is not None:
            found = (column == scale.category).cast(pl.Float64)
        else:
            found = column.cast(pl.Float64)
            found = found.log1p() if scale.column in COUNTS else found
        scaled = ((found - scale.centre) * scale.factor).clip(-FARTHEST, FARTHEST)
        values[:, i] = scaled.fill_null(0.0).to_numpy()
        # A request without a task is a request without a task: a label that nobody set is known.
        known[:, i] = scale.category is not None or column.is_not_null().to_numpy()
    return Points(values, known)


def nearest(points: Points, centres: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the number of the nearest centre of each point."""
    count = len(points.values)
    parts = [slice(start, start + FIT_ROWS) for start in range(0, count, FIT_ROWS)]
    return np.concatenate([points.rows(part).squares(centres).argmin(axis=1) for part in parts])


def fit(points: Points) -> tuple[NDArray[np.float32] | None, float | None]:
    """Return the centres of the clusters and how well two halves of the data agree on them.

    Of the numbers of clusters on which halves agree, the one whose clusters lie farthest apart;
    None where there is none.
    """
    if not points.values.shape[1]:
        return None, None
    # Loaded before the threads are limited: a limit holds for what is there when it is set.
    import sklearn.cluster  # noqa: F401
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    sample, few = points.rows(slice(FIT_ROWS)), points.rows(slice(2 * HALF_ROWS))
    best: tuple[float, int, float] | None = None
    # One thread: the order of float sums, and with it the last bit, must not depend on the machine.
    with threadpool_limits(1), warnings.catch_warnings():
        # Fewer different requests than clusters: then the smaller number wins below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for k in NUMBERS:
            agreement = stability(sample, k)
            if agreement < AGREEMENT:
                continue
            centres = k_means(few, k)
            smallest = np.bincount(nearest(few, centres), minlength=k).min()
            apart = separation(few, centres)
            large = smallest >= SMALLEST_SHARE * len(few.values)
            if large and (best is None or apart > best[0]):
                best = (apart, k, agreement)
        if best is None:
            return None, None
        return k_means(sample, best[1]), best[2]


def k_means(points: Points, k: int) -> NDArray[np.float32]:
    """Return `k` centres; unknown coordinates follow the centre that each point belongs to."""
    from sklearn.cluster import KMeans

    fitted = KMeans(k, n_init=STARTS, random_state=0, algorithm="lloyd").fit(points.values)
    centres: NDArray[np.float32] = fitted.cluster_centers_
    for _ in range(ROUNDS if not points.known.all() else 0):
        again = KMeans(k, init=centres, n_init=1, random_state=0, algorithm="lloyd")
        centres = again.fit(points.filled(centres)).cluster_centers_
    return centres.astype(np.float32)


def separation(points: Points, centres: NDArray[np.float32]) -> float:
    """Return the mean silhouette by centres: 1 - distance to the own centre / to the next one."""
    squares = (points.values**2).sum(axis=1)[:, None] + points.squares(centres)
    distances = np.sort(np.sqrt(np.maximum(squares, 0)), axis=1)
    own, following = distances[:, 0], np.maximum(distances[:, 1], 1e-9)
    return round(float((1 - own / following).mean()), 3)


def stability(points: Points, k: int) -> float:
    """Return the mean adjusted Rand index between clusters fitted on two halves, on all of both."""
    from sklearn.metrics import adjusted_rand_score

    scores = []
    random = np.random.default_rng(k)
    for _ in range(REPEATS):
        rows = random.permutation(len(points.values))[: 2 * HALF_ROWS]
        half = len(rows) // 2
        fits = [k_means(points.rows(part), k) for part in (rows[:half], rows[half:])]
        scores.append(adjusted_rand_score(*(nearest(points.rows(rows), one) for one in fits)))
        if sum(scores) + REPEATS - len(scores) < AGREEMENT * REPEATS:
            break  # what is left cannot lift the mean any more
    return float(np.mean(scores))
