"""The report as PDF: typeset on A4, from the same parts as the page, the same bytes each time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from logscope.drawing import drawing
from logscope.page import Cell, Code, Figure, Glossary, Report, Section, Strong, Table, Text, asset

# Fonts that the typesetter brings along draw these scripts; with the machine's own fonts the same
# report would be other bytes on another machine. Everything else is written as its code point.
UNDRAWN = re.compile(
    "[^\n\u0020-\u052f\u0590-\u06ff\u1e00-\u1fff\u2000-\u22ff\u2500-\u25ff\ufb00-\ufb4f\ufffd]"
)
FONT = re.compile(r'font-family="[^"]*"')
PAPER_FONT = 'font-family="Libertinus Serif, DejaVu Sans Mono"'


def render_pdf(report: Report) -> bytes:
    """Return the report as PDF; dated by the end of its week, because no clock is read.

    Names from logs reach the typesetter as data beside the document, never as part of its markup.
    """
    import typst

    year, week = (int(part) for part in report.name.split("-W"))
    end = date.fromisocalendar(year, week, 7) + timedelta(1)
    pdf: bytes = typst.compile(
        asset("report.typ").encode(),
        sys_inputs={"report": json.dumps(document(report), sort_keys=True)},
        ignore_system_fonts=True,
        timestamp=datetime(end.year, end.month, end.day, tzinfo=UTC),
    )
    return pdf


def document(report: Report) -> dict[str, Any]:
    """Return what the template reads: the report as plain texts, numbers and drawings."""
    return {
        "document": f"LLM requests, {report.name} ({report.span}, {report.tz})",
        "title": report.title,
        "span": report.span,
        "tz": report.tz,
        "notice": drawn(report.notice),
        "summary": [
            {"text": said(sentence.text), "section": sentence.section}
            for sentence in report.summary
        ],
        "tiles": [
            {
                "label": tile.label,
                "value": tile.value,
                "unit": tile.unit,
                "change": tile.change,
                "tone": tile.tone,
                "note": drawn(tile.note),
            }
            for tile in report.tiles
        ],
        "decisions": [
            {
                "what": said(decision.what),
                "owner": drawn(decision.owner),
                "deadline": decision.deadline,
                "command": drawn(decision.command),
            }
            for decision in report.decisions
        ],
        "coverage": figure(report.coverage) if report.coverage else None,
        "names": [section.name for section in report.sections],
        "sections": [section_parts(section) for section in report.sections],
        "footer": report.footer,
    }


def section_parts(section: Section) -> dict[str, Any]:
    return {
        "name": section.name,
        "title": section.title,
        "lead": [said(text) for text in section.lead if text],
        "parts": [part_of(part) for part in section.parts],
    }


def part_of(part: Figure | Table | Glossary) -> dict[str, Any]:
    if isinstance(part, Figure):
        return {"kind": "figure", **figure(part)}
    if isinstance(part, Table):
        return {"kind": "table", **table(part)}
    entries = [{"term": entry.term, "text": said(entry.text)} for entry in part.entries]
    return {"kind": "glossary", "entries": entries}


def figure(part: Figure) -> dict[str, Any]:
    """Return a chart; the table behind it stays in the page and in --data."""
    return {
        "title": part.title,
        "note": drawn(part.note),
        "alternative": drawn(part.alternative),
        "svg": drawn(FONT.sub(PAPER_FONT, drawing(part.wide))),
        "commands": [drawn(command) for command in part.table.commands],
    }


def table(part: Table) -> dict[str, Any]:
    return {
        "title": drawn(part.title),
        "columns": [
            {
                "title": column.title,
                "right": column.right,
                "group": column.group,
                "prose": column.prose,
            }
            for column in part.columns
        ],
        "groups": part.groups(),
        "bodies": [
            {
                "heading": drawn(body.heading),
                "rows": [cells(row) for row in body.rows],
                "more": drawn(body.more),
            }
            for body in part.bodies
        ],
        "note": drawn(part.note),
        "commands": [drawn(command) for command in part.commands],
    }


def cells(row: Sequence[Cell | str]) -> list[Mapping[str, str]]:
    parts = [value if isinstance(value, Cell) else Cell(value) for value in row]
    return [{"text": drawn(p.text), "note": drawn(p.note), "tone": p.tone} for p in parts]


def said(text: Text) -> list[Mapping[str, str]]:
    """Return a text as parts of one kind each."""
    parts: list[Mapping[str, str]] = []
    for part in text:
        kind = "strong" if isinstance(part, Strong) else "code" if isinstance(part, Code) else ""
        parts.append({"kind": kind, "text": drawn(part if isinstance(part, str) else part.text)})
    return parts


def drawn(text: str) -> str:
    """Return text in which a character that no font here draws is written as its code point."""
    return UNDRAWN.sub(lambda match: f"U+{ord(match.group()):04X}", text)
