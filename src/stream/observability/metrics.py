"""The metrics of one worker, as defined in `stream.observability.metric_definitions`, and their update per batch."""

from __future__ import annotations

import functools
import time
from collections import Counter as Counted
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, ParamSpec, TypeVar

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
from stream.core.contracts.events import DUPLICATE_RELATIONS, NOTICES, RELATIONS
from stream.core.index.store import MEMORY_KINDS
from stream.core.pipeline.outcome import TAKEDOWN_RESULTS, Outcome
from stream.core.timestamps import parse_rfc3339
from stream.errors import REJECTION_CODES
from stream.observability.fast_histogram import FastHistogram
from stream.observability.metric_definitions import CATALOGUE, Metric
from stream.observability.source_labels import OTHER, SourceLabels
from stream.settings import STAGES

P = ParamSpec("P")
R = TypeVar("R")

disable_created_metrics()  # type: ignore[no-untyped-call] # an extra series for each counter, of no use here

#: The primary language subtags that the normalize step can detect, and ``und`` (undetermined). All other languages,
#: which only publishers can declare, count as ``other``.
LANGUAGES: Final = frozenset(
    """
    ace af am an ar as az ba bcl be bg bn bo br bs ca chr ckb crh cs cy da de dv el en eo es et eu ext fa fi fil fo fr
    fuv fy ga gcf gcr gd gl gom gu gug guw ha he hi hr ht hu hy id ig is it iu ja jv ka kab kik kk km kn ko ku ky la lb
    lg lij ln lo lt ltg lv mg mk ml mn mni mr ms mt my ne nl nn no nqo nso oc om or pa pcm pl pnb ps pt qu ro ru rw sa
    sat sd se si sk sl sn so sq sr st sv sw syr ta te tg th ti tk tr tt ug uk und ur uz vec vi vo wa xh yi yo zgh zh zu
    """.split()
)
_BOOLEAN_LABELS: Final = ("false", "true")
_LATENCY_STARTS: Final = ("fetched_at", "broker")
_BY_NAME: Final[Mapping[str, Metric]] = {metric.name: metric for metric in CATALOGUE}


class Metrics:
    """All metrics of one worker, in their own registry."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self._gauge("stream_build_info").labels(__version__).set(1)
        self.consumed = self._counter("stream_records_consumed")
        self.published = self._counter("stream_records_published")
        self.normalized = self._counter("stream_events_normalized")
        self.decided = self._counter("stream_events_decided")
        self.repeated = self._counter("stream_events_repeated")
        self.rejected = self._counter("stream_events_rejected")
        self.notices = self._counter("stream_notices")
        self.takedowns = self._counter("stream_takedowns")
        self.promotions = self._counter("stream_promotions")
        self.latency_seconds = self._fast_histogram("stream_event_latency_seconds")
        self.step_seconds = self._fast_histogram("stream_step_duration_seconds")
        self.batch_seconds = self._histogram("stream_batch_duration_seconds")
        self.delivery_seconds = self._histogram("stream_delivery_duration_seconds")
        self.batch_records = self._histogram("stream_batch_records")
        self.languages = self._counter("stream_articles_by_language")
        self.sources = self._counter("stream_articles_by_source")
        self.lag_records = self._gauge("stream_consumer_lag_records")
        self.lag_seconds = self._gauge("stream_consumer_lag_seconds")
        self.lag_checked = self._unregistered_gauge("stream_consumer_lag_checked_timestamp_seconds")
        self.progress_time = self._gauge("stream_last_progress_timestamp_seconds")
        self.ready = self._gauge("stream_ready")
        self.log_changed = self._gauge("stream_log_changed")
        self.index_documents = self._gauge("stream_index_documents")
        self.index_bytes = self._gauge("stream_index_size_bytes")
        self.index_memory = self._gauge("stream_index_memory_bytes")
        self.index_oldest = self._gauge("stream_index_oldest_timestamp_seconds")
        self.restore_ratio = self._gauge("stream_restore_progress_ratio")
        self.restore_remaining = self._gauge("stream_restore_remaining_records")
        self.restored = self._counter("stream_records_restored")
        self.skipped = self._counter("stream_changelog_records_skipped")
        self.window = self._unregistered_gauge("stream_window_seconds")
        self.changelog_retention = self._unregistered_gauge("stream_changelog_retention_seconds")
        self.disk_free = self._unregistered_gauge("stream_data_dir_free_bytes")
        self.disk_total = self._unregistered_gauge("stream_data_dir_total_bytes")
        self._registered: set[Gauge] = set()
        self._source_labels = SourceLabels()
        self._since_fetch, self._since_broker = map(self.latency_seconds.observer, _LATENCY_STARTS)
        self._create_series()

    def wrap(self, name: str, step: Callable[P, R]) -> Callable[P, R]:
        """Wrap ``step`` so that each call is timed under ``name``."""
        observe = self.step_seconds.observer(name)
        clock = time.perf_counter

        @functools.wraps(step)
        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            start = clock()
            try:
                return step(*args, **kwargs)
            finally:
                observe(clock() - start)

        return timed

    def count(self, step: str, outcomes: Sequence[Outcome], *, now_ms: int) -> None:
        """Count the outcomes of a batch whose outputs were stored at ``now_ms`` (milliseconds since 1970)."""
        # Each counter is updated once a batch: its look-up by labels and its lock cost more than summing up.
        topics = Counted(output.topic for outcome in outcomes for output in outcome.outputs)
        for topic, number in topics.items():
            self.published.labels(topic).inc(number)
        kinds = Counted((outcome.code, outcome.is_repeat, outcome.result) for outcome in outcomes)
        for (code, is_repeat, result), number in kinds.items():
            self._counter_of(step, code, result, is_repeat=is_repeat).inc(number)
        promotions = sum(len(outcome.promotions) for outcome in outcomes)
        if promotions:
            lost = sum(len(outcome.lost_promotions) for outcome in outcomes)
            self.promotions.labels("published").inc(promotions - lost)
            self.promotions.labels("lost").inc(lost)
        self._count_articles(outcomes, now_ms / 1000)

    def set_when_known(self, gauge: Gauge, value: float) -> None:
        """Set a gauge that is absent until its value is known."""
        gauge.set(value)
        if gauge not in self._registered:
            self._registered.add(gauge)
            self.registry.register(gauge)

    def forget_partition(self, topic: str, partition: int) -> None:
        """Remove the series of a partition that this worker no longer has."""
        self.progress_time.remove(topic, str(partition))

    def forget_index(self, partition: int) -> None:
        """Remove the series of an index that was closed."""
        name = str(partition)
        for gauge in (
            *(self.index_documents, self.index_bytes, self.index_oldest),
            *(self.restore_ratio, self.restore_remaining),
        ):
            gauge.remove(name)
        for kind in MEMORY_KINDS:
            self.index_memory.remove(name, kind)

    def _counter_of(self, step: str, code: str | None, result: str, *, is_repeat: bool) -> Counter:
        if code:
            return self.rejected.labels(step, code)
        if is_repeat:
            return self.repeated
        if result in TAKEDOWN_RESULTS:
            return self.takedowns.labels(result)
        return self.normalized if result == "normalized" else self.decided.labels(result)

    def _count_articles(self, outcomes: Iterable[Outcome], now_s: float) -> None:
        languages: Counted[str] = Counted()
        sources: Counted[tuple[str, bool]] = Counted()
        for outcome in outcomes:
            if about := outcome.article:
                languages[about.language] += 1
                if about.notice:
                    self.notices.labels(about.notice).inc()
                sources[self._source_labels.label(about.domain), outcome.result in DUPLICATE_RELATIONS] += 1
                if about.fetched_at and (start := _seconds(about.fetched_at)) is not None:
                    self._since_fetch(max(0.0, now_s - start))
                if about.received_at and (start := _seconds(about.received_at)) is not None:
                    self._since_broker(max(0.0, now_s - start))
        for tag, number in languages.items():
            primary = tag.partition("-")[0]
            self.languages.labels(primary if primary in LANGUAGES else OTHER).inc(number)
        for (source, is_duplicate), number in sources.items():
            self._create_source_series(source)
            self.sources.labels(source, _BOOLEAN_LABELS[is_duplicate]).inc(number)

    def _create_source_series(self, source: str) -> None:
        for is_duplicate in _BOOLEAN_LABELS:
            self.sources.labels(source, is_duplicate)

    def _create_series(self) -> None:
        """Create series with 0 for what has not happened yet: a rate needs a first value."""
        for relation in RELATIONS:
            self.decided.labels(relation)
        for notice in NOTICES:
            self.notices.labels(notice)
        for result in TAKEDOWN_RESULTS:
            self.takedowns.labels(result)
        for result in ("published", "lost"):
            self.promotions.labels(result)
        for step in STAGES:
            self.consumed.labels(step)
            for code in REJECTION_CODES:
                self.rejected.labels(step, code)
        self._create_source_series(OTHER)

    def _counter(self, name: str) -> Counter:
        metric = _BY_NAME[name]
        return Counter(name, metric.help, metric.labels, registry=self.registry)

    def _gauge(self, name: str) -> Gauge:
        metric = _BY_NAME[name]
        return Gauge(name, metric.help, metric.labels, registry=self.registry)

    def _unregistered_gauge(self, name: str) -> Gauge:
        """Create a gauge for `set_when_known`; if registered at once, it would be exposed as 0."""
        return Gauge(name, _BY_NAME[name].help, registry=None)

    def _fast_histogram(self, name: str) -> FastHistogram:
        histogram = FastHistogram(_BY_NAME[name])
        self.registry.register(histogram)
        return histogram

    def _histogram(self, name: str) -> Histogram:
        metric = _BY_NAME[name]
        return Histogram(name, metric.help, metric.labels, buckets=metric.buckets, registry=self.registry)


def _seconds(moment: str) -> float | None:
    """Parse RFC 3339 into seconds since 1970; None if it is invalid: a metric is not worth a stop."""
    to_epoch_ms = parse_rfc3339(moment)
    return None if to_epoch_ms is None else to_epoch_ms / 1000
