"""Values in runs: ranks and counts in any union of runs, against numpy on the plain values."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from logscope.runs import Groups, Runs, combined, in_order, numbered, stable_order, starts_of

VALUES = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 1.5, 1e-300, -3.0, float("inf"), float("nan")]),
    st.floats(-1e9, 1e9),
    st.floats(100, 110).map(lambda value: round(value, 1)),
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_rank_is_that_of_the_plain_values(data: st.DataObject) -> None:
    runs = data.draw(st.integers(1, 6))
    rows = data.draw(st.lists(st.tuples(st.integers(0, runs - 1), VALUES), max_size=60))
    group = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=runs, max_size=runs)))
    rows.sort(key=lambda row: row[0])
    run = np.array([row[0] for row in rows], dtype=np.int64)
    values = np.array([row[1] for row in rows], dtype=float)
    found = Runs.of(values, run, runs)
    wanted, rank, truth = [], [], []
    for number in range(3):
        mine = values[group[run] == number]
        mine = np.sort(mine[~np.isnan(mine)])
        wanted += [number] * len(mine)
        rank += range(len(mine))
        truth += mine.tolist()
    told = Groups(found, group).ranked(np.array(wanted, dtype=int), np.array(rank, dtype=int))
    assert told.tolist() == truth
    limits = np.array(data.draw(st.lists(st.floats(-200, 200), min_size=runs, max_size=runs)))
    counts = [int((values[run == i] <= limit).sum()) for i, limit in enumerate(limits)]
    assert found.up_to(limits).tolist() == counts


def test_numbers_stay_apart_where_their_type_is_short() -> None:
    # 255 fits into a byte, 255 * 300 + 299 does not.
    pairs = combined(np.array([255, 0, 255], dtype=np.uint8), np.array([299, 299, 0]), 300)
    assert pairs.tolist() == [255 * 300 + 299, 299, 255 * 300]
    assert stable_order(np.array([300, 2, 300, 0])).tolist() == [3, 1, 0, 2]
    names, places = numbered(np.array([2**63, 5, 2**63], dtype=np.uint64))
    assert (names.tolist(), places.tolist()) == ([5, 2**63], [1, 0, 1])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.sampled_from([0.0, 0.001, 12.3456, 1e9, 1e300, -7.25]),
                st.integers(0, 3000).map(lambda us: us / 1000),
            ),
            st.integers(0, 299),
        ),
        max_size=30,
    )
)
def test_values_come_in_order_with_what_goes_with_them(pairs: list[tuple[float, int]]) -> None:
    values, numbers = in_order(
        np.array([value for value, _ in pairs], dtype=float),
        np.array([number for _, number in pairs], dtype=np.uint16),
        300,
    )
    assert [*zip(values.tolist(), numbers.tolist(), strict=True)] == sorted(pairs)


def test_each_label_begins_once() -> None:
    assert starts_of(np.array([7, 7, 3, 3, 7])).tolist() == [0, 2, 4]
    assert starts_of(np.array([])).tolist() == []
