"""What metrics cost: the core with and without them, in turns in one process, so that both meet the same machine."""

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

from benchmarks.corpus import repeated
from stream.core.contracts.records import OutputRecord
from stream.core.pipeline.offline import OfflineFlow
from stream.core.pipeline.outcome import Outcome
from stream.observability.metrics import Metrics
from stream.settings import DAY_MS

ARTICLES: Final = 20_000
#: Few enough that a machine that is busy with other things is so for both.
BATCH: Final = 100
CALLS: Final = 200_000
NOW: Final = "2026-01-01T00:00:00.000Z"
NOW_MS: Final = 1_767_225_600_000
#: What the first step tells of an article.
PASSED: Final = Outcome("normalized", [OutputRecord("articles.normalized", b"", b"")])


def run(corpus: Path, articles: int) -> None:
    """CPU time for each article without and with metrics, their ratio, and the time of one scrape."""
    metrics = Metrics()
    bare, told = OfflineFlow(window_ms=7 * DAY_MS), OfflineFlow(window_ms=7 * DAY_MS, wrap=metrics.wrap)
    spent: list[tuple[float, float]] = []
    counting: list[float] = []
    messages = repeated(corpus, min(articles, ARTICLES))
    gc.disable()  # a collection would count for whichever is in turn
    while batch := list(islice(messages, BATCH)):
        if len(spent) % 2:
            spent.append((_bare(bare, batch), _told(told, batch, metrics, counting)))
        else:
            seconds = _told(told, batch, metrics, counting)
            spent.append((_bare(bare, batch), seconds))
        gc.collect()
    gc.enable()
    _print(spent, metrics, counting)


def _counts(sample: Any) -> bool:
    return bool(sample.name.endswith("_count"))


def _nothing() -> None:
    pass


def _seconds_a_call(function: Callable[[], None]) -> float:
    return min(timeit.repeat(function, number=CALLS, repeat=5)) / CALLS


def _bare(flow: OfflineFlow, messages: Sequence[bytes]) -> float:
    begun = time.process_time()
    list(chain.from_iterable(flow.run(messages, now=NOW)))
    return time.process_time() - begun


def _told(flow: OfflineFlow, messages: Sequence[bytes], metrics: Metrics, counting: list[float]) -> float:
    begun = time.process_time()
    outcomes = list(chain.from_iterable(flow.run(messages, now=NOW)))
    decided = time.process_time()
    metrics.count("normalize", [PASSED] * len(outcomes), now_ms=NOW_MS)
    metrics.count("deduplicate", outcomes, now_ms=NOW_MS)
    ended = time.process_time()
    counting.append(ended - decided)
    return ended - begun


def _print(spent: Sequence[tuple[float, float]], metrics: Metrics, counting: Sequence[float]) -> None:
    bare, told = (sum(column) / len(spent) / BATCH * 1e6 for column in zip(*spent, strict=True))
    ratio = statistics.median(there / without for without, there in spent)
    print(f"core: {bare:.1f} us an article without metrics, {told:.1f} with: {told / bare:.3f}")
    print(f"  median of {len(spent)} batches: {ratio:.3f}")
    calls = sum(
        sample.value for family in metrics.step_seconds.collect() for sample in family.samples if _counts(sample)
    )
    articles = len(spent) * BATCH
    timed, plain = _seconds_a_call(Metrics().wrap("nothing", _nothing)), _seconds_a_call(_nothing)
    timing, counted = (timed - plain) * calls / articles * 1e6, statistics.median(counting) / BATCH * 1e6
    print(
        f"  by its parts: {timing:.1f} us for {calls / articles:.1f} timed calls, {counted:.1f} us of counting: "
        f"{1 + (timing + counted) / bare:.3f}"
    )
    begun = time.process_time()
    page = generate_latest(metrics.registry)
    print(f"one scrape: {(time.process_time() - begun) * 1e3:.1f} ms, {len(page) / 1024:.0f} KiB")
