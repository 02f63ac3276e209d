"""How the tests ask for a worker's pages."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from tests.support.processes import Worker


def test_a_page_that_nobody_answers_has_no_status(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.close()

        environment = {"STREAM_WEB_PORT": str(listener.getsockname()[1])}
        with Worker(environment, tmp_path / "log", command=["true"]) as worker:  # a process that ends at once
            # Something accepts the connection and closes it: the worker may be ending.
            hanging_up = threading.Thread(target=hang_up)
            hanging_up.start()
            assert worker.answers("/readyz") == (0, "")
            hanging_up.join()
            listener.close()
            assert worker.answers("/readyz") == (0, "")
