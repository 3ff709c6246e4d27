"""The wheel: built, installed without anything of the repository beside it, and run."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import Bench, native

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(folder),
            str(ROOT),
        ],
        check=True,
        capture_output=True,
    )
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_the_queries_and_formats_and_nothing_stray(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    queries = [name for name in names if name.startswith("logscope/queries/")]
    assert sorted(queries) == sorted(
        f"logscope/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "queries").rglob("*.sql")
    )
    assert "logscope/formats/litellm_standard.sql" in names
    assert "logscope/tables.sql" in names
    assert "logscope/py.typed" in names
    allowed = (".py", ".sql", ".toml", ".typed", ".css", ".html", ".js", ".jinja", ".typ")
    stray = [n for n in names if n.startswith("logscope/") and not n.endswith(allowed)]
    assert stray == []


def test_the_wheel_runs_in_an_environment_of_its_own(wheel: Path, bench: Bench) -> None:
    home = bench.folder / "env"
    venv.create(home, with_pip=False, system_site_packages=False)
    site = next((home / "lib").glob("python*")) / "site-packages"
    # The dependencies of this environment, but not the repository; then the wheel itself.
    outside = next(path for path in sys.path if path.endswith("site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    (site / "dependencies.pth").write_text(f"{outside}\n")
    log = bench.write([native("r1")])
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(home / "bin" / "python"), "-m", "logscope", *map(str, args)],
            cwd=bench.folder, env=env, capture_output=True, text=True,
        )  # fmt: skip

    where = subprocess.run(
        [str(home / "bin" / "python"), "-c", "import logscope; print(logscope.__file__)"],
        cwd=bench.folder, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(home))
    done = run("ingest", log)
    assert done.returncode == 0, done.stderr
    done = run("latency", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert '"n_ok": 1' in done.stdout
    assert "cost" in run("query").stdout
