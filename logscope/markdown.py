"""The report as Markdown, for a chat or a pull request: words and tables, without the charts."""

from __future__ import annotations

import re

from logscope.output import clean, markdown
from logscope.page import Cell, Code, Figure, Glossary, Report, Strong, Table, Text

# A table behind a chart that is longer than this says less than the chart's words.
MOST_ROWS = 30
# What a chat makes a mention or a link of, though Markdown has no such markup.
LINKED = re.compile(r"@|:(?=//)|\bwww(?=\.)", re.IGNORECASE)
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&])")


def render_markdown(report: Report) -> str:
    """Return the report as Markdown in which nothing of a log is markup."""
    parts = [f"# {escape(report.title)}: {escape(report.span)} ({escape(report.tz)})"]
    if report.notice:
        parts.append(f"> {escape(report.notice)}")
    parts += [say(sentence.text) for sentence in report.summary]
    if report.tiles:
        rows = [
            [tile.label, f"{tile.value} {tile.unit}".strip(), tile.change, tile.note]
            for tile in report.tiles
        ]
        parts.append(markdown(["", "", "", ""], rows, [False, True, False, False]))
    if report.decisions:
        parts.append("## Decide this week")
        for number, decision in enumerate(report.decisions, 1):
            parts.append(
                f"{number}. {say(decision.what)} {escape(decision.owner)}, "
                f"{escape(decision.deadline)}\n\n   {command(decision.command)}"
            )
    for section in report.sections:
        parts.append(f"## {escape(section.title)}")
        parts += [say(text) for text in section.lead if text]
        for part in section.parts:
            if isinstance(part, Glossary):
                parts += [f"- **{escape(e.term)}**: {say(e.text)}" for e in part.entries]
            elif isinstance(part, Figure):
                parts.append(f"### {escape(part.title)}\n\n{escape(part.alternative)}")
                if sum(len(body.rows) for body in part.table.bodies) <= MOST_ROWS:
                    parts += table(part.table)
                parts += commands(part.table)
            else:
                parts.append(f"### {escape(part.title)}")
                parts += [*table(part), *commands(part)]
    parts.append(escape(report.footer))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def table(found: Table) -> list[str]:
    """Return a table's bodies as Markdown tables, each under its heading."""
    columns = [
        f"{column.group}, {column.title}" if column.group else column.title
        for column in found.columns
    ]
    right = [column.right for column in found.columns]
    parts = []
    for body in found.bodies:
        if body.heading:
            parts.append(f"**{escape(body.heading)}**")
        rows = [[text(cell) for cell in row] for row in body.rows]
        parts.append(markdown(columns, rows, right))
        if body.more:
            parts.append(escape(body.more))
    if found.note:
        parts.append(escape(found.note))
    return parts


def commands(found: Table) -> list[str]:
    return ["<br>".join(command(text) for text in found.commands)]


def command(text: str) -> str:
    """Return a command as code; the fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{clean(text)}{space}{fence}"


def text(cell: Cell | str) -> str:
    if isinstance(cell, str):
        return unmentioned(cell)
    lines = cell.text.replace("\n", ", ")
    return unmentioned(f"{lines} ({cell.note})" if cell.note else lines)


def say(parts: Text) -> str:
    """Return a text with its emphasis."""
    told = []
    for part in parts:
        if isinstance(part, Strong):
            stripped = part.text.strip()
            told.append(part.text.replace(stripped, f"**{escape(stripped)}**"))
        elif isinstance(part, Code):
            told.append(command(part.text))
        else:
            told.append(escape(part))
    return "".join(told)


def escape(value: str) -> str:
    """Return text in which Markdown sees no markup, no mention and no line of its own."""
    plain = SPECIAL.sub(r"\\\1", clean(value))
    return unmentioned(plain)


def unmentioned(value: str) -> str:
    """Return text that no chat takes for the mention of a person or for a link."""
    return LINKED.sub(lambda match: f"{match.group()}\N{WORD JOINER}", value)
