"""Every metric, in one place. Seconds and bytes; labels take their values from the code, never from events."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from stream import __version__
from stream.errors import REJECTION_CODES
from stream.events import RELATIONS
from stream.pipeline import TAKEDOWN_RESULTS, Outcome
from stream.settings import STEPS

P = ParamSpec("P")
R = TypeVar("R")

disable_created_metrics()  # type: ignore[no-untyped-call] # a series more for each counter, which nobody asks for

_STEP_BUCKETS = (2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.25, 1, 5)
_BATCH_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)
_RECORD_BUCKETS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000)
_LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)


class Metrics:
    """The metrics of one worker, in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self.build = Gauge("stream_build_info", "Version of the worker; always 1.", ["version"], registry=registry)
        self.build.labels(__version__).set(1)
        self.consumed = Counter(
            "stream_records_consumed", "Records taken from a step's input topic.", ["step"], registry=registry
        )
        self.published = Counter(
            "stream_records_published", "Records stored in an output topic.", ["topic"], registry=registry
        )
        self.normalized = Counter(
            "stream_events_normalized", "Articles and takedowns passed on by normalize.", registry=registry
        )
        self.decided = Counter(
            "stream_events_decided", "Articles decided, by relation.", ["relation"], registry=registry
        )
        self.takedowns = Counter(
            "stream_takedowns", "Takedowns by whether an article was withdrawn.", ["result"], registry=registry
        )
        self.repeated = Counter(
            "stream_events_repeated", "Deliveries of events that were decided before.", registry=registry
        )
        self.rejected = Counter(
            "stream_events_rejected", "Dead letters, by step and code.", ["step", "code"], registry=registry
        )
        self.step_seconds = Histogram(
            "stream_step_duration_seconds",
            "Time of one call of one step of the core.",
            ["step"],
            buckets=_STEP_BUCKETS,
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "stream_batch_duration_seconds",
            "Time from a batch's arrival to its last delivery.",
            ["step"],
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )
        self.delivery_seconds = Histogram(
            "stream_delivery_duration_seconds",
            "Time until the broker has stored all outputs of a batch.",
            ["step"],
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )
        self.batch_records = Histogram(
            "stream_batch_records", "Records in a batch.", ["step"], buckets=_RECORD_BUCKETS, registry=registry
        )
        self.latency_seconds = Histogram(
            "stream_event_latency_seconds",
            "From an event's fetched_at, else its time in the raw topic, until its verdict was stored.",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.lag_records = Gauge(
            "stream_consumer_lag_records",
            "Records of an input partition that are not finished.",
            ["topic", "partition"],
            registry=registry,
        )
        self.progress_time = Gauge(
            "stream_last_progress_timestamp_seconds",
            "When a batch of an input partition was last finished.",
            ["topic", "partition"],
            registry=registry,
        )
        self.index_documents = Gauge(
            "stream_index_documents", "Articles recorded in a partition's index.", ["partition"], registry=registry
        )
        self.index_bytes = Gauge(
            "stream_index_size_bytes", "Size of a partition's index.", ["partition"], registry=registry
        )
        self.restore_ratio = Gauge(
            "stream_restore_progress_ratio",
            "How much of the changelog a partition's index has taken over, 1 when restored.",
            ["partition"],
            registry=registry,
        )
        self.restored = Counter(
            "stream_records_restored", "Changelog records taken over by the index.", registry=registry
        )
        self._begin_at_zero()

    def wrap(self, name: str, step: Callable[P, R]) -> Callable[P, R]:
        """``step`` with its calls timed."""
        observe = self.step_seconds.labels(name).observe
        clock = time.perf_counter

        @functools.wraps(step)
        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            start = clock()
            try:
                return step(*args, **kwargs)
            finally:
                observe(clock() - start)

        return timed

    def count(self, step: str, outcomes: Iterable[Outcome], *, now_ms: int) -> None:
        """Count what became of a batch, once its outputs are stored at ``now_ms``."""
        for outcome in outcomes:
            for output in outcome.outputs:
                self.published.labels(output.topic).inc()
            if outcome.code:
                self.rejected.labels(step, outcome.code).inc()
            elif outcome.is_repeat:
                self.repeated.inc()
            elif outcome.result in TAKEDOWN_RESULTS:
                self.takedowns.labels(outcome.result).inc()
            elif outcome.result == "normalized":
                self.normalized.inc()
            else:
                self.decided.labels(outcome.result).inc()
                if outcome.time is not None:
                    self.latency_seconds.observe(max(0, now_ms - outcome.time) / 1000)

    def forget_partition(self, topic: str, partition: int) -> None:
        """Remove what is no longer this worker's to tell."""
        for gauge in (self.lag_records, self.progress_time):
            gauge.remove(topic, str(partition))

    def forget_index(self, partition: int) -> None:
        """Remove the figures of an index that was closed."""
        for gauge in (self.index_documents, self.index_bytes, self.restore_ratio):
            gauge.remove(str(partition))

    def _begin_at_zero(self) -> None:
        """A rate needs a first value: what has not happened yet is 0, not missing."""
        for relation in RELATIONS:
            self.decided.labels(relation)
        for result in TAKEDOWN_RESULTS:
            self.takedowns.labels(result)
        for step in STEPS:
            self.consumed.labels(step)
            for code in REJECTION_CODES:
                self.rejected.labels(step, code)
