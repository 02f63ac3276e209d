"""Every metric that a worker exposes: name, type, unit, labels and meaning.

`scripts.generate_contracts` writes docs/reference/metrics.md from this module. Names follow the conventions of
Prometheus: base units, the unit last; counters are exposed with the suffix ``_total``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Type = Literal["counter", "gauge", "histogram"]

_STEP_BUCKETS: Final = (2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.25, 1, 5)
_BATCH_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)
_RECORD_BUCKETS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000)
_MINUTE, _HOUR = 60, 3600
#: From 10 ms to one day.
_LATENCY_BUCKETS: Final = (
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    *(_MINUTE, 2 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 4 * _HOUR, 12 * _HOUR, 24 * _HOUR),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    ``unit`` is a plural (``seconds``, ``records``), or ``info``, ``flag`` or ``ratio``. ``buckets`` are the upper
    bounds of a histogram, in its unit. ``is_ours`` is False for the metrics of prometheus-client itself.
    """

    name: str
    type: Type
    unit: str
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()
    is_ours: bool = True

    @property
    def series(self) -> str:
        """The name in queries; for a histogram, the part before ``_bucket``, ``_sum`` and ``_count``."""
        return f"{self.name}_total" if self.type == "counter" else self.name


def _counter(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(name, "counter", unit, labels, text)


def _gauge(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(name, "gauge", unit, labels, text)


def _histogram(name: str, unit: str, text: str, label: str, buckets: tuple[float, ...]) -> Metric:
    return Metric(name, "histogram", unit, (label,), text, buckets)


def _external(name: str, kind: Type, unit: str, text: str, *labels: str) -> Metric:
    return Metric(name, kind, unit, labels, text, is_ours=False)


_FLOW: Final = (
    _counter("stream_records_consumed", "records", "Records consumed from the input topic of a step.", "step"),
    _counter(
        "stream_records_published", "records", "Records published to a topic and acknowledged by the broker.", "topic"
    ),
    _counter("stream_events_normalized", "events", "Articles and takedowns that the normalize step passed on."),
    _counter(
        "stream_events_decided", "articles", "Articles with a verdict, by relation to earlier articles.", "relation"
    ),
    _counter(
        "stream_notices", "articles", "Texts that were published as a notice, by what the notice is about.", "notice"
    ),
    _counter("stream_events_repeated", "events", "Repeated deliveries of events that were processed before."),
    _counter("stream_events_rejected", "events", "Dead letters, by step and rejection code.", "step", "code"),
    _counter("stream_takedowns", "takedowns", "Takedowns, by whether an article was withdrawn.", "result"),
    _counter(
        "stream_promotions",
        "articles",
        "Articles that became canonical because of a takedown: result=published again in the enriched topic, or lost, "
        "because their record was deleted from the normalized topic.",
        "result",
    ),
    _histogram(
        "stream_event_latency_seconds",
        "seconds",
        "Time until the verdict on an article was stored. since=fetched_at: since the article was fetched; "
        "since=broker: since the timestamp of the raw record. Articles without that time are left out.",
        "since",
        _LATENCY_BUCKETS,
    ),
    _histogram(
        "stream_step_duration_seconds", "seconds", "Duration of one call of a processing step.", "step", _STEP_BUCKETS
    ),
    _histogram(
        "stream_batch_duration_seconds",
        "seconds",
        "Time from the arrival of a batch to the acknowledgement of its last output.",
        "step",
        _BATCH_BUCKETS,
    ),
    _histogram(
        "stream_delivery_duration_seconds",
        "seconds",
        "Time until the broker acknowledged all outputs of a batch.",
        "step",
        _BATCH_BUCKETS,
    ),
    _histogram("stream_batch_records", "records", "Number of records in a batch.", "step", _RECORD_BUCKETS),
)

_CONTENT: Final = (
    _counter(
        "stream_articles_by_language",
        "articles",
        "Articles with a verdict, by primary language subtag; languages that cannot be detected in text are other.",
        "language",
    ),
    _counter(
        "stream_articles_by_source",
        "articles",
        "Articles with a verdict, by domain. A domain that made 1 % of the last 2,000 articles gets a label of its own "
        "for the life of the process, at most 100 do; the rest is other.",
        "source",
        "is_duplicate",
    ),
)

_PROGRESS: Final = (
    _gauge(
        "stream_consumer_lag_records",
        "records",
        "Records that the consumer group has not finished, as the broker knows it. Each worker reports all partitions "
        "of its input topics: use max by (topic, partition).",
        "topic",
        "partition",
    ),
    _gauge(
        "stream_consumer_lag_seconds",
        "seconds",
        "Age of the oldest record that the consumer group has not finished; 0 if there is none. Each worker reports "
        "all partitions, as above.",
        "topic",
        "partition",
    ),
    _gauge(
        "stream_consumer_lag_checked_timestamp_seconds",
        "seconds",
        "Unix time of the last update of consumer lag from the broker; absent before the first.",
    ),
    _gauge(
        "stream_last_progress_timestamp_seconds",
        "seconds",
        "Unix time at which this worker last finished a batch of an input partition.",
        "topic",
        "partition",
    ),
    _gauge(
        "stream_ready", "flag", "1 if partitions are assigned and their indexes are restored, as in /readyz; else 0."
    ),
    _gauge(
        "stream_log_changed",
        "flag",
        "1 for a log that is not the one that was read, since its topic was recreated or its end is lost: the worker "
        "decides nothing, and ends a minute after it was started; else 0.",
        "topic",
        "partition",
    ),
)

_STATE: Final = (
    _gauge("stream_index_documents", "articles", "Articles in the index of a partition.", "partition"),
    _gauge("stream_index_size_bytes", "bytes", "Size of the index of a partition.", "partition"),
    _gauge(
        "stream_index_memory_bytes",
        "bytes",
        "Memory of the index of a partition, by kind: cached blocks (cache), filters and block indexes (tables), "
        "writes that are not in a file yet (memtables).",
        "partition",
        "kind",
    ),
    _gauge(
        "stream_index_oldest_timestamp_seconds",
        "seconds",
        "Approximate event time (Unix time) of the oldest article that can still be found; absent until an article "
        "is added after the index was opened.",
        "partition",
    ),
    _gauge(
        "stream_restore_progress_ratio",
        "ratio",
        "Share of the changelog that the index of a partition has replayed; 1 when restored.",
        "partition",
    ),
    _gauge(
        "stream_restore_remaining_records",
        "records",
        "Changelog records that the index of a partition has not replayed yet; 0 when restored.",
        "partition",
    ),
    _counter("stream_records_restored", "records", "Changelog records that the indexes have replayed."),
    _counter(
        "stream_changelog_records_skipped",
        "records",
        "Changelog records that the index of a partition has skipped, by reason: foreign (no worker wrote it), "
        "unusable (it cannot be decoded), broken_chain (it does not follow the record before it) or conflict (an "
        "earlier record describes the same article or takedown differently).",
        "partition",
        "code",
    ),
    _gauge(
        "stream_window_seconds", "seconds", "Duplicate window: how far back duplicates are found (STREAM_WINDOW_DAYS)."
    ),
    _gauge(
        "stream_changelog_retention_seconds",
        "seconds",
        "Retention of the changelog topic; +Inf without a limit, absent if the worker may not read it.",
    ),
    _gauge("stream_data_dir_free_bytes", "bytes", "Free disk space for the data folder; absent with memory://."),
    _gauge("stream_data_dir_total_bytes", "bytes", "Size of the disk with the data folder; absent with memory://."),
)

_PROCESS: Final = (
    _gauge("stream_build_info", "info", "Always 1; the label is the version of the worker.", "version"),
    _external("process_cpu_seconds", "counter", "seconds", "User and system CPU time of the process."),
    _external("process_resident_memory_bytes", "gauge", "bytes", "Resident memory of the process."),
    _external("process_virtual_memory_bytes", "gauge", "bytes", "Virtual memory of the process."),
    _external("process_start_time_seconds", "gauge", "seconds", "Unix time at which the process started."),
    _external("process_open_fds", "gauge", "files", "Open files and sockets."),
    _external("process_max_fds", "gauge", "files", "Limit of open files and sockets."),
    _external("python_gc_collections", "counter", "collections", "Runs of the garbage collector.", "generation"),
    _external(
        "python_gc_objects_collected", "counter", "objects", "Objects that the garbage collector freed.", "generation"
    ),
    _external(
        "python_gc_objects_uncollectable",
        "counter",
        "objects",
        "Objects that the garbage collector could not free.",
        "generation",
    ),
    _external(
        "python_info",
        "gauge",
        "info",
        "Always 1; the labels are the version of Python.",
        *("implementation", "major", "minor", "patchlevel", "version"),
    ),
)

#: The metrics by topic, in the order of docs/reference/metrics.md.
GROUPS: Final[dict[str, tuple[Metric, ...]]] = {
    "Flow": _FLOW,
    "Content": _CONTENT,
    "Lag and progress": _PROGRESS,
    "State": _STATE,
    "Process": _PROCESS,
}
CATALOGUE: Final[tuple[Metric, ...]] = tuple(metric for group in GROUPS.values() for metric in group)

_INTRODUCTION: Final = """\
# Metrics

The metrics that a worker exposes at `/metrics`. Times are in seconds, sizes in bytes. A missing series means that the
value is unknown; what has not happened yet is 0. Counters and histograms can be summed over workers.
`python -m scripts.generate_contracts` writes this page from `src/stream/observability/metric_definitions.py`.

The number of series is bounded, whatever the events contain: label values come from the code and the settings (`step`,
`relation`, `notice`, `code`, `topic`, `partition`), from a fixed list (`language`), or from a list of at most 100
(`source`).
"""


def document() -> str:
    """The text of docs/reference/metrics.md, in Markdown."""
    return "\n".join([_INTRODUCTION, *(line for title, group in GROUPS.items() for line in _section(title, group))])


def _section(title: str, group: Iterable[Metric]) -> list[str]:
    head = [f"## {title}", "", "| metric | type | unit | labels | meaning |", "|---|---|---|---|---|"]
    return [*head, *map(_row, group), ""]


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
    text = metric.help
    if metric.buckets:
        text += f" {len(metric.buckets)} buckets from {metric.buckets[0]:g} to {metric.buckets[-1]:g}."
    return f"| `{metric.series}` | {metric.type} | {metric.unit} | {labels} | {text} |"
