"""The histogram of plain lists tells what prometheus-client's would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from stream.observability.fast_histogram import FastHistogram
from stream.observability.metric_definitions import Metric

METRIC = Metric("stream_wait_seconds", "histogram", "seconds", ("step",), "Waits.", (2e-5, 0.25, 1, 60))

amounts = st.one_of(st.sampled_from([0.0, *METRIC.buckets, 1e9]), st.floats(0, 100))


def lines(registry: CollectorRegistry) -> list[str]:
    """The page, without the times at which series began, which the library tells unless it is told not to."""
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


@given(st.lists(st.tuples(st.sampled_from("ab"), amounts), max_size=30))
def test_it_is_exposed_as_the_library_exposes_the_same_observations(observations: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tallied = FastHistogram(METRIC)
    ours.register(tallied)
    known = Histogram(METRIC.name, METRIC.help, METRIC.labels, buckets=METRIC.buckets, registry=theirs)
    for step, amount in observations:
        tallied.observer(step)(amount)
        known.labels(step).observe(amount)
    assert lines(ours) == lines(theirs)


def test_a_series_begins_with_its_observer() -> None:
    registry = CollectorRegistry()
    tallied = FastHistogram(METRIC)
    registry.register(tallied)
    assert registry.get_sample_value("stream_wait_seconds_count", {"step": "a"}) is None
    tallied.observer("a")
    assert registry.get_sample_value("stream_wait_seconds_count", {"step": "a"}) == 0
