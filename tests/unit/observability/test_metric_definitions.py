"""The catalogue matches what a worker exposes; names say what is measured in which unit."""

from __future__ import annotations

import re

import pytest
from prometheus_client import Gauge
from prometheus_client.metrics import MetricWrapperBase

from stream.observability.fast_histogram import FastHistogram
from stream.observability.metric_definitions import CATALOGUE, GROUPS, Metric, document
from stream.observability.metrics import Metrics

OURS = [metric for metric in CATALOGUE if metric.is_ours]
#: Units that are not the suffix of a name.
COUNTED = {"records", "events", "articles", "takedowns", "info", "flag"}


def exposed_metrics() -> dict[str, Metric]:
    """What a worker exposes once all values are known, in the form of the catalogue."""
    metrics = Metrics()
    for gauge in vars(metrics).values():
        if isinstance(gauge, Gauge) and not gauge._labelnames and gauge is not metrics.ready:  # noqa: SLF001
            metrics.set_when_known(gauge, 1)
    return {
        family.name: Metric(family.name, family.type, "", (), family.documentation)  # type: ignore[arg-type]
        for family in metrics.registry.collect()
    }


def test_the_catalogue_lists_exactly_what_is_exposed() -> None:
    actual = exposed_metrics()
    assert sorted(actual) == sorted(metric.name for metric in CATALOGUE)
    for metric in CATALOGUE:
        assert actual[metric.name].type == metric.type
        if metric.is_ours:
            assert actual[metric.name].help == metric.help


def test_labels_are_those_of_the_catalogue() -> None:
    metrics = Metrics()
    labels = {
        child._name: child._labelnames  # noqa: SLF001 - prometheus-client has no public name for it
        for child in vars(metrics).values()
        if isinstance(child, MetricWrapperBase)
    }
    fast = (child.metric for child in vars(metrics).values() if isinstance(child, FastHistogram))
    labels |= {metric.name: metric.labels for metric in fast}
    assert labels == {metric.name: metric.labels for metric in OURS if metric.name != "stream_build_info"}


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_each_definition_is_consistent(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert not re.search(r"_(ms|millis|total|count|bucket|sum)$", metric.name)
    assert (metric.type == "histogram") == bool(metric.buckets)
    assert list(metric.buckets) == sorted(metric.buckets)
    assert metric.series.endswith("_total") == (metric.type == "counter")


@pytest.mark.parametrize("metric", OURS, ids=lambda metric: metric.name)
def test_a_name_ends_with_its_unit(metric: Metric) -> None:
    assert metric.name.startswith("stream_")
    if metric.unit not in COUNTED:
        assert metric.name.endswith(f"_{metric.unit}")


def test_the_page_has_a_row_for_each_metric() -> None:
    page = document()
    for metric in CATALOGUE:
        assert page.count(f"\n| `{metric.series}` | {metric.type} | {metric.unit} |") == 1
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == list(GROUPS)
    assert page.endswith("|\n")
    assert not page.endswith("\n\n")
