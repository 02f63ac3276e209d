"""Tells the container's health: exit code 0 if the worker's /healthz says 200, 1 otherwise; prints what it says.

A worker that waits for its broker or restores its index is healthy; one that does not move while it lags is not.
"""

from __future__ import annotations

import http.client
import os
import sys

#: Below the health check's own timeout, so that the reason is told.
TIMEOUT_S = 4.0


def main() -> int:
    """Ask the worker in this container."""
    port = int(os.environ.get("STREAM_WEB_PORT", "6066"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        told = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        print(f"port {port} does not answer: {error}")  # noqa: T201 - the container's health log
        return 1
    print(answer.status, told)  # noqa: T201 - the container's health log
    return 0 if answer.status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
