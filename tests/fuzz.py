"""Fuzz: damaged logs of every format, each beside good records, for so many rounds at most.

`python -m tests.fuzz ROUNDS SECONDS [SEED]` makes rounds of files out of the sample logs (bytes
flipped, cut off, values of other types, deep nesting, other encodings, broken archives) until either
is reached; a seed gives the same files everywhere. It ingests each round in one call and checks that
nothing was raised, that the account adds up and that every good record is in the store. It prints
how many inputs were tried. What fails stays on disk and is named.
"""

from __future__ import annotations

import bz2
import copy
import csv
import faulthandler
import gzip
import io
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import zstandard

import logscope
from logscope import containers
from logscope.store import Store
from tests.test_arrangements import empty_store

SAMPLES = Path(__file__).parent.parent / "sample_logs"
FILES_PER_ROUND = 60
HANGS_AFTER_SECONDS = 120
DEEP = 20_000

ODD: list[Any] = [
    None, 0, -1, 1.5, 1e300, 10**30, -(10**19), True, "", "x", "NaN", "-inf", "null", "0x10",
    "1e400", "[", "{", "{}", "[]", '{"a":', "[INST]", "2026-13-45", "9" * 19, "9" * 400, "é😀",
    "a" * 70_000, "\0", "\ud800", "\u2028", "'", '"', "\\", [], {}, [1], [None], [[]], {"a": None},
    {"key": None}, {"": 1}, ["x", 1, None, {}], float("nan"), float("inf"), [0] * 3000,
    "9999-12-31T23:59:59Z", "0001-01-01", -62135596800, 253402300800, 9223372036854775807,
    9223372036854775808, 1e18, "1" + "0" * 30, {"lat\0": {"x": []}},
]  # fmt: skip
RAW = [
    b"", b"\n", b"\r", b"\r\n", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"null", b"42", b'"text"',
    b"[1]", b"[]", b"{}", b"{", b"}", b"[", b"]", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"\xc3\x28",
    b'{"a": "\xed\xa0\x80"}', b"\x1b[2J", b"-- comment", b"Traceback (most recent call last):",
    b"[" * DEEP, b'{"a":' * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b'{"a": ' + b"9" * 5000 + b"}", b'"', b"'", b",,,,", b'"open, quote', b"\xe2\x80\xa8",
]  # fmt: skip


@dataclass(frozen=True)
class Good:
    """A sound line of a format's sample, and the id under which the store has it."""

    format: str
    line: bytes
    request_id: str

    def again(self, mark: str) -> Good:
        """Return the same call under an id of its own."""
        own = f"{self.request_id}{mark}"
        return Good(self.format, self.line.replace(self.request_id.encode(), own.encode()), own)


@dataclass(frozen=True)
class Attempt:
    """A file to try, and the ids of the good records in it that must not be lost."""

    name: str
    data: bytes
    good: tuple[str, ...] = ()


def request_ids(store: Path) -> dict[tuple[str, int], str]:
    with closing(Store.open(store).connect()) as connection:
        rows = connection.execute(
            "select format, line, min(request_id) from stored_requests group by all"
        ).fetchall()
    return {(format, line): name for format, line, name in rows}


@cache
def good_lines() -> dict[str, list[Good]]:
    """Return the lines of the sample logs that can be written again under another id."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        logscope.open(store).ingest([SAMPLES])
        named = request_ids(store)
        lines: dict[str, list[Good]] = {}
        marked = Path(folder) / "marked"
        marked.mkdir()
        for path in sorted(SAMPLES.iterdir()):
            if ".jsonl" not in path.name:
                continue
            with containers.open_plain(path) as file:
                text = file.read().splitlines()
            format = path.name.split(".")[0]
            found = [
                Good(format, text[line - 1], name)
                for (of, line), name in sorted(named.items())
                if of == format and line <= len(text) and name.encode() in text[line - 1]
            ][:6]
            again = [good.again("-m") for good in found]
            (marked / f"{format}.jsonl").write_bytes(b"".join(good.line + b"\n" for good in again))
            lines[format] = found
        second = Path(folder) / "second"
        logscope.open(second).ingest([marked])
        kept = set(request_ids(second).values())
    usable = {
        format: [good for good in found if good.again("-m").request_id in kept]
        for format, found in lines.items()
    }
    return {format: found for format, found in usable.items() if found}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def odd_values(line: bytes, chance: random.Random) -> bytes:
    """Return a record with one to four of its values replaced or left out."""
    record = json.loads(line)
    for _ in range(chance.randint(1, 4)):
        ways = list(places(record))
        if not ways:
            break
        *way, key = chance.choice(ways)
        target = record
        for step in way:
            target = target[step]
        if chance.random() < 0.15 and isinstance(target, dict):
            target.pop(key)
        else:
            target[key] = copy.deepcopy(chance.choice(ODD))
    return json.dumps(record, ensure_ascii=chance.random() < 0.8).encode(errors="surrogatepass")


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Return bytes with up to 8 of them changed, a piece left out or a piece written twice."""
    changed = bytearray(data)
    if not changed:
        return data
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    at = chance.randrange(len(changed))
    size = chance.randint(0, 40)
    if chance.random() < 0.2:
        del changed[at : at + size]
    elif chance.random() < 0.2:
        changed[at:at] = changed[at : at + size]
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def doubled_key(line: bytes, chance: random.Random) -> bytes:
    """Return a record in which keys come twice, with other values."""
    odd = json.dumps(chance.choice(ODD)).encode()
    key = json.dumps(chance.choice([*json.loads(line)])).encode()
    return line[:-1] + b", " + key + b": " + odd + b"}"


LINES: list[Callable[[bytes, random.Random], bytes]] = [
    odd_values, odd_values, odd_values, flipped, cut, doubled_key,
    lambda line, chance: chance.choice(RAW),
    lambda line, chance: line + chance.choice(RAW),
    lambda line, chance: chance.choice(RAW) + line,
    lambda line, chance: line.replace(b'": "', b'": ["', 1),
    lambda line, chance: line + line,
]  # fmt: skip
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.compress,
}


def damaged_lines(chance: random.Random, mark: str) -> Attempt:
    """NDJSON: good lines among damaged ones of the same format; nothing may take the good ones along."""
    format = chance.choice(sorted(good_lines()))
    pool = good_lines()[format]
    good = [chance.choice(pool).again(f"{mark}{place}") for place in range(chance.randint(1, 2))]
    lines = [item.line for item in good]
    for _ in range(chance.randint(1, 4)):
        bad = chance.choice(LINES)(chance.choice(pool).again(f"{mark}bad").line, chance)
        lines.insert(chance.randint(0, len(lines)), bad.replace(b"\n", b" "))
    end = b"\r\n" if chance.random() < 0.15 else b"\n"
    data = end.join(lines) + (end if chance.random() < 0.8 else b"")
    if chance.random() < 0.1:
        data = b"\xef\xbb\xbf" + data
    packer = chance.choice([*PACKERS, "", "", ""])
    return Attempt(
        f"{format}{mark}.jsonl{packer}", PACKERS[packer](data), tuple(g.request_id for g in good)
    )


def damaged_list(chance: random.Random, mark: str) -> Attempt:
    """A JSON list or a row of pretty-printed documents; what stands before the damage is kept."""
    format = chance.choice(sorted(good_lines()))
    pool = good_lines()[format]
    good = chance.choice(pool).again(mark)
    bad = chance.choice(LINES)(chance.choice(pool).again(f"{mark}bad").line, chance)
    if chance.random() < 0.5:
        data = b"[" + good.line + b",\n" + bad + b"]"
    else:
        data = json.dumps(json.loads(good.line), indent=1).encode() + b"\n" + bad
    return Attempt(f"{format}{mark}.json", data, (good.request_id,))


def damaged_file(chance: random.Random, mark: str) -> Attempt:
    """A whole sample log, whatever its kind, with damage anywhere; nothing in it need survive."""
    path = chance.choice(sorted(SAMPLES.iterdir()))
    data = path.read_bytes()[: 1 << 18]
    how = chance.randrange(6)
    if how == 0:
        data = cut(data, chance)
    elif how == 1 and path.suffix not in (".gz", ".db"):
        text = data.decode(errors="replace")
        data = text.encode(
            chance.choice(["utf-16", "utf-32", "latin-1", "cp1252"]), errors="replace"
        )
    elif how == 2:
        data = PACKERS[chance.choice([".gz", ".bz2", ".zst"])](data)
        data = chance.choice([cut, flipped])(data, chance)
    elif how == 3:
        data = data + chance.choice(RAW) + b"\n"
    elif how == 4:
        data = data.replace(b"\n", chance.choice([b"\r", b"\r\n", b"\n\n", b"\0\n"]))
    else:
        data = flipped(data, chance)
    return Attempt(f"{mark}{path.name}", data)


def damaged_csv(chance: random.Random, mark: str) -> Attempt:
    """CSV: a good row, then rows with other cells, more or fewer of them, and quotes left open."""
    path = chance.choice(sorted(SAMPLES.glob("*.csv")))
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file))[:12]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    good = f"good{mark}"
    if path.stem in ("native_requests", "litellm_spendlogs"):
        first = dict(zip(header, rows[0], strict=True)) | {"request_id": good}
        writer.writerow([first[name] for name in header])
    for row in rows[1:]:
        for _ in range(chance.randint(0, 3)):
            odd = chance.choice(ODD)
            row[chance.randrange(len(row))] = odd if isinstance(odd, str) else json.dumps(odd)
        if chance.random() < 0.2:
            row = row[: chance.randrange(len(row))] if chance.random() < 0.5 else [*row, "more", ""]
        if row:
            writer.writerow([cell.encode(errors="replace").decode() for cell in row])
    data = out.getvalue().encode()
    if chance.random() < 0.3:
        data += chance.choice(RAW) + b"\n" + data.splitlines()[1] + b"\n"
    kept = (good,) if good.encode() in data else ()
    return Attempt(f"{mark}{path.name}", data, kept)


def odd_parquet(chance: random.Random, mark: str) -> Attempt:
    """Parquet in logscope's own columns, of types that nobody expects there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = [
        pa.array([1, None]), pa.array([1.5, float("nan")]), pa.array(["x", None]),
        pa.array([b"\xff", b""]), pa.array([[1], None]), pa.array([{"a": 1}, None]),
        pa.array([True, None]), pa.array([0, 2**62]), pa.array([None, None], pa.null()),
        pa.array([2**62, 0], pa.timestamp("us")), pa.array([10**9, 0], pa.date32()),
        pa.array([1, 2], pa.time64("us")), pa.array([1, 2], pa.duration("us")),
        pa.array([["a", None], []], pa.list_(pa.string())), pa.array(["a", "a"]).dictionary_encode(),
        pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
    ]  # fmt: skip
    names = [
        "model",
        "started_at",
        "input_tokens",
        "ttft_ms",
        "labels",
        "status",
        "offsets_ms",
        "day",
    ]
    columns = {name: chance.choice(types) for name in names if chance.random() < 0.7}
    columns["request_id"] = pa.array([f"p{mark}a", f"p{mark}b"])
    columns.setdefault("model", pa.array(["m", "m"]))
    columns.setdefault("started_at", pa.array(["2026-11-09T10:00:00Z", "soon"]))
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    data = buffer.getvalue()
    return Attempt(f"{mark}.parquet", flipped(data, chance) if chance.random() < 0.3 else data)


KINDS = [
    *[damaged_lines] * 6,
    damaged_list,
    damaged_list,
    *[damaged_file] * 3,
    damaged_csv,
    odd_parquet,
]


def lost(attempts: list[Attempt], folder: Path) -> list[str]:
    """Ingest files in one call; return the good records that are not in the store.

    Raises what the ingest raises, and AssertionError if an account does not add up.
    """
    logs = folder / "logs"
    logs.mkdir(parents=True)
    for attempt in attempts:
        (logs / attempt.name).write_bytes(attempt.data)
    store = shutil.copytree(empty_store(), folder / "store")
    try:
        result = logscope.open(store).ingest([logs])
    except logscope.InputError as error:
        if len(attempts) > 1 or not str(error).startswith(("There is no log", "No record of")):
            raise
        return [name for attempt in attempts for name in attempt.good]
    assert result.records == result.stored + result.merged + result.ignored + result.rejected
    with closing(Store.open(store).connect()) as connection:
        broken = connection.execute(
            "select path from files where records <> stored + merged + ignored + rejected"
        ).fetchall()
        assert not broken, broken
        ids = {
            row[0]
            for row in connection.execute(
                "select request_id from stored_requests union all "
                "select unnest(other_ids) from stored_requests"
            ).fetchall()
        }
    return [name for attempt in attempts for name in attempt.good if name not in ids]


def culprits(attempts: list[Attempt], folder: Path) -> list[str]:
    """Try the files of a failed round one by one; return what each did."""
    told = []
    for number, attempt in enumerate(attempts):
        alone = folder / f"alone{number}"
        try:
            missing = lost([attempt], alone)
            if missing:
                told.append(f"{alone}/logs/{attempt.name}: lost {missing}")
        except Exception as error:
            told.append(f"{alone}/logs/{attempt.name}: {type(error).__name__}: {error}")
    return told


def fuzz(rounds: int, seconds: float, seed: int) -> int:
    """Try files for so many rounds, or until the time is up; return how many.

    A failure exits with what to look at.
    """
    ends = time.monotonic() + seconds
    tried = round_number = 0
    good_lines()
    while round_number < rounds and time.monotonic() < ends:
        round_number += 1
        chance = random.Random(f"{seed}-{round_number}")
        attempts = [
            chance.choice(KINDS)(chance, f"-{round_number}-{number}-")
            for number in range(FILES_PER_ROUND)
        ]
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        faulthandler.dump_traceback_later(HANGS_AFTER_SECONDS, exit=True)
        try:
            problem: object = lost(attempts, folder) or None
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        faulthandler.cancel_dump_traceback_later()
        if problem:
            faulthandler.dump_traceback_later(10 * HANGS_AFTER_SECONDS, exit=True)
            found = "\n".join(culprits(attempts, folder)) or "only all files together"
            print(
                f"Round {round_number} of seed {seed}: {str(problem)[:2000]}\n{found}", flush=True
            )
            if "--on" not in sys.argv:
                raise SystemExit(1)
            faulthandler.cancel_dump_traceback_later()
        else:
            shutil.rmtree(folder)
        tried += len(attempts)
    return tried


if __name__ == "__main__":
    most, seconds, *seed = (int(word) for word in sys.argv[1:] if word != "--on")
    count = fuzz(most, seconds, *seed or [1])
    print(f"{count} damaged files tried")
