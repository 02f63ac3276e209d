"""What the broker tells from time to time: how far the whole group is behind, and how long the changelog is kept.

Every worker asks for all partitions of its steps' input topics, also while it has none of them, or is alone alive.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import (  # type: ignore[import-untyped]  # it ships no types
    ClusterAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
from faust.types import TP

from stream import system_clock
from stream.kafka.group_offsets import GroupOffsets
from stream.observability.metrics import Metrics

log = logging.getLogger(__name__)

#: Seconds that all answers together may take.
_ANSWER_S: Final = 20.0
_RETENTION_EVERY_S: Final = 3600.0


@dataclass(slots=True)
class _Oldest:
    """The oldest record of a partition that is not finished. Seconds since 1970; ``stored`` is its own time."""

    offset: int
    seen: float
    stored: float | None = None

    def age(self, now: float) -> float:
        """Seconds that it waits: by its own time, and at least since it was seen.

        Producers set that time: one in the future, or none, is less than what was seen here.
        """
        return max(0.0, now - self.seen, now - self.stored if self.stored is not None else 0.0)


class ConsumerLag:
    """Keeps the lag metrics of ``topics``, and the retention of ``changelog``, if one is given.

    A broker that does not answer is told once, and the metrics stay as they are:
    ``stream_consumer_lag_checked_timestamp_seconds`` tells their age. ``every_s``: seconds between two questions.
    """

    def __init__(
        self,
        offsets: GroupOffsets,
        topics: Sequence[str],
        *,
        metrics: Metrics,
        changelog: str | None = None,
        every_s: float = 10.0,
    ) -> None:
        self._offsets = offsets
        self._topics = topics
        self._metrics = metrics
        self._changelog = changelog
        self._every_s = every_s
        self._oldest: dict[TP, _Oldest] = {}
        self._told: set[TP] = set()
        self._is_failing = False
        self._retention_asked = -math.inf
        self._may_ask_retention = True
        self._asking = asyncio.Lock()

    async def run(self) -> None:
        """Ask again and again; returns only when cancelled."""
        while True:
            await self.try_asking()
            await asyncio.sleep(self._every_s)

    async def try_asking(self) -> None:
        """Ask once; a failure is a warning, unless the time before failed too."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self.ask()
                await self._ask_retention()
        except Exception as error:  # noqa: BLE001 - whatever a client raises: figures are not worth a stop
            if not self._is_failing:
                log.warning("broker does not tell the group's lag, which stays as it was", extra={"reason": error})
            self._is_failing = True
            await self._offsets.close()
            return
        if self._is_failing:
            log.info("broker tells the group's lag again")
        self._is_failing = False

    async def ask(self) -> None:
        """Bring the lag up to date.

        Raises:
            Exception: what `GroupOffsets` raises; the metrics are as they were.
        """
        async with self._asking:
            await self._ask()

    async def close(self) -> None:
        """Close connections."""
        await self._offsets.close()

    async def _ask(self) -> None:
        partitions = await self._offsets.partitions(self._topics)
        # The ends first: what is committed meanwhile is no lag, and what arrives is not yet told.
        bounds = await self._offsets.bounds(partitions)
        committed = await self._offsets.committed(partitions)
        # Without a committed offset, and behind what retention has deleted, the group begins with what is there.
        positions = {tp: max(committed.get(tp, first), first) for tp, (first, _) in bounds.items()}
        lags = {tp: max(0, end - positions[tp]) for tp, (_, end) in bounds.items()}
        await self._find_oldest({tp: positions[tp] for tp, lag in lags.items() if lag})
        self._tell(lags)

    async def _find_oldest(self, behind: Mapping[TP, int]) -> None:
        now = _now()
        known = self._oldest
        self._oldest = {
            tp: known[tp] if tp in known and known[tp].offset == offset else _Oldest(offset, now)
            for tp, offset in behind.items()
        }
        unread = {tp: oldest.offset for tp, oldest in self._oldest.items() if oldest.stored is None}
        if unread:
            for tp, stored_ms in (await self._offsets.times(unread)).items():
                self._oldest[tp].stored = stored_ms / 1000

    def _tell(self, lags: Mapping[TP, int]) -> None:
        metrics, now = self._metrics, _now()
        for tp, lag in lags.items():
            labels = (tp.topic, str(tp.partition))
            metrics.lag_records.labels(*labels).set(lag)
            metrics.lag_seconds.labels(*labels).set(self._oldest[tp].age(now) if lag else 0)
        for gone in self._told - lags.keys():
            for gauge in (metrics.lag_records, metrics.lag_seconds):
                gauge.remove(gone.topic, str(gone.partition))
        self._told = set(lags)
        metrics.set_when_known(metrics.lag_checked, now)

    async def _ask_retention(self) -> None:
        now = time.monotonic()
        if self._changelog is None or now - self._retention_asked < _RETENTION_EVERY_S:
            return
        try:
            seconds = await self._offsets.retention_s(self._changelog)
        except (ClusterAuthorizationFailedError, TopicAuthorizationFailedError):
            if self._may_ask_retention:
                log.info(
                    "retention of the changelog is not shown to this worker, its metric is left out",
                    extra={"topic": self._changelog, "permission": "DescribeConfigs"},
                )
            self._may_ask_retention, seconds = False, None
        self._retention_asked = now
        if seconds is not None:
            self._metrics.set_when_known(self._metrics.changelog_retention, seconds)


def _now() -> float:
    return system_clock.now_ms() / 1000
