"""The present time, for headers and latencies. The core gets the time as an argument instead."""

from __future__ import annotations

import time

from stream.core.timestamps import format_rfc3339


def now_ms() -> int:
    """The present time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def now() -> str:
    """The present time in UTC, as RFC 3339."""
    return format_rfc3339(now_ms())


def elapsed_s() -> float:
    """Seconds since any moment, by a clock that nobody sets; on Linux also while the machine is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
