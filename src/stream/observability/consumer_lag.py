"""Keeps the metrics of consumer lag and changelog retention up to date, as the broker knows them.

Every worker reports all partitions of its steps' input topics, including those of other workers, so the lag stays
visible when a worker is gone.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka.errors import (  # type: ignore[import-untyped]  # it ships no types
    ClusterAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
from faust.types import TP

from stream import system_clock
from stream.kafka.group_offsets import GroupOffsets
from stream.observability.metrics import Metrics

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _OldestRecord:
    """The oldest unfinished record of a partition. Times are seconds since 1970; ``record_time`` is its own."""

    offset: int
    first_seen: float
    record_time: float | None = None

    def age(self, now: float) -> float:
        """Seconds since the record's own time, but at least since it was first seen.

        Producers set that time, which may be missing or in the future.
        """
        return max(0.0, now - self.first_seen, now - self.record_time if self.record_time is not None else 0.0)


class ConsumerLag:
    """Updates the lag metrics of ``topics``, and the retention of the ``changelog`` topic if one is given.

    If the broker does not answer, that is logged once and the metrics keep their last values;
    ``stream_consumer_lag_checked_timestamp_seconds`` shows their age.

    Args:
        interval_s: seconds between two updates.
        timeout_s: limit for one update.
        retention_interval_s: seconds between two look-ups of the retention.
    """

    def __init__(
        self,
        offsets: GroupOffsets,
        topics: Sequence[str],
        *,
        metrics: Metrics,
        changelog: str | None = None,
        interval_s: float = 10.0,
        timeout_s: float = 20.0,
        retention_interval_s: float = 3600.0,
    ) -> None:
        self._offsets = offsets
        self._topics = topics
        self._metrics = metrics
        self._changelog = changelog
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._retention_interval_s = retention_interval_s
        self._oldest: dict[TP, _OldestRecord] = {}
        self._reported: set[TP] = set()
        self._is_failing = False
        self._retention_read_at = -math.inf
        self._may_read_retention = True
        self._lock = asyncio.Lock()

    async def run(self) -> None:
        """Update again and again until cancelled."""
        while True:
            await self.try_update()
            await asyncio.sleep(self._interval_s)

    async def try_update(self) -> None:
        """Update once. A failure is logged as a warning, unless the previous update failed too."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self.update()
                await self._update_retention()
        except Exception as error:  # noqa: BLE001 - clients raise anything, and metrics are not worth a stop
            if not self._is_failing:
                log.warning("cannot fetch consumer lag; keeping the last values", extra={"reason": error})
            self._is_failing = True
            await self._offsets.close()
            return
        if self._is_failing:
            log.info("consumer lag is up to date again")
        self._is_failing = False

    async def update(self) -> None:
        """Update the lag.

        Raises:
            Exception: what `GroupOffsets` raises; the metrics are unchanged.
        """
        async with self._lock:
            lags = await self._fetch_lags()
            self._report(lags)

    async def close(self) -> None:
        """Close connections."""
        await self._offsets.close()

    async def _fetch_lags(self) -> dict[TP, int]:
        partitions = await self._offsets.partitions(self._topics)
        # The ends come first: what is committed in the meantime is not lag, and newer records do not count yet.
        bounds = await self._offsets.bounds(partitions)
        committed = await self._offsets.committed(partitions)
        # Without a committed offset, and before what retention has deleted, the group starts at the first record.
        positions = {tp: max(committed.get(tp, first), first) for tp, (first, _) in bounds.items()}
        lags = {tp: max(0, end - positions[tp]) for tp, (_, end) in bounds.items()}
        await self._find_oldest({tp: positions[tp] for tp, lag in lags.items() if lag})
        return lags

    async def _find_oldest(self, positions: Mapping[TP, int]) -> None:
        now, previous = _now(), self._oldest
        self._oldest = {
            tp: previous[tp] if tp in previous and previous[tp].offset == offset else _OldestRecord(offset, now)
            for tp, offset in positions.items()
        }
        unread = {tp: oldest.offset for tp, oldest in self._oldest.items() if oldest.record_time is None}
        if unread:
            for tp, stored_ms in (await self._offsets.times(unread)).items():
                self._oldest[tp].record_time = stored_ms / 1000

    def _report(self, lags: Mapping[TP, int]) -> None:
        metrics, now = self._metrics, _now()
        for tp, lag in lags.items():
            labels = (tp.topic, str(tp.partition))
            metrics.lag_records.labels(*labels).set(lag)
            metrics.lag_seconds.labels(*labels).set(self._oldest[tp].age(now) if lag else 0)
        for removed in self._reported - lags.keys():
            for gauge in (metrics.lag_records, metrics.lag_seconds):
                gauge.remove(removed.topic, str(removed.partition))
        self._reported = set(lags)
        metrics.set_when_known(metrics.lag_checked, now)

    async def _update_retention(self) -> None:
        now = time.monotonic()
        if self._changelog is None or now - self._retention_read_at < self._retention_interval_s:
            return
        try:
            retention_s = await self._offsets.retention_s(self._changelog)
        except (ClusterAuthorizationFailedError, TopicAuthorizationFailedError):
            if self._may_read_retention:
                log.info(
                    "no permission to read the retention of the changelog; its metric is absent",
                    extra={"topic": self._changelog, "permission": "DescribeConfigs"},
                )
            self._may_read_retention, retention_s = False, None
        self._retention_read_at = now
        if retention_s is not None:
            self._metrics.set_when_known(self._metrics.changelog_retention, retention_s)


def _now() -> float:
    return system_clock.now_ms() / 1000
