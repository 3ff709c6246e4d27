"""Fixtures that many tests share: a store of its own for each test, and records in, rows out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

import logscope

if TYPE_CHECKING:
    from logscope.accounting import IngestResult

Row = dict[str, Any]
Records = Sequence[Any] | str | bytes


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="write what comes out as the new expectation"
    )


@pytest.fixture
def update_goldens(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-goldens"))


def native(request_id: str, **fields: Any) -> Row:
    """Return a record of the native request format: one streamed, successful call."""
    return {
        "request_id": request_id,
        "model": "gpt-5.4",
        "provider": "openai",
        "started_at": "2026-11-09T10:00:00Z",
        "ttft_ms": 400.0,
        "duration_ms": 1400.0,
        "input_tokens": 1000,
        "output_tokens": 101,
        "status": "ok",
    } | fields


class Bench:
    """One store, and what the last ingest into it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = logscope.open(folder / "store")
        self.result: IngestResult | None = None

    def write(self, records: Records, name: str = "log.jsonl") -> Path:
        """Write a log file: records one per line (texts as they are), or the text as given."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(records, bytes):
            path.write_bytes(records)
        elif isinstance(records, str):
            path.write_text(records, encoding="utf-8")
        else:
            lines = [item if isinstance(item, str) else json.dumps(item) for item in records]
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    def ingest(self, *paths: str | Path, **options: Any) -> IngestResult:
        """Ingest files; afterwards `counts` holds the account."""
        self.result = self.logs.ingest(list(paths), **options)
        return self.result

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        """Records, stored, merged, ignored, rejected of the last ingest."""
        assert self.result is not None, "nothing was ingested"
        result = self.result
        return (result.records, result.stored, result.merged, result.ignored, result.rejected)

    def rows(
        self, query: str = "select * from requests order by file_id, line, request_id"
    ) -> list[Row]:
        """Return rows as plain dictionaries; maps as dictionaries too."""
        return [
            {name: plain(value) for name, value in row.items()}
            for row in self.logs.sql(query).to_dicts()
        ]

    def rejects(self) -> list[tuple[int | None, str]]:
        """Return line and reason of every rejected record."""
        rows = self.rows("select line, reason from rejects order by line nulls first, reason")
        return [(row["line"], row["reason"]) for row in rows]


def plain(value: Any) -> Any:
    """Return a map (a list of key and value, as polars has it) as a dictionary."""
    if (
        isinstance(value, list)
        and value
        and isinstance(value[0], dict)
        and set(value[0]) == {"key", "value"}
    ):
        return {entry["key"]: entry["value"] for entry in value}
    return value


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A store of its own, with helpers to write and ingest logs."""
    return Bench(tmp_path)


class IngestRows(Protocol):
    def __call__(
        self, records: Records, suffix: str = ".jsonl", name: str = "log"
    ) -> list[Row]: ...


@pytest.fixture
def ingest_rows(bench: Bench) -> IngestRows:
    """Ingest records as one file and return the requests they became, in order of the lines."""

    def run(records: Records, suffix: str = ".jsonl", name: str = "log") -> list[Row]:
        bench.ingest(bench.write(records, name + suffix))
        return bench.rows()

    return run


@pytest.fixture
def golden(update_goldens: bool) -> Callable[[Path, Any], None]:
    """Compare a JSON value with a golden file, or write it with --update-goldens."""

    def check(path: Path, value: Any) -> None:
        text = json.dumps(value, indent=2, sort_keys=True, default=str, ensure_ascii=False) + "\n"
        if update_goldens:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path.name} is missing: run pytest --update-goldens"
        assert json.loads(path.read_text(encoding="utf-8")) == json.loads(text)

    return check
