"""Draw chart specifications as small inline SVG, the same bytes each time, without a browser."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from queue import SimpleQueue
from threading import Thread
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
    asked = request(spec)
    begun = artist().begun.pop(asked, None) if has_artist() else None
    if svg := begun.result() if begun else "":
        return svg
    import vl_convert

    return str(vl_convert.vegalite_to_svg(*json.loads(asked)))


def request(spec: Mapping[str, Any]) -> str:
    """Return what the renderer needs as JSON: a specification, and the version of its language."""
    schema = SCHEMA.search(str(spec["$schema"]))
    return json.dumps([spec, schema.group(1) if schema else None])


def begin_drawing(spec: Mapping[str, Any]) -> None:
    """Begin to draw what `drawing` will be asked for, if there is an artist."""
    if has_artist():
        artist().begin(request(spec))


class Artist:
    """A process beside this one that draws, or puts `vega_scripts` together, while this one goes on.

    Both take more than a second, in which a thread would let no other one run.
    """

    # It answers each line with the length of a text and the text, which is empty where that failed.
    PROGRAM = """
import json, sys
import vl_convert

for line in sys.stdin:
    asked = json.loads(line)
    try:
        text = vl_convert.vegalite_to_svg(*asked) if asked else vl_convert.javascript_bundle()
    except ValueError:
        text = ""
    told = text.encode()
    sys.stdout.buffer.write(len(told).to_bytes(8, "big") + told)
    sys.stdout.buffer.flush()
"""
    SCRIPTS = "[]"

    def __init__(self) -> None:
        # -P: what lies in the current folder is nobody's module.
        command = [sys.executable, "-P", "-c", self.PROGRAM]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.begun: dict[str, Future[str]] = {}
        self.waiting: SimpleQueue[tuple[str, Future[str]] | None] = SimpleQueue()
        self.thread = Thread(target=self.pass_on, daemon=True)
        self.thread.start()

    def begin(self, asked: str) -> None:
        """Ask for a drawing (a `request`) or SCRIPTS; the answer will be in `begun`."""
        if asked not in self.begun:
            self.begun[asked] = Future()
            self.waiting.put((asked, self.begun[asked]))

    def pass_on(self) -> None:
        """Pass on to the process one thing after the other, and take its answers."""
        assert self.process.stdin and self.process.stdout
        while turn := self.waiting.get():
            asked, answer = turn
            told, size = b"", -1
            with suppress(OSError):
                self.process.stdin.write(f"{asked}\n".encode())
                self.process.stdin.flush()
                size = int.from_bytes(self.process.stdout.read(8), "big")
                told = self.process.stdout.read(size)
            # A process that is gone tells less than it said, or nothing.
            answer.set_result(told.decode() if len(told) == size else "")
        self.process.stdout.close()
        with suppress(OSError):  # of what was not written yet
            self.process.stdin.close()

    def dismiss(self) -> None:
        """End the process, whatever it is at."""
        self.process.kill()
        self.process.wait()
        self.waiting.put(None)
        self.thread.join()


@cache
def artist() -> Artist:
    """Return the artist of this process; the first call brings one."""
    return Artist()


def has_artist() -> bool:
    return artist.cache_info().currsize > 0


@contextmanager
def drawn_beside() -> Iterator[None]:
    """Have an artist for a while, who begins with `vega_scripts` if they are not there yet."""
    if not vega_scripts.cache_info().currsize:
        artist().begin(Artist.SCRIPTS)
    try:
        yield
    finally:
        artist().dismiss()
        artist.cache_clear()


@cache
def vega_scripts() -> str:
    """Return the JavaScript libraries that draw a specification, as one script."""
    with nullcontext() if has_artist() else drawn_beside():
        artist().begin(Artist.SCRIPTS)
        script = artist().begun[Artist.SCRIPTS].result()
    if not script:
        raise LogscopeError("vl-convert did not give the scripts of the page. Use --static.")
    return script


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
