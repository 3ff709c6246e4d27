"""A store whose log formats changed: what is read again, what is kept, and what is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from logscope import formats
from logscope.config import Config
from logscope.refresh import refresh, staleness
from logscope.screens import refresh_lines
from logscope.store import Store
from tests.conftest import Bench, native
from tests.formats.test_litellm_standard import call

CHANGED = "litellm_standard"


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return a function that makes the formats those of a later version: another provider name."""

    def change() -> None:
        folder = tmp_path / "formats"
        folder.mkdir()
        for path in formats.FOLDER.glob("*.sql"):
            if path != formats.MACROS:
                shutil.copy(path, folder)
        file = folder / f"{CHANGED}.sql"
        text = file.read_text(encoding="utf-8")
        assert text.count("known(custom_llm_provider) as provider") == 1
        file.write_text(
            text.replace("known(custom_llm_provider) as provider", "'later' as provider"),
            encoding="utf-8",
        )
        monkeypatch.setattr(formats, "FOLDER", folder)
        formats.format_stamps.cache_clear()

    yield change
    formats.format_stamps.cache_clear()


def providers(bench: Bench) -> dict[str, tuple[str, int]]:
    rows = bench.logs.sql("select request_id, provider, line from requests").rows()
    return {id: (provider, line) for id, provider, line in rows}


def test_sources_of_a_changed_format_are_read_again(bench: Bench, next_version) -> None:
    kept = bench.write([call(id="a"), call(id="b"), "broken"], "kept.jsonl")
    lost = bench.write([call(id="c")], "lost.jsonl")
    other = bench.write([native("n", provider="openai")], "other.jsonl")
    bench.ingest(kept, lost, other)
    before = bench.logs.sql("select * from files order by path").rows()
    assert bench.logs.staleness() is None
    next_version()
    assert f"How {CHANGED} is read changed since" in str(bench.logs.staleness())
    lost.unlink()
    # It has grown since: what was read is read again, what was added is for the next ingest.
    with kept.open("a", encoding="utf-8") as file:
        file.write(json.dumps(call(id="d")) + "\n")
    done = refresh(bench.logs.store, bench.logs.config)
    assert (done.reread.files, done.reread.records) == (1, 3)
    assert done.reread.gone == (str(lost),)
    assert str(lost) in refresh_lines(done).splitlines()[1]
    assert providers(bench) == {
        "a": ("later", 1),
        "b": ("later", 2),
        "c": ("openai", 1),
        "n": ("openai", 1),
    }
    assert len(bench.logs.rejects()) == 1
    after = bench.logs.sql("select * from files order by path").rows()
    columns = bench.logs.sql("select * from files").columns
    told = [i for i, name in enumerate(columns) if name != "ingested_at"]
    assert [[row[i] for i in told] for row in after] == [[row[i] for i in told] for row in before]
    assert bench.logs.staleness() is None
    assert refresh(bench.logs.store, bench.logs.config).reread.files == 0
    bench.ingest(kept)
    assert bench.counts == (1, 1, 0, 0, 0)
    assert providers(bench)["d"] == ("later", 4)


def test_files_that_share_requests_are_read_again_together(bench: Bench, next_version) -> None:
    """The request that two files tell of is merged anew from both."""
    first = bench.write([call(id="a")], "first.jsonl")
    second = bench.write([native("a", provider="openai", session_id="s")], "second.jsonl")
    bench.ingest(first)
    bench.ingest(second)
    assert bench.counts == (1, 0, 1, 0, 0)
    next_version()
    done = refresh(bench.logs.store, bench.logs.config)
    assert (done.reread.files, done.reread.records, done.reread.gone) == (2, 2, ())
    rows = bench.logs.sql("select session_id from requests").rows()
    assert rows == [("s",)]
    counts = bench.logs.sql("select sum(records), sum(stored), sum(merged) from files").rows()
    assert counts == [(2, 1, 1)]


def test_an_ingest_does_not_hide_that_earlier_rows_are_stale(bench: Bench, next_version) -> None:
    bench.ingest(bench.write([call(id="a")], "a.jsonl"))
    next_version()
    bench.ingest(bench.write([call(id="b")], "b.jsonl"))
    assert CHANGED in str(bench.logs.staleness())
    bench.logs.refresh()
    assert {provider for provider, _ in providers(bench).values()} == {"later"}
    assert bench.logs.staleness() is None


def test_a_function_that_a_format_uses_is_part_of_it() -> None:
    """`known` is used by LiteLLM's format, `events_of` (through `usage_of`) is not."""
    used = "".join(formats.functions_in(formats.find_formats()[CHANGED].file.sql))
    assert "create macro known(" in used and "create macro iso_time(" in used
    assert "create macro events_of(" not in used
    assert len(formats.functions()) > 50


def test_a_store_without_requests_is_brought_up_to_date(bench: Bench) -> None:
    bench.ingest(bench.write([{"request_id": "a", "name": "good", "value": 1}]))
    config = Config(sections={"task": "label:feature"})
    assert staleness(bench.logs.store, config)
    assert refresh(bench.logs.store, config).changed == 0
    assert staleness(Store(Path(bench.logs.path)), config) is None
