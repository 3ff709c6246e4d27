"""A model that is slow on purpose: an OpenAI-compatible streaming server with known delays.

It runs on 127.0.0.1 in threads of the test and keeps its own clock of every answer.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ROLE_S, FIRST_S, THOUGHT_S, GAP_S = 0.01, 0.05, 0.02, 0.005
THOUGHTS, WORDS, TOKENS = 2, 10, 24
# Requests that its rate-limit headers say one may send.
LIMIT = 100


@dataclass(frozen=True)
class Answer:
    """When an answer began, sent role and first generated chunk, ended; seconds since the epoch."""

    started_at: float
    role_at: float
    first_at: float
    ended_at: float


class LatencyServer(ThreadingHTTPServer):
    """Answers chat completions; every `fail_every`th fails with 500. Use it in a `with`."""

    daemon_threads = True

    def __init__(self, fail_every: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.fail_every = fail_every
        self.asked = 0
        self.answers: list[Answer] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up; it kept the connection open for more."""

    def __enter__(self) -> LatencyServer:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: LatencyServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing: the tests read `answers`."""

    def do_GET(self) -> None:
        self.answer(200, {"object": "list", "data": [{"id": "slow", "object": "model"}]})

    def do_POST(self) -> None:
        started_at = time.time()
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked += 1
            self.number = self.server.asked
            self.answer_id = f"chatcmpl-{self.number}"
            fails = self.server.fail_every and self.number % self.server.fail_every == 0
        if fails:
            self.answer(500, {"error": {"message": "told to fail", "type": "server_error"}})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("x-ratelimit-limit-requests", str(LIMIT))
        self.send_header("x-ratelimit-remaining-requests", str(LIMIT - self.number))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        time.sleep(ROLE_S)
        role_at = time.time()
        self.chunk(asked, {"role": "assistant", "content": ""})
        time.sleep(FIRST_S)
        first_at = time.time()
        for _ in range(THOUGHTS):
            self.chunk(asked, {"reasoning_content": "hm "})
            time.sleep(THOUGHT_S)
        for word in range(WORDS):
            self.chunk(asked, {"content": f"word{word} "})
            time.sleep(GAP_S)
        self.chunk(asked, {}, finish_reason="stop")
        usage = {
            "prompt_tokens": 20,
            "completion_tokens": TOKENS,
            "total_tokens": 20 + TOKENS,
            "completion_tokens_details": {"reasoning_tokens": 4},
        }
        self.event(json.dumps({**self.head(asked), "choices": [], "usage": usage}))
        self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")
        with self.server.lock:
            self.server.answers.append(Answer(started_at, role_at, first_at, time.time()))

    def head(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": self.answer_id,
            "object": "chat.completion.chunk",
            "created": 1_794_000_000,
            "model": asked.get("model", "slow"),
        }

    def chunk(
        self, asked: dict[str, Any], delta: dict[str, str], finish_reason: str | None = None
    ) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        self.event(json.dumps({**self.head(asked), "choices": [choice]}))

    def event(self, text: str) -> None:
        data = f"data: {text}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
