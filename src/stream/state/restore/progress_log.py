"""Logs how far a long restore has got."""

from __future__ import annotations

import logging
from typing import Final

log = logging.getLogger(__name__)

#: Seconds between two log lines about one restore.
LOG_INTERVAL_S: Final = 10.0


class RestoreProgressLog:
    """Logs how far the restore of one partition has got, every ten seconds.

    ``begin``, ``end``: the range of changelog offsets to be read. Times are seconds of any monotonic clock.
    """

    def __init__(self, partition: int, begin: int, end: int) -> None:
        self._partition = partition
        self._begin = begin
        self._end = end
        self._started_at: float | None = None
        self._logged_at = 0.0

    def update(self, offset: int, now: float) -> None:
        """Note that the changelog was read up to ``offset``; log it if the last line is old enough."""
        if self._started_at is None:
            self._started_at = self._logged_at = now
        if now - self._logged_at < LOG_INTERVAL_S:
            return
        self._logged_at = now
        rate = (offset - self._begin) / (now - self._started_at)
        log.info(
            "restore progress",
            extra={
                "partition": self._partition,
                "offset": offset,
                "end_offset": self._end,
                "percent": round(100 * (offset - self._begin) / max(1, self._end - self._begin)),
                "records_per_second": round(rate),
                "seconds_left": round(max(0, self._end - offset) / rate) if rate else None,
            },
        )
