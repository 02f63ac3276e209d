"""Metrics: names and units, labels with a bounded number of values, and what is counted."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from prometheus_client import generate_latest

from stream import __version__
from stream.errors import REJECTION_CODES
from stream.events import RELATIONS
from stream.metrics import Metrics
from stream.pipeline import TAKEDOWN_RESULTS, Outcome
from stream.records import Outgoing
from stream.settings import STEPS

#: What dashboards and alerts rely on.
NAMES = {
    "stream_batch_duration_seconds",
    "stream_batch_records",
    "stream_build_info",
    "stream_consumer_lag_records",
    "stream_delivery_duration_seconds",
    "stream_event_latency_seconds",
    "stream_events_decided",
    "stream_events_normalized",
    "stream_events_rejected",
    "stream_events_repeated",
    "stream_index_documents",
    "stream_index_size_bytes",
    "stream_last_progress_timestamp_seconds",
    "stream_records_consumed",
    "stream_records_published",
    "stream_records_restored",
    "stream_restore_progress_ratio",
    "stream_step_duration_seconds",
    "stream_takedowns",
}


@pytest.fixture
def metrics() -> Metrics:
    """Return metrics of their own."""
    return Metrics()


def value(metrics: Metrics, name: str, labels: Mapping[str, str] | None = None) -> float:
    """The value of one series, which must be there."""
    found = metrics.registry.get_sample_value(name, dict(labels or {}))
    assert found is not None, f"{name} {labels}"
    return found


def test_names_say_what_is_measured_in_which_unit(metrics: Metrics) -> None:
    ours = {metric.name: metric for metric in metrics.registry.collect() if metric.name.startswith("stream_")}
    assert ours.keys() == NAMES
    for name, metric in ours.items():
        assert metric.documentation.endswith(".")
        if metric.type == "histogram" and name != "stream_batch_records":
            assert name.endswith("_seconds")
        assert not re.search(r"_(ms|millis|total|count)$", name)


def test_the_process_is_measured_too(metrics: Metrics) -> None:
    text = generate_latest(metrics.registry).decode()
    assert "process_cpu_seconds_total" in text
    assert f'stream_build_info{{version="{__version__}"}} 1.0' in text
    assert "_created" not in text


def test_what_has_not_happened_yet_is_zero(metrics: Metrics) -> None:
    for relation in RELATIONS:
        assert value(metrics, "stream_events_decided_total", {"relation": relation}) == 0
    for result in TAKEDOWN_RESULTS:
        assert value(metrics, "stream_takedowns_total", {"result": result}) == 0
    for step in STEPS:
        assert value(metrics, "stream_records_consumed_total", {"step": step}) == 0
        for code in REJECTION_CODES:
            assert value(metrics, "stream_events_rejected_total", {"step": step, "code": code}) == 0


def test_outcomes_are_counted(metrics: Metrics) -> None:
    enriched = [Outgoing("enriched", b"k", b"v"), Outgoing("fingerprints", b"k", b"v")]
    metrics.count("normalize", [Outcome("normalized", [Outgoing("normalized", b"k", b"v")], time=1)], now_ms=2)
    metrics.count(
        "deduplicate",
        [
            Outcome("new", enriched, time=1_000),
            Outcome("copy", enriched, time=3_000),
            Outcome("copy", enriched, time=3_000, is_repeat=True),
            Outcome("rejected", [Outgoing("rejected", b"k", b"v")], code="event_id_reused"),
        ],
        now_ms=4_000,
    )
    assert value(metrics, "stream_events_normalized_total") == 1
    assert value(metrics, "stream_events_decided_total", {"relation": "new"}) == 1
    assert value(metrics, "stream_events_decided_total", {"relation": "copy"}) == 1
    assert value(metrics, "stream_events_repeated_total") == 1
    rejected = {"step": "deduplicate", "code": "event_id_reused"}
    assert value(metrics, "stream_events_rejected_total", rejected) == 1
    published = {
        topic: value(metrics, "stream_records_published_total", {"topic": topic}) for topic in ("enriched", "rejected")
    }
    assert published == {"enriched": 3, "rejected": 1}
    assert value(metrics, "stream_event_latency_seconds_count") == 2
    assert value(metrics, "stream_event_latency_seconds_sum") == 4


def test_takedowns_are_counted_apart_from_articles(metrics: Metrics) -> None:
    tombstones = [Outgoing("enriched", b"k", None), Outgoing("duplicates", b"k", None)]
    metrics.count(
        "deduplicate",
        [
            Outcome("withdrawn", tombstones, time=1_000),
            Outcome("nothing_withdrawn", [], time=1_000),
            Outcome("nothing_withdrawn", [], time=1_000),
            Outcome("withdrawn", tombstones, time=1_000, is_repeat=True),
        ],
        now_ms=4_000,
    )
    results = {
        result: value(metrics, "stream_takedowns_total", {"result": result})
        for result in ("withdrawn", "nothing_withdrawn")
    }
    assert results == {"withdrawn": 1, "nothing_withdrawn": 2}
    assert value(metrics, "stream_events_repeated_total") == 1
    assert value(metrics, "stream_records_published_total", {"topic": "enriched"}) == 2
    assert value(metrics, "stream_event_latency_seconds_count") == 0
    assert sum(value(metrics, "stream_events_decided_total", {"relation": name}) for name in RELATIONS) == 0


def test_an_event_from_the_future_has_no_latency(metrics: Metrics) -> None:
    metrics.count("deduplicate", [Outcome("new", [], time=9_000)], now_ms=4_000)
    assert value(metrics, "stream_event_latency_seconds_sum") == 0


def test_series_do_not_grow_with_the_events(metrics: Metrics) -> None:
    def series() -> int:
        return sum(len(metric.samples) for metric in metrics.registry.collect() if metric.name.startswith("stream_"))

    def count(number: int) -> None:
        outputs = [Outgoing("enriched", f"id-{number}".encode(), b"v", (("ce_id", b"%d" % number),))]
        outcomes = [Outcome(result, outputs, time=number) for result in (*RELATIONS, *TAKEDOWN_RESULTS)]
        metrics.count("deduplicate", outcomes, now_ms=number)

    count(0)
    before = series()
    for number in range(1, 200):
        count(number)
    assert series() == before


def test_a_wrapped_step_is_timed_and_gives_what_it_gave(metrics: Metrics) -> None:
    def add(one: int, *, other: int) -> int:
        """Add."""
        return one + other

    timed = metrics.wrap("add", add)
    assert timed(1, other=2) == 3
    assert timed.__doc__ == "Add."
    assert value(metrics, "stream_step_duration_seconds_count", {"step": "add"}) == 1


def test_a_step_that_raises_is_timed_too(metrics: Metrics) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        metrics.wrap("fail", fail)()
    assert value(metrics, "stream_step_duration_seconds_count", {"step": "fail"}) == 1


def test_what_was_given_away_is_no_longer_told(metrics: Metrics) -> None:
    metrics.lag_records.labels("raw", "0").set(5)
    metrics.progress_time.labels("raw", "0").set(5)
    metrics.index_documents.labels("0").set(5)
    metrics.forget_partition("raw", 0)
    metrics.forget_index(0)
    text = generate_latest(metrics.registry).decode()
    assert 'partition="0"' not in text
    # Giving away what was never measured is no fault.
    metrics.forget_partition("raw", 1)
    metrics.forget_index(1)


def test_two_workers_in_one_process_do_not_share_metrics(metrics: Metrics) -> None:
    Metrics().consumed.labels("normalize").inc()
    assert value(metrics, "stream_records_consumed_total", {"step": "normalize"}) == 0
