"""Every command that connects to Kafka says why it cannot, within seconds and with its exit code."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.demo.runner import free_port
from tests.support.fake_servers import refuse_http, serve
from tests.support.processes import STREAM, clean_environment

#: Most of it is the start of Python, on a machine that is busy with other tests.
SECONDS_MAX = 20.0
COMMANDS = {
    "topics": ("topics",),
    "topics --check": ("topics", "--check"),
    "produce": ("produce", "-"),
    "deadletters list": ("deadletters", "list"),
    "deadletters requeue": ("deadletters", "requeue", "0/1"),
    "worker": ("worker",),
    "doctor": ("doctor",),
}
REASONS = {
    "a closed port": "connection refused, because nothing listens on this port",
    "an unknown host": "the host name cannot be resolved",
    "an HTTP server": "an HTTP server answers, not Kafka",
}


@pytest.fixture
def addresses() -> Iterator[dict[str, str]]:
    """Yield an address for each of REASONS."""
    closed = f"127.0.0.1:{free_port()}"
    with serve(refuse_http) as http:
        yield {"a closed port": closed, "an unknown host": "nowhere.invalid:9092", "an HTTP server": http}


@pytest.mark.parametrize("case", REASONS)
@pytest.mark.parametrize("name", COMMANDS)
def test_the_reason_is_reported_within_seconds(addresses: dict[str, str], tmp_path: Path, name: str, case: str) -> None:
    environment = clean_environment(
        STREAM_BROKER=addresses[case],
        STREAM_START_TIMEOUT_S="0",
        STREAM_WEB_PORT=str(free_port()),
        STREAM_DATA_DIR=str(tmp_path),
        COLUMNS="200",
    )
    started = time.monotonic()
    done = subprocess.run(
        [STREAM, *COMMANDS[name]], env=environment, input="", capture_output=True, text=True, check=False, timeout=60
    )
    assert time.monotonic() - started < SECONDS_MAX
    if name == "doctor":
        assert done.returncode == 1
        assert f"{addresses[case]}: {REASONS[case]}" in done.stdout
    else:
        assert done.returncode == 69
        *_, message = done.stderr.splitlines()
        assert message.startswith(f"stream: {addresses[case]}: {REASONS[case]}")
        assert "STREAM_BROKER" in message.partition("; ")[2]
