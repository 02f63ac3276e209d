"""deploy/container/healthcheck.py: what the container's health check says."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stream.demo.runner import free_port
from tests.support.tools import ROOT


@contextmanager
def page(status: int, text: bytes) -> Iterator[int]:
    """Serve /healthz on a free port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def checked(port: int) -> tuple[int, str]:
    """Exit code and output of the check, as the Dockerfile calls it, behind a proxy that would not answer."""
    variables = os.environ | {"STREAM_WEB_PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
    command = [sys.executable, "-I", str(ROOT / "deploy" / "container" / "healthcheck.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (200, b'{"ok":true}', (0, '200 {"ok":true}')),
        (503, b'{"stalled":1}', (1, '503 {"stalled":1}')),
        (200, b"\xff", (0, "200 \ufffd")),
    ],
)
def test_the_pages_answer_decides_and_is_told(status: int, text: bytes, expected: tuple[int, str]) -> None:
    with page(status, text) as port:
        assert checked(port) == expected


def test_a_worker_that_does_not_answer_is_unhealthy() -> None:
    code, told = checked(port := free_port())
    assert code == 1
    assert told.startswith(f"port {port} does not answer: ")
