"""A histogram for what is observed many times for each article, where the library's costs more than what it measures.

prometheus-client locks and walks the buckets, 2 µs an observation; plain lists take a fifth of that. The thread that
observes is the one that is scraped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from stream.observability.metric_definitions import Metric


class FastHistogram(Collector):
    """A histogram with one label, as `metric` lists it; a collector for a registry."""

    def __init__(self, metric: Metric) -> None:
        self.metric: Final = metric
        # Label's value -> observations by bucket, the last without a bound; and their sum.
        self._tallies: dict[str, tuple[list[int], list[float]]] = {}

    def observer(self, value: str) -> Callable[[float], None]:
        """What counts an observation under the label's ``value``; keep it."""
        bounds = self.metric.buckets
        counts, total = self._tallies.setdefault(value, ([0] * (len(bounds) + 1), [0.0]))

        def observe(amount: float) -> None:
            counts[bisect_left(bounds, amount)] += 1
            total[0] += amount

        return observe

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The family with a series for each value that has an observer."""
        family = HistogramMetricFamily(self.metric.name, self.metric.help, labels=self.metric.labels)
        bounds = (*self.metric.buckets, float("inf"))
        names = [floatToGoString(bound) for bound in bounds]  # type: ignore[no-untyped-call] # the library's
        for value, (counts, total) in self._tallies.items():
            buckets = list(zip(names, map(float, accumulate(counts)), strict=True))
            family.add_metric([value], buckets, sum_value=total[0])
        yield family
