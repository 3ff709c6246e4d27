"""logscope.toml: the team's own rules, found upward from the working directory like ruff's."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from logscope.errors import UsageError, did_you_mean

FILE_NAME = "logscope.toml"
FOLDER_NAME = "logscope-store"
SECTIONS = ("task", "team", "region", "prices", "slo", "policy", "report")

# Where a value comes from when logscope.toml does not say: the labels of that name.
DEFAULT_SOURCE = {"task": "label:task", "team": "label:team", "region": "region"}


@dataclass(frozen=True)
class Config:
    """The parsed settings; every section is optional."""

    path: Path | None = None
    sections: Mapping[str, Any] = field(default_factory=dict)

    def section(self, name: str) -> Mapping[str, Any]:
        """Return one section as a mapping, empty if the file does not have it."""
        value = self.sections.get(name, {})
        return value if isinstance(value, Mapping) else {"from": value}

    def rule_sql(self, name: str) -> str:
        """Return the SQL expression that gives `task`, `team` or `region` over the requests table.

        First the `[[<name>.rules]]` in order (`when` a SQL condition, `is` the value), then `from`
        (`label:<key>` or a column), else the default source.
        """
        section = self.section(name)
        unknown = set(section) - {"from", "rules"}
        if unknown:
            raise UsageError(
                f"{self.path}: [{name}] has the unknown key {min(unknown)!r}."
                f"{did_you_mean(min(unknown), ('from', 'rules'))}"
            )
        cases = []
        for rule in section.get("rules", []):
            if not isinstance(rule, Mapping) or set(rule) != {"when", "is"}:
                raise UsageError(
                    f"{self.path}: each [[{name}.rules]] needs exactly `when` (a SQL condition) "
                    f"and `is` (the {name})."
                )
            cases.append(f"when ({rule['when']}) then {quote(str(rule['is']))}")
        source = column_sql(str(section.get("from", DEFAULT_SOURCE[name])))
        return f"case {' '.join(cases)} else {source} end" if cases else source

    def stamp(self) -> str:
        """Return a hash of everything that changes derived columns, prices excepted."""
        rules = {name: self.sections.get(name) for name in ("task", "team", "region")}
        text = json.dumps(rules, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def quote(text: str) -> str:
    """Return `text` as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def column_sql(name: str) -> str:
    """Return the SQL expression for a column name or `label:<key>`, as used by --by and rules."""
    if name.startswith("label:"):
        return f"labels[{quote(name.removeprefix('label:'))}]"
    return identifier(name)


def find_store(path: Path | None = None) -> Path:
    """Return the store to use: `path`, LOGSCOPE_STORE, or the nearest logscope-store/ upward."""
    if path is not None:
        return path
    if os.environ.get("LOGSCOPE_STORE"):
        return Path(os.environ["LOGSCOPE_STORE"])
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FOLDER_NAME).is_dir():
            return folder / FOLDER_NAME
    return here / FOLDER_NAME


def load_config(start: Path | None = None) -> Config:
    """Read the nearest logscope.toml from `start` (default: here) upward; defaults if none."""
    folder = (start or Path.cwd()).resolve()
    for candidate in (folder, *folder.parents):
        path = candidate / FILE_NAME
        if path.is_file():
            return read_config(path)
    return Config()


def read_config(path: Path) -> Config:
    """Read one settings file; a wrong one is a UsageError that names the place."""
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}. Mend it or move it away.") from error
    for name in sections:
        if name not in SECTIONS:
            raise UsageError(f"{path}: unknown section [{name}].{did_you_mean(name, SECTIONS)}")
    return Config(path, sections)
