"""Rules mean the same in SQL, in Python and as the tree put them."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logscope.errors import InputError
from logscope.rule_tree import MAX_DEPTH, MAX_LEAVES, Leaf, encode, grow, merge
from logscope.rules import Condition, Rule, first_match, first_match_sql, parse_rule, rule_sql
from logscope.tables import new_connection

TASKS = ("extract", "code", "it's", "a\nb; drop table requests --")
NUMBERS = st.integers(0, 5)
CONDITIONS = st.one_of(
    st.builds(Condition, st.just("n_tools"), st.sampled_from(("<=", ">", "=")), NUMBERS),
    st.builds(Condition, st.just("temperature"), st.sampled_from(("<=", ">")), st.floats(0, 5)),
    st.builds(Condition, st.just("task"), st.just("="), st.sampled_from(TASKS)),
    st.builds(
        Condition,
        st.just("task"),
        st.sampled_from(("in", "not in")),
        st.lists(st.sampled_from(TASKS), max_size=3).map(tuple),
    ),
    st.builds(Condition, st.just("stream"), st.just("="), st.booleans()),
)
RULES = st.lists(st.lists(CONDITIONS, max_size=3).map(tuple), min_size=1, max_size=4)
ROWS = st.fixed_dictionaries(
    {
        "n_tools": st.none() | NUMBERS,
        "temperature": st.none() | st.floats(0, 5),
        "task": st.none() | st.sampled_from(TASKS),
        "stream": st.none() | st.booleans(),
    }
)
SCHEMA = {
    "n_tools": pl.Int64,
    "temperature": pl.Float64,
    "task": pl.String,
    "stream": pl.Boolean,
}


def by_sql(rules: list[Rule], rows: list[dict[str, Any]]) -> list[int | None]:
    with closing(new_connection()) as connection:
        connection.register("rows", pl.DataFrame(rows, schema=SCHEMA).to_arrow())
        found = connection.execute(f"select {first_match_sql(rules)} from rows").fetchall()
    return [row[0] for row in found]


@settings(deadline=None, max_examples=60)
@given(RULES, st.lists(ROWS, min_size=1, max_size=8))
def test_sql_and_python_find_the_same_rule(rules: list[Rule], rows: list[dict[str, Any]]) -> None:
    assert by_sql(rules, rows) == [first_match(rules, row) for row in rows]


@given(RULES)
def test_a_rule_survives_json(rules: list[Rule]) -> None:
    for rule in rules:
        text = json.dumps([condition.as_json() for condition in rule])
        assert parse_rule(json.loads(text), "test") == rule


def test_unknown_satisfies_no_condition_and_the_empty_rule_takes_it() -> None:
    rules: list[Rule] = [
        (Condition("n_tools", "<=", 0),),
        (Condition("n_tools", ">", 0),),
        (Condition("task", "not in", ("code",)),),
        (),
    ]
    unknown = {"n_tools": None, "temperature": None, "task": None, "stream": None}
    assert first_match(rules, unknown) == 3
    assert by_sql(rules, [unknown, unknown | {"task": "chat"}]) == [3, 2]


def test_a_rule_as_sql_is_readable() -> None:
    rule = (Condition("input_tokens", "<=", 4000), Condition("task", "in", ("a", "b'c")))
    assert rule_sql(rule) == "\"input_tokens\" <= 4000 and \"task\" in ('a', 'b''c')"
    assert rule_sql(()) == "true"


@pytest.mark.parametrize(
    "rule",
    [
        {"column": "task"},
        [{"column": "task", "op": "like", "value": "x"}],
        [{"column": "task", "op": "in", "value": "x"}],
        [{"column": "task", "op": "<=", "value": "x"}],
        [{"column": "task", "op": "=", "value": None}],
        [{"column": "task", "op": "=", "value": float("nan")}],
        [{"column": "task", "op": "=", "value": "x", "more": 1}],
    ],
)
def test_what_is_no_rule_is_refused(rule: Any) -> None:
    with pytest.raises(InputError, match=r"here: "):
        parse_rule(rule, "here")


def grown(frame: pl.DataFrame, clusters: list[int], routes: list[int] | None = None) -> list[Leaf]:
    columns = [coded for name in frame.columns if (coded := encode(frame[name])) is not None]
    given_routes = np.array(routes if routes is not None else [0] * frame.height)
    return grow(columns, np.array(clusters), given_routes)


def test_the_tree_finds_the_planted_cut_and_its_list_ends_empty() -> None:
    tokens = [1000 + i for i in range(1000)] + [9000 + i for i in range(1000)]
    leaves = grown(pl.DataFrame({"input_tokens": tokens}), [0] * 1000 + [1] * 1000)
    assert [leaf.rule for leaf in leaves] == [(Condition("input_tokens", "<=", 2000),), ()]
    assert [len(leaf.rows) for leaf in leaves] == [1000, 1000]


def test_the_list_of_rules_puts_every_row_where_the_tree_put_it() -> None:
    tasks = [None, "extract", "code", "chat", "voice"]
    rows = [
        {
            "input_tokens": None if i % 7 == 0 else 300 * (i % 40),
            "n_tools": None if i % 11 == 0 else i % 3,
            "task": tasks[(i * i) % 5],
            "stream": (None, True, False)[i % 3],
        }
        for i in range(6000)
    ]
    # A kind that depends on several columns, some of them unknown.
    clusters = [
        (row["task"] == "code") + 2 * ((row["input_tokens"] or 0) > 5000) + (row["stream"] is True)
        for row in rows
    ]
    schema = {
        "input_tokens": pl.Int64, "n_tools": pl.Int64, "task": pl.String, "stream": pl.Boolean
    }  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema)
    routes = [i % 2 for i in range(6000)]
    leaves = grown(frame, clusters, routes)
    assert 4 < len(leaves) <= MAX_LEAVES
    for route in (0, 1):
        mine = [leaf for leaf in leaves if leaf.route == route]
        assert mine[-1].rule == ()
        assert all(len(leaf.path) <= MAX_DEPTH for leaf in mine)
        for number, leaf in enumerate(mine):
            rules = [one.rule for one in mine]
            assert {first_match(rules, rows[i]) for i in leaf.rows} == {number}
    assert sorted(i for leaf in leaves for i in leaf.rows) == list(range(6000))


def test_rules_are_the_same_for_the_same_rows() -> None:
    frame = pl.DataFrame({"n_tools": [i % 9 for i in range(4000)], "task": ["a", "b"] * 2000})
    clusters = [(i % 9) // 3 for i in range(4000)]
    assert [one.rule for one in grown(frame, clusters)] == [
        one.rule for one in grown(frame, clusters)
    ]


def test_what_is_alike_becomes_one_rule() -> None:
    frame = pl.DataFrame({"task": ["a"] * 300 + ["b"] * 400 + ["c"] * 500})
    leaves = grown(frame, [0] * 300 + [1] * 400 + [2] * 500)
    assert len(leaves) == 3

    def judge(leaf: Leaf) -> str:
        return "move" if len(leaf.rows) == 500 else "keep"

    merged = merge(leaves, judge, lambda one, other: one == other)
    assert [(leaf.rule, word) for leaf, word in merged] == [
        ((Condition("task", "=", "c"),), "move"),
        ((), "keep"),
    ]
    assert sorted(i for leaf, _ in merged for i in leaf.rows) == list(range(1200))


def test_rules_are_not_joined_if_together_they_would_say_something_else() -> None:
    frame = pl.DataFrame({"task": ["a"] * 300 + ["b"] * 300})
    leaves = grown(frame, [0] * 300 + [1] * 300)

    def judge(leaf: Leaf) -> str:
        return "tried" if len(leaf.rows) > 300 else "hardly tried"

    assert len(merge(leaves, judge, lambda one, other: one == other)) == 2
