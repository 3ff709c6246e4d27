"""The parts of a report, and how they become one HTML page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from logscope import words
from logscope.drawing import begin_drawing, draw, vega_scripts

if TYPE_CHECKING:
    import polars

FOLDER = Path(__file__).parent
PERCENT = re.compile(r"(?<=\d) %")
SIGN = re.compile(r"(?<=[+\N{MINUS SIGN}])(?=\$)")


@dataclass(frozen=True)
class Strong:
    """A few words in a text that matter most."""

    text: str


@dataclass(frozen=True)
class Code:
    """A command or a name of the tool in a text."""

    text: str


Text = tuple[str | Strong | Code, ...]


@dataclass(frozen=True)
class Sentence:
    """A whole sentence made from numbers by a rule, and the section that shows them."""

    text: Text
    section: str

    def plain(self) -> str:
        return plain(self.text)


def plain(text: Text) -> str:
    """Return a text without emphasis."""
    return "".join(part if isinstance(part, str) else part.text for part in text)


@dataclass(frozen=True)
class Cell:
    """What stands in a table: a text, and a quieter note beside it, such as why there is none."""

    text: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Column:
    """A column's title, and that of the group it is in; numbers stand right, prose may wrap."""

    title: str
    right: bool = True
    group: str = ""
    prose: bool = False

    @property
    def css(self) -> str:
        return "number" if self.right else "prose" if self.prose else "name"


@dataclass(frozen=True)
class Body:
    """Rows under a heading of their own."""

    heading: str
    rows: Sequence[Sequence[Cell | str]]
    more: str = ""


@dataclass(frozen=True)
class Table:
    """Rows made ready to read, the frame they came from, and the commands that give it."""

    name: str
    title: str
    columns: Sequence[Column]
    bodies: Sequence[Body]
    commands: Sequence[str]
    frame: polars.DataFrame
    note: str = ""

    def groups(self) -> list[tuple[str, int]]:
        """Return the headings above the columns' titles, each with the number of its columns."""
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.group:
                found[-1] = (column.group, found[-1][1] + 1)
            else:
                found.append((column.group, 1))
        return found


@dataclass(frozen=True)
class Figure:
    """A chart in two widths, what it says in words, and the table behind it."""

    name: str
    title: str
    note: str
    alternative: str
    wide: Mapping[str, Any]
    narrow: Mapping[str, Any]
    table: Table
    live: bool = True

    def __post_init__(self) -> None:
        # The rest of the report is still to be made meanwhile.
        begin_drawing(self.wide)
        begin_drawing(self.narrow)


@dataclass(frozen=True)
class Entry:
    """A word and what it means."""

    term: str
    text: Text


@dataclass(frozen=True)
class Glossary:
    entries: Sequence[Entry]


@dataclass(frozen=True)
class Section:
    """A heading, what it comes to in a sentence or two, and what shows it."""

    name: str
    title: str
    lead: Sequence[Text]
    parts: Sequence[Figure | Table | Glossary]


@dataclass(frozen=True)
class Tile:
    """A headline number against the week before."""

    label: str
    value: str
    unit: str = ""
    change: str = ""
    tone: str = ""
    note: str = ""
    section: str = ""


@dataclass(frozen=True)
class Decision:
    """What somebody should do: who, until when, and the command that helps."""

    what: Text
    owner: str
    deadline: str
    command: str


@dataclass(frozen=True)
class Report:
    """Everything on the page, before it is written in one language or another."""

    name: str
    title: str
    span: str
    tz: str
    notice: str
    coverage: Figure | None
    summary: Sequence[Sentence]
    tiles: Sequence[Tile]
    decisions: Sequence[Decision]
    sections: Sequence[Section]
    footer: str
    headline: Mapping[str, Any] = field(default_factory=dict)
    palette: Mapping[str, str] = field(default_factory=dict)

    def figures(self) -> list[Figure]:
        """Return all charts in the order of the page."""
        first = [self.coverage] if self.coverage else []
        return first + [p for s in self.sections for p in s.parts if isinstance(p, Figure)]

    def tables(self) -> list[Table]:
        """Return all tables, those behind charts too, in the order of the page."""
        found = [self.coverage.table] if self.coverage else []
        for section in self.sections:
            for part in section.parts:
                if isinstance(part, Figure):
                    found.append(part.table)
                elif isinstance(part, Table):
                    found.append(part)
        return found


def source_hash(text: str) -> str:
    """Return the hash by which a content security policy allows an inline style or script."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def asset(name: str) -> str:
    """Return a text file that stands beside this module."""
    return (FOLDER / name).read_text(encoding="utf-8")


def kept_together(value: Any) -> Any:
    """Return a text in which no line ends between a number and its per cent sign or its sign."""
    if type(value) is not str:
        return value
    return SIGN.sub("\N{WORD JOINER}", PERCENT.sub("\N{NARROW NO-BREAK SPACE}%", value))


@cache
def template(name: str) -> Any:
    """Return a page's template; everything that is put into it is escaped."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=kept_together,
    )
    environment.tests["text"] = lambda part: isinstance(part, str)
    environment.tests["strong"] = lambda part: isinstance(part, Strong)
    environment.tests["figure"] = lambda part: isinstance(part, Figure)
    environment.tests["table"] = lambda part: isinstance(part, Table)
    return environment.from_string(asset(name))


def render_html(report: Report, static: bool = False) -> str:
    """Return the report as one self-contained HTML page that fetches nothing.

    Every chart is complete as a drawing; unless `static`, scripts that the page's policy allows by
    their hashes draw it again with tooltips.
    """
    css = asset("report.css")
    figures = {figure.name: figure for figure in report.figures()}
    live = not static and any(figure.live for figure in figures.values())
    scripts = [vega_scripts(), asset("report.js")] if live else []
    rules = ["default-src 'none'", f"style-src {source_hash(css)}"]
    if scripts:
        rules.append(f"script-src {' '.join(source_hash(script) for script in scripts)}")
    return str(
        template("report.html.jinja").render(
            report=report,
            headline=json.dumps(report.headline, sort_keys=True),
            style=Markup(css),
            scripts=[Markup(script) for script in scripts],
            policy="; ".join([*rules, "base-uri 'none'", "form-action 'none'"]),
            drawings={
                name: Markup(draw(figure.wide, "wide") + draw(figure.narrow, "narrow"))
                for name, figure in figures.items()
            },
            specs={} if static else specifications(figures),
        )
    )


def render_index(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the page that lists reports; rows: file, week, span, title and headline numbers."""
    css = asset("report.css")
    policy = f"default-src 'none'; style-src {source_hash(css)}; base-uri 'none'"
    return str(
        template("index.html.jinja").render(
            rows=rows, style=Markup(css), policy=policy, words=words
        )
    )


def specifications(figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Return the charts' specifications as JSON that may stand inside a script element."""
    return {
        f"{name}-{width}": Markup(inert_json(spec))
        for name, figure in figures.items()
        if figure.live
        for width, spec in (("wide", figure.wide), ("narrow", figure.narrow))
    }


def inert_json(value: Mapping[str, Any]) -> str:
    """Return JSON in which no text can end or open an element."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
