"""The fast histogram exposes the same as the one of prometheus-client."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from stream.observability.fast_histogram import FastHistogram
from stream.observability.metric_definitions import Metric

METRIC = Metric("stream_wait_seconds", "histogram", "seconds", ("step",), "Waits.", (2e-5, 0.25, 1, 60))

amounts = st.one_of(st.sampled_from([0.0, *METRIC.buckets, 1e9]), st.floats(0, 100))


def lines(registry: CollectorRegistry) -> list[str]:
    """The exposition, without the creation times that the library adds by default."""
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


@given(st.lists(st.tuples(st.sampled_from("ab"), amounts), max_size=30))
def test_observations_are_exposed_as_by_the_library(observations: list[tuple[str, float]]) -> None:
    fast_registry, reference_registry = CollectorRegistry(), CollectorRegistry()
    fast = FastHistogram(METRIC)
    fast_registry.register(fast)
    library = Histogram(METRIC.name, METRIC.help, METRIC.labels, buckets=METRIC.buckets, registry=reference_registry)
    for step, amount in observations:
        fast.observer(step)(amount)
        library.labels(step).observe(amount)
    assert lines(fast_registry) == lines(reference_registry)


def test_a_series_exists_from_its_first_observer() -> None:
    registry = CollectorRegistry()
    histogram = FastHistogram(METRIC)
    registry.register(histogram)
    assert registry.get_sample_value("stream_wait_seconds_count", {"step": "a"}) is None
    histogram.observer("a")
    assert registry.get_sample_value("stream_wait_seconds_count", {"step": "a"}) == 0
