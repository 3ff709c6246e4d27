"""A real LiteLLM proxy in front of a slow server: its log tells the server's first event.

LiteLLM stamps `completionStartTime` at the first chunk, even one that says only the role. So its
first token is the query `first_event`, and is compared with the server's role chunk.

Run by `make test-proxy`, which installs LiteLLM apart: it pins versions that logscope does not.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Bench
from tests.latency_server import LIMIT, LatencyServer

pytestmark = pytest.mark.proxy

VENV = Path(os.environ.get("PROXY_VENV", ".venv-proxy")).absolute()
REQUESTS = 30
# The proxy has this long to start: a cold disk and two busy cores take a minute.
START_S = 300
# By how much the proxy's first event may lie behind the server's own: network, parsing, threads.
AGREE_P50_MS, AGREE_MAX_MS = 50, 500
# The proxy does not start without a key of its own; this one lives as long as the test.
KEY = f"sk-{secrets.token_hex(16)}"
CALLBACK = """
import json, os
from litellm.integrations.custom_logger import CustomLogger

class Log(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        with open(os.environ["LOG_FILE"], "a", encoding="utf-8") as file:
            file.write(json.dumps(kwargs["standard_logging_object"], default=str) + "\\n")

log = Log()
"""
CONFIG = """
model_list:
  - model_name: slow
    litellm_params: {model: openai/slow, api_base: "URL/v1", api_key: none}
litellm_settings: {callbacks: log_file.log}
"""


@contextmanager
def proxy(folder: Path, upstream: str) -> Iterator[str]:
    """Run a LiteLLM proxy on loopback and give its URL; it ends with the block."""
    (folder / "log_file.py").write_text(CALLBACK, encoding="utf-8")
    (folder / "config.yaml").write_text(CONFIG.replace("URL", upstream), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(VENV / "bin" / "litellm"), "--config", "config.yaml"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": KEY,
        "LOG_FILE": str(folder / "log.jsonl"),
        "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
    }
    output = folder / "proxy.txt"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=sink, stderr=sink, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        last = time.monotonic() + START_S
        while not is_up(f"{url}/health/liveliness"):
            told = output.read_text(encoding="utf-8", errors="replace")
            assert process.poll() is None and time.monotonic() < last, told
            time.sleep(0.5)
        yield url
    finally:
        end(process)


def is_up(url: str) -> bool:
    with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2):
        return True
    return False


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those it started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
            return


def ask(url: str) -> None:
    body = {
        "model": "slow",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "How slow?"}],
    }
    request = urllib.request.Request(
        f"{url}/v1/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert b"[DONE]" in answer.read()


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def test_the_proxys_log_agrees_with_the_servers_clock(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "proxy"
    folder.mkdir()
    log = folder / "log.jsonl"
    with LatencyServer() as server, proxy(folder, server.url) as url:
        for _ in range(REQUESTS):
            ask(url)
        for _ in range(60):
            if lines(log) == REQUESTS:
                break
            time.sleep(0.5)
        answers = sorted(server.answers, key=lambda answer: answer.started_at)
    bench.ingest(log)
    rows = bench.rows("select * from requests order by started_at")
    assert len(rows) == len(answers) == REQUESTS
    assert {row["format"] for row in rows} == {"litellm_standard"}
    behind = np.array(
        [
            row["ttft_ms"] - 1000 * (answer.role_at - answer.started_at)
            for row, answer in zip(rows, answers, strict=True)
        ]
    )
    print(
        f"first event by the proxy's log - by the server's clock: p50 {np.median(behind):.1f} ms, "
        f"{behind.min():.1f} to {behind.max():.1f} ms"
    )
    # The first call loads what later ones have.
    assert abs(np.median(behind)) < AGREE_P50_MS
    assert np.abs(behind[1:]).max() < AGREE_MAX_MS
    assert all(row["duration_ms"] >= row["ttft_ms"] for row in rows)
    assert all(row["output_tokens"] == 24 for row in rows)
    # What the server's headers said was left, LiteLLM logged.
    assert {row["limit_requests"] for row in rows} == {LIMIT}
    assert [row["remaining_requests"] for row in rows] == [LIMIT - i - 1 for i in range(REQUESTS)]
    assert bench.logs.traffic([])["headroom_requests"].item() == (LIMIT - REQUESTS) / LIMIT
