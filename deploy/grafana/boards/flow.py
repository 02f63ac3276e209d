"""Flow: does it move, how far behind is it, how long does it take, what fails?"""

from __future__ import annotations

from typing import Final

from boards.panels import BLUE, GREEN, GREY, RED, YELLOW, Panel, Rows, figure, lines, timeline

ABOUT: Final = "For who is on call: consumer lag, rates, latency, errors, workers."
_LAG_STEPS: Final = ((0, GREEN), (300, YELLOW), (900, RED))
_LAG_LIMITS: Final = ((300, YELLOW), (900, RED))
_REJECTED: Final = "sum(rate(stream_events_rejected_total{}[$__rate_interval]))"
_OFFERED: Final = f"({_REJECTED} + sum(rate(stream_events_normalized_total{{}}[$__rate_interval])))"


def rows() -> Rows:
    """The panels, by row."""
    return [("", [*_first(), *_main()]), ("Time it takes", _times()), ("Errors", _errors()), ("Workers", _workers())]


def quantile(share: float, histogram: str, labels: str = "", selector: str = "{}") -> str:
    """The value that ``share`` of a histogram's observations do not exceed, by ``labels``."""
    by = f"le, {labels}" if labels else "le"
    return f"histogram_quantile({share}, sum by ({by}) (rate({histogram}_bucket{selector}[$__rate_interval])))"


def _first() -> list[Panel]:
    return [
        figure(
            "Workers up",
            "none",
            "Workers whose /metrics answers. Red: none.",
            ("sum(up{})", "up"),
            steps=((0, RED), (1, GREEN)),
            runbook="workerdown",
        ),
        figure(
            "Workers ready",
            "none",
            "Workers that have partitions and restored indexes (/readyz).",
            ("sum(stream_ready{})", "ready"),
            steps=((0, RED), (1, GREEN)),
            runbook="workernotready",
        ),
        figure(
            "Lag",
            "s",
            "Age of the oldest record that is not finished, over all partitions of the group. 0: nothing waits.",
            ("max(stream_consumer_lag_seconds{})", "oldest"),
            steps=_LAG_STEPS,
            runbook="consumerlaghigh",
        ),
        figure(
            "Records behind",
            "short",
            "Records of all input partitions that are not finished.",
            ("sum(max by (topic, partition) (stream_consumer_lag_records{}))", "records"),
            runbook="consumerlaghigh",
        ),
        figure(
            "Articles in",
            "cps",
            "Records that the normalize step takes from the raw topic, a second.",
            ('sum(rate(stream_records_consumed_total{step="normalize"}[$__rate_interval]))', "in"),
            runbook="nothingconsumed",
        ),
        figure(
            "Decided",
            "cps",
            "Articles whose verdict was stored, a second.",
            ("sum(rate(stream_events_decided_total{}[$__rate_interval]))", "decided"),
        ),
        figure(
            "Rejected",
            "percentunit",
            "Dead letters among what arrived. The alert compares with the day before too.",
            (f"{_REJECTED} / {_OFFERED}", "rejected"),
            steps=((0, GREEN), (0.01, YELLOW), (0.02, RED)),
            decimals=2,
            runbook="rejectshigh",
        ),
        figure(
            "Latency, p95",
            "s",
            "From the raw record's timestamp until the verdict was stored, 95 of 100 articles.",
            (quantile(0.95, "stream_event_latency_seconds", selector='{since="broker"}'), "p95"),
            steps=((0, GREEN), (60, YELLOW), (300, RED)),
            runbook="latencyhigh",
        ),
    ]


def _main() -> list[Panel]:
    return [
        lines(
            "Lag in seconds",
            "s",
            "Age of the oldest record that is not finished, of each partition, as the broker tells it. A line that "
            "climbs one second a second: nothing of that partition is finished.",
            ("max by (topic, partition) (stream_consumer_lag_seconds{})", "{{topic}}/{{partition}}"),
            limits=_LAG_LIMITS,
            runbook="consumerlaghigh",
        ),
        lines(
            "Lag in records",
            "short",
            "Records that are not finished, of each partition of the whole group, and in all.",
            ("max by (topic, partition) (stream_consumer_lag_records{})", "{{topic}}/{{partition}}"),
            ("sum(max by (topic, partition) (stream_consumer_lag_records{}))", "total"),
            runbook="consumerlaggrowing",
        ),
        lines(
            "Records in by step",
            "cps",
            "Records taken from each step's input topic, a second.",
            ("sum by (step) (rate(stream_records_consumed_total{}[$__rate_interval]))", "{{step}}"),
            runbook="noprogress",
        ),
        lines(
            "Records out by topic",
            "cps",
            "Records stored in each output topic, a second. The changelog and the clusters get one an article.",
            ("sum by (topic) (rate(stream_records_published_total{}[$__rate_interval]))", "{{topic}}"),
        ),
        lines(
            "Time since last progress",
            "s",
            "Since a batch of a partition was last finished. It climbs where nothing arrives, too: look at the lag.",
            (
                "time() - max by (topic, partition) (stream_last_progress_timestamp_seconds{})",
                "{{topic}}/{{partition}}",
            ),
            runbook="noprogress",
        ),
        lines(
            "Latency",
            "s",
            "From the raw record's timestamp until the verdict was stored.",
            *(
                (quantile(share, "stream_event_latency_seconds", selector='{since="broker"}'), name)
                for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ),
            limits=((300, RED),),
            runbook="latencyhigh",
        ),
    ]


def _times() -> list[Panel]:
    return [
        lines(
            "Latency since fetched",
            "s",
            "From the event's fetched_at until the verdict was stored: with the time that the scraper took. Old "
            "articles that are sent for the first time show here and not in the panel above.",
            *(
                (quantile(share, "stream_event_latency_seconds", selector='{since="fetched_at"}'), name)
                for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ),
            runbook="latencyhigh",
        ),
        lines(
            "Batch",
            "s",
            "From a batch's arrival until it is finished: steps, delivery, index.",
            (quantile(0.95, "stream_batch_duration_seconds", "step"), "{{step}}, p95"),
            runbook="consumerlaggrowing",
        ),
        lines(
            "Delivery",
            "s",
            "Until the broker has stored all outputs of a batch. Above a second: look at the broker. At 60 s the "
            "worker ends.",
            (quantile(0.95, "stream_delivery_duration_seconds", "step"), "{{step}}, p95"),
            limits=((1, YELLOW), (60, RED)),
            runbook="brokernotanswering",
        ),
        lines(
            "Step of the core",
            "s",
            "One call of one step: where the time of an article goes.",
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
            "Slow steps of the core",
            "s",
            "The slow ones. A page that was made to be slow takes up to a second.",
            (quantile(0.99, "stream_step_duration_seconds", "step"), "{{step}}, p99"),
            runbook="consumerlaggrowing",
        ),
        lines(
            "Records in a batch",
            "short",
            "Mean and p95. Batches grow with the lag, up to STREAM_BATCH_RECORDS.",
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
            "cps",
            "Dead letters a second. `stream deadletters list --summary` tells what they were.",
            ("sum by (step) (rate(stream_events_rejected_total{}[$__rate_interval]))", "{{step}}"),
            bars=True,
            runbook="rejectshigh",
        ),
        lines(
            "Rejected share",
            "percentunit",
            "Dead letters among what arrived; the dashed line is where the alert begins.",
            (f"{_REJECTED} / {_OFFERED}", "rejected"),
            limits=((0.02, RED),),
            runbook="rejectshigh",
        ),
        lines(
            "Repeated deliveries",
            "cps",
            "Events that were decided before and came again: after a crash or rebalance, from a producer that retries, "
            "or put back twice. Harmless; many for long: a worker that restarts in a loop.",
            ("sum(rate(stream_events_repeated_total{}[$__rate_interval]))", "repeated"),
            bars=True,
            runbook="workerrestarting",
        ),
    ]


def _workers() -> list[Panel]:
    return [
        timeline(
            "Worker state",
            "Down: /metrics does not answer. Not ready: waits for the broker, for partitions, or restores an index.",
            (
                "sum by (instance) (up{}) + (sum by (instance) (stream_ready{}) or sum by (instance) (up{}) * 0)",
                "{{instance}}",
            ),
            words={"0": ("down", RED), "1": ("not ready", YELLOW), "2": ("ready", GREEN)},
            runbook="workernotready",
        ),
        timeline(
            "Partitions and who has them",
            "A bar for each partition that a worker has. Gaps are rebalances; a partition without a bar has no worker.",
            (
                "count by (topic, partition, instance) (stream_last_progress_timestamp_seconds{})",
                "{{topic}}/{{partition}} {{instance}}",
            ),
            words={"1": ("assigned", BLUE), "0": ("none", GREY)},
            runbook="noprogress",
        ),
        lines(
            "Partitions of each worker",
            "short",
            "How the work is shared. One worker with all of them: the others are not in the group.",
            ("count by (instance, topic) (stream_last_progress_timestamp_seconds{})", "{{instance}} {{topic}}"),
            stacked=True,
            runbook="workerdown",
        ),
        lines(
            "Age of the lag",
            "s",
            "Since the broker last told where the group is. What is older than five minutes, no alert relies on.",
            ("time() - max by (instance) (stream_consumer_lag_checked_timestamp_seconds{})", "{{instance}}"),
            limits=((300, RED),),
            runbook="brokernotanswering",
        ),
        lines(
            "Worker started",
            "short",
            "Starts of each worker in the last half hour.",
            ("changes(process_start_time_seconds{}[30m])", "{{instance}}"),
            limits=((3, RED),),
            runbook="workerrestarting",
        ),
    ]
