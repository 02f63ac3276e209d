"""How far a restore is, told in the log."""

from __future__ import annotations

import logging
from typing import Final

log = logging.getLogger(__name__)

#: Seconds between two lines about a restore.
TOLD_EVERY_S: Final = 10.0


class Told:
    """Tells in the log how far a restore is, every ten seconds. Times are seconds of any steady clock."""

    def __init__(self, partition: int, begin: int, end: int) -> None:
        self._partition = partition
        self._begin = begin
        self._end = end
        self._began: float | None = None
        self._last = 0.0

    def reached(self, offset: int, now: float) -> None:
        """Say so if it is time to."""
        if self._began is None:
            self._began = self._last = now
        if now - self._last < TOLD_EVERY_S:
            return
        self._last = now
        rate = (offset - self._begin) / (now - self._began)
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
