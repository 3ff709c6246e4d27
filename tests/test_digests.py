"""Hashes of files and of their beginnings."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from logscope import digests


def test_every_beginning_has_the_hash_of_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "BLOCK", 10)
    monkeypatch.setattr(digests, "APART", 20)
    content = bytes(range(107))
    path = tmp_path / "log"
    path.write_bytes(content)
    with digests.Digests() as hashed:
        digest = hashed.of(path)
    assert digest.sha256 == hashlib.sha256(content).hexdigest()
    for size in range(len(content) + 1):
        assert digest.of_beginning(size) == hashlib.sha256(content[:size]).hexdigest(), size


def test_who_leaves_early_does_not_wait_for_large_files(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 1 << 36)  # holes: a minute's work
    began = time.monotonic()
    with digests.Digests() as hashed:
        hashed.begin(path)
    assert time.monotonic() - began < 10


def test_a_file_that_cannot_be_read_says_so_when_its_hash_is_asked_for(tmp_path: Path) -> None:
    with digests.Digests() as hashed:
        hashed.begin(tmp_path / "missing")
        with pytest.raises(FileNotFoundError):
            hashed.of(tmp_path / "missing")
