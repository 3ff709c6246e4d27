"""Find, read and document the SQL files: the questions in queries/ and the header of any of them.

A header is the block of `-- ` comments a file opens with: the first line is the title, then
`-- key: value` lines (a value goes on in lines indented by three spaces), the rest is prose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from logscope.errors import UsageError, did_you_mean

HEADER_KEY = re.compile(r"^([a-z][a-z_]*): *(.*)$")


@dataclass(frozen=True)
class SqlFile:
    """One SQL file: what its header says and the statement below it."""

    path: Path
    title: str
    keys: dict[str, str]
    notes: str
    sql: str

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def params(self) -> dict[str, str]:
        """Parameters with their defaults."""
        parts = (part.strip() for part in self.keys.get("params", "").split(","))
        return dict(part.split("=", 1) for part in parts if part)


def read_sql(path: Path) -> SqlFile:
    """Read a SQL file and take its header apart."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    header: list[str] = []
    for line in lines:
        if not line.startswith("--"):
            break
        header.append(line[2:].removeprefix(" "))
    keys: dict[str, str] = {}
    notes: list[str] = []
    last = ""
    for line in header[1:]:
        match = HEADER_KEY.match(line)
        if match:
            last = match.group(1)
            keys[last] = match.group(2)
        elif line.startswith("  ") and last:
            keys[last] = f"{keys[last]} {line.strip()}".strip()
        else:
            last = ""
            notes.append(line)
    title = header[0].strip() if header else path.stem
    return SqlFile(path, title, keys, "\n".join(notes).strip(), "\n".join(lines[len(header) :]))


def shipped_folder() -> Path:
    """Return the folder of shipped queries: inside the installed package, or the repository's."""
    inside = Path(__file__).parent / "queries"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "queries"


def find_queries(folder: Path | None = None) -> dict[str, SqlFile]:
    """Return every named query by name: the shipped ones and `./queries/**/*.sql` of the user.

    A user's query of the same name takes the place of the shipped one. Checks are not among them.
    """
    own = folder or Path.cwd() / "queries"
    return shipped_queries() | ({} if own == shipped_folder() else queries_in(own))


@cache
def shipped_queries() -> dict[str, SqlFile]:
    """Return the shipped queries by name; they stay as they are while a process runs."""
    return queries_in(shipped_folder())


def queries_in(folder: Path) -> dict[str, SqlFile]:
    """Return the queries of a folder by name, without the checks."""
    return {
        path.stem: read_sql(path)
        for path in sorted(folder.rglob("*.sql"))
        if "checks" not in path.relative_to(folder).parts
    }


def find_query(name: str) -> SqlFile:
    """Return one named query; an unknown name is a UsageError with the nearest one."""
    queries = find_queries()
    if name not in queries:
        raise UsageError(f"There is no query {name!r}.{did_you_mean(name, queries)}")
    return queries[name]


def find_checks() -> dict[str, SqlFile]:
    """Return the laws of the data: SQL files that give no row when they hold."""
    return {
        path.stem: read_sql(path) for path in sorted((shipped_folder() / "checks").glob("*.sql"))
    }


def list_queries() -> list[dict[str, str]]:
    """Return area, name, what it answers, unit, grain and parameters of every named query."""
    return [
        {
            "area": query.path.parent.name,
            "name": name,
            "answers": query.title,
            "unit": query.keys.get("unit", ""),
            "grain": query.keys.get("grain", ""),
            "params": query.keys.get("params", ""),
        }
        for name, query in sorted(
            find_queries().items(), key=lambda item: (item[1].path.parent.name, item[0])
        )
    ]
