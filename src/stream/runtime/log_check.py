"""Before the flow starts: is each log still the one that was read?

Workers check that again whenever they take over a partition, and while they run. This check looks at all partitions
at once, and shows what it finds to Prometheus: a worker that stops at once would take its metrics with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from stream.errors import BrokerError
from stream.observability.metrics import Metrics
from stream.observability.progress_watch import HealthCheck
from stream.recovery.collect import collect_log_facts
from stream.recovery.plan import ChangedLog, find_changed_logs
from stream.runtime.http_server import WorkerPages
from stream.settings import Settings

log = logging.getLogger(__name__)

#: Seconds for which the metrics can be scraped before the worker ends.
REPORT_S: Final = 60.0

#: Returns the logs that are not those that were read.
Finder = Callable[[Settings], Awaitable[Sequence[ChangedLog]]]


class ChangedLogsStatus:
    """A `WorkerStatus`: alive, and never ready."""

    def __init__(self, changed: Sequence[ChangedLog]) -> None:
        self._details: dict[str, object] = {
            "changed_logs": [f"{each.topic}/{each.partition}: {each.kind}" for each in changed]
        }

    def healthy(self) -> HealthCheck:
        """See `WorkerStatus`."""
        return HealthCheck(is_good=True, details=self._details)

    def ready(self) -> HealthCheck:
        """See `WorkerStatus`."""
        return HealthCheck(is_good=False, details=self._details)


async def find_on_broker(settings: Settings) -> Sequence[ChangedLog]:
    """The logs of the group that are not those that were read; none where this cannot be found out now."""
    try:
        facts = await collect_log_facts(settings)
    except BrokerError as error:
        log.warning("cannot compare the logs before the start", extra={"reason": error})
        return []
    return find_changed_logs(facts.raw, facts.indexes, changelog=settings.topics.fingerprints)


async def has_changed_logs(
    settings: Settings,
    metrics: Metrics,
    pages: WorkerPages,
    stop: asyncio.Event,
    *,
    find: Finder = find_on_broker,
    report_s: float = REPORT_S,
) -> bool:
    """Whether a log is not the one that was read.

    If so, logs and metrics show it, and this returns after ``report_s`` seconds, or when ``stop`` is set.
    """
    if settings.is_memory:
        return False
    changed = await find(settings)
    for topic, partitions in _read_topics(settings):
        for partition in range(partitions):
            metrics.log_changed.labels(topic, str(partition)).set(0)
    if not changed:
        return False
    for each in changed:
        fields = {"topic": each.topic, "partition": each.partition, "kind": each.kind, "reason": each.summary}
        log.critical("a log went back; stop all workers and run: stream recover", extra=fields)
        metrics.log_changed.labels(each.topic, str(each.partition)).set(1)
    pages.status = ChangedLogsStatus(changed)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), report_s)
    return True


def _read_topics(settings: Settings) -> list[tuple[str, int]]:
    """The topics that workers read, each with its number of partitions."""
    topics, scopes = settings.topics, settings.scope_partitions
    return [(topics.raw, settings.raw_partitions), (topics.normalized, scopes), (topics.fingerprints, scopes)]
