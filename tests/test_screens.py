"""What a person reads: short where there is much, whole where it counts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from logscope.accounting import FormatCount, IngestResult
from logscope.output import cell
from logscope.queries import find_queries, list_queries
from logscope.screens import MOST_FORMATS, ingest_summary, query_list
from tests.conftest import Bench, native


def test_the_list_of_queries_names_each_under_its_area() -> None:
    lines = query_list(list_queries()).splitlines()
    areas = [line for line in lines if not line.startswith(" ")][:-1]
    assert areas == sorted({query.path.parent.name for query in find_queries().values()})
    names = {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "}
    assert names == set(find_queries()) and len(names) >= 40


@pytest.mark.parametrize(
    ("money", "shown"),
    [
        ("1234.5000000000", "1,234.50"),
        ("16.3765", "16.38"),
        ("0.0012345", "0.00123"),
    ],
)
def test_money_keeps_its_cents(money: str, shown: str) -> None:
    assert cell(Decimal(money)) == shown


def test_only_the_largest_formats_are_told_one_by_one(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1")]))
    counts = tuple(FormatCount(f"format_{i:02}", 2, 100 - i, None, None) for i in range(13))
    result = IngestResult(files=26, formats=counts)
    lines = ingest_summary(result, bench.logs.store).splitlines()
    told = [line.split() for line in lines if line.startswith("  format_")]
    assert [words[0] for words in told] == [count.name for count in counts[:MOST_FORMATS]]
    # 90 + 89 + 88 records in three formats of two files each
    assert lines[1 + MOST_FORMATS].split()[:6] == ["3", "more", "6", "files", "267", "records"]
