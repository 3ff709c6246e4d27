"""What is loaded when, and what is public."""

from __future__ import annotations

import subprocess
import sys

import logscope

HEAVY = (
    "polars",
    "altair",
    "sklearn",
    "scipy",
    "deltalake",
    "duckdb",
    "pyarrow",
    "numpy",
    "genai_prices",
)


def loaded(code: str) -> set[str]:
    """Run code in a new interpreter and return the top-level modules it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('LOADED', *sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in done.stdout.split("LOADED ")[1].split()}


def test_help_loads_nothing_heavy() -> None:
    code = "from logscope.cli import app\ntry:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
    assert not loaded(code) & set(HEAVY)


def test_importing_logscope_loads_nothing_heavy() -> None:
    assert not loaded("import logscope") & set(HEAVY)


def test_ingest_loads_neither_charts_nor_clusters() -> None:
    assert not loaded("import logscope.ingest") & {"altair", "sklearn"}


def test_the_public_names_are_the_ones_decided_on() -> None:
    assert logscope.__all__ == [
        "InputError",
        "Logs",
        "LogscopeError",
        "NoDataError",
        "StoreError",
        "UsageError",
        "__version__",
        "open",
    ]
    assert all(hasattr(logscope, name) for name in logscope.__all__)


def test_an_interrupt_while_modules_are_loaded_is_one_line() -> None:
    code = """
import runpy, sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == MODULE:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
sys.argv = ["logscope", "status"]
runpy.run_module("logscope", run_name="__main__")
"""
    for module in ("typer", "logscope.cli.closer", "logscope.status"):
        done = subprocess.run(
            [sys.executable, "-c", code.replace("MODULE", repr(module))],
            capture_output=True,
            text=True,
            check=False,
        )
        said = (done.returncode, done.stdout, done.stderr)
        assert said == (130, "", "logscope: interrupted; the store is as it was.\n"), module
