"""Metrics: what is counted, and that label values are bounded."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from stream import __version__
from stream.core.contracts.events import NOTICES, RELATIONS, Notice
from stream.core.contracts.records import OutputRecord
from stream.core.index.records import Promotion
from stream.core.normalize import language
from stream.core.normalize.language import primary_language
from stream.core.normalize.language.scripts import SCRIPTS
from stream.core.pipeline.outcome import TAKEDOWN_RESULTS, ArticleInfo, Outcome
from stream.errors import REJECTION_CODES
from stream.observability.metrics import LANGUAGES, Metrics
from stream.observability.source_labels import LABELLED_SOURCES_MAX
from stream.settings import STAGES

START_MS = 1_767_225_600_000  # 2026-01-01


def about(
    domain: str | None = "paper.example",
    language: str = "ar",
    *,
    fetched_at: str | None = "2026-01-01T00:00:00.000Z",
    received_at: str | None = "2026-01-01T00:00:02.000Z",
    notice: Notice | None = None,
) -> ArticleInfo:
    """The facts about an article that are counted."""
    return ArticleInfo(language, domain, fetched_at, received_at, notice)


def decide(metrics: Metrics, *articles: ArticleInfo, relation: str = "new", now_ms: int = START_MS) -> None:
    """Count articles with a verdict."""
    metrics.count(
        "deduplicate", [Outcome(relation, [], event_time_ms=1, article=article) for article in articles], now_ms=now_ms
    )


def series(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """All series of one name: label values -> value."""
    return {
        tuple(sample.labels.values()): sample.value
        for metric in metrics.registry.collect()
        for sample in metric.samples
        if sample.name == name
    }


@pytest.fixture
def metrics() -> Metrics:
    """Return new metrics."""
    return Metrics()


def value(metrics: Metrics, name: str, labels: Mapping[str, str] | None = None) -> float:
    """The value of one series, which must exist."""
    sample = metrics.registry.get_sample_value(name, dict(labels or {}))
    assert sample is not None, f"{name} {labels}"
    return sample


def test_process_metrics_are_exposed(metrics: Metrics) -> None:
    text = generate_latest(metrics.registry).decode()
    assert "process_cpu_seconds_total" in text
    assert f'stream_build_info{{version="{__version__}"}} 1.0' in text
    assert "_created" not in text


def test_counters_start_at_zero(metrics: Metrics) -> None:
    for relation in RELATIONS:
        assert value(metrics, "stream_events_decided_total", {"relation": relation}) == 0
    for result in TAKEDOWN_RESULTS:
        assert value(metrics, "stream_takedowns_total", {"result": result}) == 0
    for result in ("published", "lost"):
        assert value(metrics, "stream_promotions_total", {"result": result}) == 0
    for step in STAGES:
        assert value(metrics, "stream_records_consumed_total", {"step": step}) == 0
        for code in REJECTION_CODES:
            assert value(metrics, "stream_events_rejected_total", {"step": step, "code": code}) == 0


def test_outcomes_are_counted(metrics: Metrics) -> None:
    enriched = [OutputRecord("enriched", b"k", b"v"), OutputRecord("fingerprints", b"k", b"v")]
    metrics.count(
        "normalize", [Outcome("normalized", [OutputRecord("normalized", b"k", b"v")], event_time_ms=1)], now_ms=2
    )
    metrics.count(
        "deduplicate",
        [
            Outcome("new", enriched, event_time_ms=1_000, article=about()),
            Outcome("copy", enriched, event_time_ms=3_000, article=about()),
            Outcome("copy", enriched, event_time_ms=3_000, is_repeat=True),
            Outcome("rejected", [OutputRecord("rejected", b"k", b"v")], code="event_id_reused"),
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
    assert series(metrics, "stream_articles_by_language_total") == {("ar",): 2}


def test_notices_are_counted_by_what_they_are_about(metrics: Metrics) -> None:
    decide(metrics, about(), about(notice="consent"), about(notice="repeated"), about(notice="consent"))
    counted = {notice: value(metrics, "stream_notices_total", {"notice": notice}) for notice in NOTICES}
    assert counted == {**dict.fromkeys(NOTICES, 0), "consent": 2, "repeated": 1}


def test_takedowns_are_not_counted_as_articles(metrics: Metrics) -> None:
    tombstones = [OutputRecord("enriched", b"k", None), OutputRecord("duplicates", b"k", None)]
    metrics.count(
        "deduplicate",
        [
            Outcome("withdrawn", tombstones, event_time_ms=1_000),
            Outcome("nothing_withdrawn", [], event_time_ms=1_000),
            Outcome("nothing_withdrawn", [], event_time_ms=1_000),
            Outcome("withdrawn", tombstones, event_time_ms=1_000, is_repeat=True),
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
    assert sum(series(metrics, "stream_event_latency_seconds_count").values()) == 0
    assert sum(value(metrics, "stream_events_decided_total", {"relation": name}) for name in RELATIONS) == 0


def test_promotions_are_counted_with_those_that_are_lost(metrics: Metrics) -> None:
    promotions = [
        Promotion.of_takedown("0" * 32, name, "c" * 32, offset=number, event_id=b"e", revision=1)
        for number, name in enumerate("abc")
    ]
    outcome = Outcome("withdrawn", [], promotions=promotions, lost_promotions=promotions[:1])
    metrics.count("deduplicate", [outcome, Outcome("withdrawn", [])], now_ms=4_000)
    counts = [value(metrics, "stream_promotions_total", {"result": result}) for result in ("published", "lost")]
    assert counts == [2, 1]


def test_latency_is_measured_since_the_fetch_and_since_the_raw_record(metrics: Metrics) -> None:
    decide(metrics, about(), about(fetched_at=None), about(received_at=None), now_ms=START_MS + 5_000)
    assert series(metrics, "stream_event_latency_seconds_count") == {("fetched_at",): 2, ("broker",): 2}
    assert series(metrics, "stream_event_latency_seconds_sum") == {("fetched_at",): 10, ("broker",): 6}


@pytest.mark.parametrize("moment", ["2027-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_the_latency_of_an_event_from_the_future_is_zero(metrics: Metrics, moment: str) -> None:
    decide(metrics, about(fetched_at=moment))
    assert value(metrics, "stream_event_latency_seconds_count", {"since": "fetched_at"}) == 1
    assert value(metrics, "stream_event_latency_seconds_sum", {"since": "fetched_at"}) == 0


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01T00:00:00.000Z", "\0", "0001-01-01T00:00:00.000+23:59"])
def test_an_invalid_time_has_no_latency(metrics: Metrics, moment: str) -> None:
    decide(metrics, about(fetched_at=moment))
    assert value(metrics, "stream_event_latency_seconds_count", {"since": "fetched_at"}) in {0, 1}
    assert value(metrics, "stream_event_latency_seconds_count", {"since": "broker"}) == 1


def test_latency_buckets_range_from_ten_milliseconds_to_a_day(metrics: Metrics) -> None:
    bounds = [float(bound) for _, bound in series(metrics, "stream_event_latency_seconds_bucket")]
    assert (min(bounds), sorted(set(bounds))[-2:]) == (0.01, [86_400, float("inf")])


@pytest.mark.parametrize(
    ("tag", "label"),
    [("ar", "ar"), ("sr-Latn", "sr"), ("zh", "zh"), ("und", "und"), ("tlh", "other"), ("", "other"), ("AR", "other")],
)
def test_a_language_counts_under_its_primary_subtag(metrics: Metrics, tag: str, label: str) -> None:
    decide(metrics, about(language=tag))
    assert series(metrics, "stream_articles_by_language_total") == {(label,): 1}


def test_every_detectable_language_has_a_label() -> None:
    detectable = {primary_language(tag) for script in SCRIPTS for tag in language.languages_of_script(script)}
    assert detectable - {None} <= LANGUAGES
    assert len(detectable) > 100
    assert language.UNDETERMINED in LANGUAGES


def test_the_copies_of_a_source_are_counted_separately(metrics: Metrics) -> None:
    decide(metrics, *[about()] * 30)
    decide(metrics, *[about()] * 10, relation="copy")
    counted = series(metrics, "stream_articles_by_source_total")
    assert counted[("paper.example", "true")] == 10
    assert counted[("paper.example", "false")] + counted[("other", "false")] == 30


def hostile(number: int) -> ArticleInfo:
    """Article facts that try to create a series for each article, or to break the exposition."""
    names = [
        f"n{number}.evil.example",
        f'"}} 1\nstream_ready{{x="{number}',
        f"a\0{number}.example",
        f"x{number}\n.example",
        f"{'a' * 300}{number}.example",
        f"\u202e{number}.example",
        f"\ud800{number}.example",
    ]
    return about(names[number % len(names)], f"x-{number}" if number % 2 else f"q{number}")


def test_the_number_of_series_does_not_grow_with_the_events(metrics: Metrics) -> None:
    def count(number: int) -> None:
        outputs = [OutputRecord("enriched", f"id-{number}".encode(), b"v", (("ce_id", b"%d" % number),))]
        results = (*RELATIONS, *TAKEDOWN_RESULTS)
        outcomes = [Outcome(result, outputs, event_time_ms=number, article=hostile(number)) for result in results]
        metrics.count("deduplicate", outcomes, now_ms=number)

    def total() -> int:
        return sum(len(metric.samples) for metric in metrics.registry.collect() if metric.name.startswith("stream_"))

    count(0)
    before = total()
    for number in range(1, 5000):
        count(number)
    assert total() == before
    page = generate_latest(metrics.registry).decode()
    assert "evil" not in page
    assert len(list(text_string_to_metric_families(page))) == len(list(metrics.registry.collect()))


def test_sources_that_flood_one_after_the_other_do_not_exceed_the_bound(metrics: Metrics) -> None:
    for number in range(2 * LABELLED_SOURCES_MAX):
        decide(metrics, *[about(f"flood{number}.example")] * 40)
    names = {source for source, _ in series(metrics, "stream_articles_by_source_total")}
    assert len(names) == LABELLED_SOURCES_MAX + 1
    page = generate_latest(metrics.registry).decode()
    assert len(page) < 500_000


def test_a_wrapped_step_is_timed_and_returns_its_result(metrics: Metrics) -> None:
    def add(a: int, *, b: int) -> int:
        """Add."""
        return a + b

    timed = metrics.wrap("add", add)
    assert timed(1, b=2) == 3
    assert timed.__doc__ == "Add."
    assert value(metrics, "stream_step_duration_seconds_count", {"step": "add"}) == 1


def test_a_step_that_raises_is_timed_too(metrics: Metrics) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        metrics.wrap("fail", fail)()
    assert value(metrics, "stream_step_duration_seconds_count", {"step": "fail"}) == 1


def test_the_series_of_a_lost_partition_are_removed(metrics: Metrics) -> None:
    metrics.progress_time.labels("raw", "0").set(5)
    metrics.index_memory.labels("0", "cache").set(5)
    for gauge in (metrics.index_documents, metrics.index_bytes, metrics.index_oldest):
        gauge.labels("0").set(5)
    for gauge in (metrics.restore_ratio, metrics.restore_remaining):
        gauge.labels("0").set(5)
    metrics.forget_partition("raw", 0)
    metrics.forget_index(0)
    text = generate_latest(metrics.registry).decode()
    assert 'partition="0"' not in text
    # Removing series that never existed is no error.
    metrics.forget_partition("raw", 1)
    metrics.forget_index(1)


def test_gauges_are_absent_until_their_value_is_known(metrics: Metrics) -> None:
    absent = {
        "stream_changelog_retention_seconds": metrics.changelog_retention,
        "stream_consumer_lag_checked_timestamp_seconds": metrics.lag_checked,
        "stream_data_dir_free_bytes": metrics.disk_free,
        "stream_data_dir_total_bytes": metrics.disk_total,
        "stream_window_seconds": metrics.window,
    }
    for name, gauge in absent.items():
        assert metrics.registry.get_sample_value(name) is None
        metrics.set_when_known(gauge, 5)
        metrics.set_when_known(gauge, 7)
        assert value(metrics, name) == 7


def test_two_workers_in_one_process_do_not_share_metrics(metrics: Metrics) -> None:
    Metrics().consumed.labels("normalize").inc()
    assert value(metrics, "stream_records_consumed_total", {"step": "normalize"}) == 0
