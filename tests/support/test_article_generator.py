"""The article generator: the kinds of articles, and garbage."""

from __future__ import annotations

from collections import Counter

from stream import system_clock
from stream.core.contracts.events import RELATIONS
from stream.core.pipeline.offline import OfflineFlow
from stream.core.pipeline.outcome import TAKEDOWN_RESULTS
from tests.e2e.faults.workload import Workload
from tests.support.article_generator import GARBAGE, ArticleGenerator, LiveFeed

DAY_MS = 86_400_000


def test_a_live_feed_has_every_kind_of_article_in_many_languages() -> None:
    feed = LiveFeed(seed=1)
    flow = OfflineFlow(window_ms=DAY_MS)
    results: Counter[str] = Counter()
    languages: set[str] = set()
    for (outcome,) in flow.run((feed.message().value for _ in range(350)), now=system_clock.now()):
        results[outcome.result] += 1
        languages |= {outcome.article.language} if outcome.article else set()
    assert results.keys() >= {*RELATIONS, TAKEDOWN_RESULTS[0]} - {"outdated"}  # its articles have no modified_at
    assert not outcome.code
    assert len(languages) > 8


def test_garbage_is_rejected_for_many_reasons() -> None:
    flow = OfflineFlow(window_ms=DAY_MS)
    codes = [outcome.code for (outcome,) in flow.run(GARBAGE, now=system_clock.now())]
    assert None not in codes
    assert len(set(codes)) == len(GARBAGE) - 2  # two are not JSON, and two are neither objects nor arrays of objects


def test_garbage_is_as_frequent_as_requested() -> None:
    feed = LiveFeed(seed=1, garbage_share=0.05)
    assert 60 < sum(feed.message().value in GARBAGE for _ in range(2000)) < 140


def test_a_seed_determines_the_articles() -> None:
    first, second = ArticleGenerator(3), ArticleGenerator(3)
    assert [first.article() for _ in range(100)] == [second.article() for _ in range(100)]


def test_a_seed_determines_the_messages_of_a_fault_run() -> None:
    first, second = (list(Workload(3, 100, end_ms=DAY_MS).messages()) for _ in range(2))
    assert first == second
