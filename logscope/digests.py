"""Digests: files hashed beside whatever else is done with them."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

# Before and after each block a thread waits for the interpreter, which may be busy elsewhere.
BLOCK = 1 << 22
# So far apart the state of the hash is kept: then a beginning needs no second reading.
APART = 1 << 26


class Digest:
    """The SHA-256 of a file's bytes, and of any of its beginnings."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sha256 = ""
        self._marks: list[tuple[int, Any]] = [(0, hashlib.sha256())]
        self._unwanted = False

    def run(self) -> Digest:
        """Hash the whole file and return itself; stop early if that is not wanted any more."""
        hashed, position, block = hashlib.sha256(), 0, memoryview(bytearray(BLOCK))
        with self.path.open("rb", buffering=0) as file:
            while (size := file.readinto(block)) and not self._unwanted:
                hashed.update(block[:size])
                position += size
                if position - self._marks[-1][0] >= APART:
                    self._marks.append((position, hashed.copy()))
        self.sha256 = hashed.hexdigest()
        return self

    def stop(self) -> None:
        self._unwanted = True

    def of_beginning(self, size: int) -> str:
        """Return the SHA-256 of the first `size` bytes."""
        position, state = max(mark for mark in self._marks if mark[0] <= size)
        hashed = state.copy()
        with self.path.open("rb") as file:
            file.seek(position)
            while position < size and (block := file.read(min(BLOCK, size - position))):
                hashed.update(block)
                position += len(block)
        return str(hashed.hexdigest())


class Digests:
    """Files that are hashed, two at a time; leaving it stops what is still under way."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2)
        self._digests: dict[Path, tuple[Digest, Future[Digest]]] = {}

    def __enter__(self) -> Digests:
        return self

    def __exit__(self, *ended: object) -> None:
        for digest, _ in self._digests.values():
            digest.stop()
        self._threads.shutdown(cancel_futures=True)

    def begin(self, path: Path) -> None:
        """Hash a file beside what comes next."""
        if path not in self._digests:
            digest = Digest(path)
            self._digests[path] = digest, self._threads.submit(digest.run)

    def of(self, path: Path) -> Digest:
        """Return the digest of a file once it is hashed to its end."""
        self.begin(path)
        return self._digests[path][1].result()
