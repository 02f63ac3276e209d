"""Exit with 0 if the worker's /healthz answers 200, else with 1; print the answer.

A worker that waits for its broker or restores its index is healthy; one that has lag and makes no progress is not.
"""

from __future__ import annotations

import http.client
import os
import sys

#: Shorter than the timeout of the container's health check, so that the reason is printed.
TIMEOUT_S = 4.0


def main() -> int:
    """Ask the worker in this container."""
    port = int(os.environ.get("STREAM_WEB_PORT", "6066"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        body = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        print(f"port {port} does not answer: {error}")  # noqa: T201 - the container's health log
        return 1
    print(response.status, body)  # noqa: T201 - the container's health log
    return 0 if response.status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
