"""The catalogue lists what a worker exposes, in names that say what is measured in which unit."""

from __future__ import annotations

import re

import pytest
from prometheus_client import Gauge
from prometheus_client.metrics import MetricWrapperBase

from stream.observability.fast_histogram import FastHistogram
from stream.observability.metric_definitions import CATALOGUE, GROUPS, Metric, document
from stream.observability.metrics import Metrics

OURS = [metric for metric in CATALOGUE if metric.is_ours]
#: Units that a name does not end in.
COUNTED = {"records", "events", "articles", "takedowns", "info", "flag"}


def exposed() -> dict[str, Metric]:
    """What a worker exposes that knows everything, as the catalogue would list it."""
    metrics = Metrics()
    for gauge in vars(metrics).values():
        if isinstance(gauge, Gauge) and not gauge._labelnames and gauge is not metrics.ready:  # noqa: SLF001
            metrics.set_when_known(gauge, 1)
    return {
        family.name: Metric(family.name, family.type, "", (), family.documentation)  # type: ignore[arg-type]
        for family in metrics.registry.collect()
    }


def test_the_catalogue_lists_what_is_exposed_and_nothing_else() -> None:
    there = exposed()
    assert sorted(there) == sorted(metric.name for metric in CATALOGUE)
    for metric in CATALOGUE:
        assert there[metric.name].type == metric.type
        if metric.is_ours:
            assert there[metric.name].help == metric.help


def test_labels_are_those_that_the_catalogue_tells() -> None:
    metrics = Metrics()
    labels = {
        child._name: child._labelnames  # noqa: SLF001 - the only place where they stand
        for child in vars(metrics).values()
        if isinstance(child, MetricWrapperBase)
    }
    tallied = (child.metric for child in vars(metrics).values() if isinstance(child, FastHistogram))
    labels |= {metric.name: metric.labels for metric in tallied}
    assert labels == {metric.name: metric.labels for metric in OURS if metric.name != "stream_build_info"}


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_metric_says_what_it_is(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert not re.search(r"_(ms|millis|total|count|bucket|sum)$", metric.name)
    assert (metric.type == "histogram") == bool(metric.buckets)
    assert list(metric.buckets) == sorted(metric.buckets)
    assert metric.series.endswith("_total") == (metric.type == "counter")


@pytest.mark.parametrize("metric", OURS, ids=lambda metric: metric.name)
def test_the_unit_stands_at_the_end_of_a_name(metric: Metric) -> None:
    assert metric.name.startswith("stream_")
    if metric.unit not in COUNTED:
        assert metric.name.endswith(f"_{metric.unit}")


def test_the_page_has_a_line_for_each() -> None:
    page = document()
    for metric in CATALOGUE:
        assert page.count(f"\n| `{metric.series}` | {metric.type} | {metric.unit} |") == 1
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == list(GROUPS)
    assert page.endswith("|\n")
    assert not page.endswith("\n\n")
