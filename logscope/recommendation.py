"""A recommendation: splits per request type with their evidence, as JSON and in the store."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import closing
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logscope.errors import InputError, NoDataError, StoreError, UsageError, did_you_mean
from logscope.rules import Rule, parse_rule
from logscope.store import Store

if TYPE_CHECKING:
    import polars

EXPLORE, UNMEASURED, KEEP = "EXPLORE", "UNMEASURED QUALITY", "KEEP"
LIKELY, SWITCH = "LIKELY", "SWITCH"
VERDICTS = (EXPLORE, UNMEASURED, KEEP, LIKELY, SWITCH)
MEASURES = ("cost_usd", "ttft_over_slo", "success", "quality")
NO_CHANGE = {"estimate": 0.0, "low": 0.0, "high": 0.0}
UNKNOWN = {"estimate": None, "low": None, "high": None}
# The stamp that keeps the time of the logs in commits that only record a recommendation.
AS_OF = "logs_as_of_ms"

Effects = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class TypeSplit:
    """One request type of a route: the rule that finds it, its split today and as proposed.

    `n` counts operations by their first attempt, `share` is of all operations on routes. Shares are
    fractions that sum to 1, costs USD per operation; None where nothing may be said.
    """

    name: str
    route: str
    rule_id: str
    rule: Rule
    share: float
    candidates: tuple[str, ...]
    excluded: tuple[dict[str, str], ...]
    current: dict[str, float]
    proposed: dict[str, float]
    verdict: str
    provenance: str
    n: int
    ess: float | None
    covered: float
    effects: Effects
    # Beyond the splits: why, which clusters the rule covers, and what is known of each model.
    note: str = ""
    explore: dict[str, int | None] | None = None
    clusters: tuple[dict[str, Any], ...] = ()
    models: dict[str, dict[str, Any]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        rule = [condition.as_json() for condition in self.rule]
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        lists = {key: list(value) for key, value in values.items() if isinstance(value, tuple)}
        return values | lists | {"rule": rule}


@dataclass(frozen=True)
class Recommendation:
    """Splits for every request type. `config_id` is the hash of all the rest."""

    created_at: str
    trained_on: dict[str, Any]
    proved_on: dict[str, Any] | None
    policy: dict[str, Any]
    verdict: str
    effects: Effects
    types: tuple[TypeSplit, ...]

    @property
    def config_id(self) -> str:
        text = json.dumps(self._rest(), sort_keys=True, ensure_ascii=False, allow_nan=False)
        return f"c-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def as_json(self) -> dict[str, Any]:
        """Return the recommendation as recommendation.json holds it."""
        return {"config_id": self.config_id, **self._rest()}

    def text(self) -> str:
        """Return recommendation.json."""
        return json.dumps(self.as_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def _rest(self) -> dict[str, Any]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return values | {"types": [one.as_json() for one in self.types]}


def effects_of(verdict: str) -> Effects:
    """Return the effects that a verdict without a proof may tell: none for KEEP, else unknown."""
    told = NO_CHANGE if verdict == KEEP else UNKNOWN
    return {measure: dict(told) for measure in MEASURES}


def parse_recommendation(text: str, place: str) -> Recommendation:
    """Read recommendation.json; anything else is an InputError that names `place`."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InputError(
            f"{place} is not JSON: {error}. Write one with `logscope recommend`."
        ) from error
    wanted = {"config_id"} | {item.name for item in fields(Recommendation)}
    if not isinstance(data, dict) or not wanted <= set(data) or not isinstance(data["types"], list):
        raise InputError(f"{place} is no recommendation. Write one with `logscope recommend -o`.")
    given = {name: data[name] for name in wanted - {"config_id", "types"}}
    types = tuple(_parse_type(item, place) for item in data["types"])
    return Recommendation(**given, types=types)


def _parse_type(item: Any, place: str) -> TypeSplit:
    known = {one.name for one in fields(TypeSplit)}
    optional = {"rule_id", "note", "explore", "clusters", "models"}
    if not isinstance(item, dict) or not known - optional <= set(item):
        missing = sorted(known - optional - set(item)) if isinstance(item, dict) else ["everything"]
        raise InputError(
            f"{place}: a type lacks {missing[0]!r}. Write it with `logscope recommend`."
        )
    values = {key: value for key, value in item.items() if key in known}
    for key, kind in {"name": str, "route": str, "n": int, "share": int | float}.items():
        if not isinstance(values[key], kind) or isinstance(values[key], bool):
            raise InputError(f"{place}: {values[key]!r} is no {key} of a type.")
    for key in ("current", "proposed"):
        _check_split(values[key], f"{place}: {key} of {str(item['name'])[:60]!r}")
    if values["verdict"] not in VERDICTS:
        hint = did_you_mean(str(values["verdict"]), VERDICTS)
        raise InputError(f"{place}: {values['verdict']!r} is no verdict.{hint}")
    lists = {key: tuple(values.get(key, ())) for key in ("candidates", "excluded", "clusters")}
    rule = parse_rule(values["rule"], place)
    return TypeSplit(**{"rule_id": str(item["route"]), **values, **lists, "rule": rule})


def _check_split(split: Any, place: str) -> None:
    if not isinstance(split, dict) or not all(
        isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 1
        for share in split.values()
    ):
        raise InputError(f"{place} must give a fraction between 0 and 1 per model.")
    if split and abs(sum(split.values()) - 1) > 1e-6:
        raise InputError(f"{place} sums to {sum(split.values()):g}, not to 1. Mend it.")


def find_recommendation(store: Store | None, name: str | None = None) -> Recommendation:
    """Return a recommendation: a file, a config_id of the store, or (without a name) the latest."""
    if name is not None and Path(name).is_file():
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{name} cannot be read as text: {error}.") from error
        return parse_recommendation(text, name)
    if store is None:
        what = f"{name} is no file" if name is not None else "No recommendation is named"
        raise UsageError(f"{what}, and there is no store to look in. Give a file, or --store.")
    with closing(store.connect()) as connection:
        # The latest is the one whose types the store holds; else the one of the newest logs.
        rows = connection.execute(
            "select config_id, recommendation from recommendations order by config_id in "
            "(select config_id from request_types) desc, created_at desc, config_id"
        ).fetchall()
    if not rows:
        raise NoDataError(
            "The store holds no recommendation yet. Make one with `logscope recommend`."
        )
    found = dict(rows)
    if name is not None and name not in found:
        raise UsageError(
            f"{name} is no file and no config_id of the store.{did_you_mean(name, found)}"
        )
    config_id = name if name is not None else rows[0][0]
    return parse_recommendation(found[config_id], config_id)


def logs_as_of(store: Store) -> datetime:
    """Return when the logs in the store last changed; recording a recommendation is no change."""
    snapshot = store.snapshot
    return datetime.fromtimestamp(int(snapshot.stamps.get(AS_OF, snapshot.created_ms)) / 1000, UTC)


def iso_time(moment: datetime) -> str:
    """Return a UTC time as 2026-11-15T23:59:59.999Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(store: Store, recommendation: Recommendation, types: polars.DataFrame) -> str | None:
    """Write a recommendation and the type of each request into the store.

    `types` has request_id, cluster and rule_id. Writing the latest again changes nothing. Returns
    None, or a line that says why it was not written (the store cannot be written to).
    """
    if not os.access(store.path, os.W_OK):
        return f"{store.path} is read-only: the recommendation is not recorded there."
    try:
        with store.writing() as current:
            _write(current, recommendation, types)
    except (StoreError, OSError) as error:
        return f"The recommendation is not recorded in the store: {error}"
    return None


def _write(store: Store, recommendation: Recommendation, types: polars.DataFrame) -> None:
    from logscope.delta import Change

    config_id = recommendation.config_id
    with closing(store.connect()) as connection:
        recorded = connection.execute(
            "select exists(select 1 from recommendations where config_id = ?), "
            "exists(select 1 from request_types where config_id = ?)",
            [config_id, config_id],
        ).fetchall()[0]
        changes: dict[str, Change] = {}
        if not recorded[0]:
            connection.execute(
                "create temp table next_recommendation as "
                "select ? as config_id, ?::timestamptz as created_at, ? as verdict, "
                "? as recommendation",
                [
                    config_id,
                    recommendation.created_at,
                    recommendation.verdict,
                    recommendation.text(),
                ],
            )
            adds = store.write_parquet(connection, "recommendations", "from next_recommendation")
            changes["recommendations"] = Change(adds=adds)
        if not recorded[1]:
            connection.register("next_types", types.to_arrow())
            query = f"select *, '{config_id}' as config_id from next_types"
            adds = store.write_parquet(connection, "request_types", query)
            changes["request_types"] = Change(adds=adds, removes=store.files("request_types"))
    if changes:
        as_of = round(logs_as_of(store).timestamp() * 1000)
        store.commit(changes, {**store.snapshot.stamps, AS_OF: str(as_of)})
