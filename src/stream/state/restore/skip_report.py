"""Reports the records of the changelog that were skipped: in a metric, in the log, and beside the index for doctor.

The records stay where they are. Dead letters of them would be written again by every restore of every worker.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, get_args

from stream.core.index.changelog_records import SkipCode, SkippedRecord
from stream.observability.metrics import Metrics
from stream.skipped_records import add_skipped_records, skips_file

log = logging.getLogger(__name__)


class Target(Protocol):
    """Has records that were skipped."""

    skipped: list[SkippedRecord]


class SkipReport:
    """Reports skipped records.

    Args:
        topic: The changelog.
        metrics: Counts them.
        folder_of: The folder of a partition's index; None if indexes are in memory.
    """

    def __init__(self, topic: str, metrics: Metrics, folder_of: Callable[[int], Path] | None = None) -> None:
        self._topic = topic
        self._metrics = metrics
        self._folder_of = folder_of

    def report(self, partition: int, target: Target) -> None:
        """Report what ``target`` has skipped since the last time."""
        records, target.skipped = target.skipped, []
        for code, count in Counter(record.code for record in records).items():
            self._metrics.skipped.labels(str(partition), code).inc(count)
        for record in records:
            fields = {"topic": self._topic, "partition": partition, "offset": record.offset}
            log.warning("skipped a changelog record", extra={**fields, "code": record.code, "reason": record.reason})
        if records and self._folder_of:
            add_skipped_records(self._folder_of(partition), records)

    def begin(self, partition: int, *, is_empty: bool) -> None:
        """Create the series of ``partition``; forget what an earlier index skipped if the index is empty."""
        for code in get_args(SkipCode):
            self._metrics.skipped.labels(str(partition), code)
        if is_empty and self._folder_of:
            with contextlib.suppress(OSError):
                skips_file(self._folder_of(partition)).unlink(missing_ok=True)
