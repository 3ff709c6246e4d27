"""Recommend: how each route's traffic should be split, and why.

Clusters are the map, rules are the road: the requests are clustered on what is known before the
answer, a small tree of rules tells the clusters apart by columns that a proxy can see, and each
rule of a route is a type with a verdict of its own (see verdicts.py). Rules that would propose the
same are one. Everything is counted again on the rule's own requests, because those are what a proxy
will treat alike. The whole has the first verdict, in their order, that any type has.

Splits belong to routes: whoever asks for a model by its name is not rerouted.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from logscope import evidence, request_types, rule_tree
from logscope.config import Config, quote
from logscope.errors import NoDataError
from logscope.evidence import Begun, Cell
from logscope.policy import Policy, load_policy
from logscope.recommendation import (
    EXPLORE,
    KEEP,
    UNMEASURED,
    Recommendation,
    TypeSplit,
    effects_of,
    iso_time,
    logs_as_of,
    record,
)
from logscope.request_types import Clusters
from logscope.rule_tree import Leaf
from logscope.rules import first_match_sql
from logscope.selection import Selection
from logscope.store import Store
from logscope.type_names import describe, names_of
from logscope.verdicts import TRIED, Verdict, decide

if TYPE_CHECKING:
    import polars

# What a rule may ask: the caller's request shows it to a proxy, or a hook in it.
RULE_COLUMNS = request_types.PRE_ANSWER
LEAST_SHARE = 0.01  # of a type, for a cluster to be listed


def recommend(
    store: Store, selection: Selection, config: Config, policy: Policy | None = None
) -> Recommendation:
    """Return the recommendation for the routes in a selection; writes nothing.

    `policy` is by default [policy] of the settings. Raises NoDataError if no request of the
    selection went through a route that chooses a model.
    """
    return recommend_with_types(store, selection, config, policy)[0]


def recommend_and_record(
    store: Store, selection: Selection, config: Config, policy: Policy | None = None
) -> tuple[Recommendation, str | None]:
    """Recommend, and write the recommendation and the type of each request into the store.

    Recording the same again changes nothing. Also returns a line that says why nothing was
    recorded, if so (a read-only store).
    """
    recommendation, types = recommend_with_types(store, selection, config, policy)
    return recommendation, record(store, recommendation, types)


def recommend_with_types(
    store: Store, selection: Selection, config: Config, policy: Policy | None = None
) -> tuple[Recommendation, polars.DataFrame]:
    """Return the recommendation, and request_id, cluster and rule_id of each request selected."""
    policy = policy if policy is not None else load_policy(config)
    with closing(selection.connect(store)) as connection:
        request_types.load(connection, evidence.EXTRA)
        clusters = request_types.cluster_requests(connection)
        begun = evidence.load_begun(connection, policy)
        if not len(begun.columns["place"]):
            raise NoDataError(
                "No request went through a route that chooses between models, so there is nothing "
                "to split. A route is the name of a proxy's model group (LiteLLM: model_name)."
            )
        judged = judge(clusters, begun, policy)
        names = name_leaves(connection, [leaf for leaf, _, _ in judged], clusters, begun)
        types = tuple(
            describe_type(leaf, cell, verdict, name, begun, clusters)
            for (leaf, cell, verdict), name in zip(judged, names, strict=True)
        )
        types = tuple(replace(one, rule_id=rule_id(types, i)) for i, one in enumerate(types))
        trained_on = period(connection, begun)
        rows = types_of_requests(connection, clusters, types)
    verdict = next(
        name for name in (EXPLORE, UNMEASURED, KEEP) if name in {t.verdict for t in types}
    )
    return (
        Recommendation(
            created_at=iso_time(logs_as_of(store)),
            trained_on=trained_on,
            proved_on=None,
            policy=replace(policy, score=begun.score).as_json(),
            verdict=verdict,
            effects=effects_of(verdict),
            types=types,
        ),
        rows,
    )


def judge(clusters: Clusters, begun: Begun, policy: Policy) -> list[tuple[Leaf, Cell, Verdict]]:
    """Return the rules of every route, in order, with their evidence and verdicts."""
    place = begun.columns["place"]
    frame = clusters.frame[place]
    columns = [
        coded for name in RULE_COLUMNS if (coded := rule_tree.encode(frame[name])) is not None
    ]
    leaves = rule_tree.grow(columns, clusters.codes[place], begun.columns["route"])

    def look(leaf: Leaf) -> tuple[Cell, Verdict]:
        cell = evidence.look(begun, leaf.route, leaf.rows)
        return cell, decide(cell, policy, begun.days)

    merged = rule_tree.merge(leaves, look, lambda one, other: one[1].same(other[1]))
    return [(leaf, cell, verdict) for leaf, (cell, verdict) in merged]


def name_leaves(connection: Any, leaves: list[Leaf], clusters: Clusters, begun: Begun) -> list[str]:
    """Return a name per rule, all different within a route."""
    codes = np.full(len(clusters.codes), -1, dtype=np.int64)
    for i, leaf in enumerate(leaves):
        codes[begun.columns["place"][leaf.rows]] = i
    facts = describe(connection, codes)
    names: list[str] = []
    for route in range(len(begun.routes)):
        mine = [i for i, leaf in enumerate(leaves) if leaf.route == route]
        names += names_of(facts.filter(facts["code"].is_in(mine)))
    return names


def describe_type(
    leaf: Leaf, cell: Cell, verdict: Verdict, name: str, begun: Begun, clusters: Clusters
) -> TypeSplit:
    """Put together all that is said about one type; its rule_id is set when all are known."""
    tried = {model for model, facts in cell.models.items() if facts.n >= TRIED}
    return TypeSplit(
        name=name,
        route=begun.routes[leaf.route],
        rule_id="",
        rule=leaf.rule,
        share=round(cell.n / len(begun.columns["place"]), 6),
        candidates=verdict.candidates,
        excluded=tuple(
            {"model": model, "reason": reason} for model, reason in sorted(cell.excluded.items())
        ),
        current=verdict.current,
        proposed=verdict.proposed,
        verdict=verdict.name,
        provenance=cell.provenance,
        n=cell.n,
        ess=evidence.effective_size(begun, cell, verdict.proposed),
        covered=round(sum(w for model, w in verdict.proposed.items() if model in tried), 6),
        effects=effects_of(verdict.name),
        note=verdict.note,
        explore=verdict.explore,
        clusters=covered_clusters(leaf, begun, clusters),
        models={model: facts.as_json() for model, facts in sorted(cell.models.items())},
    )


def rule_id(types: tuple[TypeSplit, ...], i: int) -> str:
    """Return `<route>/<number of the rule on the route, from 1>`."""
    route = types[i].route
    return f"{route}/{sum(1 for one in types[: i + 1] if one.route == route)}"


def covered_clusters(leaf: Leaf, begun: Begun, clusters: Clusters) -> tuple[dict[str, Any], ...]:
    """Return the clusters a rule covers: their share of the rule's operations, and of their own."""
    codes = clusters.codes[begun.columns["place"]]
    mine = np.bincount(codes[leaf.rows], minlength=len(clusters.names))
    on_route = np.bincount(
        codes[begun.columns["route"] == leaf.route], minlength=len(clusters.names)
    )
    return tuple(
        {
            "cluster": clusters.names[i],
            "share_of_type": round(float(mine[i]) / len(leaf.rows), 6),
            "share_of_cluster": round(float(mine[i] / on_route[i]), 6),
        }
        for i in np.argsort(-mine, kind="stable")
        if mine[i] >= LEAST_SHARE * len(leaf.rows)
    )


def period(connection: Any, begun: Begun) -> dict[str, Any]:
    """Return what a recommendation was made from: time, requests, operations and sessions."""
    since, until, requests = connection.execute(
        "select epoch_ms(min(started_at)), epoch_ms(max(started_at)), count(*) from typed"
    ).fetchall()[0]
    return {
        "since": iso_time(datetime.fromtimestamp(since / 1000, UTC)),
        "until": iso_time(datetime.fromtimestamp(until / 1000, UTC)),
        "requests": int(requests),
        "operations": len(begun.columns["place"]),
        "sessions": len(np.unique(begun.columns["session"])),
    }


def types_of_requests(
    connection: Any, clusters: Clusters, types: tuple[TypeSplit, ...]
) -> polars.DataFrame:
    """Return request_id, cluster and rule_id (None off the routes) of every request of `typed`."""
    import polars as pl

    routes = dict.fromkeys(one.route for one in types)
    cases = ""
    for route in routes:
        mine = [one for one in types if one.route == route]
        ids = ", ".join(quote(one.rule_id) for one in mine)
        number = first_match_sql([one.rule for one in mine])
        cases += f" when route = {quote(route)} then [{ids}][1 + {number}]"
    rows: polars.DataFrame = connection.sql(
        f"select request_id, case{cases} end as rule_id from typed order by rowid"
    ).pl()
    names = pl.Series("cluster", clusters.names, dtype=pl.String).gather(clusters.codes)
    return rows.with_columns(names).select("request_id", "cluster", "rule_id")
