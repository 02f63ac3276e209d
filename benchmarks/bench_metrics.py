"""The cost of metrics: the core with and without them, alternating in one process, so that both meet the same load."""

from __future__ import annotations

import gc
import statistics
import time
import timeit
from collections.abc import Callable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from prometheus_client import generate_latest

from benchmarks.corpus import repeat_events
from stream.core.contracts.records import OutputRecord
from stream.core.pipeline.offline import OfflineFlow
from stream.core.pipeline.outcome import Outcome
from stream.observability.metrics import Metrics
from stream.settings import DAY_MS

ARTICLES: Final = 20_000
#: Articles in a batch: few, so that other load on the machine affects both variants.
BATCH: Final = 100
CALLS: Final = 200_000
NOW: Final = "2026-01-01T00:00:00.000Z"
NOW_MS: Final = 1_767_225_600_000
#: The outcome of the normalize step.
NORMALIZED: Final = Outcome("normalized", [OutputRecord("articles.normalized", b"", b"")])


def run(corpus: Path, articles: int) -> None:
    """Print CPU time per article without and with metrics, their ratio, and the time of one scrape."""
    metrics = Metrics()
    plain, measured = OfflineFlow(window_ms=7 * DAY_MS), OfflineFlow(window_ms=7 * DAY_MS, wrap=metrics.wrap)
    batches: list[tuple[float, float]] = []
    counting: list[float] = []
    messages = repeat_events(corpus, min(articles, ARTICLES))
    gc.disable()  # a collection would count for the variant that runs
    while batch := list(islice(messages, BATCH)):
        if len(batches) % 2:
            batches.append((_run_without(plain, batch), _run_with(measured, batch, metrics, counting)))
        else:
            seconds = _run_with(measured, batch, metrics, counting)
            batches.append((_run_without(plain, batch), seconds))
        gc.collect()
    gc.enable()
    _print(batches, metrics, counting)


def _counts(sample: Any) -> bool:
    return bool(sample.name.endswith("_count"))


def _do_nothing() -> None:
    pass


def _seconds_per_call(function: Callable[[], None]) -> float:
    return min(timeit.repeat(function, number=CALLS, repeat=5)) / CALLS


def _run_without(flow: OfflineFlow, messages: Sequence[bytes]) -> float:
    start = time.process_time()
    list(chain.from_iterable(flow.run(messages, now=NOW)))
    return time.process_time() - start


def _run_with(flow: OfflineFlow, messages: Sequence[bytes], metrics: Metrics, counting: list[float]) -> float:
    start = time.process_time()
    outcomes = list(chain.from_iterable(flow.run(messages, now=NOW)))
    counting_start = time.process_time()
    metrics.count("normalize", [NORMALIZED] * len(outcomes), now_ms=NOW_MS)
    metrics.count("deduplicate", outcomes, now_ms=NOW_MS)
    end = time.process_time()
    counting.append(end - counting_start)
    return end - start


def _print(batches: Sequence[tuple[float, float]], metrics: Metrics, counting: Sequence[float]) -> None:
    without, measured = (sum(column) / len(batches) / BATCH * 1e6 for column in zip(*batches, strict=True))
    ratio = statistics.median(batch_with / batch_without for batch_without, batch_with in batches)
    print(f"core: {without:.1f} us an article without metrics, {measured:.1f} with: {measured / without:.3f}")
    print(f"  median of {len(batches)} batches: {ratio:.3f}")
    calls = sum(
        sample.value for family in metrics.step_seconds.collect() for sample in family.samples if _counts(sample)
    )
    articles = len(batches) * BATCH
    timed, plain = _seconds_per_call(Metrics().wrap("nothing", _do_nothing)), _seconds_per_call(_do_nothing)
    timing, counted = (timed - plain) * calls / articles * 1e6, statistics.median(counting) / BATCH * 1e6
    print(
        f"  by its parts: {timing:.1f} us for {calls / articles:.1f} timed calls, {counted:.1f} us of counting: "
        f"{1 + (timing + counted) / without:.3f}"
    )
    start = time.process_time()
    page = generate_latest(metrics.registry)
    print(f"one scrape: {(time.process_time() - start) * 1e3:.1f} ms, {len(page) / 1024:.0f} KiB")
