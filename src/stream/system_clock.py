"""The time of day, for the shells: headers and latencies. The core is handed what it needs."""

from __future__ import annotations

import time

from stream.core.timestamps import rfc3339


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def now() -> str:
    """RFC 3339 in UTC."""
    return rfc3339(now_ms())
