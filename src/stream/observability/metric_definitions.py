"""Every metric that a worker exposes: name, type, unit, labels and meaning. `scripts.generate_contracts` writes docs/reference/metrics.md.

Names follow Prometheus: base units, the unit last; counters are exposed with ``_total`` behind their name.
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
#: From 10 ms to a day.
_LATENCY_BUCKETS: Final = (
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    *(_MINUTE, 2 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 4 * _HOUR, 12 * _HOUR, 24 * _HOUR),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    ``unit`` is what one of it is, in the plural (``seconds``, ``records``), or ``info``, ``flag`` and ``ratio``.
    ``buckets`` are the upper bounds of a histogram, in its unit. ``is_ours`` is False for what prometheus-client
    brings along.
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
        """The name that a query has; of a histogram, what comes before ``_bucket``, ``_sum`` and ``_count``."""
        return f"{self.name}_total" if self.type == "counter" else self.name


def _counter(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(name, "counter", unit, labels, text)


def _gauge(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(name, "gauge", unit, labels, text)


def _histogram(name: str, unit: str, text: str, label: str, buckets: tuple[float, ...]) -> Metric:
    return Metric(name, "histogram", unit, (label,), text, buckets)


def _theirs(name: str, kind: Type, unit: str, text: str, *labels: str) -> Metric:
    return Metric(name, kind, unit, labels, text, is_ours=False)


_FLOW: Final = (
    _counter("stream_records_consumed", "records", "Records taken from a step's input topic.", "step"),
    _counter("stream_records_published", "records", "Records stored in an output topic.", "topic"),
    _counter("stream_events_normalized", "events", "Articles and takedowns passed on by normalize."),
    _counter("stream_events_decided", "articles", "Articles decided, by relation.", "relation"),
    _counter("stream_events_repeated", "events", "Deliveries of events that were decided before."),
    _counter("stream_events_rejected", "events", "Dead letters, by step and code.", "step", "code"),
    _counter("stream_takedowns", "takedowns", "Takedowns by whether an article was withdrawn.", "result"),
    _histogram(
        "stream_event_latency_seconds",
        "seconds",
        "Until an article's verdict was stored: since its fetched_at where it has one, since the raw record's "
        "timestamp (broker) where that has one.",
        "since",
        _LATENCY_BUCKETS,
    ),
    _histogram("stream_step_duration_seconds", "seconds", "One call of one step of the core.", "step", _STEP_BUCKETS),
    _histogram(
        "stream_batch_duration_seconds",
        "seconds",
        "From a batch's arrival to its last delivery.",
        "step",
        _BATCH_BUCKETS,
    ),
    _histogram(
        "stream_delivery_duration_seconds",
        "seconds",
        "Until the broker has stored all outputs of a batch.",
        "step",
        _BATCH_BUCKETS,
    ),
    _histogram("stream_batch_records", "records", "Records in a batch.", "step", _RECORD_BUCKETS),
)

_CONTENT: Final = (
    _counter(
        "stream_articles_by_language",
        "articles",
        "Articles decided, by primary language subtag; languages that are not told from the text are other.",
        "language",
    ),
    _counter(
        "stream_articles_by_source",
        "articles",
        "Articles decided, by domain: one that made 1 % of the last 2,000 articles has a label of its own from then "
        "on, at most 100 in a process's life; the rest is other.",
        "source",
        "is_duplicate",
    ),
)

_PROGRESS: Final = (
    _gauge(
        "stream_consumer_lag_records",
        "records",
        "Records that the group has not finished, from the broker; each worker tells all partitions of its input "
        "topics: take max by (topic, partition).",
        "topic",
        "partition",
    ),
    _gauge(
        "stream_consumer_lag_seconds",
        "seconds",
        "Age of the oldest record that the group has not finished, 0 without one; each worker tells all partitions, "
        "as above.",
        "topic",
        "partition",
    ),
    _gauge(
        "stream_consumer_lag_checked_timestamp_seconds",
        "seconds",
        "When the broker last told the group's lag, since 1970; absent until it did.",
    ),
    _gauge(
        "stream_last_progress_timestamp_seconds",
        "seconds",
        "When a batch of an input partition of this worker was last finished, since 1970.",
        "topic",
        "partition",
    ),
    _gauge("stream_ready", "flag", "1 if partitions were assigned and their indexes are restored, as /readyz."),
)

_STATE: Final = (
    _gauge("stream_index_documents", "articles", "Articles recorded in a partition's index.", "partition"),
    _gauge("stream_index_size_bytes", "bytes", "Size of a partition's index.", "partition"),
    _gauge(
        "stream_index_memory_bytes",
        "bytes",
        "Memory of a partition's index: blocks read (cache), filters and block indexes (tables), what is not in a "
        "file yet (memtables).",
        "partition",
        "kind",
    ),
    _gauge(
        "stream_index_oldest_timestamp_seconds",
        "seconds",
        "Event time of about the oldest article still found, since 1970; absent until an article was recorded since "
        "the index was opened.",
        "partition",
    ),
    _gauge(
        "stream_restore_progress_ratio",
        "ratio",
        "How much of the changelog a partition's index has taken over, 1 when restored.",
        "partition",
    ),
    _gauge(
        "stream_restore_remaining_records",
        "records",
        "Changelog records that a partition's index has not read yet, 0 when restored.",
        "partition",
    ),
    _counter("stream_records_restored", "records", "Changelog records read by the indexes."),
    _gauge("stream_window_seconds", "seconds", "How far back duplicates are found (STREAM_WINDOW_DAYS)."),
    _gauge(
        "stream_changelog_retention_seconds",
        "seconds",
        "How long the changelog is kept, from the broker; +Inf for ever, absent where the worker may not ask.",
    ),
    _gauge("stream_data_dir_free_bytes", "bytes", "Space left for the index's folder; absent on memory://."),
    _gauge("stream_data_dir_total_bytes", "bytes", "Size of the disk that holds it; absent on memory://."),
)

_PROCESS: Final = (
    _gauge("stream_build_info", "info", "Version of the worker; always 1.", "version"),
    _theirs("process_cpu_seconds", "counter", "seconds", "User and system CPU time."),
    _theirs("process_resident_memory_bytes", "gauge", "bytes", "Memory in use."),
    _theirs("process_virtual_memory_bytes", "gauge", "bytes", "Address space in use."),
    _theirs("process_start_time_seconds", "gauge", "seconds", "When the process began, since 1970."),
    _theirs("process_open_fds", "gauge", "files", "Open files and sockets."),
    _theirs("process_max_fds", "gauge", "files", "Most that it may open."),
    _theirs("python_gc_collections", "counter", "collections", "Runs of the garbage collector.", "generation"),
    _theirs("python_gc_objects_collected", "counter", "objects", "Objects that it freed.", "generation"),
    _theirs("python_gc_objects_uncollectable", "counter", "objects", "Objects that it could not free.", "generation"),
    _theirs(
        "python_info",
        "gauge",
        "info",
        "Version of Python; always 1.",
        *("implementation", "major", "minor", "patchlevel", "version"),
    ),
)

#: The metrics by what they tell about, in the order of the document.
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

What a worker tells at `/metrics`. Times are seconds, sizes bytes. A series that is missing is not known; what has not
happened yet is 0. Sums over workers are right for all counters and histograms. `python -m scripts.generate_contracts` writes this
page from `src/stream/observability/metric_definitions.py`.

The number of series is bounded, whatever the events hold: labels take their values from the code and the settings
(`step`, `relation`, `code`, `topic`, `partition`), from a fixed list (`language`), or from a list that is full at 100
(`source`).
"""


def document() -> str:
    """The page docs/reference/metrics.md, Markdown."""
    return "\n".join([_INTRODUCTION, *(line for title, group in GROUPS.items() for line in _section(title, group))])


def _section(title: str, group: Iterable[Metric]) -> list[str]:
    head = [f"## {title}", "", "| metric | type | unit | labels | |", "|---|---|---|---|---|"]
    return [*head, *map(_row, group), ""]


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
    text = metric.help
    if metric.buckets:
        text += f" {len(metric.buckets)} buckets from {metric.buckets[0]:g} to {metric.buckets[-1]:g}."
    return f"| `{metric.series}` | {metric.type} | {metric.unit} | {labels} | {text} |"
