"""Draw chart specifications as small inline SVG, the same bytes each time, without a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from logscope.errors import LogscopeError

# A tag with its attributes; text between tags is somebody's name and stays as it is.
TAG = re.compile(r'<[^<>"]*(?:"[^"]*"[^<>"]*)*>')
NUMBER = re.compile(r"-?\d+\.\d{2,}")
# What only a program that reads marks one by one would want: the figure has one text alternative.
NOISE = re.compile(
    r" (?:aria-[a-z]+|role|font-family|pointer-events|version|xmlns(?::xlink)?|stroke-miterlimit)"
    r'="[^"]*"'
)
NO_OP = re.compile(r' (?:opacity|fill-opacity|stroke-opacity|stroke-width)="1"| (?:x|y)2="0"')
SCHEMA = re.compile(r"/v(\d+\.\d+)")
FRAME = re.compile(r'<path class="(?:background|foreground)"')


def draw(spec: Mapping[str, Any], css: str) -> str:
    """Return a specification as an `<svg>` element with the class `css`, for a page that names it.

    Colours and sizes stand in attributes; fonts come from the page, which may restyle the parts by
    the renderer's classes (`role-axis-label` and so on).
    """
    return compact(drawing(spec), css)


def drawing(spec: Mapping[str, Any]) -> str:
    """Return a specification as an SVG document as the renderer writes it, whole by itself."""
    import vl_convert

    schema = SCHEMA.search(str(spec["$schema"]))
    version = schema.group(1) if schema else None
    return str(vl_convert.vegalite_to_svg(dict(spec), vl_version=version))


@cache
def begin_vega_scripts() -> subprocess.Popen[bytes]:
    """Begin to put `vega_scripts` together, in a process beside this one.

    It takes more than a second, in which a thread would let no other one run.
    """
    bundle = (
        "import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle().encode())"
    )
    # -P: what lies in the current folder is nobody's module.
    command = [sys.executable, "-P", "-c", bundle]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


@cache
def vega_scripts() -> str:
    """Return the JavaScript libraries that draw a specification, as one script."""
    script, _ = begin_vega_scripts().communicate()
    if not script:
        raise LogscopeError("vl-convert did not give the scripts of the page. Use --static.")
    return script.decode()


def compact(svg: str, css: str) -> str:
    """Return an SVG without what does not show: it is half as long."""
    svg = TAG.sub(lambda match: compact_tag(match.group()), svg)
    while "<g></g>" in svg:
        svg = svg.replace("<g></g>", "")
    root = svg.index(">")
    opening = svg[:root].replace('class="marks"', f'class="{css}"')
    return f'{opening} aria-hidden="true" focusable="false">{svg[root + 1 :]}'


def compact_tag(tag: str) -> str:
    if FRAME.match(tag) and " stroke=" not in tag:
        return ""
    return NUMBER.sub(lambda match: rounded(match.group()), NO_OP.sub("", NOISE.sub("", tag)))


def rounded(text: str) -> str:
    number = f"{float(text):.1f}".removesuffix(".0")
    return "0" if number == "-0" else number
