"""AIPerf's own summary of a run is what `latency --like aiperf` says of its records.

AIPerf drives a local server with known delays. Run by `make test-aiperf`, which installs it apart:
its requirements contradict logscope's.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Bench
from tests.latency_server import FIRST_S, GAP_S, ROLE_S, THOUGHT_S, LatencyServer

pytestmark = pytest.mark.aiperf

VENV = Path(os.environ.get("AIPERF_VENV", ".venv-aiperf")).absolute()
REQUESTS = 60
TOKENIZER = """
import sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
bytes_of = pre_tokenizers.ByteLevel
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer, tokenizer.decoder = bytes_of(), decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=400, special_tokens=["<s>", "</s>"], initial_alphabet=bytes_of.alphabet()
)
tokenizer.train_from_iterator(["the quick brown fox jumps over the lazy dog"] * 50, trainer)
PreTrainedTokenizerFast(
    tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>"
).save_pretrained(sys.argv[1])
"""
# Of a whole run: AIPerf's ends when the connection closes, which its records do not tell.
OF_THE_RUN = {"request_throughput", "output_token_throughput"}


def test_like_aiperf_is_aiperfs_own_summary(bench: Bench, tmp_path: Path) -> None:
    tokenizer, out = tmp_path / "tokenizer", tmp_path / "out"
    made = [str(VENV / "bin" / "python"), "-c", TOKENIZER, str(tokenizer)]
    subprocess.run(made, check=True, capture_output=True, timeout=300)
    with LatencyServer(fail_every=20) as server:
        options = {
            "--model": "slow",
            "--url": server.url,
            "--endpoint-type": "chat",
            "--tokenizer": str(tokenizer),
            "--request-count": str(REQUESTS),
            "--concurrency": "3",
            "--synthetic-input-tokens-mean": "50",
            "--ui": "none",
            "--output-artifact-dir": str(out),
        }
        command = [str(VENV / "bin" / "aiperf"), "profile", "--streaming"]
        command += [
            "--use-server-token-count",
            *(part for pair in options.items() for part in pair),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((out / "profile_export_aiperf.json").read_text(encoding="utf-8"))

    bench.ingest(out / "profile_export.jsonl")
    told = {row["metric"]: row for row in bench.logs.latency([], "aiperf").iter_rows(named=True)}
    compared = 0
    for metric, row in told.items():
        theirs = summary[metric]
        assert row["unit"] == theirs["unit"], metric
        if metric in OF_THE_RUN:
            assert row["avg"] == pytest.approx(theirs["avg"], rel=0.1), metric
            continue
        assert row["n"] == theirs["count"], metric
        for figure in ("avg", "std", "min", "p50", "p90", "p95", "p99", "max"):
            found = pytest.approx(theirs[figure], rel=1e-6, abs=1e-6)
            assert row[figure] == found, (metric, figure)
            compared += 1
    assert compared == 80, sorted(told)

    # And both are what the server did: it fails three times and is never faster than its delays.
    assert told["request_latency"]["n"] == REQUESTS - 3
    first_ms = 1000 * (ROLE_S + FIRST_S)
    assert first_ms <= told["time_to_first_token"]["min"] < first_ms + 100
    assert told["time_to_first_token"]["p50"] < first_ms + 40
    visible = told["time_to_first_output_token"]["p50"] - told["time_to_first_token"]["p50"]
    assert visible == pytest.approx(2000 * THOUGHT_S, abs=15)
    assert told["inter_chunk_latency"]["p50"] == pytest.approx(1000 * GAP_S, abs=3)
