"""One round of damaged logs; `make fuzz` tries them for as long as it is told and prints how many."""

from __future__ import annotations

from tests import fuzz


def test_damaged_logs_cost_no_good_record() -> None:
    assert len(fuzz.good_lines()) >= 20
    assert fuzz.fuzz(rounds=1, seconds=60, seed=20261121) == fuzz.FILES_PER_ROUND
