"""Recommendations: every verdict with its numbers derived by hand, and the promised shape."""

from __future__ import annotations

import hashlib
import json
import math
import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from logscope.config import Config, quote
from logscope.errors import InputError, LogscopeError, NoDataError, UsageError
from logscope.evidence import size_classes, standardised
from logscope.policy import Policy, load_policy
from logscope.recommend import recommend, recommend_and_record
from logscope.recommend_summary import short_names, summary
from logscope.recommendation import (
    EXPLORE,
    KEEP,
    UNMEASURED,
    Recommendation,
    TypeSplit,
    find_recommendation,
    parse_recommendation,
)
from logscope.rules import rule_sql
from logscope.selection import select
from tests.made_store import make_store

OPUS, SONNET, GPT = "claude-opus-4-7", "claude-sonnet-4-6", "gpt-5.5"
TYPE_KEYS = {
    "name", "route", "rule", "share", "candidates", "excluded", "current", "proposed", "verdict",
    "provenance", "n", "ess", "covered", "effects",
}  # fmt: skip


def traffic(where: str = "true", **columns: str) -> str:
    """Return 2,000 operations on the route `smart` over ten days: opus 60 %, sonnet 40 %.

    Opus costs 0.010 USD each, sonnet 0.004. `columns` are SQL expressions over `i` that replace or
    add a column.
    """
    base = {
        "request_id": "'r' || i",
        "session_id": "'s' || i",
        "started_at": "timestamptz '2026-11-02 12:00:00+00' + to_days((i % 10)::integer)",
        "route": "'smart'",
        "model": f"if(i % 5 < 3, '{OPUS}', '{SONNET}')",
        "status": "'ok'",
        "input_tokens": "1000 + hash(i) % 100",
        "cost_usd": "if(i % 5 < 3, 0.010, 0.004)",
    } | columns
    listed = ", ".join(f"{sql} as {name}" for name, sql in base.items())
    return f"select {listed} from range(2000) t(i) where {where}"


def scored(share: float, good: float = 0.9) -> str:
    """Return scores for a share of the requests of `traffic`, of which a share `good` are 1."""
    return (
        "select 'r' || i as request_id, 'correct' as name, "
        f"(hash(i + 17) % 1000 < {1000 * good})::double as value, 'rule' as source "
        f"from range(2000) t(i) where hash(i + 5) % 1000 < {1000 * share}"
    )


def made(path: Path, requests: str, scores: str = "", policy: Policy | None = None) -> Any:
    store = make_store(path / "store", requests, scores)
    return recommend(store, select(by=[], store=store), Config(), policy)


def only(recommendation: Recommendation) -> TypeSplit:
    assert len(recommendation.types) == 1
    return recommendation.types[0]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Recommendation:
    """What is recommended for `traffic`, without any score."""
    result: Recommendation = made(tmp_path_factory.mktemp("plain"), traffic())
    return result


def test_the_shape_is_the_promised_one(plain: Recommendation) -> None:
    data = plain.as_json()
    assert list(data) == [
        "config_id", "created_at", "trained_on", "proved_on", "policy", "verdict", "effects",
        "types",
    ]  # fmt: skip
    (one,) = data["types"]
    assert set(one) >= TYPE_KEYS
    assert set(one["effects"]) == {"cost_usd", "ttft_over_slo", "success", "quality"}
    assert one["rule"] == [] and one["name"] == "all requests" and one["share"] == 1.0
    assert data["trained_on"] == {
        "since": "2026-11-02T12:00:00.000Z",
        "until": "2026-11-11T12:00:00.000Z",
        "requests": 2000,
        "operations": 2000,
        "sessions": 2000,
    }
    rest = {key: value for key, value in data.items() if key != "config_id"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False)
    assert data["config_id"] == "c-" + hashlib.sha256(text.encode()).hexdigest()[:12]


def test_without_a_score_the_cheaper_model_is_unmeasured(plain: Recommendation) -> None:
    one = only(plain)
    assert plain.verdict == one.verdict == UNMEASURED
    assert one.current == {OPUS: 0.6, SONNET: 0.4}
    # Everything to the cheaper one, but for the exploration floor of the other.
    assert one.proposed == {OPUS: 0.05, SONNET: 0.95}
    assert one.candidates == (OPUS, SONNET)
    # 0.6 x 0.010 + 0.4 x 0.004 = 0.0076 USD an operation.
    assert one.note == (
        "claude-sonnet-4-6 $4.00 per 1,000 operations against $7.60 today; no request has a score"
    )
    assert one.provenance == "observational" and one.ess is None and one.covered == 1.0
    assert all(effect["estimate"] is None for effect in one.effects.values())


def test_with_scores_nothing_is_proven_yet_so_it_is_keep(tmp_path: Path) -> None:
    one = only(made(tmp_path, traffic(), scored(1.0)))
    assert (one.verdict, one.proposed) == (KEEP, one.current)
    assert one.note.endswith("against $7.60 today; not proven as good")
    assert all(
        effect == {"estimate": 0.0, "low": 0.0, "high": 0.0} for effect in one.effects.values()
    )


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        # 800 operations of sonnet, a fifth of them with a score: under 200.
        (scored(0.2), "of 800 operations of claude-sonnet-4-6 have a score"),
        (scored(1.0, good=0.995), "10 of each needed"),
    ],
)
def test_few_scores_or_few_failures_measure_nothing(tmp_path: Path, scores: str, why: str) -> None:
    one = only(made(tmp_path, traffic(), scores))
    assert one.verdict == UNMEASURED and one.note.endswith(why)


def test_scores_of_sessions_count_for_their_operations(tmp_path: Path) -> None:
    by_session = scored(1.0).replace("'r' || i as request_id", "'s' || i as session_id")
    assert only(made(tmp_path, traffic(), by_session)).verdict == KEEP


def test_the_cheapest_today_is_kept(tmp_path: Path) -> None:
    one = only(made(tmp_path, traffic(cost_usd="0.010")))
    assert (one.verdict, one.note) == (KEEP, "nothing costs less")


def test_without_prices_nothing_is_said_to_be_cheaper(tmp_path: Path) -> None:
    one = only(made(tmp_path, traffic(cost_usd="null")))
    assert (one.verdict, one.note) == (KEEP, f"cost unknown of {OPUS}, {SONNET}")
    assert one.models[OPUS]["cost_usd"] is None


def test_a_model_that_gets_the_short_requests_is_not_cheaper_for_it() -> None:
    """Both cost 1 USD per million tokens; the first gets nine of ten short requests."""
    short, long = np.full(1000, 1000.0), np.full(1000, 5000.0)
    tokens = np.concatenate([short, long])
    mine = np.concatenate([np.arange(1000) % 10 != 0, np.arange(1000) % 10 == 0])
    cost = tokens * 1e-6
    sizes = size_classes(tokens)
    assert cost[mine].mean() == pytest.approx(0.0014)
    assert standardised(cost, mine, sizes)[0] == pytest.approx(0.003)
    assert standardised(cost, ~mine, sizes)[0] == pytest.approx(0.003)
    # Without any of the long ones, nothing can be said of its cost for all.
    assert standardised(cost, mine & (tokens < 2000), sizes) == (None, None)


def test_the_error_of_a_mean_cost_is_the_textbook_one() -> None:
    cost = np.array([0.01, 0.03] * 50)
    mean, error = standardised(cost, np.full(100, True), np.zeros(100, dtype=np.int64))
    assert mean == pytest.approx(0.02)
    assert error == pytest.approx(np.std(cost, ddof=1) / 10)


# Gpt joined the route with 20 of 2,000 requests.
NEWCOMER = {
    "model": f"case when i % 100 = 0 then '{GPT}' when i % 5 < 3 then '{OPUS}' else '{SONNET}' end"
}


def test_a_model_that_was_hardly_tried_is_explored(tmp_path: Path) -> None:
    one = only(made(tmp_path, traffic(**NEWCOMER)))
    assert one.verdict == EXPLORE
    assert one.current == {OPUS: 0.59, SONNET: 0.4, GPT: 0.01}
    assert one.proposed == {OPUS: 0.55, SONNET: 0.4, GPT: 0.05}
    assert one.note == "hardly tried (gpt-5.5 20 of 2,000 operations)"
    # 7.85 x 0.8 x 0.2 / (0.02^2 x 0.05 x 0.95) = 66,105.3 less what 20 requests at 5 % stand for.
    requests = math.ceil(7.85 * 0.16 / (0.0004 * 0.05 * 0.95) - 20 / 0.05)
    assert requests == 65_706
    # 2,000 in ten days.
    assert one.explore == {"requests": requests, "days": math.ceil(requests / 200)}
    assert one.covered == 0.95


def test_the_size_of_an_exploration_follows_quality_and_sessions(tmp_path: Path) -> None:
    """Scores equal in pairs of one session: the design effect is 2, so twice as many are needed."""
    pairs = (
        "select 'r' || i as request_id, 'correct' as name, ((i // 2) % 10 < 9)::double as value, "
    )
    scores = f"{pairs} 'rule' as source from range(2000) t(i)"
    one = only(made(tmp_path, traffic(**NEWCOMER, session_id="'s' || (i // 2)"), scores))
    single = 7.85 * 0.9 * 0.1 / (0.0004 * 0.05 * 0.95)
    assert one.explore is not None
    assert one.explore["requests"] == pytest.approx(2 * single - 400, rel=0.002)


def test_no_floor_means_no_exploration(tmp_path: Path) -> None:
    one = only(made(tmp_path, traffic(**NEWCOMER), policy=Policy(exploration_floor=0.0)))
    assert one.verdict == UNMEASURED
    assert one.proposed == {OPUS: 0.0, SONNET: 1.0, GPT: 0.0}


def test_a_step_limit_goes_part_of_the_way(tmp_path: Path) -> None:
    one = only(made(tmp_path, traffic(), policy=Policy(step_limit=0.1)))
    assert one.proposed == {OPUS: 0.5, SONNET: 0.5}


def test_who_asks_for_a_model_by_name_is_not_rerouted(tmp_path: Path) -> None:
    by_name = traffic(route=f"if(i % 2 = 0, 'smart', 'anthropic/{OPUS}')")
    result = made(tmp_path, by_name)
    assert {one.route for one in result.types} == {"smart"}
    assert only(result).n == 1000
    with pytest.raises(NoDataError, match="No request went through a route"):
        made(tmp_path / "other", traffic(route="null"))


def test_retries_count_once_and_their_cost_belongs_to_the_operation(tmp_path: Path) -> None:
    """Every opus request fails and is tried again with sonnet, for 0.004 USD more."""
    query = (
        f"select *, request_id as operation_id from ({traffic()}) union all by name "
        f"select * replace ('x' || request_id as request_id, '{SONNET}' as model, "
        "started_at + interval 1 minute as started_at, 0.004 as cost_usd), "
        f"request_id as operation_id from ({traffic()}) where model = '{OPUS}'"
    )
    one = only(made(tmp_path, query))
    assert one.n == 2000 and one.current == {OPUS: 0.6, SONNET: 0.4}
    assert one.models[OPUS]["cost_usd"] == pytest.approx(0.014)


def test_answers_from_a_cache_and_calls_without_a_model_are_no_choice(tmp_path: Path) -> None:
    query = traffic(
        cache_hit="i % 2 = 0",
        model=f"if(i % 10 = 1, 'smart', if(i % 5 < 3, '{OPUS}', '{SONNET}'))",
        status="if(i % 10 = 1, 'error', 'ok')",
    )
    one = only(made(tmp_path, query))
    # Of 1,000 not cached, 200 failed before a model was chosen and carry the group's name.
    assert one.n == 1000
    assert set(one.current) == {OPUS, SONNET}
    assert sum(facts["n"] for facts in one.models.values()) == 800


@pytest.mark.parametrize(
    ("columns", "provenance", "ess"),
    [
        ({"propensity": "if(i % 5 < 3, 0.6, 0.4)"}, "randomised", None),
        ({"propensity": "if(i % 10 = 0, null, 0.5)"}, "observational", None),
        ({"model": f"'{OPUS}'", "propensity": "1.0"}, "deterministic", None),
    ],
)
def test_provenance(
    tmp_path: Path, columns: dict[str, str], provenance: str, ess: float | None
) -> None:
    one = only(made(tmp_path, traffic(**columns)))
    assert one.provenance == provenance
    assert (one.ess is None) is (provenance != "randomised")


def test_the_effective_size_is_the_one_of_the_proposed_split(tmp_path: Path) -> None:
    one = only(made(tmp_path, traffic(propensity="if(i % 5 < 3, 0.6, 0.4)")))
    # Weights 0.05/0.6 for 1,200 operations and 0.95/0.4 for 800.
    opus, sonnet = 0.05 / 0.6, 0.95 / 0.4
    expected = (1200 * opus + 800 * sonnet) ** 2 / (1200 * opus**2 + 800 * sonnet**2)
    assert one.ess == pytest.approx(expected, abs=0.1)


def test_logged_probabilities_are_todays_split(tmp_path: Path) -> None:
    query = traffic(propensity="if(hash(i + 3) % 3 = 0, 0.25, 0.75)", model=(
        f"if(hash(i + 3) % 3 = 0, '{OPUS}', '{SONNET}')"
    ))  # fmt: skip
    assert only(made(tmp_path, query)).current == {OPUS: 0.25, SONNET: 0.75}


def test_who_cannot_or_must_not_serve_is_excluded_with_the_reason(tmp_path: Path) -> None:
    query = traffic(
        "i < 160",  # too few for more than one type
        model=f"['{OPUS}', '{SONNET}', '{GPT}', 'gpt-5.4'][i % 4 + 1]",
        team="if(i % 50 = 0, 'legal', 'search')",
        n_tools="if(i % 4 < 3, 2, 0)",
        input_tokens="if(i % 100 = 0, 1020000, 1000)",
        cost_usd="0.01",
    )
    policy = Policy(eligible={"team": {"legal": (OPUS, GPT, "gpt-5.4")}})
    one = only(made(tmp_path, query, policy=policy))
    reasons = {entry["model"]: entry["reason"] for entry in one.excluded}
    assert reasons[SONNET] == "policy: team legal"
    assert reasons["gpt-5.4"] == "tools never seen working"
    assert reasons[GPT] == "context window 1,000,000 < longest input 1,020,000"
    assert one.candidates == ()
    assert (one.verdict, one.note) == (KEEP, "no model may serve it")


def test_exploring_never_sends_anything_to_an_ineligible_model(tmp_path: Path) -> None:
    policy = Policy(eligible={"team": {"legal": (OPUS, GPT)}})
    one = only(made(tmp_path, traffic(**NEWCOMER, team="'legal'"), policy=policy))
    assert one.verdict == EXPLORE
    # Sonnet's 40 % go to the largest, which also pays for the exploration.
    assert one.proposed == {OPUS: 0.95, SONNET: 0.0, GPT: 0.05}


# Two kinds on one route: extract is well tried, of code sonnet has seen nothing.
TWO_KINDS = traffic(
    task="if(i % 2 = 0, 'extract', 'code')",
    input_tokens="if(i % 2 = 0, 1000, 20000)",
    n_tools="if(i % 2 = 0, 0, 5)",
    model=f"if(i % 2 = 1 or i % 4 = 0, '{OPUS}', '{SONNET}')",
    cost_usd="if(i % 2 = 1 or i % 4 = 0, 0.01, 0.004)",
    propensity="if(i % 2 = 1, 1.0, 0.5)",
)  # fmt: skip


def test_each_rule_gets_its_own_verdict(tmp_path: Path) -> None:
    # Sonnet must have been seen with tools, if only elsewhere.
    elsewhere = (
        "select * replace ('e' || request_id as request_id, 'other' as route, "
        f"'{SONNET}' as model) "
        f"from ({TWO_KINDS}) where n_tools > 0"
    )
    tried = "union all by name select * replace ('t' || request_id as request_id, "
    tried += f"'{SONNET}' as model) from ({TWO_KINDS}) where n_tools > 0 and request_id = 'r7'"
    result = made(tmp_path, f"{TWO_KINDS} union all by name {elsewhere} {tried}")
    smart = {one.name: one for one in result.types if one.route == "smart"}
    assert set(smart) == {"extract, 1K in", "code, over 16K in, tools"}
    code, extract = smart["code, over 16K in, tools"], smart["extract, 1K in"]
    assert (code.verdict, code.proposed) == (EXPLORE, {OPUS: 0.95, SONNET: 0.05})
    assert code.models[SONNET]["n"] == 1
    assert (extract.verdict, extract.proposed) == (UNMEASURED, {OPUS: 0.05, SONNET: 0.95})
    assert code.provenance == "randomised" and extract.provenance == "randomised"
    assert [one.rule for one in result.types if one.route == "smart"][-1] == ()
    assert code.clusters[0]["share_of_type"] == 1.0
    assert sum(one.share for one in result.types) == pytest.approx(1, abs=1e-5)
    assert result.verdict == EXPLORE


def test_the_store_keeps_the_type_of_each_request(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", TWO_KINDS)
    result, note = recommend_and_record(store, select(by=[], store=store), Config())
    assert note is None
    store = store.refreshed()
    with closing(store.connect()) as connection:
        kinds = connection.execute(
            "select cluster, count(*) from request_types group by all order by all"
        ).fetchall()
        assert [n for _, n in kinds] == [1000, 1000]
        cases = " ".join(
            f"when {rule_sql(one.rule)} then {quote(one.rule_id)}" for one in result.types
        )
        differ = connection.execute(
            f"select count(*) from requests join request_types as kept using (request_id) "
            f"where kept.rule_id is distinct from case {cases} end or kept.config_id <> ?",
            [result.config_id],
        ).fetchall()
        assert differ == [(0,)]
        kept = connection.execute("select config_id, verdict, recommendation from recommendations")
        assert kept.fetchall() == [(result.config_id, result.verdict, result.text())]


def test_recording_again_changes_nothing(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", TWO_KINDS)
    first, _ = recommend_and_record(store, select(by=[], store=store), Config())
    version = store.refreshed().snapshot.version
    again, _ = recommend_and_record(store.refreshed(), select(by=[], store=store), Config())
    assert again.text() == first.text()
    assert store.refreshed().snapshot.version == version
    # Another policy is another recommendation; the first stays, the types are those of the last.
    other, _ = recommend_and_record(
        store.refreshed(), select(by=[], store=store), Config(), Policy(step_limit=0.1)
    )
    assert other.config_id != first.config_id
    after = store.refreshed()
    assert find_recommendation(after).config_id == other.config_id
    assert find_recommendation(after, first.config_id) == first
    with closing(after.connect()) as connection:
        kept = connection.execute("select distinct config_id from request_types").fetchall()
    assert kept == [(other.config_id,)]


def test_a_store_that_cannot_be_written_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(tmp_path / "store", traffic())
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    result, note = recommend_and_record(store, select(by=[], store=store), Config())
    assert result.verdict == UNMEASURED
    assert note is not None and "read-only" in note and "\n" not in note
    assert store.refreshed().snapshot.version == store.snapshot.version


def test_few_requests_are_an_answer_too(tmp_path: Path) -> None:
    one = only(made(tmp_path, traffic("i < 50")))
    assert one.verdict == EXPLORE and one.n == 50
    assert one.proposed == one.current  # both models have more than the floor: it only takes time


def test_a_recommendation_survives_its_file(plain: Recommendation, tmp_path: Path) -> None:
    assert parse_recommendation(plain.text(), "file") == plain
    path = tmp_path / "recommendation.json"
    path.write_text(plain.text())
    assert find_recommendation(None, str(path)) == plain


@pytest.mark.parametrize(
    "change",
    [
        lambda data: "no json",
        lambda data: json.dumps([1]),
        lambda data: json.dumps({**data, "types": [{}]}),
        lambda data: json.dumps({key: value for key, value in data.items() if key != "policy"}),
        lambda data: changed(data, verdict="SHIP IT"),
        lambda data: changed(data, proposed={OPUS: 0.5}),
        lambda data: changed(data, proposed={OPUS: "a lot"}),
        lambda data: changed(data, proposed={OPUS: 2.0, SONNET: -1.0}),
        lambda data: changed(data, rule=[{"column": "task"}]),
        lambda data: changed(data, name=3),
        lambda data: changed(data, share="all"),
    ],
)
def test_what_is_no_recommendation_is_refused_in_one_line(
    plain: Recommendation, change: Any
) -> None:
    text = change(plain.as_json())
    with pytest.raises(InputError, match=r"^file") as caught:
        parse_recommendation(text, "file")
    assert "\n" not in str(caught.value)


def changed(data: dict[str, Any], **fields: Any) -> str:
    return json.dumps({**data, "types": [{**data["types"][0], **fields}]})


def test_what_cannot_be_found_is_named(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", traffic())
    with pytest.raises(NoDataError, match="holds no recommendation"):
        find_recommendation(store)
    result, _ = recommend_and_record(store, select(by=[], store=store), Config())
    with pytest.raises(UsageError, match=rf"Did you mean {result.config_id}"):
        find_recommendation(store.refreshed(), result.config_id[:-1])
    with pytest.raises(UsageError, match="no store to look in"):
        find_recommendation(None, "c-1")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("exploration_flor = 0.1", "Did you mean exploration_floor?"),
        ("exploration_floor = 5", "between 0 and 0.5"),
        ("step_limit = true", "between 0 and 1"),
        ('minimise = "joy"', "cannot be minimised"),
        ("score = 1", "in quotes"),
        ('eligible = ["x"]', "must be tables"),
        ('[eligible.tem]\nlegal = ["x"]', "Did you mean team?"),
        ('[eligible.team]\nlegal = "x"', "lists of models"),
        ("[eligible.team]\nlegal = []", "nothing could serve it"),
        ("not toml", "not valid TOML"),
    ],
)
def test_a_wrong_policy_is_refused_in_one_line(tmp_path: Path, toml: str, message: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(toml)
    with pytest.raises(UsageError) as caught:
        load_policy(Config(), path)
    assert message in str(caught.value) and "policy.toml" in str(caught.value)


def test_a_policy_is_read_from_a_file_or_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('exploration_floor = 0.1\n[eligible.team]\nlegal = ["gpt-5.5"]\n')
    expected = Policy(exploration_floor=0.1, eligible={"team": {"legal": ("gpt-5.5",)}})
    assert load_policy(Config(), path) == expected
    path.write_text(
        '[policy]\nexploration_floor = 0.1\n[policy.eligible.team]\nlegal = ["gpt-5.5"]\n'
    )
    assert load_policy(Config(), path) == expected
    assert (
        load_policy(Config(None, {"policy": {"exploration_floor": 0.1}})).exploration_floor == 0.1
    )
    assert load_policy(Config()) == Policy()
    with pytest.raises(LogscopeError, match="cannot be read"):
        load_policy(Config(), tmp_path / "none.toml")


def test_the_summary_has_a_row_per_type(tmp_path: Path) -> None:
    result = made(tmp_path, traffic(**NEWCOMER))
    told = summary(result)
    assert told.rows.to_dicts() == [
        {
            "type": "all requests",
            "route": "smart",
            "share": "100%",
            "operations": "2,000",
            "today → proposed": "opus 59 sonnet 40 gpt 1 → opus 55 sonnet 40 gpt 5",
            "verdict": "EXPLORE 65,706 requests, 329 days",
            "why": "hardly tried (gpt-5.5 20 of 2,000 operations)",
        }
    ]
    assert told.head[1].startswith("Read 2 – 11 Nov 2026 (UTC): 2,000 operations on routes")
    kept = replace(result.types[0], verdict=KEEP, proposed=result.types[0].current)
    assert summary(replace(result, types=(kept,))).rows["today → proposed"][0].endswith("→ same")


def test_short_names_stay_different() -> None:
    assert short_names([OPUS, SONNET, "gpt-5.5", "gpt-5.4", "gemini-2.5-pro"]) == {
        OPUS: "opus",
        SONNET: "sonnet",
        "gpt-5.5": "gpt-5.5",
        "gpt-5.4": "gpt-5.4",
        "gemini-2.5-pro": "gemini",
    }
