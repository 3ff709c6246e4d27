"""Laws 1 and 2 over made-up logs: shuffled, split, repeated, cut off and interleaved they give one store.

LOGSCOPE_EXAMPLES=500 tries more of them, other ones each time; by default they are few and always
the same.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import logscope
from tests.worlds import (
    Ingest,
    Record,
    accounts,
    arrangements,
    contents,
    differences,
    in_one_file_each,
    worlds,
)

GIVEN = os.environ.get("LOGSCOPE_EXAMPLES")
EXAMPLES = int(GIVEN or 30)
tried = settings(
    max_examples=EXAMPLES,
    derandomize=GIVEN is None,
    deadline=None,
    # A failure tells its world and its arrangement; making it smaller costs minutes.
    phases=[phase for phase in Phase if phase is not Phase.shrink or GIVEN],
    database=None,
    suppress_health_check=list(HealthCheck),
)


@contextmanager
def bench() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@cache
def empty_store() -> Path:
    """Return a store without rows, to be copied: to make one costs as much as an ingest."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    log = folder / "summary.jsonl"
    log.write_text('{"type": "summary", "summary": "x", "leafUuid": "u"}\n')
    assert logscope.open(folder / "store").ingest([log]).ignored == 1
    return folder / "store"


def read(folder: Path, ingests: Sequence[Ingest]) -> Path:
    """Ingest an arrangement into a store in `folder` and hold every ingest to its account."""
    store = shutil.copytree(empty_store(), folder / "store")
    for number, files in enumerate(ingests):
        place = folder / f"{number}"
        for count, file in enumerate(files):
            file.write(place, count)
        try:
            result = logscope.open(store).ingest([place])
        except logscope.InputError:
            continue  # nothing but broken lines, or files cut off before they show what they are
        assert result.records == result.stored + result.merged + result.ignored + result.rejected
    return store


@lru_cache(4)
def expected(world: tuple[Record, ...]) -> dict[str, list[str]]:
    with bench() as folder:
        return contents(read(folder, [in_one_file_each(list(world))]))


@tried
@given(st.data())
def test_the_way_in_does_not_matter(data: st.DataObject) -> None:
    world = data.draw(worlds())
    ingests = data.draw(arrangements(world))
    with bench() as folder:
        store = read(folder, ingests)
        found = contents(store)
        for account in accounts(store):
            assert account["records"] == sum(account.values()) - account["records"]
    assert differences(found, expected(tuple(world))) == []
