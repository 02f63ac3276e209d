"""The flow dashboard: progress, lag, latency, errors and workers."""

from __future__ import annotations

from typing import Final

from boards.panels import BLUE, GREEN, GREY, PER_SECOND, RED, YELLOW, Panel, Rows, lines, single_value, timeline

ABOUT: Final = "For whoever is on call: consumer lag, rates, latency, errors, workers."
_LAG_STEPS: Final = ((0, GREEN), (300, YELLOW), (900, RED))
_LAG_THRESHOLDS: Final = ((300, YELLOW), (900, RED))
_REJECTED: Final = "sum(rate(stream_events_rejected_total{}[$__rate_interval]))"
_ARRIVED: Final = f"({_REJECTED} + sum(rate(stream_events_normalized_total{{}}[$__rate_interval])))"


def rows() -> Rows:
    """The panels, by row."""
    return [
        ("", [*_summary(), *_lag_and_rates()]),
        ("Durations", _durations()),
        ("Errors", _errors()),
        ("Workers", _workers()),
    ]


def quantile(level: float, histogram: str, labels: str = "", selector: str = "{}") -> str:
    """The query for a histogram's quantile, 0 to 1, by ``labels``."""
    by = f"le, {labels}" if labels else "le"
    return f"histogram_quantile({level}, sum by ({by}) (rate({histogram}_bucket{selector}[$__rate_interval])))"


def _summary() -> list[Panel]:
    return [
        single_value(
            "Workers up",
            "none",
            "Workers whose /metrics page answers.",
            ("sum(up{})", "up"),
            steps=((0, RED), (1, GREEN)),
            runbook="workerdown",
        ),
        single_value(
            "Workers ready",
            "none",
            "Workers that have been assigned partitions and have restored their indexes (/readyz).",
            ("sum(stream_ready{})", "ready"),
            steps=((0, RED), (1, GREEN)),
            runbook="workernotready",
        ),
        single_value(
            "Lag",
            "s",
            "Age of the oldest unprocessed record in any partition. 0: no record is waiting.",
            ("max(stream_consumer_lag_seconds{})", "oldest"),
            steps=_LAG_STEPS,
            runbook="consumerlaghigh",
        ),
        single_value(
            "Lag in records",
            "short",
            "Unprocessed records in all input partitions.",
            ("sum(max by (topic, partition) (stream_consumer_lag_records{}))", "records"),
            runbook="consumerlaghigh",
        ),
        single_value(
            "Articles in",
            PER_SECOND,
            "Records per second that the normalize step consumes from the raw topic.",
            ('sum(rate(stream_records_consumed_total{step="normalize"}[$__rate_interval]))', "in"),
            runbook="nothingconsumed",
        ),
        single_value(
            "Articles decided",
            PER_SECOND,
            "Articles per second whose verdict was published.",
            ("sum(rate(stream_events_decided_total{}[$__rate_interval]))", "decided"),
        ),
        single_value(
            "Rejected",
            "percentunit",
            "Share of dead letters among incoming records. The alert also compares it with the day before.",
            (f"{_REJECTED} / {_ARRIVED}", "rejected"),
            steps=((0, GREEN), (0.01, YELLOW), (0.02, RED)),
            decimals=2,
            runbook="rejectshigh",
        ),
        single_value(
            "Latency (p95)",
            "s",
            "Time from the raw record's timestamp to the published verdict: 95 % of articles take no longer.",
            (quantile(0.95, "stream_event_latency_seconds", selector='{since="broker"}'), "p95"),
            steps=((0, GREEN), (60, YELLOW), (300, RED)),
            runbook="latencyhigh",
        ),
    ]


def _lag_and_rates() -> list[Panel]:
    return [
        lines(
            "Lag in seconds by partition",
            "s",
            "Age of the oldest unprocessed record of each partition, according to the broker. If a line climbs by one "
            "second per second, that partition makes no progress.",
            ("max by (topic, partition) (stream_consumer_lag_seconds{})", "{{topic}}/{{partition}}"),
            thresholds=_LAG_THRESHOLDS,
            runbook="consumerlaghigh",
        ),
        lines(
            "Lag in records by partition",
            "short",
            "Unprocessed records of each partition, and in total.",
            ("max by (topic, partition) (stream_consumer_lag_records{})", "{{topic}}/{{partition}}"),
            ("sum(max by (topic, partition) (stream_consumer_lag_records{}))", "total"),
            runbook="consumerlaggrowing",
        ),
        lines(
            "Records consumed by step",
            PER_SECOND,
            "Records per second that each step consumes from its input topic.",
            ("sum by (step) (rate(stream_records_consumed_total{}[$__rate_interval]))", "{{step}}"),
            runbook="noprogress",
        ),
        lines(
            "Records published by topic",
            PER_SECOND,
            "Records per second published to each output topic. Changelog and clusters get one per article.",
            ("sum by (topic) (rate(stream_records_published_total{}[$__rate_interval]))", "{{topic}}"),
        ),
        lines(
            "Time since last progress",
            "s",
            "Time since the last finished batch of each partition. It also climbs when nothing arrives: check the lag.",
            (
                "time() - max by (topic, partition) (stream_last_progress_timestamp_seconds{})",
                "{{topic}}/{{partition}}",
            ),
            runbook="noprogress",
        ),
        lines(
            "Latency",
            "s",
            "Time from the raw record's timestamp to the published verdict.",
            *(
                (quantile(level, "stream_event_latency_seconds", selector='{since="broker"}'), name)
                for level, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ),
            thresholds=((300, RED),),
            runbook="latencyhigh",
        ),
    ]


def _durations() -> list[Panel]:
    return [
        lines(
            "Latency since fetch",
            "s",
            "Time from the event's fetched_at to the published verdict, which includes the time in the scraper. Old "
            "articles that are sent for the first time raise this latency only.",
            *(
                (quantile(level, "stream_event_latency_seconds", selector='{since="fetched_at"}'), name)
                for level, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ),
            runbook="latencyhigh",
        ),
        lines(
            "Batch duration",
            "s",
            "Time from the arrival of a batch until it is finished: steps, delivery and index.",
            (quantile(0.95, "stream_batch_duration_seconds", "step"), "{{step}}, p95"),
            runbook="consumerlaggrowing",
        ),
        lines(
            "Delivery duration",
            "s",
            "Time until the broker has stored all outputs of a batch. Above one second, check the broker. At 60 s the "
            "worker exits.",
            (quantile(0.95, "stream_delivery_duration_seconds", "step"), "{{step}}, p95"),
            thresholds=((1, YELLOW), (60, RED)),
            runbook="brokernotanswering",
        ),
        lines(
            "Mean step duration",
            "s",
            "Mean duration of one call of each processing step: where the time goes.",
            (
                (
                    "sum by (step) (rate(stream_step_duration_seconds_sum{}[$__rate_interval]))"
                    " / sum by (step) (rate(stream_step_duration_seconds_count{}[$__rate_interval]))"
                ),
                "{{step}}",
            ),
            runbook="consumerlaggrowing",
        ),
        lines(
            "Step duration (p99)",
            "s",
            "The slowest 1 % of calls. An HTML page that is built to be slow takes up to a second.",
            (quantile(0.99, "stream_step_duration_seconds", "step"), "{{step}}, p99"),
            runbook="consumerlaggrowing",
        ),
        lines(
            "Batch size",
            "short",
            "Records in a batch, mean and p95. Batches grow with the lag, up to STREAM_BATCH_RECORDS.",
            (
                (
                    "sum by (step) (rate(stream_batch_records_sum{}[$__rate_interval]))"
                    " / sum by (step) (rate(stream_batch_records_count{}[$__rate_interval]))"
                ),
                "{{step}}, mean",
            ),
            (quantile(0.95, "stream_batch_records", "step"), "{{step}}, p95"),
        ),
    ]


def _errors() -> list[Panel]:
    return [
        lines(
            "Rejected by step",
            PER_SECOND,
            "Dead letters per second. `stream deadletters list --summary` shows the reasons.",
            ("sum by (step) (rate(stream_events_rejected_total{}[$__rate_interval]))", "{{step}}"),
            bars=True,
            runbook="rejectshigh",
        ),
        lines(
            "Rejected share",
            "percentunit",
            "Share of dead letters among incoming records; the dashed line is the threshold of the alert.",
            (f"{_REJECTED} / {_ARRIVED}", "rejected"),
            thresholds=((0.02, RED),),
            runbook="rejectshigh",
        ),
        lines(
            "Repeated deliveries",
            PER_SECOND,
            "Events that already had a verdict: redelivered after a crash or rebalance, sent again by a producer, or "
            "requeued twice. They are harmless; many over a long time mean that a worker restarts in a loop.",
            ("sum(rate(stream_events_repeated_total{}[$__rate_interval]))", "repeated"),
            bars=True,
            runbook="workerrestarting",
        ),
    ]


def _workers() -> list[Panel]:
    return [
        timeline(
            "Worker state",
            "Down: /metrics does not answer. Not ready: waiting for the broker or partitions, or restoring an index.",
            (
                "sum by (instance) (up{}) + (sum by (instance) (stream_ready{}) or sum by (instance) (up{}) * 0)",
                "{{instance}}",
            ),
            words={"0": ("down", RED), "1": ("not ready", YELLOW), "2": ("ready", GREEN)},
            runbook="workernotready",
        ),
        timeline(
            "Partition assignment",
            "One row for each partition of each worker. Gaps are rebalances; a partition without a bar has no worker.",
            (
                "count by (topic, partition, instance) (stream_last_progress_timestamp_seconds{})",
                "{{topic}}/{{partition}} {{instance}}",
            ),
            words={"1": ("assigned", BLUE), "0": ("none", GREY)},
            runbook="noprogress",
        ),
        lines(
            "Partitions per worker",
            "short",
            "How partitions are distributed. If one worker has all of them, the others are not in the group.",
            ("count by (instance, topic) (stream_last_progress_timestamp_seconds{})", "{{instance}} {{topic}}"),
            stacked=True,
            runbook="workerdown",
        ),
        lines(
            "Age of the lag measurement",
            "s",
            "Time since each worker last measured the lag. Alerts ignore measurements older than five minutes.",
            ("time() - max by (instance) (stream_consumer_lag_checked_timestamp_seconds{})", "{{instance}}"),
            thresholds=((300, RED),),
            runbook="brokernotanswering",
        ),
        lines(
            "Worker starts",
            "short",
            "Starts of each worker in the last 30 minutes.",
            ("changes(process_start_time_seconds{}[30m])", "{{instance}}"),
            thresholds=((3, RED),),
            runbook="workerrestarting",
        ),
    ]
