"""deploy/container/healthcheck.py: the container's health check."""

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
def serve_health(status: int, text: bytes) -> Iterator[int]:
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


def run_check(port: int) -> tuple[int, str]:
    """Run the check as the Dockerfile does, behind a proxy that does not answer; return exit code and output."""
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
def test_the_status_of_the_page_decides_and_its_body_is_printed(
    status: int, text: bytes, expected: tuple[int, str]
) -> None:
    with serve_health(status, text) as port:
        assert run_check(port) == expected


def test_a_worker_that_does_not_answer_is_unhealthy() -> None:
    code, output = run_check(port := free_port())
    assert code == 1
    assert output.startswith(f"port {port} does not answer: ")
