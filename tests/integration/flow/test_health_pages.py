"""A worker's pages as the tests ask for them."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from tests.support.processes import Worker


def test_a_page_that_nobody_answers_has_no_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flow.process.STREAM", "true")  # a process that ends at once
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.close()

        environment = {"STREAM_WEB_PORT": str(listener.getsockname()[1])}
        with Worker(environment, tmp_path / "log") as worker:
            # Someone takes the call and hangs up: the pages of a worker that waits close before those of the flow open.
            hanging_up = threading.Thread(target=hang_up)
            hanging_up.start()
            assert worker.answers("/readyz") == (0, "")
            hanging_up.join()
            listener.close()
            assert worker.answers("/readyz") == (0, "")
